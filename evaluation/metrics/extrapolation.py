"""The Fréchet distance of infinitely many samples (Chong and Forsyth 2020): "FID∞" on Inception features.

A covariance of n images is noisy, and noise adds distance: about a constant divided by n, which depends on the model. So
two models' distances at one n may stand in the wrong order. Distances at several n, fitted by a line in 1/n, are read off
at 1/n = 0. Only the samples are extrapolated; the reference stays as it is, the same for all trials.
"""

import numpy as np
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.models.identity import stream_seed

POINTS = 15
"""Sample sizes on the line, as in the authors' code: from half the images to all, evenly spaced."""
LEAST_IMAGES = 100
LEAST_IMAGES_PER_FEATURE = 4
"""Below, the noise is no line in 1/n: 1.6 images per feature were measured to give a distance of -20 instead of 2.6."""


def extrapolated_distance(features_ND: torch.Tensor, reference: FeatureStatistics, seed: int) -> float:
    """The intercept of the line for features (N, D); random subsets by `seed`.

    It may be negative where the true distance is within the noise. Raises `ValueError` for too few images.
    """
    n, least = len(features_ND), max(LEAST_IMAGES, LEAST_IMAGES_PER_FEATURE * reference.root.shape[1])
    if n < least:
        raise ValueError(f"an extrapolation with {reference.dimension} features needs {least} images, there are {n}")
    generator = np.random.default_rng(stream_seed("extrapolation", seed))
    sizes = np.unique(np.linspace(n // 2, n, POINTS).astype(int))
    distances = []
    for size in sizes.tolist():
        statistics = FeatureStatistics(reference.dimension)
        chosen = torch.from_numpy(np.sort(generator.permutation(n)[:size])).to(features_ND.device)
        statistics.update(features_ND[chosen])
        distances.append(frechet_distance(statistics, reference))
    _, intercept = np.polyfit(1 / sizes, distances, 1)
    return float(intercept)
