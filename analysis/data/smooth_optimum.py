"""The minimum of a smooth curve through the scores of one network: where it is likely to be, also between the sizes tried.

A Gaussian process over log2 of the latent size. The variance of each mean is known (over seeds, `Settings.variances`), widened
where few degrees of freedom estimate it. How smooth, how long and how high the waves of such a curve are cannot be seen from a few
noisy points. So nothing is fitted: a grid of Matérn kernels is averaged, each with the weight of its marginal likelihood (Hoeting et
al. 1999, "Bayesian model averaging"). Smoothness 3/2 is for curves with a sharp bend, 5/2 for others. In simulations the interval
covers the true minimum in 94 to 100 % (docs/benchmarks/calibration-*.md); with the most likely waves alone it did in 85 % at a
sharp bend. Where a curve is so shallow that the interval spans most of the sizes tried, it covers more.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.power import ALPHA

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

FEWEST_SMOOTHED = 5
"""Latent sizes from which on a curve is smoothed."""
_SMOOTHNESS = (1.5, 2.5)
_LENGTHS = np.geomspace(0.5, 16, 6)
"""How long the waves of a curve may be, in octaves of the latent size."""
_VARIANCES = np.geomspace(0.3, 100, 4)
"""How much a curve may vary: multiples of the variance of the means."""
_LEAST_NOISE = 1e-10
"""Variance of a mean as a share of the variance of the means: with less, long waves through close sizes have no Cholesky factor."""
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
    with np.errstate(over="ignore"):
        if not (variance > 0).all() or not np.isfinite(np.var(scores.means) + variance).all():
            return None
    wider = (special.stdtrit(freedom, 1 - ALPHA) / special.ndtri(1 - ALPHA)) ** 2
    spreads = wider * variance / scores.counts
    return _minimum(tuple(np.log2(sizes).tolist()), tuple(scores.means.tolist()), tuple(spreads.tolist()))


@lru_cache(maxsize=512)
def _minimum(places: tuple[float, ...], means: tuple[float, ...], variances: tuple[float, ...]) -> SmoothOptimum:
    y, x = np.array(means), np.array(places)[:, None]
    unit = float(np.std(y)) or math.sqrt(variances[0])
    standard, noise = (y - y.mean()) / unit, np.maximum(np.array(variances) / unit**2, _LEAST_NOISE)
    grid = np.linspace(places[0], places[-1], _PLACES)
    processes = _processes(x, standard, noise)
    evidence = np.array([process.log_marginal_likelihood_value_ for process in processes])
    weights = np.exp(evidence - evidence.max()) / np.exp(evidence - evidence.max()).sum()
    random = np.random.default_rng(0)
    # A kernel with less than half a curve to draw says nothing.
    shares = [(process, round(_DRAWS * weight)) for process, weight in zip(processes, weights, strict=True)]
    curves = np.concatenate([_curves(process, grid, count, random) for process, count in shares if count])
    low, high = np.quantile(grid[curves.argmin(axis=1)], [ALPHA, 1 - ALPHA], method="inverted_cdf")
    return SmoothOptimum(
        *(2.0**place for place in (float(grid[curves.mean(axis=0).argmin()]), float(low), float(high)))
    )


def _processes(x: np.ndarray, y: np.ndarray, noise: np.ndarray) -> "list[GaussianProcessRegressor]":
    """One for each kernel of the grid, given the scores `y`."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    kernels = (
        ConstantKernel(variance) * Matern(length, nu=smoothness)
        for smoothness, length, variance in product(_SMOOTHNESS, _LENGTHS, _VARIANCES)
    )
    return [GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(x, y) for kernel in kernels]


def _curves(
    process: "GaussianProcessRegressor", grid: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """Curves that this process holds for possible: float (count, places)."""
    mean, covariance = process.predict(grid[:, None], return_cov=True)
    values, vectors = np.linalg.eigh(covariance)
    curves: np.ndarray = (
        mean + random.standard_normal((count, len(grid))) @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    )
    return curves
