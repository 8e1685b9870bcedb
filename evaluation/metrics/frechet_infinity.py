"""The Fréchet distance without the bias of a finite number of images.

A covariance of n images is noisy, and noise adds distance, about a constant divided by n. The constant depends on the model, so
that the distances of two models at one n may be in the wrong order.

* `extrapolated_distance` (Chong and Forsyth 2020: "FID∞" on Inception features): distances at several numbers of samples, fitted
  by a line in 1/n, are read off at 1/n = 0. All are distances from the same real images, whose noise is left in: the value is
  the distance of infinitely many samples from these M images.
* `both_sides_extrapolated`: the delete-half jackknife (Quenouille 1956). A distance of n samples from M images has a bias of
  about a / n + b / M; one of half of each has twice that. So twice the first less the second has none, and estimates the
  distance of the two distributions. What remains is of the order 1 / n^2 and 1 / M^2. The mean over the two halves of a set
  weighs all images alike, so to first order the value has the error of the plain distance.

Shapes: N samples, M real images, D features.
"""

import math

import numpy as np
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import influences, standard_error
from aesweep.models.identity import stream_seed

POINTS = 15
"""Sample sizes on the line, as in the authors' code: from half the images to all, evenly spaced."""
SPLITS = 4
"""Random divisions into halves that are averaged over."""
LEAST_IMAGES = 100
LEAST_IMAGES_PER_FEATURE = 4
"""Below, the noise is no line in 1/n: 1.6 images per feature were measured to give a distance of -20 instead of 2.6."""


def extrapolated_distance(
    features_ND: torch.Tensor, reference: FeatureStatistics, real_MD: torch.Tensor, seed: int
) -> tuple[float, float]:
    """The intercept of the line for features (N, D), and its standard error; random subsets by `seed`.

    It may be negative where the true distance is within the noise. The subsets weigh images unequally, which the error
    counts: the intercept is a weighted sum of distances, and each of them a mean over its subset. Raises `ValueError` for
    too few images.
    """
    n = len(features_ND)
    _require_images(n, reference.root.shape[1], reference.dimension)
    generator = np.random.default_rng(stream_seed("extrapolation", seed))
    sizes = np.unique(np.linspace(n // 2, n, POINTS).astype(int))
    subsets = [np.sort(generator.permutation(n)[:size]) for size in sizes.tolist()]
    distances = [frechet_distance(_statistics(features_ND, subset), reference) for subset in subsets]
    _, intercept = np.polyfit(1 / sizes, distances, 1)
    shares_N = np.zeros(n)
    for subset, weight in zip(subsets, _intercept_weights(1 / sizes), strict=True):
        shares_N[subset] += weight * n / len(subset)
    found = influences(features_ND, _statistics(features_ND), reference, real_MD)
    centred_N = found.sample_N - found.sample_N.mean()
    own_N = centred_N * torch.from_numpy(shares_N).to(centred_N)
    own = float(own_N.square().sum().sqrt()) / math.sqrt(n * (n - 1))
    return float(intercept), math.hypot(own, standard_error(found.reference_M))


def both_sides_extrapolated(
    features_ND: torch.Tensor, reference: FeatureStatistics, real_MD: torch.Tensor, seed: int
) -> tuple[float, float]:
    """Twice the distance of all images less the mean distance of halves, and its standard error; halves by `seed`.

    It may be negative where the true distance is within the noise. Raises `ValueError` for too few images of either set.
    """
    for images in (features_ND, real_MD):
        _require_images(len(images), reference.root.shape[1], reference.dimension)
    generator = np.random.default_rng(stream_seed("extrapolation of both sides", seed))
    halves = []
    for _ in range(SPLITS):
        samples, real = (np.array_split(generator.permutation(len(images)), 2) for images in (features_ND, real_MD))
        halves += [
            frechet_distance(_statistics(features_ND, part), _statistics(real_MD, other))
            for part, other in zip(samples, real, strict=True)
        ]
    sample = _statistics(features_ND)
    value = 2 * frechet_distance(sample, reference) - float(np.mean(halves))
    spread = float(np.std(np.reshape(halves, (SPLITS, 2)).mean(1), ddof=1)) / math.sqrt(SPLITS)
    return value, math.hypot(influences(features_ND, sample, reference, real_MD).error, spread)


def _require_images(n: int, rank: int, dimension: int) -> None:
    least = max(LEAST_IMAGES, LEAST_IMAGES_PER_FEATURE * rank)
    if n < least:
        raise ValueError(f"an extrapolation with {dimension} features needs {least} images, there are {n}")


def _intercept_weights(x_P: np.ndarray) -> np.ndarray:
    """The weights (P,) of the values at `x_P` in the intercept of the line fitted by least squares."""
    return np.asarray(np.linalg.pinv(np.stack([x_P, np.ones(len(x_P))], axis=1))[1])


def _statistics(features_ND: torch.Tensor, chosen: np.ndarray | None = None) -> FeatureStatistics:
    index = slice(None) if chosen is None else torch.from_numpy(np.sort(chosen)).to(features_ND.device)
    return FeatureStatistics.of(features_ND[index])
