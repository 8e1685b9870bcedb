"""How every figure looks: the paper's encodings, readable in greyscale too, with the hash of the data in the corner.

Figure 1 of the paper: VAEs solid, DAEs dotted; 32 filters black, 64 red, 128 green, 256 blue. Colours alone are lost
in print, so each curve has a marker of its own as well, filled for VAEs and open for DAEs. Figures are made without
pyplot and with matplotlib's built-in settings: no state outlives a figure, no display is needed, and the same data give the
same bytes whatever your matplotlibrc or notebook has set.
"""

import io
import math
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullFormatter

PAPER_COLOURS = {32: "#111111", 64: "#d7191c", 128: "#1a8a34", 256: "#1f4fd8"}
OTHER_COLOURS = ("#8e3fa8", "#e07b00", "#007f86", "#8c564b", "#c2378f", "#6b7a00", "#5f6b7a")
DOTTED, DASHED = (0, (1.2, 1.6)), (0, (5.0, 2.2))
LINE_STYLES: dict[str, Any] = {"vae": "-", "dae": DOTTED}
MARKERS = ("o", "s", "^", "D", "v", "<", ">", "p", "h", "*", "P", "X")
GREY, RED = "#5c6470", "#9b1c1c"
DPI = 150
_TITLE_INCHES, _FOOTER_INCHES, _LEGEND_ROW_INCHES = 0.36, 0.28, 0.19
_PANEL_TITLE_INCHES, _X_LABEL_INCHES, _Y_LABEL_INCHES, _RIGHT_INCHES = 0.3, 0.52, 0.82, 0.14
_TITLE_LINE_INCHES, _FOOTER_LINE_INCHES = 0.21, 0.15
_TITLE_LETTER, _NOTICE_LETTER = 0.105, 0.083  # inches, a little more than the average letter needs
_HASH_INCHES = 1.5
MOST_LEGEND = 40


@contextmanager
def plain_style() -> Iterator[None]:
    """Use matplotlib's built-in settings inside the `with` block or the decorated function, and then yours again.

    Every function that draws needs it: matplotlib reads its settings when a line or a legend is made, and again when the
    figure is written. The backend stays, since matplotlib would not restore it.
    """
    with rc_context({name: value for name, value in rcParamsDefault.items() if name != "backend"}):
        yield


@dataclass(frozen=True)
class Drawing:
    """One finished figure: a file name without ending, words for the page, and the figure."""

    name: str
    title: str
    caption: str
    figure: Figure

    @plain_style()
    def to_bytes(self, form: str) -> bytes:
        """The figure as `png` or `pdf`; the same data give the same bytes (no dates inside)."""
        metadata = {"Software": None} if form == "png" else {"CreationDate": None, "Producer": None, "Creator": None}
        _draw_dollars(self.figure)
        data = io.BytesIO()
        self.figure.savefig(data, format=form, dpi=DPI, metadata=metadata, facecolor="white")
        return data.getvalue()


def _draw_dollars(figure: Figure) -> None:
    """Take no `$` for mathematics: it may come from a store, where a formula could be wrong or take minutes.

    Labels of ticks are numbers, which matplotlib writes as mathematics where an axis is logarithmic.
    """
    ticks = [tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.findobj(Tick)]
    numbers = {id(label) for tick in ticks if isinstance(tick, Tick) for label in (tick.label1, tick.label2)}
    for text in figure.findobj(Text):
        if isinstance(text, Text) and id(text) not in numbers:
            text.set_parse_math(False)


def colours(filters: Iterable[float], reserved: Collection[str] = ()) -> dict[int, str]:
    """A colour per width: the paper's for its four, others from the narrowest up; none that is `reserved`."""
    widths = sorted({int(width) for width in filters})
    found = {width: PAPER_COLOURS[width] for width in widths if PAPER_COLOURS.get(width, "") not in {"", *reserved}}
    others = [width for width in widths if width not in found]
    further = {width: OTHER_COLOURS[i % len(OTHER_COLOURS)] for i, width in enumerate(others)}
    return {width: found.get(width) or further[width] for width in widths}


def look(colour: str, line_style: Any, marker: str, fill: str = "full") -> dict[str, Any]:
    """Line2D arguments of a curve; `fill` is `full`, `none` (open) or `half`."""
    looks: dict[str, Any] = {"color": colour, "linestyle": line_style, "linewidth": 1.8, "marker": marker}
    looks |= {"markersize": 6.5, "markeredgewidth": 1.4, "markerfacecolor": "white" if fill == "none" else colour}
    return looks | ({"fillstyle": "bottom", "markerfacecoloralt": "white"} if fill == "half" else {})


def new_figure(width: float, row_height: float, rows: int, columns: int, **subplots: Any) -> tuple[Figure, np.ndarray]:
    """A figure in inches with a grid of axes (rows, columns); `finish` adds what is above and below them."""
    figure = Figure(figsize=(width, row_height * rows))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **subplots)
    for ax in axes.flat:
        ax.grid(True, color="#e3e6ea", linewidth=0.7)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color("#9aa3ad")
        ax.tick_params(which="both", labelsize=9, color="#9aa3ad")
    return figure, axes


