"""The Fréchet distance between two Gaussians fitted on features (Heusel et al. 2017, Equation 6): the paper's "FID".

    d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

The textbook takes the matrix root of S1 S2, which is not symmetric: slow, complex by rounding, and it fails where a
covariance is singular. With S1 = A A^T the eigenvalues of S1 S2 that are not zero are those of the symmetric A^T S2 A,
so only its eigenvalues are needed. A belongs to the reference, which thousands of scores share: it is computed once, and
triangular, so that the product takes a third of the work of two full ones. The textbook stands beside this in
tests/evaluation/metrics/test_frechet.py, rivals in benchmarks/evaluation.py.

What a finite sample does to it:

* `jackknife_error`, always there, is the standard error: how far the distance would move with other samples of the same model.
  The infinitesimal jackknife (Jaeckel 1972; Efron 1982) asks how the distance changes with the weight of each image: one
  decomposition, as dear as one more distance.
* `bootstrap_error`, on demand, is the spread over resampled images. As the distance depends on the images only through weighted
  sums, a replicate needs weights and no copy of the features; still it costs a covariance and its eigenvalues.
* `extrapolated_distance` (Chong and Forsyth 2020: "FID∞" on Inception features) is about the bias, which neither sees: a
  covariance of n images is noisy, and noise adds distance, about a constant divided by n, which depends on the model, so that
  two models' distances at one n may stand in the wrong order. Distances at several n, fitted by a line in 1/n, are read off at
  1/n = 0.

The reference stays fixed in all: all trials of a data set share it, so its error moves them together and changes no comparison.
Reconstructions have no other samples, only other images, and then both sides move together: their error counts each
reconstruction and its image as one. Taking the image as given would make it several times too large. A test compares both
errors with the spread over fresh samples.

Shapes: N images (n in a chunk), D features, r = rank of the reference covariance; A (D, r) its root; k directions that both
sets vary in.
"""

import math

import numpy as np
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.models.identity import stream_seed

BLOCK = 128  # columns of the product at a time
CHUNK = 1024  # images at a time
POINTS = 15
"""Sample sizes on the line, as in the authors' code: from half the images to all, evenly spaced."""
LEAST_IMAGES = 100
LEAST_IMAGES_PER_FEATURE = 4
"""Below, the noise is no line in 1/n: 1.6 images per feature were measured to give a distance of -20 instead of 2.6."""


def frechet_distance(sample: FeatureStatistics, reference: FeatureStatistics) -> float:
    """Squared Fréchet distance of two sets of features; 0 for equal ones, symmetric up to rounding.

    Exact to about 1e-12 of tr S1 + tr S2, for singular covariances too. Where variances range over more than seven orders
    of magnitude, those below are left out with the rounding errors: up to 1e-6 of the traces too much, far under what 10,000
    images can tell apart. Raises `ValueError` if the numbers of features differ or a set has fewer than two images.
    """
    if sample.dimension != reference.dimension:
        raise ValueError(f"{sample.dimension} features cannot be compared with {reference.dimension}")
    step = sample.mean - reference.mean
    traces = sample.trace + reference.trace
    distance = float(step @ step) + traces - 2.0 * _trace_of_root(sample, reference)
    # A squared distance cannot be negative; that of equal sets may come out as -1e-13.
    return max(distance, 0.0)


def _trace_of_root(sample: FeatureStatistics, reference: FeatureStatistics) -> float:
    """Tr (S1 S2)^(1/2), the sum of the square roots of the eigenvalues of A^T S2 A."""
    root = reference.root
    if root.shape[1] == 0:  # all reference images have the same features
        return 0.0
    values = np.linalg.eigvalsh(_lower_triangle(sample.covariance, root), UPLO="L")
    # Below this an eigenvalue is rounding error, and its square root would be far larger than the error itself.
    least = max(values[-1], 0.0) * reference.dimension * np.finfo(np.float64).eps
    return float(np.sqrt(values[values > least]).sum())


