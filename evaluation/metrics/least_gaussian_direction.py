"""The least Gaussian direction through latents: an effect size, and a test that sees clusters.

Half of the latents choose directions, the other half are measured along them. So whatever chose them, along each of them
Gaussian latents are exactly a sample of a univariate normal: the null needs no simulation and does not depend on their
covariance. The directions are each latent dimension, each principal component, and for each cluster of k-means the one that
separates it from the rest (linear discriminant analysis). k-means runs twice: on the latents, where clusters show along
principal components, and on whitened latents, where they show in every direction.

The measure is Hyvärinen's approximation of negentropy (1998, his second choice of functions), in nats: what a density that
fits the direction gains over the normal one. For y of mean 0 and variance 1 it is

    J = k1 E[y exp(-y²/2)]² + k2 (E[exp(-y²/2)] - sqrt(1/2))²

Both functions are bounded, so that single outliers do not decide. k1 and k2 are such that J is half the sum of the
squares of two components that for n normal values are independent and normal with variance 1/n. So 2 n J is chi-squared with 2
degrees of freedom and the p-value of a direction is exp(-n J); the smallest of m counts m times (Bonferroni). As p-values far
out in the tail are needed, the second component, whose law is skewed, is first made normal by Wilson and Hilferty's cube root.

Shapes: N latents, Z = latent_size, n = latents measured, D = directions.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np

from aesweep.evaluation.metrics.principal_components import principal_components
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.evaluation.priors.fitting import check_latents

CLUSTERS = 10
"""Clusters of each k-means; as many as the paper's mixture has components."""
FEWEST = 50
"""Latents that are measured at least."""
_MEAN, _SKEWNESS = -1.1, 2.7
"""Moments of the second component for n normal values, times sqrt(n), in standard deviations; simulated for n = 50 to 500."""
_CHUNK = 256  # directions that are projected on at once: 20 MB for 10,000 latents
_SKEWED, _PEAKED = 36 / (8 * math.sqrt(3) - 9), 24 / (16 * math.sqrt(3) - 27)


class LeastGaussian(NamedTuple):
    """The largest negentropy, and what its error and its p-value depend on."""

    negentropy: float
    """Nats."""
    stderr: float
    """Over the latents measured, of this direction."""
    n: int
    directions: int
    p: float
    """The p-value against "the latents are Gaussian"."""

    @property
    def null(self) -> tuple[float, float]:
        """Mean and standard deviation of the largest negentropy of Gaussian latents, as if directions were independent.

        The largest of D exponential variables of mean 1/n.
        """
        k = np.arange(1, self.directions + 1)
        return float((1 / k).sum()) / self.n, math.sqrt(float((1 / k**2).sum())) / self.n


def least_gaussian_direction(x_NZ: np.ndarray, seed: int) -> LeastGaussian:
    """Measure the second half of latents (N, Z), in their order, along directions that the first half chooses.

    `seed` starts k-means. Raises `PriorError`: latents that are not finite, all equal, or too few.
    """
    check_latents(x_NZ)
    half = len(x_NZ) // 2
    if half < FEWEST:
        raise PriorError(f"{len(x_NZ)} latents are too few to look for directions: at least {2 * FEWEST} needed")
    x_NZ = np.asarray(x_NZ, dtype=np.float64)
    first, second = x_NZ[:half], x_NZ[half:]
    directions_ZD, least = _directions(first, seed)
    centred = second - first.mean(0)
    best, largest, count, log_p = np.empty(0), -1.0, 0, 0.0
    for start in range(0, directions_ZD.shape[1], _CHUNK):
        y_nD = centred @ directions_ZD[:, start : start + _CHUNK]
        y_nD = y_nD[:, y_nD.var(0) > least]  # a constant dimension has no shape
        if not y_nD.shape[1]:
            continue
        components_2D = _components(y_nD)
        found_D = 0.5 * (components_2D**2).sum(0)
        count += len(found_D)
        log_p = min(log_p, float(_log_p(components_2D, len(second)).min()))
        if found_D.max() > largest:
            largest, best = float(found_D.max()), y_nD[:, found_D.argmax()]
    if not count:
        raise PriorError("all latents that were to be measured are equal")
    return LeastGaussian(largest, _stderr(best), len(second), count, min(1.0, count * math.exp(log_p)))


