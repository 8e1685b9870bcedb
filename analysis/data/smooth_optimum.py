"""The minimum of a smooth curve through the scores of one network: where it is likely to be, also between the sizes tried.

A Gaussian process over log2 of the latent size. The variance of each mean is known (over seeds, `Settings.variances`), widened
where few degrees of freedom estimate it. How smooth such a curve is cannot be seen from a few noisy points, so two Matérn kernels
are averaged, each with the weight of its marginal likelihood (Hoeting et al. 1999): 3/2, for curves with a sharp bend, and 5/2. In
simulations the interval covers the true minimum in 94 to 100 % with two or three seeds, and in 85 to 100 % with five or ten, least
at a sharp bend (docs/benchmarks/calibration-*.md); with 3/2 alone in 96 to 100 %, with 5/2 alone in 60 to 90 %. Where a curve is
so shallow that the interval spans most of the sizes tried, it covers more.
"""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.power import ALPHA

FEWEST_SMOOTHED = 5
"""Latent sizes from which on a curve is smoothed."""
_SMOOTHNESS = (1.5, 2.5)
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
    variance, freedom = scores.variances
    if not (variance > 0).all():
        return None
    wider = (stats.t.ppf(1 - ALPHA, freedom) / stats.norm.ppf(1 - ALPHA)) ** 2
    spreads = wider * variance / scores.counts
    return _minimum(tuple(np.log2(sizes).tolist()), tuple(scores.means.tolist()), tuple(spreads.tolist()))


@lru_cache(maxsize=512)
def _minimum(places: tuple[float, ...], means: tuple[float, ...], variances: tuple[float, ...]) -> SmoothOptimum:
    y, x = np.array(means), np.array(places)[:, None]
    unit = float(np.std(y)) or math.sqrt(variances[0])
    standard, noise = (y - y.mean()) / unit, np.array(variances) / unit**2
    grid = np.linspace(places[0], places[-1], _PLACES)
    fits = [_fit(x, standard, noise, grid, smoothness) for smoothness in _SMOOTHNESS]
    evidence = np.array([fit.log_likelihood for fit in fits])
    weights = np.exp(evidence - evidence.max()) / np.exp(evidence - evidence.max()).sum()
    mean = np.sum([weight * fit.mean for weight, fit in zip(weights, fits, strict=True)], axis=0)
    minima = np.concatenate([grid[fit.curves.argmin(axis=1)] for fit in fits])
    drawn = np.repeat(weights / _DRAWS, _DRAWS)
    low, high = np.quantile(minima, [ALPHA, 1 - ALPHA], weights=drawn, method="inverted_cdf")
    return SmoothOptimum(*(2.0**place for place in (float(grid[mean.argmin()]), float(low), float(high))))


class _Fit(NamedTuple):
    """A process on the grid."""

    log_likelihood: float
    mean: np.ndarray
    curves: np.ndarray
    """(draws, places)"""


def _fit(x: np.ndarray, y: np.ndarray, noise: np.ndarray, grid: np.ndarray, smoothness: float) -> _Fit:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * Matern(2.0, (0.5, 20.0), nu=smoothness)
    process = GaussianProcessRegressor(kernel, alpha=noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a flat curve has a length at the end of its range
        process.fit(x, y)
    mean, covariance = process.predict(grid[:, None], return_cov=True)
    values, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(0).standard_normal((_DRAWS, _PLACES))
    curves = mean + normal @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    return _Fit(float(process.log_marginal_likelihood_value_), mean, curves)
