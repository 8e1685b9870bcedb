"""How many parameters the encoders and decoders have, compared with the bound of Bubeck and Sellke (Section 5).

Their theorem asks a network that fits n images of d values smoothly for about n · d parameters; where images are near a
surface of fewer dimensions, fewer are enough. The paper estimates a range, and says that its largest networks come near
to it: here both can be seen for the networks of the store, and n times the dimension that was measured (TwoNN).
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullFormatter

from aesweep.analysis.data.latent_measures import DIMENSION
from aesweep.analysis.data.published import section_5
from aesweep.analysis.data.results import Results
from aesweep.analysis.figures.networks import (
    PlainNetwork,
    count_words,
    parameter_axis,
    plain_networks,
    point_legend,
    point_looks,
    spread,
)
from aesweep.analysis.figures.style import DASHED, GREY, Drawing, finish, new_figure, plain_style

PARTS = {"parameters_encoder": "Encoders", "parameters_decoder": "Decoders"}
"""Column -> heading, from left to right."""
MEASURED = f"{DIMENSION}_images"
_BAND = "#d5d9df"
_SIDE_STEP = 0.12  # octaves of width between the points of one width, so that they do not hide each other
_MOST_LABELS = 8


@plain_style()
def parameters_against_bound(results: Results) -> Drawing | None:
    """Encoder parameters left, decoder parameters right, against width; None where no parameters are known."""
    rows = results.of(network="")
    rows = rows[(rows["parameters_encoder"] > 0) & (rows["parameters_decoder"] > 0)]
    if rows.empty:
        return None
    networks = plain_networks(rows)
    looks, places, paper = point_looks(networks), _places(networks), section_5(results.data)
    # n · d: training images times values per image; nan where the number of images is not known
    values = float((rows["images_train"] * rows["channels"] * rows["image_size"] ** 2).max())
    measured = float((rows["images_train"] * rows[MEASURED]).max())
    figure, axes = new_figure(10, 4.6, 1, 2, sharey=True)
    for ax, (part, heading) in zip(axes[0], PARTS.items(), strict=True):
        ax.set_title(heading, fontsize=11)
        _width_axis(ax, places)
        _draw_bound(ax, values, measured, paper)
        _draw_paper_range(ax, part, paper)
        for network, place in places.items():
            _draw_network(ax, network.of(rows), part, place, results.comparison_size, looks[network])
    bounds = [value for value in (values, measured) if value > 0]
    printed = [value for name, value in paper.items() if name.startswith("parameters_")]
    heights = [*rows["parameters_encoder"], *rows["parameters_decoder"], *printed, *bounds]
    parameter_axis(axes[0, 0], heights, "parameters", axis="y")
    title = f"{results.title}: parameters of the networks, and what smoothness asks for"
    handles = [*point_legend(networks), *_handles(values, measured, paper)]
    finish(figure, title, handles, results.data_hash, results.training_notice)
    return Drawing(f"parameters-{results.data}", title, _caption(results, rows, paper), figure)


def _places(networks: list[PlainNetwork]) -> dict[PlainNetwork, float]:
    """The place of each network on the width axis: those of one width side by side."""
    widths = sorted({network.filters for network in networks})
    most = max(sum(network.filters == width for network in networks) for width in widths)
    gaps = [math.log2(b / a) for a, b in pairwise(widths)]
    step = min(_SIDE_STEP, *(0.8 * gap / most for gap in gaps)) if gaps else _SIDE_STEP
    places: dict[PlainNetwork, float] = {}
    for width in widths:
        equally_wide = [network for network in networks if network.filters == width]
        places |= {n: width * 2 ** (step * (i - (len(equally_wide) - 1) / 2)) for i, n in enumerate(equally_wide)}
    return places


def _draw_network(ax: Axes, rows: pd.DataFrame, part: str, place: float, size: int, look: dict[str, Any]) -> None:
    """A bar from the smallest latent size to the largest, the marker at the size nearest to the comparison size."""
    octaves_away = np.abs(np.log2(rows["latent_size"].to_numpy(dtype=float) / size))
    count = float(rows[part].iloc[int(octaves_away.argmin())])
    bars = [[count - rows[part].min()], [rows[part].max() - count]]
    ax.errorbar([place], [count], yerr=bars, capsize=3, elinewidth=1.3, **look)


def _draw_bound(ax: Axes, values: float, measured: float, paper: dict[str, float]) -> None:
    if paper:
        ax.axhspan(paper["parameters_required_least"], paper["parameters_required_most"], color=_BAND, zorder=0.5)
    if values > 0:
        ax.axhline(values, color="#222222", linewidth=1.6, zorder=1)
    if measured > 0:
        ax.axhline(measured, color="#222222", linewidth=1.6, linestyle=DASHED, zorder=1)


def _draw_paper_range(ax: Axes, part: str, paper: dict[str, float]) -> None:
    """A bracket at the left: what Section 5 says of the paper's own networks."""
    if paper:
        ends = [paper[f"{part}_least"], paper[f"{part}_most"]]
        look: dict[str, Any] = {"marker": "_", "markersize": 12, "markeredgewidth": 2.2, "linewidth": 2.2}
        ax.plot([0.03, 0.03], ends, transform=ax.get_yaxis_transform(), color=GREY, **look)


