"""Every score of a sweep over the fields that it varies: means over training seeds with 95 % intervals.

A figure without panels of its own has one panel per score; one whose sweep needs panels is drawn once per score. More than
`PER_PAGE` panels are continued on another figure. Nothing is computed here: `axes/means.py` gives the points.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes as Panel
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from aesweep.analysis.axes.axes import Axis
from aesweep.analysis.axes.layout import Layout, axis_title, panel_places
from aesweep.analysis.axes.means import network_means
from aesweep.analysis.axes.sweep import Measure, Sweep
from aesweep.analysis.figures.style import (
    DASHED,
    DOTTED,
    LINE_STYLES,
    MARKERS,
    OTHER_COLOURS,
    PAPER_COLOURS,
    Drawing,
    finish,
    latent_axis,
    look,
    new_figure,
    plain_style,
)

PER_PAGE, PER_ROW = 12, 3
_COLOURS = (*PAPER_COLOURS.values(), *OTHER_COLOURS)
_STYLES: tuple[Any, ...] = ("-", DOTTED, DASHED, "-.")
_WIDE = 30.0
"""The y axis is logarithmic if the largest mean is more than this many times the smallest."""
_SPREAD = 8.0
"""The x axis is logarithmic if its largest value is at least this many times the smallest."""
_STEP = 0.012
"""Distance between the bars of neighbouring curves, as a share of the x axis."""


class _Piece(NamedTuple):
    """One panel: its heading, what is drawn, and the networks in it."""

    heading: str
    measure: Measure
    networks: pd.DataFrame


@plain_style()
def figures_by_axes(sweep: Sweep) -> Iterator[Drawing]:
    """The figures of one data set under one way of scoring, the score of the ranking first."""
    layout = sweep.layout
    if layout.x is None:
        return
    parts = panel_places(layout)
    if len(parts) == 1:
        pieces = [_Piece(m.title, m, _networks(layout, m)) for m in sweep.measures]
        yield from _pages(sweep, "", [piece for piece in pieces if len(piece.networks)])
        return
    for measure in sweep.measures:
        pieces = [_Piece(heading, measure, _networks(layout, measure, chosen)) for heading, chosen in parts]
        yield from _pages(sweep, f"{measure.name}-", [piece for piece in pieces if len(piece.networks)])


def _networks(layout: Layout, measure: Measure, chosen: np.ndarray | None = None) -> pd.DataFrame:
    """The points of a panel."""
    means = network_means(layout.axes, measure.name)
    if chosen is None or means.empty:
        return means
    names = [axis.name for axis in layout.panels]
    return means.merge(layout.axes.places(layout.panels)[chosen].drop_duplicates(), on=names)


def _pages(sweep: Sweep, name: str, pieces: list[_Piece]) -> Iterator[Drawing]:
    for page, start in enumerate(range(0, len(pieces), PER_PAGE)):
        yield _draw(sweep, f"{name}{page + 1}-" if page else name, pieces[start : start + PER_PAGE])


def _draw(sweep: Sweep, name: str, pieces: list[_Piece]) -> Drawing:
    layout = sweep.layout
    assert layout.x is not None
    columns = min(len(pieces), 2 if len(pieces) == 4 else PER_ROW)
    figure, axes = new_figure(10, 3.9 if columns < 3 else 3.2, math.ceil(len(pieces) / columns), columns)
    for ax in axes.flat[len(pieces) :]:
        ax.set_visible(False)
    for ax, piece in zip(axes.flat, pieces, strict=False):
        ax.set_title(piece.heading, fontsize=10.5)
        ax.set_ylabel(piece.measure.axis, fontsize=9)
        curves = list(_series(layout, piece.networks))
        for place, series in enumerate(curves):
            _draw_series(ax, layout.x, series, place - (len(curves) - 1) / 2)
        _x_axis(ax, layout.x)
        _y_axis(ax, piece.networks)
    one = {piece.measure.title for piece in pieces}
    what = one.pop() if len(one) == 1 else "scores"
    title = f"{sweep.title}: {what} against {axis_title(layout.x)}"
    finish(figure, title, _legend(layout), sweep.data_hash, sweep.notice)
    return Drawing(f"axes-{name}{sweep.slug}", title, _caption(layout, pieces), figure)


class _Series(NamedTuple):
    """The points of one curve, and how it looks."""

    points: pd.DataFrame
    looks: dict[str, Any]


def _series(layout: Layout, networks: pd.DataFrame) -> Iterator[_Series]:
    """A curve for each colour and line style; the places of an axis that has no effect are -1."""
    by = list(dict.fromkeys(axis.name for axis in (layout.colour, layout.line) if axis is not None))
    if not by:
        yield _Series(networks, _look(layout, {}))
        return
    for key, part in networks.groupby(by, sort=True):
        yield _Series(part, _look(layout, {str(name): int(str(place)) for name, place in zip(by, key, strict=True)}))


def _look(layout: Layout, places: dict[str, int]) -> dict[str, Any]:
    colour = places.get(layout.colour.name, -1) if layout.colour else 0
    line = places.get(layout.line.name, -1) if layout.line else 0
    style = _line_style(layout.line, line)
    fill = "none" if style == DOTTED else "full"
    marker = MARKERS[max(colour, 0) % len(MARKERS)]
    return look(_colour(layout.colour, colour), style, marker, fill) | {"markersize": 5.5, "linewidth": 1.6}


def _line_style(axis: Axis | None, place: int) -> Any:
    if axis is not None and axis.name == "model" and place >= 0:
        return LINE_STYLES.get(str(axis.values[place][0]), _STYLES[2 + place % 2])
    return _STYLES[place % len(_STYLES)]


def _colour(axis: Axis | None, place: int) -> Any:
    """Shades for many numbers, otherwise colours that differ; grey where the field has no effect."""
    if axis is None:
        return _COLOURS[0]
    if place < 0:
        return "#7a828c"
    if axis.name == "filters" and axis.numbers[place] in PAPER_COLOURS:
        return PAPER_COLOURS[int(axis.numbers[place])]
    if len(axis) > len(_COLOURS):
        return colormaps["viridis"](0.9 * place / (len(axis) - 1))
    return _COLOURS[place % len(_COLOURS)]


def _draw_series(ax: Panel, x: Axis, series: _Series, shift: float) -> None:
    """Points with error bars, joined where x is a number; a line across where x has no effect.

    Bars of several curves are moved apart by `shift` steps, so that each can be read.
    """
    points = series.points[series.points[x.name] >= 0].sort_values(x.name)
    positions = [_moved(x, int(place), shift) for place in points[x.name]]
    halves = points["half_width"].fillna(0.0)
    looks = series.looks if x.numbers else series.looks | {"linestyle": ""}
    ax.errorbar(positions, points["mean"], yerr=halves, capsize=2, elinewidth=1.0, capthick=1.0, **looks)
    for mean, half in series.points.loc[series.points[x.name] < 0, ["mean", "half_width"]].fillna(0.0).to_numpy():
        ax.axhline(mean, color=looks["color"], linestyle=series.looks["linestyle"], linewidth=1.6)
        ax.axhspan(mean - half, mean + half, color=looks["color"], alpha=0.12, linewidth=0)


def _position(x: Axis, place: int) -> float:
    return x.numbers[place] if x.numbers else float(place)


def _moved(x: Axis, place: int, shift: float) -> float:
    """The position of a value, moved by `shift` steps of `_STEP`."""
    low, high = _position(x, 0), _position(x, len(x) - 1)
    if _is_logarithmic(x):
        return float(_position(x, place) * (high / low) ** (_STEP * shift))
    return _position(x, place) + _STEP * shift * (high - low)


def _is_logarithmic(x: Axis) -> bool:
    return bool(x.numbers) and x.numbers[0] > 0 and (x.name == "latent_size" or x.numbers[-1] / x.numbers[0] >= _SPREAD)


def _x_axis(ax: Panel, x: Axis) -> None:
    """A tick at every value that was trained; logarithmic where the values spread far."""
    if x.name == "latent_size":
        latent_axis(ax, x.numbers)
        return
    ax.set_xlabel(axis_title(x), fontsize=10)
    positions = [_position(x, place) for place in range(len(x))]
    if _is_logarithmic(x):
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.set_minor_locator(FixedLocator([]))
    else:
        ax.set_xlim(*_with_margin(positions[0], positions[-1]))
    step = math.ceil(len(x) / 12)
    labels = [x.label(place) if place % step == 0 else "" for place in range(len(x))]
    turned = max(map(len, labels)) * len(x) > 40
    ax.xaxis.set_major_locator(FixedLocator(positions))
    ax.set_xticklabels(labels, rotation=30 if turned else 0, ha="right" if turned else "center")


def _with_margin(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _y_axis(ax: Panel, networks: pd.DataFrame) -> None:
    low, high = float(networks["mean"].min()), float(networks["mean"].max())
    if low > 0 and high / low > _WIDE:
        ax.set_yscale("log")


def _legend(layout: Layout) -> list[Line2D]:
    """One entry per colour and per line style, or one for both where they show the same axis."""
    found: list[Line2D] = []
    for axis in dict.fromkeys(axis for axis in (layout.colour, layout.line) if axis is not None):
        used = sorted(set(axis.places.tolist()) - {-1})
        for place in used:
            looks = _look(layout, {axis.name: place})
            if axis is layout.line and axis is not layout.colour:
                looks |= {"color": "#5f6b7a", "marker": ""}
            elif axis is layout.colour and axis is not layout.line:
                looks |= {"linestyle": "", "markerfacecolor": looks["color"]}
            found.append(Line2D([], [], label=axis.phrase(place), **looks))
        if -1 in axis.places and axis is layout.colour:
            found.append(Line2D([], [], color="#7a828c", label=f"no {axis_title(axis)}"))
    return found


def _caption(layout: Layout, pieces: list[_Piece]) -> str:
    counts = pd.concat([piece.networks["seeds"] for piece in pieces])
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        seeds = "One training seed, so the error is unknown."
    else:
        seeds = f"Mean over {high if low == high else f'{low} to {high}'} training seeds with its 95 % interval."
    across = ""
    if layout.x is not None and -1 in layout.x.places:
        across = f"A line across: a model without {axis_title(layout.x)}."
    return " ".join(filter(None, [seeds, layout.words, across]))
