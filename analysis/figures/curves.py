"""Curves of a distance against latent size: the one form of Figures 1 to 5 and of their relatives.

A figure is data: which lines are in which panel, and the words next to them (`Chart`); `draw` makes the drawing. A
point is the mean over training seeds (each the mean over its sampling seeds), the band runs from the lowest seed to
the highest; where there is one seed, over two standard errors of its distance to either side. A line without a score is
neither drawn nor named, and a chart without one is no figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import compared
from aesweep.analysis.figures.style import Drawing, draw_curve, finish, latent_axis, new_figure

SAMPLES = {"mvg": "MVG samples", "gmm": "GMM samples"}
RECONSTRUCTIONS = {"reconstruction_train": "Train R: training images", "reconstruction_test": "Test R: test images"}
"""Panels from left to right: a column of `Results.trials` and its heading."""
ERRORS = 2.0
"""Standard errors from a point to the end of its band, some 95 %."""


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: its words in the legend ("" for none), Line2D arguments, trials, and the score that is drawn."""

    label: str
    look: dict[str, Any]
    trials: pd.DataFrame
    score: str = ""
    relative: bool = False  # divide by the lowest mean of the line; no point where that is 0
    mark: str = ""  # a name to write next to the first point

    @cached_property
    def points(self) -> pd.DataFrame:
        """Index latent size, ascending; mean, low and high end of the band, count over seeds.

        Sizes without a score are left out.
        """
        scores = self.trials[self.score].where(np.isfinite(self.trials[self.score]))
        points = scores.groupby(self.trials["latent_size"]).agg(["mean", "min", "max", "count"])
        points = points[points["count"] > 0]
        if f"{self.score}_stderr" in self.trials:
            errors = self.trials[f"{self.score}_stderr"].groupby(self.trials["latent_size"]).mean()
            half = (ERRORS * errors).reindex(points.index).where(points["count"] == 1).fillna(0.0)
            points = points.assign(min=points["min"] - half, max=points["max"] + half)
        if not self.relative or points.empty:
            return points
        lowest = float(points["mean"].min())
        return points.assign(**(points[["mean", "min", "max"]] / lowest)) if lowest > 0 else points.iloc[:0]


@dataclass(frozen=True, eq=False)
class Chart:
    """What a figure holds, before it is drawn."""

    name: str  # the start of the file name: `figure-1`
    title: str
    """The start of the title: `Figure 1. `, or ""."""
    what: str  # what the distances are of: `samples`
    panels: dict[str, list[Line]]  # heading -> lines, from left to right
    caption: str  # what the encodings mean; seeds and counts are added
    legend: tuple[Line2D, ...] = ()  # further entries of the legend, or all of them where the lines have no labels
    by: str = ""  # the end of the title, what the figure compares: `, by depth`
    axis: str = ""  # label of the y axis; "" for the distance
    width: float = 10.0  # inches
    columns: int = 0  # most columns of the legend; 0: as many as fit

    @property
    def lines(self) -> list[Line]:
        """Those of all panels."""
        return [line for lines in self.panels.values() for line in lines]

    @property
    def by_label(self) -> list[Line]:
        """Those of all panels, each label once."""
        return list({line.label: line for line in self.lines}.values())


def over(panels: dict[str, str], lines: Iterable[Line], **changes: Any) -> dict[str, list[Line]]:
    """The same lines in each panel, with the panel's score; lines without a score there are left out."""
    lines = list(lines)
    copies = {heading: [replace(x, score=score, **changes) for x in lines] for score, heading in panels.items()}
    return {heading: [line for line in drawn if len(line.points)] for heading, drawn in copies.items()}


def draw(results: Results, chart: Chart | None) -> Drawing | None:
    """The figure of a chart, its axes in the order of the panels; None where no line has a point."""
    if chart is None or not any(len(line.points) for line in chart.lines):
        return None
    figure, axes = new_figure(chart.width, 4.6, 1, len(chart.panels), sharey=True)
    sizes = sorted({size for line in chart.lines for size in line.points.index})
    for ax, (heading, lines) in zip(axes[0], chart.panels.items(), strict=True):
        ax.set_title(heading, fontsize=11)
        latent_axis(ax, sizes)
        for line in lines:
            draw_curve(ax, line.points, line.look)
    axes[0, 0].set_ylabel(chart.axis or distance_axis(results), fontsize=10)
    axes[0, 0].set_ylim(bottom=max(0.0, axes[0, 0].get_ylim()[0]))
    evaluation = results.evaluation
    distance = "FID" if evaluation.is_fid else f"{evaluation.metric} ({evaluation.extractor})"
    title = f"{chart.title}{results.title}: {distance} of {chart.what} against latent size{chart.by}"
    handles = [Line2D([], [], label=line.label, **line.look) for line in chart.by_label if line.label]
    finish(figure, title, [*handles, *chart.legend], results.data_hash, results.notice, chart.columns)
    name = f"{chart.name}-{evaluation.slug}-{results.data}"
    return Drawing(name, title, " ".join([chart.caption, *_counts(results, chart)]), figure)


def distance_axis(results: Results, remark: str = "lower is better") -> str:
    """Label of the y axis, with the unit of a distance that is no FID, and a remark."""
    unit = "" if results.evaluation.is_fid else "squared feature units, "
    return f"{results.evaluation.title}\n({unit}{remark})"


def _counts(results: Results, chart: Chart) -> list[str]:
    """Sentences on seeds, images and on what is not drawn."""
    no_errors = pd.Series(dtype="float64")
    evaluation = results.evaluation
    counts = pd.concat([line.points["count"] for line in chart.lines if "key" in line.trials])
    low, high = int(counts.min()), int(counts.max())
    seeds = f"Mean over {high if low == high else f'{low} to {high}'} training seeds, band from lowest to highest."
    found = [seeds if high > 1 else "One training seed."]
    if low == 1 and any(line.trials.get(f"{line.score}_stderr", no_errors).notna().any() for line in chart.lines):
        found.append(f"Band or bar of a single seed: {ERRORS:g} standard errors of its distance, from its images.")
    if len(evaluation.seeds) > 1:
        found.append(f"Samples were drawn {len(evaluation.seeds)} times per trial, and their distances averaged.")
    drawn = {line.score for line in chart.lines if "key" in line.trials}
    images = {score: words for score, words in results.images.items() if score in drawn}
    found += [f"{compared(images)}."] if images else []
    return [*found, results.aside_notice] if results.aside_notice else found
