"""The three priors: known distributions come back, samples have the covariance they should, failures say why."""

import numpy as np
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior

EVALUATION = EvaluationConfig()
THREE = EvaluationConfig(gmm_components=3)


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    """Correlated Gaussian latents, float32 (2000, 5)."""
    generator = np.random.default_rng(0)
    return (generator.normal(size=(2000, 5)) @ generator.normal(size=(5, 5)) + 3).astype(np.float32)


@pytest.fixture(scope="module")
def clusters() -> np.ndarray:
    """Three well separated Gaussians of weights 0.5, 0.3, 0.2, float32 (2000, 2)."""
    generator = np.random.default_rng(1)
    parts = [generator.normal(m, s, (n, 2)) for m, s, n in ((0, 1, 1000), (20, 2, 600), (-30, 0.5, 400))]
    return generator.permutation(np.concatenate(parts)).astype(np.float32)


def test_standard_normal_samples_have_mean_zero_and_unit_covariance(latents: np.ndarray) -> None:
    prior = fit_prior("standard_normal", latents, EVALUATION)
    z = prior.sample(20_000, seed=0)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean(0), np.zeros(5), atol=0.03)
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.eye(5), atol=0.04)


def test_mvg_has_the_mean_and_the_full_covariance_of_the_latents(latents: np.ndarray) -> None:
    prior = fit_prior("mvg", latents, EVALUATION)
    expected = np.cov(latents.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(prior.means[0], latents.mean(0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(prior.covariances[0], expected, rtol=1e-9)
    assert prior.note == ""
    z = prior.sample(100_000, seed=0)
    np.testing.assert_allclose(np.cov(z, rowvar=False), expected, atol=0.03 * np.trace(expected))
    np.testing.assert_allclose(z.mean(0), latents.mean(0), atol=0.03 * np.sqrt(np.trace(expected)))


def test_gmm_finds_the_clusters_and_samples_them_in_their_proportions(clusters: np.ndarray) -> None:
    prior = fit_prior("gmm", clusters, THREE)
    order = np.argsort(prior.means[:, 0])
    np.testing.assert_allclose(prior.weights[order], [0.2, 0.5, 0.3], atol=1e-6)
    np.testing.assert_allclose(prior.means[order, 0], [-30, 0, 20], atol=0.3)
    np.testing.assert_allclose(prior.covariances[order, 0, 0], [0.25, 1, 4], rtol=0.15)
    assert prior.note == ""
    z = prior.sample(10_000, seed=0)
    assert abs(np.mean(z[:, 0] < -15) - 0.2) < 0.02
    assert abs(np.mean(z[:, 0] > 10) - 0.3) < 0.02
    # In random order: the first picture grid shows all clusters.
    assert len({*np.digitize(z[:64, 0], [-15, 10])}) == 3


def test_a_mixture_of_one_component_is_the_gaussian(latents: np.ndarray) -> None:
    # EM divides by n where the MVG divides by n - 1, and adds reg_covar.
    n = len(latents)
    mixture = fit_prior("gmm", latents, EvaluationConfig(gmm_components=1, gmm_reg_covar=1e-3))
    gaussian = fit_prior("mvg", latents, EVALUATION)
    np.testing.assert_allclose(mixture.means, gaussian.means, rtol=1e-12)
    expected = gaussian.covariances * (n - 1) / n + 1e-3 * np.eye(5)
    np.testing.assert_allclose(mixture.covariances, expected, rtol=1e-12, atol=1e-12)
    assert mixture.weights.tolist() == [1.0]
    assert mixture.record.converged and mixture.record.iterations == 2


@pytest.mark.parametrize("components", [1, 2, 7, 40])
def test_a_mixture_has_as_many_components_as_asked_for(components: int, latents: np.ndarray) -> None:
    prior = fit_prior("gmm", latents, EvaluationConfig(gmm_components=components))
    assert prior.factors.shape == (components, 5, 5)
    assert prior.weights.sum() == pytest.approx(1) and (prior.weights > 0).all()
    assert np.isfinite(prior.sample(20, seed=0)).all() and np.isfinite(prior.log_density(latents)).all()


def test_gmm_has_ten_components_by_default(latents: np.ndarray) -> None:
    prior = fit_prior("gmm", latents, EVALUATION)
    assert prior.weights.shape == (10,)
    assert prior.means.shape == (10, 5)
    assert prior.factors.shape == (10, 5, 5)
    assert prior.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["standard_normal", "mvg", "gmm"])
def test_a_repeated_fit_gives_the_same_bits(kind: str, latents: np.ndarray) -> None:
    first, second = (fit_prior(kind, latents, THREE, FitSettings(threads=1)) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    np.testing.assert_array_equal(first.sample(100, seed=3), second.sample(100, seed=3))
    assert not np.array_equal(first.sample(100, seed=3), first.sample(100, seed=4))


def test_watching_the_clock_does_not_change_the_mixture(latents: np.ndarray) -> None:
    # With a deadline EM is stopped and continued; without, it runs through.
    watched = fit_prior("gmm", latents, THREE, FitSettings(3600, threads=1))
    assert watched.to_bytes() == fit_prior("gmm", latents, THREE, FitSettings(threads=1)).to_bytes()


def test_the_seed_of_the_mixture_is_the_evaluations(clusters: np.ndarray) -> None:
    other = EvaluationConfig(gmm_components=7, prior_seed=1)
    first = fit_prior("gmm", clusters, EvaluationConfig(gmm_components=7))
    assert not np.array_equal(first.means, fit_prior("gmm", clusters, other).means)


def test_latents_in_a_subspace_still_give_samples_which_stay_in_it() -> None:
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(8, 3)))[0]
    flat = generator.normal(size=(500, 3)) @ basis.T
    prior = fit_prior("mvg", flat, EVALUATION)
    assert prior.note == "covariance of rank 3 of 8: samples stay in that subspace"
    z = prior.sample(5000, seed=0) - prior.means[0]
    assert np.abs(z - z @ basis @ basis.T).max() < 1e-5
    np.testing.assert_allclose(np.cov(z @ basis, rowvar=False), np.cov(flat @ basis, rowvar=False), atol=0.1)


def test_a_dead_latent_keeps_its_constant_value(latents: np.ndarray) -> None:
    with_dead = np.column_stack([latents, np.full(len(latents), 7.0)])
    prior = fit_prior("mvg", with_dead, EVALUATION)
    assert "rank 5 of 6" in prior.note
    np.testing.assert_allclose(prior.sample(100, seed=0)[:, 5], 7, rtol=1e-6)


def test_fewer_latents_than_dimensions_are_fitted_with_a_note() -> None:
    prior = fit_prior("mvg", np.random.default_rng(0).normal(size=(5, 12)), EVALUATION)
    assert "rank 4 of 12" in prior.note
    assert np.isfinite(prior.sample(10, seed=0)).all()


def test_a_single_latent_is_no_special_case() -> None:
    z = np.random.default_rng(0).normal(2, 3, (1000, 1)).astype(np.float32)
    for kind in ("standard_normal", "mvg", "gmm"):
        assert fit_prior(kind, z, THREE).sample(7, seed=0).shape == (7, 1)
    assert fit_prior("mvg", z, EVALUATION).covariances[0, 0, 0] == pytest.approx(z.var(ddof=1), rel=1e-6)


@pytest.mark.parametrize("kind", ["mvg", "gmm"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_latents_that_are_not_finite_are_refused_with_their_number(kind: str, bad: float, latents: np.ndarray) -> None:
    broken = latents.copy()
    broken[[3, 40], 2] = bad
    with pytest.raises(PriorError, match="2 of 2000 latents"):
        fit_prior(kind, broken, EVALUATION)


@pytest.mark.parametrize("kind", ["mvg", "gmm"])
def test_equal_latents_are_refused(kind: str) -> None:
    with pytest.raises(PriorError, match="all latents are equal"):
        fit_prior(kind, np.ones((50, 4)), EVALUATION)
    with pytest.raises(PriorError, match="needs 2 points"):
        fit_prior(kind, np.ones((1, 4)), EVALUATION)


def test_a_mixture_of_more_components_than_different_points_is_refused(latents: np.ndarray) -> None:
    with pytest.raises(PriorError, match="10 components need as many different latents, there are 4"):
        fit_prior("gmm", latents[:4], EVALUATION)
    with pytest.raises(PriorError, match="there are 4"):
        fit_prior("gmm", np.repeat(latents[:4], 600, axis=0), EVALUATION)


def test_a_component_that_collapses_without_regularisation_is_refused(latents: np.ndarray) -> None:
    points = np.repeat(latents[:10], 20, axis=0)
    with pytest.raises(PriorError, match="singular"):
        fit_prior("gmm", points, EvaluationConfig(gmm_reg_covar=0.0))


def test_a_mixture_that_did_not_converge_is_given_with_a_note(latents: np.ndarray) -> None:
    short = EvaluationConfig(gmm_components=5, gmm_max_iter=2, gmm_tol=1e-9)
    prior = fit_prior("gmm", latents, short)
    assert prior.note == "EM not converged after 2 iterations"
    assert np.isfinite(prior.sample(10, seed=0)).all()


def test_a_regularisation_that_dwarfs_the_latents_is_noted(latents: np.ndarray) -> None:
    assert "reg_covar 1e-06" in fit_prior("gmm", latents * 1e-3, THREE).note


def test_a_mixture_says_in_how_many_directions_its_regularisation_decides(latents: np.ndarray) -> None:
    collapsed = np.column_stack([latents, np.full((len(latents), 2), 7.0)])
    prior = fit_prior("gmm", collapsed, THREE)
    assert prior.note == "reg_covar 1e-06 is not small against the variance in 2 of 7 directions"
    np.testing.assert_allclose(prior.covariances[:, 5:, 5:], np.tile(1e-6 * np.eye(2), (3, 1, 1)), atol=1e-12)
    assert prior.record.regularisation == 1e-6
    few = fit_prior("gmm", np.random.default_rng(0).normal(size=(8, 12)), EvaluationConfig(gmm_components=2))
    assert "of 12 directions" in few.note and np.isfinite(few.sample(10, seed=0)).all()
    equal = fit_prior("gmm", np.repeat(latents[:10], 20, axis=0), EVALUATION)  # each component is one point
    assert equal.note == "reg_covar 1e-06 is not small against the variance in 5 of 5 directions"
    np.testing.assert_allclose(equal.covariances, np.tile(1e-6 * np.eye(5), (10, 1, 1)), atol=1e-12)


def test_a_mixture_that_misses_its_deadline_says_how_far_it_came(latents: np.ndarray) -> None:
    endless = EvaluationConfig(gmm_components=8, gmm_tol=0.0, gmm_max_iter=1_000_000)
    with pytest.raises(PriorError, match=r"deadline reached after \d+ EM iterations, not converged"):
        fit_prior("gmm", latents, endless, FitSettings(0.3, threads=1))


def test_a_prior_comes_back_from_bytes_with_the_same_samples(clusters: np.ndarray) -> None:
    prior = fit_prior("gmm", clusters, EvaluationConfig(gmm_components=3, gmm_max_iter=1))
    back = FittedPrior.from_bytes(prior.to_bytes(), prior.means.shape[1])
    assert (back.kind, back.note) == (prior.kind, prior.note)
    assert back.note
    np.testing.assert_array_equal(back.sample(50, seed=1), prior.sample(50, seed=1))


def test_a_fit_is_recorded_and_the_record_stays_with_the_prior(latents: np.ndarray) -> None:
    mixture = fit_prior("gmm", latents, EvaluationConfig(gmm_components=4, gmm_tol=1e-4))
    record = mixture.record
    assert record.converged and record.iterations > 5
    assert record.lower_bound == pytest.approx(mixture.log_density(latents).mean(), abs=1e-3)
    assert record.condition_number == pytest.approx(np.linalg.cond(mixture.covariances).max(), rel=1e-6)
    assert record.regularisation == 1e-6
    assert FittedPrior.from_bytes(mixture.to_bytes(), mixture.means.shape[1]).record == record
    short = fit_prior("gmm", latents, EvaluationConfig(gmm_components=4, gmm_tol=1e-9, gmm_max_iter=3)).record
    assert (short.converged, short.iterations) == (False, 3)


def test_the_gaussians_record_has_its_exact_likelihood(latents: np.ndarray) -> None:
    prior = fit_prior("mvg", latents, EVALUATION)
    record = prior.record
    assert (record.converged, record.iterations, record.regularisation) == (True, 0, 0.0)
    assert record.lower_bound == pytest.approx(prior.log_density(latents.astype("f8")).mean(), rel=1e-12)
    assert record.condition_number == pytest.approx(np.linalg.cond(prior.covariances[0]), rel=1e-6)
    flat = fit_prior("mvg", latents[:4], EVALUATION).record
    assert flat.condition_number == np.inf and np.isnan(flat.lower_bound)


def test_damaged_bytes_are_refused(clusters: np.ndarray) -> None:
    data = fit_prior("mvg", clusters, EVALUATION).to_bytes()
    for damaged in (b"", data[:100], data[: len(data) // 2]):
        with pytest.raises(ValueError, match="damaged"):
            FittedPrior.from_bytes(damaged, clusters.shape[1])


def test_a_prior_of_another_latent_size_is_refused(clusters: np.ndarray) -> None:
    size = clusters.shape[1]
    with pytest.raises(ValueError, match=rf"its draws have shape \({size},\), not \({size + 1},\)"):
        FittedPrior.from_bytes(fit_prior("mvg", clusters, EVALUATION).to_bytes(), size + 1)
