"""The best latent size of a network, how sure it is, and how much the score depends on the size (hypothesis 3)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.uncertainty import half_interval

FEWEST_SIZES = 3
"""Latent sizes from which on a curve shows a minimum or a sensitivity."""


@dataclass(frozen=True)
class Optimum:
    """The latent size with the lowest mean score of one network."""

    size: int
    good: tuple[int, ...]  # sizes whose scores cannot be told from the lowest, itself included, ascending
    grid: tuple[int, ...]  # all sizes with a score, ascending
    seeds: int  # training seeds at the best size

    @property
    def low(self) -> int:
        """The optimum lies from `low` to `high`: sizes as good, and one step of the grid beyond."""
        return self.grid[max(0, self.grid.index(self.good[0]) - 1)]

    @property
    def high(self) -> int:
        """See `low`."""
        return self.grid[min(len(self.grid) - 1, self.grid.index(self.good[-1]) + 1)]

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest size that were tried: where a score is lowest there, no minimum is shown."""
        return self.grid[0], self.grid[-1]

    @property
    def at_edge(self) -> bool:
        """Whether the best size is one of `ends`."""
        return self.size in self.ends

    @property
    def words(self) -> str:
        """Such as `64 units (as good within the noise: 32, 128)`."""
        others = ", ".join(str(size) for size in self.good if size != self.size)
        return f"{self.size} units" + (f" (as good within the noise: {others})" if others else "")


def optimum(results: Results, score: str, **network: object) -> Optimum | None:
    """The best size of `network` under `score`; None without a score. Of two equal ones the larger."""
    points = mean_scores(results.of(**network), score, ["latent_size"])
    if points.empty:
        return None
    best = len(points) - 1 - int(points["mean"].to_numpy()[::-1].argmin())
    sizes = points.index.astype(int)
    good = sizes[as_good_as_the_best(points)]
    return Optimum(int(sizes[best]), tuple(good.tolist()), tuple(sizes.tolist()), int(points["count"].iloc[best]))


def mean_scores(rows: pd.DataFrame, score: str, by: list[str]) -> pd.DataFrame:
    """Statistics of one score over seeds, scored trials only: index `by`, ascending.

    Columns mean, std (n - 1), count, and `error`: the standard error from the images where there is one seed.
    """
    columns = {name: (score, name) for name in ("mean", "std", "count")}
    return rows.dropna(subset=score).groupby(by).agg(**columns, error=(f"{score}_stderr", "first"))


def as_good_as_the_best(points: pd.DataFrame) -> pd.Series:
    """Which of some `mean_scores` cannot be told from the lowest: those within 95 % of the noise of their difference.

    The noise is that of seeds, pooled over the points with several; where none has several, that of the images. Where an
    error is unknown nothing is noise.
    """
    best = points.iloc[int(points["mean"].to_numpy().argmin())]
    repeated = points[points["count"] > 1]
    if repeated.empty:
        noise = half_interval() * np.hypot(points["error"], best["error"]).fillna(0.0)
    else:
        freedom = repeated["count"] - 1
        variance = float((repeated["std"] ** 2 * freedom).sum() / freedom.sum())
        noise = half_interval(freedom.sum()) * (variance * (1 / points["count"] + 1 / best["count"])) ** 0.5
    good: pd.Series = points["mean"] <= best["mean"] + noise
    return good


def sensitivity(by_seed: pd.DataFrame) -> pd.Series:
    """How much worse the worst latent size is than the best, (max - min) / min, one value per column."""
    return (by_seed.max() - by_seed.min()) / by_seed.min()


def sensitivity_errors(by_seed: pd.DataFrame, errors: pd.DataFrame) -> pd.Series:
    """Standard error of each column's `sensitivity` from those of its scores, to first order; nan where unknown.

    `errors` has the index and the columns of `by_seed`.
    """
    worst, best = by_seed.eq(by_seed.max()), by_seed.eq(by_seed.min())
    relative = errors / by_seed
    squares = relative.where(worst).max() ** 2 + relative.where(best).max() ** 2
    return by_seed.max() / by_seed.min() * squares**0.5


def on_common_sizes(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two networks (index latent size, columns seeds) on the sizes that both have.

    Else the one that was tried further out would look worse, or more sensitive. Seeds that lack one of the sizes are
    left out; where that leaves none, the mean over seeds stands for them.
    """
    common = first.index.intersection(second.index)
    return _complete(first.loc[common]), _complete(second.loc[common])


def _complete(by_seed: pd.DataFrame) -> pd.DataFrame:
    complete = by_seed.dropna(axis=1)
    return complete if len(complete.columns) or by_seed.empty else by_seed.mean(axis=1).to_frame("mean")
