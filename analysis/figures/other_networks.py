"""The networks that no other figure shows, such as those without batch norm: nothing that was scored stays unseen."""

from collections.abc import Callable

import pandas as pd

from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.trials import Curve
from aesweep.analysis.figures.curves import SAMPLES, Chart, Line, draw, over
from aesweep.analysis.figures.latent_layer import figure_3_chart, figure_4_chart, noise_chart
from aesweep.analysis.figures.style import (
    LINE_STYLES,
    MARKERS,
    MOST_LEGEND,
    OTHER_COLOURS,
    PAPER_COLOURS,
    Drawing,
    look,
    plain_style,
)
from aesweep.analysis.figures.width_and_depth import figure_1_chart, figure_2_chart

_ELSEWHERE: list[Callable[[Results], Chart | None]] = [figure_1_chart, figure_2_chart, figure_3_chart]
_ELSEWHERE += [figure_4_chart, noise_chart]
_COLOURS = (*PAPER_COLOURS.values(), *OTHER_COLOURS)


@plain_style()
def others(results: Results) -> Drawing | None:
    """MVG samples left, GMM samples right; at most as many networks as a legend names."""
    rows = results.trials[results.trials[list(SAMPLES)].notna().any(axis=1)]
    rows = rows[~rows["key"].isin(_shown(results))]
    networks = [group for _, group in rows.groupby(NETWORK)]
    drawn = [_line(i, trials) for i, trials in enumerate(networks[:MOST_LEGEND])]
    left_out = len(networks) - len(drawn)
    caption = "Networks that no other figure shows." + (f" {left_out:,} more are not drawn." if left_out else "")
    return draw(results, Chart("others", "Other networks. ", "samples", over(SAMPLES, drawn), caption))


def _shown(results: Results) -> set[str]:
    """Keys of the trials in the other figures of samples."""
    charts = [chart for chart in (make(results) for make in _ELSEWHERE) if chart]
    return {key for chart in charts for line in chart.lines if "key" in line.trials for key in line.trials["key"]}


def _line(i: int, trials: pd.DataFrame) -> Line:
    """Colour and marker by place in the list (their counts share no factor, so 132 lines differ)."""
    model, filters, depth, network = trials.iloc[0][NETWORK]
    colour, marker = _COLOURS[i % len(_COLOURS)], MARKERS[i % len(MARKERS)]
    looks = look(colour, LINE_STYLES.get(model, "-."), marker, "none" if model == "dae" else "full")
    return Line(Curve(model, int(filters), depth, network).label, looks, trials)
