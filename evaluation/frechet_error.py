"""The standard error of a Fréchet distance: how far it would move with other samples of the same model.

The reference stays fixed: all trials of a data set share it, so its error moves them together and changes no comparison.

* `jackknife_error`, always there: the infinitesimal jackknife (Jaeckel 1972; Efron 1982), which asks how the distance
  changes with the weight of each image. One decomposition, as dear as one more distance.
* `bootstrap_error`, on demand: the spread over resampled images. As the distance depends on the images only through
  weighted sums, a replicate needs weights and no copy of the features; still it costs a covariance and its eigenvalues.

Neither sees the bias of a finite sample (`extrapolation.py` does). A test compares both with the spread over fresh samples.

Shapes: N images, D features, r = rank of the reference covariance; A (D, r) its root, as in frechet.py.
"""

import math

import numpy as np
import torch

from evaluation.statistics import FeatureStatistics
from models.identity import stream_seed


def jackknife_error(features_ND: torch.Tensor, reference: FeatureStatistics) -> float:
    """Standard error of the distance of `features_ND` (N, D), on their device in float64.

    With y = A^T (x - mean), eigenvectors v and eigenvalues e of the covariance of y, the distance of weighted images has in
    the weight of image x the derivative 2 (mean - mean_ref).(x - mean) + |x - mean|^2 - sum_k (v_k.y)^2 / sqrt(e_k), up
    to a constant. Its variance over images, divided by N, is that of the distance. Raises `ValueError` for fewer than two
    images.
    """
    if len(features_ND) < 2:
        raise ValueError(f"a standard error needs 2 images, there are {len(features_ND)}")
    centred_ND, y_Nr, step_D = _projected(features_ND, reference)
    values, vectors = torch.linalg.eigh(y_Nr.T @ y_Nr / (len(y_Nr) - 1))
    kept = _kept(values, reference.dimension)
    roots = (y_Nr @ vectors[:, kept]).square() @ values[kept].rsqrt()
    n = len(features_ND)
    influence_N = 2 * centred_ND @ step_D + (centred_ND.square().sum(1) - roots) * (n / (n - 1))
    return float(influence_N.std()) / math.sqrt(len(influence_N))


def bootstrap_error(features_ND: torch.Tensor, reference: FeatureStatistics, replicates: int, seed: int) -> float:
    """Standard deviation of the distance over `replicates` resamplings of the images (N, D), float64.

    Raises `ValueError` for fewer than two images or replicates.
    """
    n = len(features_ND)
    if n < 2 or replicates < 2:
        raise ValueError(f"a bootstrap needs 2 images and 2 replicates, there are {n} and {replicates}")
    generator = np.random.default_rng(stream_seed("bootstrap", seed))
    centred_ND, y_Nr, step_D = _projected(features_ND, reference)
    squared_N = centred_ND.square().sum(1)
    distances = np.empty(replicates)
    for i in range(replicates):
        counts = np.bincount(generator.integers(n, size=n), minlength=n)
        weights_N = torch.from_numpy(counts / n).to(centred_ND)
        shift_D, shift_r = weights_N @ centred_ND, weights_N @ y_Nr  # the replicate's mean, from the whole sample's
        scale = n / (n - 1)
        trace = (weights_N @ squared_N - shift_D @ shift_D) * scale
        covariance = ((y_Nr * weights_N[:, None]).T @ y_Nr - torch.outer(shift_r, shift_r)) * scale
        values = torch.linalg.eigvalsh(covariance)
        root = values[_kept(values, reference.dimension)].sqrt().sum()
        distances[i] = float((step_D + shift_D).square().sum() + trace + reference.trace - 2 * root)
    return float(distances.std(ddof=1))


def _projected(
    features_ND: torch.Tensor, reference: FeatureStatistics
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x - mean (N, D), y = A^T (x - mean) (N, r), mean - mean_ref (D,)."""
    x_ND = features_ND.double()
    mean_D = x_ND.mean(0)
    centred_ND = x_ND - mean_D
    root = torch.from_numpy(reference.root).to(x_ND.device)
    return centred_ND, centred_ND @ root, mean_D - torch.from_numpy(reference.mean).to(x_ND.device)


def _kept(values: torch.Tensor, dimension: int) -> torch.Tensor:
    """Eigenvalues above rounding error, as in frechet.py."""
    largest = values[-1].clamp(min=0.0) if len(values) else values.new_zeros(())
    return values > largest * dimension * torch.finfo(torch.float64).eps