def _lower_triangle(covariance_DD: np.ndarray, root_DR: np.ndarray) -> np.ndarray:
    """A^T S A (r, r) of a root that is zero above its diagonal; above its own diagonal the result is not filled in."""
    rank = root_DR.shape[1]
    product = np.zeros((rank, rank))
    for first in range(0, rank, BLOCK):
        columns = slice(first, first + BLOCK)
        # From these columns on, A has no rows before `first`.
        right = covariance_DD[first:, first:] @ root_DR[first:, columns]
        product[first:, columns] = root_DR[first:, first:].T @ right
    return product


def jackknife_error(
    features_ND: torch.Tensor,
    sample: FeatureStatistics,
    reference: FeatureStatistics,
    pairs_ND: torch.Tensor | None = None,
) -> float:
    """Standard error of the distance of `features_ND`, whose statistics are `sample`; on their device in float64.

    `pairs_ND` are the features of the reference's images where each belongs to the image of the same place.

    With eigenvectors v and eigenvalues e of A^T S A, the linear map T = sum_k (A v_k)(A v_k)^T / sqrt(e_k) carries the
    sample's covariance S to the reference's. The distance of weighted images has in the weight of image x the derivative
    2 (mean - mean_ref).(x - mean) + |x - mean|^2 - (x - mean)^T T (x - mean), up to a constant; in the weight of an image
    of the reference the same with the sets exchanged, T inverted. The variance over images (of the sum over both of a
    pair), divided by N, is that of the distance. Raises `ValueError` for fewer than two images.
    """
    n = len(features_ND)
    if n < 2:
        raise ValueError(f"a standard error needs 2 images, there are {n}")
    root, covariance, mean_D, other_D = (
        torch.from_numpy(array).to(features_ND.device)
        for array in (reference.root, sample.covariance, sample.mean, reference.mean)
    )
    values, vectors = torch.linalg.eigh(root.T @ (covariance @ root))
    kept = _kept(values, reference.dimension)
    vectors, fourth_roots = vectors[:, kept], values[kept].sqrt().sqrt()
    influence_N = _influence(features_ND, mean_D, mean_D - other_D, root @ (vectors / fourth_roots))
    if pairs_ND is not None:
        # T's inverse by the pseudo-inverse of A = QR, whose images' features it spans.
        q, r = torch.linalg.qr(root)
        back = q @ torch.linalg.solve_triangular(r.T, vectors * fourth_roots, upper=False)
        influence_N += _influence(pairs_ND, other_D, other_D - mean_D, back)
    return float(influence_N.std()) / math.sqrt(n)


def _influence(
    features_ND: torch.Tensor, mean_D: torch.Tensor, step_D: torch.Tensor, map_Dk: torch.Tensor
) -> torch.Tensor:
    """The derivative (N,) in the weight of each image; `map_Dk` is T's root: T = map map^T."""
    n = len(features_ND)
    influence = []
    for x_nD in features_ND.split(CHUNK):  # float64 of all would take twice the memory of the features
        centred_nD = x_nD.double() - mean_D
        squared = centred_nD.square().sum(1) - (centred_nD @ map_Dk).square().sum(1)
        influence.append(2 * centred_nD @ step_D + squared * (n / (n - 1)))
    return torch.cat(influence)


def bootstrap_error(features_ND: torch.Tensor, reference: FeatureStatistics, replicates: int, seed: int) -> float:
    """Standard deviation of the distance over `replicates` resamplings of the images (N, D), float64.

    Raises `ValueError` for fewer than two images or replicates.
    """
    n = len(features_ND)
    if n < 2 or replicates < 2:
        raise ValueError(f"a bootstrap needs 2 images and 2 replicates, there are {n} and {replicates}")
    generator = np.random.default_rng(stream_seed("bootstrap", seed))
    x_ND = features_ND.double()
    mean_D = x_ND.mean(0)
    centred_ND = x_ND - mean_D
    y_Nr = centred_ND @ torch.from_numpy(reference.root).to(x_ND.device)
    step_D = mean_D - torch.from_numpy(reference.mean).to(x_ND.device)
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


def _kept(values: torch.Tensor, dimension: int) -> torch.Tensor:
    """Eigenvalues above rounding error."""
    largest = values[-1].clamp(min=0.0) if len(values) else values.new_zeros(())
    return values > largest * dimension * torch.finfo(torch.float64).eps


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
