"""The Fréchet distance between two Gaussians fitted on features (Heusel et al. 2017, Equation 6): the paper's "FID".

    d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

The textbook takes the matrix root of S1 S2, which is not symmetric: slow, complex by rounding, and it fails where a
covariance is singular. With S1 = A A^T the eigenvalues of S1 S2 that are not zero are those of the symmetric A^T S2 A,
so only its eigenvalues are needed. A belongs to the reference, which thousands of scores share: it is computed once.
The textbook stands beside this in tests/evaluation/test_frechet.py and in benchmarks/frechet_distance.py.
"""

import numpy as np

from evaluation.statistics import FeatureStatistics


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
    """tr (S1 S2)^(1/2), the sum of the square roots of the eigenvalues of A^T S2 A."""
    root = reference.root
    if root.shape[1] == 0:  # all reference images have the same features
        return 0.0
    values = np.linalg.eigvalsh(root.T @ sample.covariance @ root)
    # Below this an eigenvalue is rounding error, and its square root would be far larger than the error itself.
    least = max(values[-1], 0.0) * reference.dimension * np.finfo(np.float64).eps
    return float(np.sqrt(values[values > least]).sum())
