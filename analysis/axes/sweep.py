"""What the report shows of one data set under one way of scoring, over the fields that the sweep varies."""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from aesweep.analysis.axes.axes import find_axes
from aesweep.analysis.axes.layout import Layout, Wishes, choose
from aesweep.analysis.data.evaluations import Evaluation, evaluations_of
from aesweep.analysis.data.ranking import RANKED_BY, Ranking, rank, ranked_by, trials_of, with_scores
from aesweep.analysis.data.scores import SAMPLE_SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import data_title

RECONSTRUCTION = "test_bce"


class Measure(NamedTuple):
    """One number of a trial that is shown: its column, and words for it."""

    name: str
    title: str  # `GMM samples`
    axis: str  # `FID`


@dataclass(frozen=True, eq=False)
class Sweep:
    """The scored trials of one data set, the fields that vary among them, and the network that they recommend."""

    data: str
    evaluation: Evaluation
    layout: Layout
    ranking: Ranking
    measures: tuple[Measure, ...]
    """The measures that are shown; the score of the ranking first."""
    data_hash: str

    @property
    def trials(self) -> pd.DataFrame:
        """One row per scored trial, in the order of the axes."""
        return self.layout.axes.trials

    @property
    def winner(self) -> pd.DataFrame:
        """The trials of the first ranked network, one row per seed."""
        return trials_of(self.ranking, self.trials)

    @property
    def title(self) -> str:
        """The data set's name for headings."""
        return data_title(self.data)

    @property
    def slug(self) -> str:
        """For file names."""
        return f"{self.evaluation.slug}-{self.data}".replace("/", "-")

    @property
    def notice(self) -> str:
        """What must be known to read the numbers."""
        return self.evaluation.notice

    def caption(self, text: str) -> str:
        """A table's caption: the text, then what must be known to read its numbers."""
        return f"{text} {self.notice}." if self.notice else text


def sweeps(tables: Tables, wishes: Wishes) -> list[Sweep]:
    """For every evaluation that is shown (FID first) and every data set."""
    found = []
    for evaluation in evaluations_of(tables).shown:
        for data, trials in with_scores(tables, evaluation).groupby("data"):
            sweep = sweep_of(str(data), evaluation, trials, wishes, tables.data_hash)
            found += [sweep] if sweep else []
    return found


def sweep_of(data: str, evaluation: Evaluation, trials: pd.DataFrame, wishes: Wishes, data_hash: str) -> Sweep | None:
    """The sweep of described trials with their scores, all on one data set; None if no trial has a score."""
    score = wishes.score if wishes.score and trials[wishes.score].notna().any() else ranked_by(trials)
    ranking = rank(trials, score) if score else None
    if score is None or ranking is None:
        return None
    layout = choose(find_axes(trials), wishes)
    return Sweep(data, evaluation, layout, ranking, _measures(evaluation, trials, score), data_hash)


def score_title(score: str) -> str:
    """Such as `GMM samples`."""
    name = SOURCE_NAMES[score]
    return f"{name} samples" if score in SAMPLE_SCORES else f"reconstructions ({name})"


def _measures(evaluation: Evaluation, trials: pd.DataFrame, first: str) -> tuple[Measure, ...]:
    """The score that networks are ranked by, the others, and the reconstruction error."""
    names = [name for name in dict.fromkeys([first, *RANKED_BY]) if trials[name].notna().any()]
    found = [Measure(name, score_title(name), f"{evaluation.distance} (lower is better)") for name in names]
    if trials[RECONSTRUCTION].notna().any():
        found.append(Measure(RECONSTRUCTION, "reconstructed test images", "cross-entropy (nats per value)"))
    return tuple(found)
