"""The best latent size of a network, how sure it is, and how much the score depends on the size (hypothesis 3)."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.results import Results, seeds_by_network

SURE = 2.0  # standard errors
FEWEST_SIZES = 3
"""Latent sizes from which on a curve shows a minimum or a sensitivity."""


@dataclass(frozen=True)
class Optimum:
    """The latent size with the lowest mean score of one network."""

    size: int
    value: float
    low: int
    high: int
    """The optimum lies from `low` to `high`: sizes as good within the noise of seeds, and one step of the grid beyond."""
    at_edge: bool
    """The best size is the smallest or largest that was tried, so no minimum is shown."""
    sizes: int
    """Latent sizes with a score."""
    seeds: int
    """Training seeds at the best size."""


def optimum(results: Results, score: str, **network: object) -> Optimum | None:
    """The best size of `network` under `score`; None without a score. Of two equal ones the larger."""
    points = seeds_by_network(results.of(**network), score).reset_index().sort_values("latent_size", ignore_index=True)
    if points.empty:
        return None
    best = len(points) - 1 - int(points["mean"][::-1].argmin())
    good = points.index[points["mean"] <= points["mean"][best] + _noise(points)]
    sizes = points["latent_size"].astype(int)
    return Optimum(
        size=int(sizes[best]),
        value=float(points["mean"][best]),
        low=int(sizes[max(0, good[0] - 1)]),
        high=int(sizes[min(len(sizes) - 1, good[-1] + 1)]),
        at_edge=best in (0, len(sizes) - 1),
        sizes=len(sizes),
        seeds=int(points["count"][best]),
    )


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


def _noise(points: pd.DataFrame) -> float:
    """`SURE` standard errors of the difference of two means, pooled over sizes with several seeds; 0 without."""
    repeated = points[points["count"] > 1]
    if repeated.empty:
        return 0.0
    freedom = repeated["count"] - 1
    variance = float((repeated["std"] ** 2 * freedom).sum() / freedom.sum())
    return SURE * math.sqrt(2 * variance / float(points["count"].mean()))
