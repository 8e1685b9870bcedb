"""The least Gaussian direction: it finds clusters and tails, calls t(100) negligible, and is calibrated."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from aesweep.analysis.thresholds import PRACTICALLY_GAUSSIAN
from aesweep.evaluation.metrics.gaussian_null import shape_null
from aesweep.evaluation.metrics.gaussianity import shape_statistics
from aesweep.evaluation.metrics.least_gaussian_direction import (
    CLUSTERS,
    FEWEST,
    LeastGaussian,
    least_gaussian_direction,
    negentropy,
    p_values,
)
from aesweep.evaluation.priors.fitted_prior import PriorError

pytestmark = pytest.mark.usefixtures("one_blas_thread")


def ten_clusters(n: int, d: int, generator: np.random.Generator) -> np.ndarray:
    """Their centres lie a median of 4.6 standard deviations of a cluster apart."""
    centres = generator.normal(size=(CLUSTERS, d)) * 4.6 / (2 * d) ** 0.5
    return np.asarray(centres[generator.integers(CLUSTERS, size=n)] + generator.normal(size=(n, d)))


def test_ten_clusters_are_found_that_neither_kurtosis_nor_radius_see() -> None:
    n, d = 10_000, 128
    generator = np.random.default_rng(0)
    mixing = np.linalg.qr(generator.normal(size=(d, d)))[0] * np.arange(1, d + 1) ** -0.5
    x = ten_clusters(n, d, generator) @ mixing.T
    mardia, radius, _ = shape_statistics(x)[0]
    laws = shape_null(n, d)
    assert laws[0].p_either(mardia) > 0.01 and laws[1].p_above(radius) > 0.01
    found = least_gaussian_direction(x, 0)
    assert found.p < 1e-50
    assert found.negentropy - 5 * found.stderr > 3 * PRACTICALLY_GAUSSIAN


def test_student_t_100_is_significant_in_many_latents_but_negligible() -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_t(100, size=(400_000, 1))
    found = least_gaussian_direction(x, 0)
    assert found.p < 0.001
    assert found.negentropy + 5 * found.stderr < PRACTICALLY_GAUSSIAN / 10


def test_two_clusters_of_the_same_size_are_found_along_a_principal_component() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2000, 32))
    x[:, :8] += np.where(generator.random((2000, 1)) < 0.5, -0.8, 0.8)  # 4.5 apart, along no single dimension
    found = least_gaussian_direction(x @ np.linalg.qr(generator.normal(size=(32, 32)))[0], 0)
    assert found.p < 1e-10 and found.negentropy > 3 * PRACTICALLY_GAUSSIAN


@pytest.mark.parametrize("n", [FEWEST, 300])
def test_the_p_value_of_one_direction_holds_its_level(n: int) -> None:
    generator = np.random.default_rng(1)
    p = np.concatenate([p_values(generator.normal(size=(n, 10_000))) for _ in range(600 // n)])
    for level in (0.5, 0.1, 0.01, 0.001, 1e-4):
        noise = 4 * (level / len(p)) ** 0.5
        assert (0.9 if n > 100 else 0.5) * level - noise < np.mean(p < level) < level + noise


def test_the_largest_of_independent_directions_is_on_average_what_the_null_says() -> None:
    generator = np.random.default_rng(0)
    largest = [negentropy(generator.normal(size=(400, 20))).max() for _ in range(500)]
    mean, deviation = LeastGaussian(0.0, 0.0, 400, 20, 1.0).null
    assert np.mean(largest) == pytest.approx(mean, abs=4 * deviation / 500**0.5 + 0.03 * mean)
    assert np.std(largest) == pytest.approx(deviation, rel=0.2)


def test_the_approximation_is_near_the_negentropy_of_a_mild_mixture() -> None:
    weights, means, sd = np.array([0.1, 0.9]), np.array([2.04, -0.2267]), 0.73
    variance = (weights * (sd**2 + means**2)).sum()
    grid = np.linspace(-8, 8, 20_001)
    density = (weights * scipy.stats.norm.pdf(grid[:, None], means, sd)).sum(1)
    entropy = -scipy.integrate.trapezoid(density * np.log(density), grid)
    exact = 0.5 * np.log(2 * np.pi * np.e * variance) - entropy
    generator = np.random.default_rng(0)
    side = generator.random(400_000) < 0.1
    x = np.where(side, means[0], means[1]) + sd * generator.normal(size=len(side))
    assert negentropy(x[:, None])[0] == pytest.approx(exact, rel=0.3)


def test_the_standard_error_is_the_spread_over_repetitions() -> None:
    generator = np.random.default_rng(0)
    found = [least_gaussian_direction(generator.gamma(4.0, size=(2000, 1)), 0) for _ in range(40)]
    assert np.std([one.negentropy for one in found]) == pytest.approx(np.mean([one.stderr for one in found]), rel=0.35)


def test_shift_and_scale_change_nothing_and_dead_dimensions_are_left_out() -> None:
    x = np.random.default_rng(0).gamma(2.0, size=(1000, 5))
    first = least_gaussian_direction(x, 0)
    dead = np.column_stack([x * 1000 + 7, np.full(1000, 3.0)])
    again = least_gaussian_direction(dead, 0)
    assert again.negentropy == pytest.approx(first.negentropy, rel=1e-6)
    assert again.directions == first.directions


def test_too_few_or_broken_latents_have_no_direction() -> None:
    x = np.random.default_rng(0).normal(size=(2 * FEWEST - 1, 3))
    with pytest.raises(PriorError, match="99 latents are too few to look for directions: at least 100 needed"):
        least_gaussian_direction(x, 0)
    with pytest.raises(PriorError, match="all latents are equal"):
        least_gaussian_direction(np.ones((200, 3)), 0)
    half = np.concatenate([np.random.default_rng(0).normal(size=(100, 3)), np.ones((100, 3))])
    with pytest.raises(PriorError, match="all latents that were to be measured are equal"):
        least_gaussian_direction(half, 0)
