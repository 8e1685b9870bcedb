"""The minimum of a smooth curve through the scores of one network: where it is likely to be, also between the sizes tried.

A Gaussian process over log2 of the latent size. The variance of each mean is known (over seeds, `Settings.variance`), widened
where few degrees of freedom estimate it. Matérn 3/2, since curves of distances have sharp bends: with 5/2 and RBF kernels the
interval covered the true minimum of such curves in 60 to 90 and in 30 to 90 % of simulations, with 3/2 in 96 to 100 %
(docs/benchmarks/calibration-*.md). On smooth curves it is wider than it need be: 95 % are a lower limit.
"""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.power import ALPHA

FEWEST_SMOOTHED = 5
"""Latent sizes from which on a curve is smoothed."""
_PLACES, _DRAWS = 129, 1000


@dataclass(frozen=True)
class SmoothOptimum:
    """Minimum of the smoothed curve and the ends of its 95 % interval, in latent units; never beyond the sizes tried."""

    size: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """Such as `smoothed 118, 95 % 92 to 160`."""
        return f"smoothed {self.size:.0f}, 95 % {self.low:.0f} to {self.high:.0f}"


def smooth_optimum(sizes: np.ndarray, scores: Settings) -> SmoothOptimum | None:
    """Where the expected score is lowest; None for few sizes, without a known spread, and for scores that are not finite.

    `sizes` int (S,) ascending.
    """
    if len(sizes) < FEWEST_SMOOTHED or not np.isfinite(scores.means).all():
        return None
    variance, freedom = scores.variance
    if not variance > 0:
        return None
    wider = float(stats.t.ppf(1 - ALPHA, freedom) / stats.norm.ppf(1 - ALPHA)) ** 2
    spreads = wider * variance / scores.counts
    return _minimum(tuple(np.log2(sizes).tolist()), tuple(scores.means.tolist()), tuple(spreads.tolist()))


@lru_cache(maxsize=512)
def _minimum(places: tuple[float, ...], means: tuple[float, ...], variances: tuple[float, ...]) -> SmoothOptimum:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    y, x = np.array(means), np.array(places)[:, None]
    unit = float(np.std(y)) or math.sqrt(variances[0])
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * Matern(2.0, (0.5, 20.0), nu=1.5)
    process = GaussianProcessRegressor(kernel, alpha=np.array(variances) / unit**2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a flat curve has a length at the end of its range
        process.fit(x, (y - y.mean()) / unit)
    grid = np.linspace(places[0], places[-1], _PLACES)
    mean, covariance = process.predict(grid[:, None], return_cov=True)
    values, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(0).standard_normal((_DRAWS, _PLACES))
    curves = mean + normal @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    low, high = np.quantile(grid[curves.argmin(axis=1)], [ALPHA, 1 - ALPHA])
    return SmoothOptimum(*(2.0**place for place in (float(grid[mean.argmin()]), float(low), float(high))))