def _handles(values: float, measured: float, paper: dict[str, float]) -> list[Line2D | Patch]:
    found: list[Line2D | Patch] = []
    if values > 0:
        found.append(Line2D([], [], color="#222222", linewidth=1.6, label=f"n · d = {count_words(values)}"))
    if measured > 0:
        label = f"n · measured dimension = {count_words(measured)}"
        found.append(Line2D([], [], color="#222222", linewidth=1.6, linestyle=DASHED, label=label))
    if paper:
        ends = [count_words(paper[f"parameters_required_{end}"]) for end in ("least", "most")]
        found.append(Patch(color=_BAND, label=f"Section 5: {ends[0]} to {ends[1]}"))
        found.append(Line2D([], [], color=GREY, linewidth=2.2, label="the paper's networks"))
    return found


def _width_axis(ax: Axes, places: dict[PlainNetwork, float]) -> None:
    widths = sorted({network.filters for network in places})
    ax.set_xscale("log", base=2)
    ax.set_xlim(min(places.values()) / 2**0.45, max(places.values()) * 2**0.3)
    ax.set_xlabel("width (filters of the first stage)", fontsize=10)
    labelled = spread(widths, _MOST_LABELS)
    ax.xaxis.set_major_locator(FixedLocator(labelled))
    ax.set_xticklabels([str(width) for width in labelled])
    ax.xaxis.set_minor_formatter(NullFormatter())


def _caption(results: Results, rows: pd.DataFrame, paper: dict[str, float]) -> str:
    images, channels, side = (rows[name].max() for name in ("images_train", "channels", "image_size"))
    words = [
        f"The marker is the network at {results.comparison_size} latent units, or the nearest size trained; "
        "the bar runs from the smallest to the largest latent size."
    ]
    if images > 0:
        words.append(
            f"The line is n · d: {images:,.0f} training images of {channels:.0f} × {side:.0f} × {side:.0f} values, the "
            "parameters that Bubeck and Sellke ask for where the data fill all dimensions."
        )
    dimension, error = (rows[name].max() for name in (MEASURED, f"{MEASURED}_stderr"))
    if dimension > 0:
        words.append(
            f"Dashed: the same with the dimension that the pixels of training images fill by their two nearest neighbours, "
            f"{dimension:.3g} ± {error:.1g}; an underestimate, the more so the more dimensions there are."
        )
    if paper:
        words.append(
            "Grey band: what Section 5 estimates, since images have fewer dimensions than values; bracket at the left: "
            "the range that it gives for the paper's own networks."
        )
    return " ".join(filter(None, [*words, results.aside_notice]))
