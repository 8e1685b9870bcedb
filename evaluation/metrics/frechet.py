"""The Fréchet distance between two Gaussians fitted on features (Heusel et al. 2017, Equation 6): the paper's "FID".

    d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

The textbook takes the matrix root of S1 S2, which is not symmetric: slow, complex by rounding, and it fails where a
covariance is singular. With S1 = A A^T the eigenvalues of S1 S2 that are not zero are those of the symmetric A^T S2 A,
so only its eigenvalues are needed. A belongs to the reference, which thousands of scores share: it is computed once, and
triangular, so that the product takes a third of the work of two full ones. The textbook stands beside this in
tests/evaluation/metrics/test_frechet.py, rivals in benchmarks/evaluation.py.

What a finite sample does to it: `frechet_error.py` has its standard error, `frechet_infinity.py` its bias.

Shapes: D features, r = rank of the reference covariance; A (D, r) its root.
"""

import numpy as np

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics

BLOCK = 128  # columns of the product at a time


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
