"""Plain networks (width, depth, DAE or VAE) as curves and as points: their order, looks, legend, and the capacity axis.

As in `style`: the colour is the width, DAEs are dotted and open, VAEs solid and filled. Curves of different networks
cross, so each network has a marker of its own; a point's place on the capacity axis tells its width, so there the
marker tells the depth.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from aesweep.analysis.data.trials import MODEL_NAMES, Curve, depth_order
from aesweep.analysis.figures.style import GREY, LINE_STYLES, MARKERS, colours, look

MOST_CURVES, FEW_WIDTHS = 16, 6
"""A reader can distinguish this many curves. Where there are more, only this many widths are drawn."""
Item = TypeVar("Item")
_INK = "#222222"


class PlainNetwork(NamedTuple):
    """A network of which nothing is varied but width and depth."""

    filters: int
    depth: str
    model: str

    @property
    def columns(self) -> dict[str, object]:
        """What picks its trials: `results.of(**network.columns)`."""
        return self._asdict() | {"network": ""}

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Its trials among these plain ones."""
        return rows[(rows["filters"] == self.filters) & (rows["depth"] == self.depth) & (rows["model"] == self.model)]

    @property
    def label(self) -> str:
        """Such as `DAE, 64 filters, depth 3`."""
        return Curve(self.model, self.filters, self.depth, "").label


def plain_networks(rows: pd.DataFrame) -> list[PlainNetwork]:
    """The networks of these trials with nothing else varied: narrow before wide, shallow before deep, DAE before VAE."""
    plain = rows.loc[rows["network"] == "", ["filters", "depth", "model"]].drop_duplicates()
    found = [PlainNetwork(int(filters), str(depth), str(model)) for filters, depth, model in plain.to_numpy()]
    return sorted(found, key=lambda network: (network.filters, depth_order(network.depth), network.model))


def few(networks: list[PlainNetwork]) -> list[PlainNetwork]:
    """All networks if a reader can distinguish so many, otherwise those of depth 1 and of a few widths."""
    if len(networks) <= MOST_CURVES:
        return networks
    shallow = [network for network in networks if network.depth == "1"] or networks
    widths = spread(sorted({network.filters for network in shallow}), FEW_WIDTHS)
    return [network for network in shallow if network.filters in widths][:MOST_CURVES]


def curve_looks(networks: Sequence[PlainNetwork]) -> dict[PlainNetwork, dict[str, Any]]:
    """`Line2D` arguments: DAE and VAE of one width and depth share colour and marker."""
    palette = colours(network.filters for network in networks)
    shared = list(dict.fromkeys((network.filters, network.depth) for network in networks))
    markers = {network: MARKERS[i % len(MARKERS)] for i, network in enumerate(shared)}
    return {n: _look(n.model, palette[n.filters], markers[n.filters, n.depth], line=True) for n in networks}


def point_looks(networks: Sequence[PlainNetwork]) -> dict[PlainNetwork, dict[str, Any]]:
    """`Line2D` arguments of single points: the marker is the depth."""
    palette, markers = colours(network.filters for network in networks), _depth_markers(networks)
    return {n: _look(n.model, palette[n.filters], markers[n.depth], line=False) for n in networks}


def point_legend(networks: Sequence[PlainNetwork]) -> list[Line2D]:
    """One handle per width, depth and model of `point_looks`."""
    palette, markers = colours(network.filters for network in networks), _depth_markers(networks)
    models = dict.fromkeys(network.model for network in networks)
    wide = [Line2D([], [], linestyle="", marker="o", color=c, label=f"{f} filters") for f, c in palette.items()]
    deep = [Line2D([], [], linestyle="", marker=m, color=GREY, label=f"depth {d}") for d, m in markers.items()]
    filling = [
        Line2D([], [], label=f"{MODEL_NAMES.get(m, m)} ({'filled' if m == 'vae' else 'open'})", **_look(m, _INK, "o"))
        for m in models
    ]
    return [*wide, *deep, *filling]


def parameter_axis(ax: Axes, parameters: Iterable[float], label: str, axis: str = "x") -> None:
    """A logarithmic axis of parameter counts, labelled in words: `500 k`, `2 M`; ticks at 1, 2, 5 where few decades."""
    known = [value for value in parameters if value > 0]
    low, high = min(known), max(known)
    margin = max((high / low) ** 0.06, 1.15)
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    (ax.set_xlim if axis == "x" else ax.set_ylim)(low / margin, high * margin)
    (ax.set_xlabel if axis == "x" else ax.set_ylabel)(label, fontsize=10)
    shown = ax.xaxis if axis == "x" else ax.yaxis
    shown.set_major_locator(LogLocator(subs=(1, 2, 5) if math.log10(high / low) < 2 else (1,)))
    shown.set_major_formatter(FuncFormatter(lambda value, _: count_words(value)))
    shown.set_minor_formatter(NullFormatter())


def count_words(count: float) -> str:
    """A count to three digits: `950`, `20 k`, `1.5 M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.3g}"


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the items, evenly spread, the first and the last among them."""
    chosen = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[i] for i in dict.fromkeys(chosen.tolist())]


def _depth_markers(networks: Sequence[PlainNetwork]) -> dict[str, str]:
    depths = sorted({network.depth for network in networks}, key=depth_order)
    return {depth: MARKERS[i % len(MARKERS)] for i, depth in enumerate(depths)}


def _look(model: str, colour: str, marker: str, line: bool = False) -> dict[str, Any]:
    return look(colour, LINE_STYLES.get(model, "--") if line else "", marker, "full" if model == "vae" else "none")