def finish(figure: Figure, title: str, handles: list[Any], data_hash: str, notice: str = "", columns: int = 0) -> None:
    """Make the figure taller by a title, a legend for all axes and a footer, and place the axes.

    The footer holds the hash of the data and, on the left, what must be known to read the numbers. The legend reads
    row by row; `columns` are its most columns where that helps to read it (0: as many as fit).
    """
    width, height = figure.get_size_inches()
    title_lines = textwrap.wrap(title, int(width / _TITLE_LETTER))
    notice_lines = textwrap.wrap(notice, int((width - _HASH_INCHES) / _NOTICE_LETTER))
    above = _TITLE_INCHES + _TITLE_LINE_INCHES * (len(title_lines) - 1)
    footer = _FOOTER_INCHES + _FOOTER_LINE_INCHES * max(0, len(notice_lines) - 1)
    labels = _legend_labels(handles)
    columns = _legend_columns(labels, width, columns)
    below = footer + (0.12 + _LEGEND_ROW_INCHES * math.ceil(len(labels) / columns) if labels else 0.0)
    height += above + below
    figure.set_size_inches(width, height)
    _place_axes(figure, width, height, above, below)
    if labels:
        style: dict[str, Any] = {"frameon": False, "fontsize": 9, "handlelength": 3.2, "columnspacing": 1.6}
        # matplotlib fills columns
        order = [i for column in range(columns) for i in range(column, len(labels), columns)]
        style |= {"loc": "lower center", "bbox_to_anchor": (0.5, footer / height), "ncols": columns}
        figure.legend([handles[i] for i in order], [labels[i] for i in order], **style)
    left, right, bottom = 0.08 / width, 1 - 0.08 / width, 0.07 / height
    figure.text(left, 1 - 0.09 / height, "\n".join(title_lines), va="top", fontsize=12.5, fontweight="bold")
    figure.text(right, bottom, f"data {data_hash}", ha="right", fontsize=7.5, color=GREY, family="monospace")
    figure.text(left, bottom, "\n".join(notice_lines), fontsize=8.5, color=RED, fontweight="bold", va="bottom")


def _place_axes(figure: Figure, width: float, height: float, above: float, below: float) -> None:
    """Margins in inches: matplotlib's automatic layouts take half of the drawing time."""
    grid = figure.axes[0].get_gridspec()
    assert grid is not None
    shared = grid.ncols > 1 and figure.axes[0].get_shared_y_axes().joined(figure.axes[0], figure.axes[1])
    gap = 0.25 if shared else _Y_LABEL_INCHES
    axes_width = (width - _Y_LABEL_INCHES - _RIGHT_INCHES - gap * (grid.ncols - 1)) / grid.ncols
    row = (height - above - below) / grid.nrows
    axes_height = row - _PANEL_TITLE_INCHES - _X_LABEL_INCHES
    figure.subplots_adjust(
        left=_Y_LABEL_INCHES / width,
        right=1 - _RIGHT_INCHES / width,
        bottom=(below + _X_LABEL_INCHES) / height,
        top=1 - (above + _PANEL_TITLE_INCHES) / height,
        wspace=gap / axes_width,
        hspace=(_PANEL_TITLE_INCHES + _X_LABEL_INCHES) / axes_height,
    )


def _legend_labels(handles: list[Any]) -> list[str]:
    """The handles' labels; beyond `MOST_LEGEND` the last one says how many are left out."""
    labels = [str(handle.get_label()) for handle in handles]
    if len(labels) <= MOST_LEGEND:
        return labels
    return [*labels[: MOST_LEGEND - 1], f"and {len(labels) - MOST_LEGEND + 1} more"]


def _legend_columns(labels: list[str], width: float, most: int) -> int:
    """As many columns as fit, evenly filled; at most `most` unless that is 0."""
    if not labels:
        return 1
    room = max(1, int(width / (0.75 + 0.075 * max(map(len, labels)))))
    room = min(room, most or room)
    return math.ceil(len(labels) / math.ceil(len(labels) / room))


def draw_curve(ax: Axes, points: pd.DataFrame, looks: dict[str, Any]) -> None:
    """The mean over latent sizes (the index, ascending) in a band from `min` to `max`, a bar where there is one size."""
    sizes, low, high = points.index.to_numpy(dtype=float), points["min"], points["max"]
    if (high > low).any() and len(sizes) > 1:
        ax.fill_between(sizes, low, high, color=looks["color"], alpha=0.13, linewidth=0)
    elif (high > low).any():
        ax.vlines(sizes, low, high, color=looks["color"], linewidth=1.3)
    ax.plot(sizes, points["mean"], **looks)


def latent_axis(ax: Axes, sizes: Sequence[float]) -> None:
    """A log2 x axis with a tick at every real latent size; where labels would collide, powers of two go first."""
    found = sorted({int(size) for size in sizes})
    ax.set_xscale("log", base=2)
    ax.set_xlabel("latent size (units)", fontsize=10)
    if not found:
        return
    low, high = math.log2(found[0]), math.log2(found[-1])
    margin = max(0.05 * (high - low), 0.2)
    ax.set_xlim(2 ** (low - margin), 2 ** (high + margin))
    labelled = _spread(found, 0.075 * (high - low + 2 * margin))
    ax.xaxis.set_major_locator(FixedLocator(labelled))
    ax.set_xticklabels([str(size) for size in labelled])
    ax.xaxis.set_minor_locator(FixedLocator([size for size in found if size not in labelled]))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _spread(sizes: list[int], least: float) -> list[int]:
    """The sizes to label, at least `least` octaves apart: the two ends, then powers of two, then the rest."""
    chosen: list[int] = []
    order = sorted(sizes, key=lambda size: (size not in (sizes[0], sizes[-1]), size & (size - 1) != 0, size))
    for size in order:
        if all(abs(math.log2(size / other)) >= least for other in chosen):
            chosen.append(size)
    return sorted(chosen)