def negentropy(y_nD: np.ndarray) -> np.ndarray:
    """J of each column of (n, D), nats, float64 (D,), after standardisation."""
    return np.asarray(0.5 * (_components(y_nD) ** 2).sum(0))


def p_values(y_nD: np.ndarray) -> np.ndarray:
    """The p-value of each column of (n, D) against "normal values", float64 (D,)."""
    return np.asarray(np.exp(_log_p(_components(y_nD), len(y_nD))))


def _components(y_nD: np.ndarray) -> np.ndarray:
    """The two whose squares are 2 J, float64 (2, D): the first sees skewed directions, the second peaked and flat ones."""
    y_nD = (y_nD - y_nD.mean(0)) / y_nD.std(0)
    bell_nD = np.exp(-0.5 * y_nD * y_nD)
    skewed_D, peaked_D = (y_nD * bell_nD).mean(0), bell_nD.mean(0) - math.sqrt(0.5)
    return np.stack([math.sqrt(2 * _SKEWED) * skewed_D, math.sqrt(2 * _PEAKED) * peaked_D])


def _log_p(components_2D: np.ndarray, n: int) -> np.ndarray:
    skewed_D, peaked_D = math.sqrt(n) * components_2D
    skewness = _SKEWNESS / math.sqrt(n)
    roots_D = np.cbrt(1 + 0.5 * skewness * (peaked_D - _MEAN / math.sqrt(n)))
    normal_D = (roots_D - 1 + skewness**2 / 36) * 6 / skewness
    return np.asarray(-0.5 * (skewed_D**2 + normal_D**2))


def _directions(x_NZ: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Unit vectors (Z, D), and the variance at or under which a direction is rounding error."""
    centred = x_NZ - x_NZ.mean(0)
    components = principal_components(centred)
    vectors, scales, whitening = components.vectors_Zd, components.deviations_d, components.whitening
    centres = np.concatenate([_centres(centred, seed) @ vectors / scales, _centres(centred @ whitening, seed)])
    # Linear discriminant analysis, one cluster against the rest: covariance^-1 (centre - mean).
    directions = np.concatenate([np.eye(x_NZ.shape[1]), vectors, whitening @ centres.T], axis=1)
    lengths = np.linalg.norm(directions, axis=0)
    return directions[:, lengths > 0] / lengths[lengths > 0], components.least


def _centres(x_NZ: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different latents than clusters
        return np.asarray(KMeans(CLUSTERS, n_init=1, random_state=seed % 2**32).fit(x_NZ).cluster_centers_)


def _stderr(y_n: np.ndarray) -> float:
    """Delta method: the standard deviation of J's influence function, standardisation included, over sqrt(n)."""
    y_n = (y_n - y_n.mean()) / y_n.std()
    bell_n = np.exp(-0.5 * y_n * y_n)
    influence_n = np.zeros(len(y_n))
    for weight, value_n, slope_n, gaussian in (
        (_SKEWED, y_n * bell_n, (1 - y_n * y_n) * bell_n, 0.0),
        (_PEAKED, bell_n, -y_n * bell_n, math.sqrt(0.5)),
    ):
        # Shifting and rescaling the sample to mean 0 and variance 1 moves every value.
        moved_n = value_n - slope_n.mean() * y_n - 0.5 * (slope_n * y_n).mean() * (y_n * y_n - 1)
        influence_n += 2 * weight * (value_n.mean() - gaussian) * (moved_n - moved_n.mean())
    return float(influence_n.std() / math.sqrt(len(y_n)))
