"""The standard error of a Fréchet distance: how far it would move with other samples and other real images.

What is estimated is the expected distance of n samples of the model from M real images, both sets drawn again. It is no
estimate of the distance of the two distributions: the noise of both covariances adds distance, about a constant divided by
the number of images, which no standard error shows (`frechet_infinity.py` removes it).

* `jackknife_error`, always there: the infinitesimal jackknife (Jaeckel 1972; Efron 1982) asks how the distance changes with
  the weight of each image. It costs one decomposition, as much as one more distance.
* `bootstrap_error`, on demand: the spread over resampled images. As the distance depends on the images only through weighted
  sums, a replicate needs weights and no copy of the features; still it costs a covariance and its eigenvalues. The part of
  the real images is always the jackknife's, since each replicate of theirs would need another root.

Scores that share their real images move together with those. Two scores taken as independent have a difference whose error is
too large rather than too small; `difference_error` is right, where the features of both are at hand. Where they are not,
`shared_parts` is what to keep of a score: the influences of the real images, summed with random signs, 16 times. The product
of two such sums estimates the covariance of the two scores (Rademacher projections, Achlioptas 2003).

A reconstruction and its image belong together: there are no other samples, only other images, and both sides move with them.
Their error counts each reconstruction and its image as one; taken apart it would be several times too large.

Shapes: N images (n in a chunk), M real images, D features, r = rank of the reference covariance; A (D, r) its root; k
directions that both sets vary in.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.models.identity import stream_seed

CHUNK = 1024  # images at a time
PARTS = 16
"""Random sums that `shared_parts` keeps: the part of a difference's error that is due to real images is known to 18 %."""


class Influences(NamedTuple):
    """The derivative of a distance in the weight of each image, up to a constant; float64."""

    sample_N: torch.Tensor
    reference_M: torch.Tensor

    @property
    def error(self) -> float:
        """Standard error of the distance, both sets random."""
        return math.hypot(standard_error(self.sample_N), standard_error(self.reference_M))


def standard_error(influence_N: torch.Tensor) -> float:
    """Standard error of a statistic with this influence of each of N images."""
    return float(influence_N.std()) / math.sqrt(len(influence_N))


def influences(
    features_ND: torch.Tensor, sample: FeatureStatistics, reference: FeatureStatistics, real_MD: torch.Tensor
) -> Influences:
    """Those of the distance of `features_ND`, whose statistics are `sample`, from `real_MD`, whose are `reference`.

    With eigenvectors v and eigenvalues e of A^T S A, the linear map T = sum_k (A v_k)(A v_k)^T / sqrt(e_k) carries the
    sample's covariance S to the reference's. The distance of weighted images has in the weight of image x the derivative
    2 (mean - mean_ref).(x - mean) + |x - mean|^2 - (x - mean)^T T (x - mean), up to a constant; in the weight of a real
    image the same with the sets exchanged, T inverted. Raises `ValueError` for fewer than two images.
    """
    if min(len(features_ND), len(real_MD)) < 2:
        raise ValueError(f"a standard error needs 2 images, there are {min(len(features_ND), len(real_MD))}")
    root, covariance, mean_D, other_D = (
        torch.from_numpy(array).to(features_ND.device)
        for array in (reference.root, sample.covariance, sample.mean, reference.mean)
    )
    values, vectors = torch.linalg.eigh(root.T @ (covariance @ root))
    kept = _kept(values, reference.dimension)
    vectors, fourth_roots = vectors[:, kept], values[kept].sqrt().sqrt()
    # T's inverse by the pseudo-inverse of A = QR, whose images' features it spans.
    q, r = torch.linalg.qr(root)
    back = q @ torch.linalg.solve_triangular(r.T, vectors * fourth_roots, upper=False)
    return Influences(
        _influence(features_ND, mean_D, mean_D - other_D, root @ (vectors / fourth_roots)),
        _influence(real_MD, other_D, other_D - mean_D, back),
    )


def jackknife_error(
    features_ND: torch.Tensor,
    sample: FeatureStatistics,
    reference: FeatureStatistics,
    real_MD: torch.Tensor,
    *,
    paired: bool = False,
) -> float:
    """Standard error of the distance of `features_ND`, whose statistics are `sample`; on their device in float64.

    `real_MD` are the features of the reference's images. `paired`: sample i is the reconstruction of real image i. Raises
    `ValueError` for fewer than two images.
    """
    found = influences(features_ND, sample, reference, real_MD)
    return standard_error(found.sample_N + found.reference_M) if paired else found.error


def difference_error(first: Influences, second: Influences) -> float:
    """Standard error of the difference of two distances from the same real images, the samples drawn independently."""
    shared = standard_error(first.reference_M - second.reference_M)
    return math.hypot(standard_error(first.sample_N), standard_error(second.sample_N), shared)


def shared_parts(influence_M: torch.Tensor) -> np.ndarray:
    """Float (PARTS,) of a score with these influences of M images; the squares sum up to the squared standard error.

    For two scores with the same M images in the same order the sum of the products estimates their covariance. It is the
    first score's variance where both move alike, so that nothing of it is left in their difference.
    """
    count = len(influence_M)
    signs = np.random.default_rng(stream_seed("shared parts", count)).integers(0, 2, (PARTS, count))
    centred_M = (influence_M - influence_M.mean()).cpu().numpy()
    parts: np.ndarray = (2.0 * signs - 1) @ centred_M
    length = float(np.linalg.norm(parts))
    return parts * (standard_error(influence_M) / length) if length else parts


def as_text(parts: np.ndarray) -> str:
    """The column `stderr_shared`: four digits each."""
    return " ".join(f"{part:.4g}" for part in parts)


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
    """Standard deviation of the distance over `replicates` resamplings of the images (N, D), the reference fixed; float64.

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
