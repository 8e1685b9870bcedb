"""Means over training seeds with their 95 % intervals, for all networks of a table at once.

The report, its figures, the interactive page and `open_store(…).scores(per="network")` show these numbers. They are those of
`best_setting.Settings`, without an object per network: a page may hold forty measures of ten thousand trials. A test compares
the two.

Three seeds say little about a spread, so networks whose spreads are alike share one variance: the 95 % interval of a mean is then
2.0 standard errors instead of 4.3. Where spreads differ, sharing is wrong in both directions. In simulations, of twelve networks of
which one had failed, its interval covered in 37 % of cases, and those of the others were five times too wide. So Bartlett's test
decides: one variance for all, spreads in proportion to the means (as those of distances often are), or each network for itself
(docs/benchmarks/calibration-*.md has the coverage).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from aesweep.analysis.power import ALPHA

DOUBTFUL, CLEAR = 0.2, 0.5
"""p-values of Bartlett's test: spreads are pooled from the first one on, otherwise relative spreads from the second one on.

Above 0.05 since few seeds show little: preliminary tests before pooling are best at 0.1 to 0.25 (Bozivich, Bancroft and Hartley
1956, "Power of analysis of variance test procedures for certain incompletely specified models"). The second value is stricter
because few seeds also fail to show that spreads are not in proportion.
"""


class Pools(NamedTuple):
    """Which networks share a variance over seeds, and in which unit."""

    number: np.ndarray
    """Int (networks,): networks with the same number share."""
    unit: np.ndarray
    """Float (networks,): 1, or the mean, where spreads are in proportion to means."""


def pools(mean: np.ndarray, variance: np.ndarray, freedom: np.ndarray, kind: np.ndarray) -> Pools:
    """All networks of a kind share if their spreads are alike, or in proportion to their means; else each has its own.

    Args:
        mean: Float (networks,), of each network's scores.
        variance: Float (networks,), of each network's scores; nan for a single seed.
        freedom: Int (networks,), seeds minus one.
        kind: Int (networks,), from 0: only networks of one kind may share.
    """
    kinds = int(kind.max(initial=-1)) + 1
    alike = _p_equal(variance, freedom, kind, kinds) >= DOUBTFUL
    positive = np.bincount(kind, mean <= 0, minlength=kinds) == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        in_proportion = positive & (_p_equal(_relative(variance, mean), freedom, kind, kinds) >= CLEAR)
    number = np.where((alike | in_proportion)[kind], kind, kinds + np.arange(len(kind)))
    return Pools(number, np.where((in_proportion & ~alike)[kind], mean, 1.0))


def _relative(variance: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Variance in a unit, whose own square may be too small for a float, such as that of a p-value."""
    return np.asarray(np.square(np.sqrt(variance) / unit))


def _p_equal(variance: np.ndarray, freedom: np.ndarray, kind: np.ndarray, kinds: int) -> np.ndarray:
    """Bartlett's p-value of "the networks of a kind have equal spreads", float (kinds,); 1 for fewer than two known spreads."""
    spread = (freedom > 0) & (variance > 0)  # scores that agree to the last digit say nothing about a spread
    v, d, k = variance[spread], freedom[spread], kind[spread]
    networks = np.bincount(k, minlength=kinds)
    total, squares, logs, inverse = (np.bincount(k, w, minlength=kinds) for w in (d, d * v, d * np.log(v), 1 / d))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = total * np.log(squares / total) - logs
        correction = 1 + (inverse - 1 / total) / (3 * (networks - 1))
        return np.where(networks > 1, special.chdtrc(networks - 1, statistic / correction), 1.0)


def pooled(variance: np.ndarray, freedom: np.ndarray, pools: Pools) -> tuple[np.ndarray, np.ndarray]:
    """The variance of one seed's score at each network, and its degrees of freedom.

    Args:
        variance: Float (networks,), of each network's scores; nan for a single seed.
        freedom: Int (networks,), seeds minus one.
        pools: Of these networks.

    Returns:
        Two float arrays (networks,). nan where no network of the pool has two seeds, and for one that is alone in its pool and whose
        scores agree to the last digit: by luck, or since the number hardly ever changes.
    """
    place = np.unique(pools.number, return_inverse=True)[1]
    degrees = np.bincount(place, freedom)[place]
    squares = np.bincount(place, np.where(freedom > 0, _relative(variance, pools.unit), 0.0) * freedom)[place]
    known = (degrees > 0) & ((squares > 0) | (np.bincount(place)[place] > 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, pools.unit**2 * squares / degrees, np.nan), np.where(known, degrees, np.nan)


def means_over_seeds(values: np.ndarray, network: np.ndarray, kind: np.ndarray) -> pd.DataFrame:
    """The mean of each network's values, one value per training seed; values that are not finite do not count.

    Args:
        values: Float (trials,).
        network: Int (trials,), the number of each trial's network.
        kind: Int (trials,), from 0. Networks of one kind share the variance over seeds where their spreads are alike (`pools`),
            so that a network with a single seed has an interval too. A kind is a model on one data set.

    Returns:
        Index `network`, ascending, for those that have a value. Columns `mean`, its standard error `stderr`, `half_width` of the
        95 % interval (both nan where the spread is not known) and the number of `seeds`.
    """
    rows = pd.DataFrame({"network": network, "kind": kind, "value": values})[np.isfinite(values)]
    found = rows.groupby("network").agg(
        mean=("value", "mean"), variance=("value", "var"), seeds=("value", "count"), kind=("kind", "first")
    )
    own, degrees = found["variance"].to_numpy(dtype=float), found["seeds"].to_numpy() - 1
    shared = pools(found["mean"].to_numpy(dtype=float), own, degrees, found["kind"].to_numpy())
    variance, freedom = pooled(own, degrees, shared)
    stderr = np.sqrt(variance / found["seeds"])
    means: pd.DataFrame = found.assign(stderr=stderr, half_width=stderr * special.stdtrit(freedom, 1 - ALPHA))
    return means[["mean", "stderr", "half_width", "seeds"]]
