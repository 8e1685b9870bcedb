"""Fréchet distance against latent size (the form of the paper's Figure 1): samples, and reconstructions.

One figure per data set, metric and extractor: FID and the distance on other features never share an axis. A point is
the mean over training seeds (each the mean over its sampling seeds), the band runs from the lowest to the highest
seed.
"""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.evaluations import Evaluation, evaluations, scores_by_trial
from analysis.figures.style import LINE_STYLES, MARKERS, Drawing, colours, finish, latent_axis, new_figure
from analysis.tables import Tables
from analysis.trials import Curve, curves


class _Kind(NamedTuple):
    """What is drawn: the start of file names, the word for the title, and the panels' columns with their headings."""

    prefix: str
    what: str
    panels: dict[str, str]


_SAMPLES = _Kind("", "Samples", {"mvg": "MVG samples", "gmm": "GMM samples"})
_RECONSTRUCTIONS = _Kind(
    "reconstruction-",
    "Reconstructions",
    {"reconstruction_train": "training images", "reconstruction_test": "test images"},
)


def sample_distances(tables: Tables) -> list[Drawing]:
    """MVG samples left, GMM samples right."""
    return _draw_each(tables, _SAMPLES)


def reconstruction_distances(tables: Tables) -> list[Drawing]:
    """Reconstructions of training images left, of test images right."""
    return _draw_each(tables, _RECONSTRUCTIONS)


def _draw_each(tables: Tables, kind: _Kind) -> list[Drawing]:
    drawings = []
    for evaluation in evaluations(tables)[0]:
        scored = tables.described.merge(scores_by_trial(tables, evaluation), left_on="key", right_index=True)
        scored = scored[scored[list(kind.panels)].notna().any(axis=1)]
        drawings += [_draw(tables, evaluation, str(data), rows, kind) for data, rows in scored.groupby("data")]
    return drawings


def _draw(tables: Tables, evaluation: Evaluation, data: str, rows: pd.DataFrame, kind: _Kind) -> Drawing:
    title = f"{kind.what} of {data}: {evaluation.title} against latent size"
    figure, axes = new_figure(10, 4.5, 1, 2, sharey=True)
    drawn = curves(rows)
    looks = _looks([curve for curve, _ in drawn])
    for ax, (column, heading) in zip(axes[0], kind.panels.items(), strict=True):
        ax.set_title(heading, fontsize=11)
        latent_axis(ax, rows["latent_size"].tolist())
        for curve, trials in drawn:
            _draw_curve(ax, trials, column, looks[curve])
    unit = "lower is better" if evaluation.is_fid else "squared feature units, lower is better"
    axes[0, 0].set_ylabel(f"{evaluation.title}\n({unit})", fontsize=10)
    axes[0, 0].set_ylim(bottom=max(0.0, axes[0, 0].get_ylim()[0]))
    handles = [Line2D([], [], label=curve.label, **looks[curve]) for curve, _ in drawn]
    finish(figure, title, handles, tables.data_hash, evaluation.notice)
    return Drawing(f"{kind.prefix}{evaluation.slug}-{data}", title, _caption(tables, rows, evaluation, kind), figure)


def _caption(tables: Tables, rows: pd.DataFrame, evaluation: Evaluation, kind: _Kind) -> str:
    sources = {column.removesuffix("_train").removesuffix("_test") for column in kind.panels}
    scores = tables.scores
    drawn = scores[
        (scores["evaluation"] == evaluation.id) & scores["source"].isin(sources) & scores["key"].isin(rows["key"])
    ]
    seeds = rows["seed"].nunique()
    spread = f"Mean over {seeds} training seeds, band from the lowest to the highest. " if seeds > 1 else ""
    return (
        f"{spread}{_span(drawn['n'])} images against {_span(drawn['n_reference'])} real ones. DAE dotted with "
        "open markers, VAE solid with filled ones; the colour is the width of the first encoder stage."
    )


def _span(counts: pd.Series) -> str:
    """`2,000`, or `297 to 1,500` where rows differ."""
    known = counts.dropna()
    low, high = (f"{int(end):,}" for end in (known.min(), known.max())) if len(known) else ("?", "?")
    return high if low == high else f"{low} to {high}"


def _draw_curve(ax: Axes, trials: pd.DataFrame, column: str, look: dict[str, Any]) -> None:
    """One curve with its band over seeds; a latent size without a score has no marker."""
    points = trials.groupby("latent_size")[column].agg(["mean", "min", "max"]).dropna()
    sizes = points.index.to_numpy(dtype=float)
    ax.fill_between(sizes, points["min"], points["max"], color=look["color"], alpha=0.13, linewidth=0)
    ax.plot(sizes, points["mean"], **look)


def _looks(drawn: list[Curve]) -> dict[Curve, dict[str, Any]]:
    """Line2D arguments per curve: DAE and VAE of one network share colour and marker, open and filled."""
    palette = colours(curve.filters for curve in drawn)
    networks = sorted({curve.network for curve in drawn})
    shapes = {network: MARKERS[i % len(MARKERS)] for i, network in enumerate(networks)}
    return {
        curve: {
            "color": palette[curve.filters],
            "linestyle": LINE_STYLES.get(curve.model, "--"),
            "linewidth": 1.8,
            "marker": shapes[curve.network],
            "markersize": 6.5,
            "markeredgewidth": 1.4,
            "markerfacecolor": "white" if curve.model == "dae" else palette[curve.filters],
        }
        for curve in drawn
    }
