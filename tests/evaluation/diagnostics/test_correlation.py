"""Eigenvalues of correlations: known matrices, their errors, and what a spherical Gaussian of n latents gives."""

import numpy as np
import pytest
import torch

from aesweep.evaluation.diagnostics.correlation import MEASURES, eigenvalue_measures, spherical_null

CPU = torch.device("cpu")


def measures(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = eigenvalue_measures(torch.from_numpy(latents))
    return np.array([found[m][0] for m in MEASURES]), np.array([found[m][1] for m in MEASURES])


def test_scale_and_mean_do_not_count_and_the_values_are_those_of_the_correlation_matrix() -> None:
    z = np.random.default_rng(0).standard_normal((500, 4)) @ np.random.default_rng(1).standard_normal((4, 4))
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(z, rowvar=False))
    expected = [eigenvalues[-1], eigenvalues[-1] / eigenvalues[0], 16 / (eigenvalues**2).sum()]
    for latents in (z, 7 + z * np.array([1e-3, 1, 20, 400])):
        np.testing.assert_allclose(measures(latents)[0], expected, rtol=1e-9)


def test_standard_errors_are_the_spread_over_data_sets_and_values_near_the_truth() -> None:
    covariance = np.array([[1, 0.6, 0.3], [0.6, 1, 0.1], [0.3, 0.1, 1]])
    factor, truth = np.linalg.cholesky(covariance), np.linalg.eigvalsh(covariance)
    found = [measures(np.random.default_rng(s).standard_normal((800, 3)) @ factor.T) for s in range(100)]
    values, errors = (np.array(part) for part in zip(*found, strict=True))
    np.testing.assert_allclose(errors.mean(0), values.std(0), rtol=0.25)
    np.testing.assert_allclose(values.mean(0), [truth[-1], truth[-1] / truth[0], 9 / (truth**2).sum()], rtol=0.03)


def test_the_null_is_the_spherical_gaussian_of_as_many_latents() -> None:
    n, size = 400, 20
    null = spherical_null(n, size, CPU)
    drawn = np.array([measures(np.random.default_rng(s).standard_normal((n, size)))[0] for s in range(100)])
    spread = np.hypot(null.std(0), drawn.std(0)) / 10
    assert (abs(null.mean(0) - drawn.mean(0)) < 4 * spread).all()
    np.testing.assert_allclose(null.std(0), drawn.std(0), rtol=0.35)


def test_the_largest_eigenvalue_of_the_null_lies_at_the_marchenko_pastur_edge() -> None:
    n, size = 2000, 100
    largest, condition, rank = spherical_null(n, size, CPU).mean(0)
    ratio = (size / n) ** 0.5
    assert largest == pytest.approx((1 + ratio) ** 2, rel=0.02) and largest < (1 + ratio) ** 2
    assert condition == pytest.approx(((1 + ratio) / (1 - ratio)) ** 2, rel=0.05)
    assert rank == pytest.approx(size / (1 + size / n), rel=0.002)


def test_one_shared_factor_is_far_from_the_null_and_a_sphere_is_not() -> None:
    generator = np.random.default_rng(5)
    sphere = generator.standard_normal((1000, 10))
    null = spherical_null(1000, 10, CPU)
    for latents, low, high in ((sphere, 0, 4), (sphere + 0.5 * generator.standard_normal((1000, 1)), 20, 1e9)):
        distance = abs(measures(latents)[0] - null.mean(0)) / null.std(0)
        assert low <= distance.max() < high


@pytest.mark.parametrize(
    ("latents", "words"),
    [
        (np.random.default_rng(0).standard_normal((4, 4)), "more latents than that, there are 4"),
        (np.random.default_rng(0).standard_normal((9, 3)) * [1, 0, 1], "1 of 3 units are constant"),
        (np.random.default_rng(0).standard_normal((200, 3))[:, [0, 0, 2]], "singular"),
        (np.full((9, 3), np.nan), "not finite"),
    ],
)
def test_latents_without_correlations_say_why(latents: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        measures(latents)
