"""Kurtosis and radius of latents: Gaussian data pass, mild departures are found, and every formula has its textbook twin."""

import numpy as np
import pytest
import scipy.stats

from aesweep.evaluation.metrics.gaussian_null import mardia_moments
from aesweep.evaluation.metrics.gaussianity import shape_statistics
from tests.evaluation.metrics.simulated_latents import common_radius, heavy_and_light, normal, null_moments, z_scores

pytestmark = pytest.mark.usefixtures("one_blas_thread")


@pytest.mark.parametrize(("n", "d"), [(3000, 16), (3000, 64), (2000, 256)])
def test_gaussian_data_of_any_covariance_look_like_simulated_ones(n: int, d: int) -> None:
    for name, z in z_scores(normal(n, d)).items():
        assert abs(z) < 4, name


@pytest.mark.parametrize("d", [16, 64])
def test_mildly_heavy_and_light_tails_are_found_though_they_balance(d: int) -> None:
    x = heavy_and_light(3000, d)
    excess = scipy.stats.kurtosis(x, axis=0)
    assert abs(excess.mean()) < 0.2 * np.abs(excess).mean()
    assert z_scores(x)["marginal_kurtosis"] > 20


@pytest.mark.parametrize("d", [16, 64])
def test_a_common_factor_on_the_radius_is_found(d: int) -> None:
    z = z_scores(common_radius(3000, d))
    assert z["mardia_kurtosis"] > 10
    assert z["radius_ks"] > 5


def test_mardia_kurtosis_is_the_textbooks() -> None:
    x = normal(300, 7).astype("f8")
    inverse = np.linalg.inv(np.cov(x, rowvar=False, bias=True))
    fourth = [((z - x.mean(0)) @ inverse @ (z - x.mean(0))) ** 2 for z in x]
    assert shape_statistics(x)[0][0] == pytest.approx(sum(fourth) / 300 / (7 * 9), rel=1e-10)


def test_the_expected_kurtosis_of_gaussian_data_is_known_exactly() -> None:
    # Mardia 1970: d (d + 2) (n - 1) / (n + 1)
    for n, d in ((40, 3), (60, 20)):
        generator = np.random.default_rng(0)
        draws = [shape_statistics(generator.normal(size=(n, d)))[0][0] for _ in range(1000)]
        mean, deviation = mardia_moments(n, d)
        assert np.mean(draws) == pytest.approx((n - 1) / (n + 1), abs=4 * deviation / 1000**0.5)
        assert mean == (n - 1) / (n + 1)
        assert np.std(draws) == pytest.approx(deviation, rel=0.15)


def test_radius_ks_is_scipys_against_the_beta_law() -> None:
    n, d = 400, 30
    x = normal(n, d).astype("f8")
    centred = x - x.mean(0)
    radius = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(x, rowvar=False, bias=True)), centred)
    law = scipy.stats.beta(d / 2, (n - d - 1) / 2, scale=n - 1)
    assert shape_statistics(x)[0][1] == pytest.approx(scipy.stats.kstest(radius, law.cdf).statistic, rel=1e-9)


def test_the_beta_law_holds_where_chi_squared_does_not() -> None:
    # One r^2 of each of many small data sets: independent draws from the law.
    n, d = 30, 10
    generator = np.random.default_rng(0)
    radius = []
    for _ in range(2000):
        centred = (x := generator.normal(size=(n, d))) - x.mean(0)
        radius.append(centred[0] @ np.linalg.solve(centred.T @ centred / n, centred[0]))
    assert scipy.stats.kstest(radius, scipy.stats.beta(d / 2, (n - d - 1) / 2, scale=n - 1).cdf).pvalue > 0.01
    assert scipy.stats.kstest(radius, scipy.stats.chi2(d).cdf).pvalue < 1e-6


def test_marginal_kurtosis_is_scipys() -> None:
    x = heavy_and_light(500, 6).astype("f8")
    expected = np.abs(scipy.stats.kurtosis(x, axis=0)).mean()
    assert shape_statistics(x)[0][2] == pytest.approx(expected, rel=1e-10)


def test_shift_rotation_and_scale_change_no_kurtosis_and_no_radius() -> None:
    x = heavy_and_light(1000, 8).astype("f8")
    moved = x @ np.random.default_rng(3).normal(size=(8, 8)) * 100 - 40
    np.testing.assert_allclose(shape_statistics(moved)[0][:2], shape_statistics(x)[0][:2], rtol=1e-9)
    stretched = x * np.geomspace(0.01, 100, 8) + 7
    np.testing.assert_allclose(shape_statistics(stretched)[0], shape_statistics(x)[0], rtol=1e-7)


def test_correlations_hardly_change_the_null_of_the_marginal_kurtosis() -> None:
    n, d = 500, 12
    factor = np.linalg.cholesky(np.full((d, d), 0.5) + 0.5 * np.eye(d))
    generator = np.random.default_rng(4)
    draws = [shape_statistics(generator.normal(size=(n, d)) @ factor.T)[0][2] for _ in range(200)]
    mean, deviation = (part[2] for part in null_moments(n, d))
    assert np.mean(draws) == pytest.approx(mean, abs=deviation)
    assert np.std(draws) == pytest.approx(deviation, rel=0.5)
