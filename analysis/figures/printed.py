"""The paper's own numbers as crosses on our curves, and the rivals' best results at the comparison size (Figure 1).

Only where FIDs of the paper's data are drawn (`Results.beside_published`). A row that the paper printed at a latent
size where it was not measured (`NOT_AT_ITS_SIZE`) has no cross: its numbers have one where they belong.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from aesweep.analysis.data.published import RIVALS, published_scores
from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.figures.curves import Chart, Line, over

NOT_AT_ITS_SIZE = "this row is not at"
"""In the note of Table 2's CelebA row of 128 filters, whose numbers are Table 3's at 128 units."""
RIVAL_COLOUR = "#77808b"
_NAME_POINTS, _NAME_ROOM, _LEADER_POINTS = 9.5, 45.0, 42.0  # between names, for the longest, to a cross
_NAME: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "fontsize": 8,
    "color": "#3f464f",
    "path_effects": [withStroke(linewidth=2.5, foreground="white")],
    "arrowprops": {"arrowstyle": "-", "color": "#77808b", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 3},
    "zorder": 6,
}
_CROSSES = {"dae": "x", "vae": "+"}
_CAPTION = "Crosses in a curve's colour are the values that the paper prints (× DAE, + VAE)"
_MISPLACED_CAPTION = (
    "Table 2's row of 128 filters has no cross at 64 units: its numbers are those that Table 3 prints at 128 units."
)
_RIVALS_CAPTION = "grey ones the best results of other papers that it compares with"


def with_printed(results: Results, chart: Chart, panels: dict[str, str], rivals: bool = False) -> Chart | None:
    """A chart over `panels` with crosses at the printed points of its networks; None where it has no line.

    With `rivals` a grey cross per rival as well, with its name as the mark that `name_rivals` writes.
    """
    if not chart.lines:
        return None
    if not results.beside_published:
        return chart
    scores = published_scores()
    scores = scores[scores["data"] == results.data]
    misplaced = scores["note"].str.contains(NOT_AT_ITS_SIZE, regex=False)
    lines = _printed_lines(scores[~misplaced], chart.by_label)
    lines += _rival_lines(scores[scores["latent_size"] == results.comparison_size]) if rivals else []
    crosses = over(panels, lines)
    shown = [cross for lines in crosses.values() for cross in lines]
    both = {heading: [*lines, *crosses[heading]] for heading, lines in chart.panels.items()}
    caption = " ".join([chart.caption, *_caption(shown, bool(misplaced.any()))])
    return replace(chart, panels=both, caption=caption, legend=_legend(shown))


def _printed_lines(scores: pd.DataFrame, lines: Iterable[Line]) -> list[Line]:
    """Crosses for the printed points of each line's network, in the line's colour, without a label."""
    found = []
    for line in lines:
        first = line.trials.iloc[0]
        same = (scores[NETWORK] == first[NETWORK]).all(axis=1)
        if same.any():
            found.append(Line("", _cross(line.look["color"], _CROSSES[first["model"]]), _by_column(scores[same])))
    return found


def _rival_lines(scores: pd.DataFrame) -> list[Line]:
    return [
        Line("", _cross(RIVAL_COLOUR, "x"), _by_column(scores[scores["model"] == model]), mark=name)
        for model, name in RIVALS.items()
        if (scores["model"] == model).any()
    ]


def name_rivals(ax: Axes, lines: Iterable[Line]) -> None:
    """Write each mark to the left of its cross, where fewest curves run, or right where the axis is near."""
    low, high = ax.get_ylim()
    points = ax.get_window_extent().height / ax.figure.dpi * 72 / (high - low)  # per unit of the y axis
    lowest = -float("inf")
    for line in sorted((line for line in lines if line.mark), key=lambda line: line.points["mean"].iloc[0]):
        size, value = float(line.points.index[0]), float(line.points["mean"].iloc[0])
        height = max(value * points, lowest)
        lowest = height + _NAME_POINTS
        room = float(ax.transData.transform((size, value))[0] - ax.get_window_extent().x0) / ax.figure.dpi * 72
        side = -1 if room > _LEADER_POINTS + _NAME_ROOM else 1
        place = (side * _LEADER_POINTS, height - value * points)
        ax.annotate(line.mark, (size, value), place, ha="right" if side < 0 else "left", **_NAME)


def _legend(crosses: list[Line]) -> tuple[Line2D, ...]:
    """An entry per kind of cross that is drawn."""
    words = {"x": "DAE of the paper", "+": "VAE of the paper"}
    kinds = {line.look["marker"] for line in crosses if not line.mark}
    found = [Line2D([], [], label=words[kind], **_cross("#333333", kind)) for kind in words if kind in kinds]
    if any(line.mark for line in crosses):
        found.append(Line2D([], [], label="other papers", **_cross(RIVAL_COLOUR, "x")))
    return tuple(found)


def _caption(crosses: list[Line], misplaced: bool) -> list[str]:
    """Sentences on the crosses; none without any."""
    if not crosses:
        return []
    rivals = [_RIVALS_CAPTION] if any(line.mark for line in crosses) else []
    return [", ".join([_CAPTION, *rivals]) + ".", *([_MISPLACED_CAPTION] if misplaced else [])]


def _by_column(scores: pd.DataFrame) -> pd.DataFrame:
    """A row per latent size, a column per score."""
    rows = scores.pivot_table(index="latent_size", columns="column", values="value").reset_index()
    return rows.reindex(columns=["latent_size", *SCORES])


def _cross(colour: str, marker: str) -> dict[str, Any]:
    halo = [withStroke(linewidth=3.2, foreground="white")]
    size = 6.5 if marker == "x" else 9
    look = {"color": colour, "linestyle": "", "marker": marker, "markersize": size, "markeredgewidth": 1.8}
    return look | {"path_effects": halo, "zorder": 5}
