"""Which network scores lowest: for any data set and any axes.

A network is everything that decides a training but its seed. All scored trials of a data set take part, whatever fields the
sweep varies: nothing is chosen first, as the figures of the paper choose one schedule and one beta.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from aesweep.analysis.best_setting import ENOUGH_SEEDS, Settings
from aesweep.analysis.data.evaluations import Evaluation, scores_by_trial
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import Estimate, Sample

NETWORK = ["model", "filters", "depth", "variant", "latent_size"]
"""Columns that name a network on one data set."""
RANKED_BY = ("gmm", "mvg", "standard_normal", "reconstruction_test", "reconstruction_train")
"""The score that networks are ranked by is the first of these that was measured."""
FEW_SEEDS = f"Networks with fewer than {ENOUGH_SEEDS} seeds, and fewer than most, do not compete."
"""For captions of tables that name the lowest mean."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Networks on one data set by one score; the lowest mean over seeds first."""

    score: str
    networks: pd.DataFrame  # NETWORK, mean and seeds per row
    scores: Settings  # of the same rows
    best: Estimate
    """The expected score of the first network, with the error that every table shows; that is nan without a spread over seeds."""
    few_seeds: int  # networks with fewer seeds than most, and than `ENOUGH_SEEDS`, which do not compete

    @property
    def seeds(self) -> int:
        """Fewest training seeds of a network that competes."""
        return int(self.scores.counts.min())

    @property
    def known(self) -> bool:
        """Whether the error of the first network is known: its model has a spread over seeds."""
        return not math.isnan(self.best.error)

    @cached_property
    def as_good(self) -> list[int]:
        """Places of further networks that may be the best at 95 %, ascending; all of them without a spread."""
        return [place for place in range(1, len(self.networks)) if self.scores.p_lowest[place] > ALPHA]

    def seeds_to_tell_the_next(self) -> int | None:
        """Seeds that would exclude the next network that may be the best; None for no number, and where there is none."""
        return self.scores.seeds_to_exclude(self.as_good[0], 0) if self.as_good else None


def with_scores(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """The described trials with a score under one evaluation, and their `SCORES`."""
    return tables.described.merge(scores_by_trial(tables, evaluation), left_on="key", right_index=True)


def ranked_by(trials: pd.DataFrame) -> str | None:
    """The score by which these trials are ranked; None without any."""
    return next((score for score in RANKED_BY if trials[score].notna().any()), None)


def rank(trials: pd.DataFrame, score: str) -> Ranking | None:
    """Rank the networks of one data set that have as many seeds as most, or enough; None without a finite score."""
    rows = trials[np.isfinite(trials[score].astype("float64"))]
    if rows.empty:
        return None
    groups = rows.groupby(NETWORK, sort=True, observed=True)[score]
    found = groups.agg(mean="mean", seeds="count").reset_index()
    samples = [Sample(scores.to_numpy(dtype=float)) for _, scores in groups]
    least = min(ENOUGH_SEEDS, found["seeds"].mode().max())
    enough = found[found["seeds"] >= least].sort_values("mean", kind="stable")
    settings = Settings([samples[place] for place in enough.index], enough["model"].tolist())
    best = Settings(samples, found["model"].tolist()).mean_at(int(enough.index[0]))
    return Ranking(score, enough.reset_index(drop=True), settings, best, len(found) - len(enough))


def trials_of(ranking: Ranking, trials: pd.DataFrame, place: int = 0) -> pd.DataFrame:
    """The trials of one ranked network."""
    names = ranking.networks.iloc[place]
    return trials[np.logical_and.reduce([trials[name] == names[name] for name in NETWORK])]
