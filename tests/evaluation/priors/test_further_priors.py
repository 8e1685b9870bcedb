"""Priors beyond those of Section 3: the zero-mean Gaussian of RAE's code, and a second VAE on the latents."""

import numpy as np
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.costs import bytes_of_second_vae, prior_flops
from aesweep.evaluation.priors.fit import Fit
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior, priors_of
from aesweep.evaluation.priors.second_vae import fit_second_vae, sample_second_vae
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError

ONE = FitSettings(threads=1)
SMALL = {"second_vae": {"steps": 300, "width": 32, "layers": 2}}


def second_vae(**options: float) -> EvaluationConfig:
    return EvaluationConfig(priors=("second_vae",), options={"second_vae": {**SMALL["second_vae"], **options}})  # type: ignore[arg-type]


def normal(n: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, size))


def test_the_zero_mean_gaussian_is_the_fitted_one_without_its_mean() -> None:
    latents = normal(500, 4) @ np.diag([1.0, 2.0, 0.5, 1.0]) + 3
    plain, dropped = (fit_prior(kind, latents, EvaluationConfig(), ONE) for kind in ("mvg", "gaussian_zero_mean"))
    assert (dropped.means == 0).all() and dropped.kind == "gaussian_zero_mean"
    np.testing.assert_array_equal(dropped.covariances, plain.covariances)
    assert abs(dropped.sample(20_000, 0).mean()) < 0.05 and plain.sample(20_000, 0).mean() > 2.9


def test_a_second_vae_keeps_the_mean_and_the_covariance_of_gaussian_latents() -> None:
    prior = fit_prior("second_vae", normal(2000, 4), second_vae(learning_rate=1e-2), ONE)
    drawn = prior.sample(20_000, 1)
    assert drawn.shape == (20_000, 4) and drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.eye(4), atol=0.15)


def test_a_second_vae_keeps_both_modes_of_a_mixture() -> None:
    latents = np.concatenate([normal(1000, 2) * 0.3 - [2, 0], normal(1000, 2, 1) * 0.3 + [2, 0]])
    drawn = fit_prior("second_vae", latents, second_vae(steps=300, learning_rate=1e-2), ONE).sample(4000, 0)
    left, right = (drawn[:, 0] < -1).mean(), (drawn[:, 0] > 1).mean()
    assert 0.35 < left < 0.65 and 0.35 < right < 0.65
    gaussian = fit_prior("mvg", latents, EvaluationConfig(), ONE).sample(4000, 0)
    between = (abs(gaussian[:, 0]) < 0.7).mean()
    assert (abs(drawn[:, 0]) < 0.7).mean() < between / 2, "one Gaussian fills the gap, two modes leave it empty"


def test_a_second_vae_repeats_bit_for_bit_and_depends_on_its_seed() -> None:
    latents = normal(300, 3)
    first, again = (fit_prior("second_vae", latents, second_vae(steps=20), ONE) for _ in range(2))
    assert first.to_bytes() == again.to_bytes()
    np.testing.assert_array_equal(first.sample(50, 3), FittedPrior.from_bytes(again.to_bytes(), 3).sample(50, 3))
    assert (first.sample(50, 3) != first.sample(50, 4)).any()
    other = EvaluationConfig(priors=("second_vae",), options=second_vae(steps=20).options, prior_seed=1)
    assert fit_prior("second_vae", latents, other, ONE).to_bytes() != first.to_bytes()


def test_samples_of_latents_in_a_subspace_stay_in_it() -> None:
    flat = np.concatenate([normal(400, 2), np.zeros((400, 1))], axis=1)
    assert abs(fit_prior("second_vae", flat, second_vae(steps=50), ONE).sample(100, 0)[:, 2]).max() < 1e-6


def test_a_second_vae_that_misses_its_deadline_has_a_reason() -> None:
    with pytest.raises(PriorError, match="after 0 of 300 steps"):
        fit_prior("second_vae", normal(100, 2), second_vae(), FitSettings(deadline_seconds=0.0, threads=1))


def test_a_prior_that_is_known_by_its_samples_has_no_density_but_a_mean() -> None:
    prior = fit_prior("second_vae", normal(500, 2) + 5, second_vae(steps=20), ONE)
    with pytest.raises(PriorError, match="no density"):
        prior.log_density(normal(3, 2))
    np.testing.assert_allclose(prior.mean, 5, atol=0.3)


def test_the_bound_on_its_file_holds_and_the_cost_grows_with_its_steps() -> None:
    described = PRIORS.get("second_vae")
    for size, options in ((3, {}), (64, {"width": 100, "layers": 1})):
        values = described.values({"steps": 1, **options})
        fit = Fit(EvaluationConfig(), values, 0)
        prior = FittedPrior.of_arrays("second_vae", fit_second_vae(normal(200, size), fit))
        assert len(prior.to_bytes()) < bytes_of_second_vae(size, values) < len(prior.to_bytes()) + 2**21
    few, many = (prior_flops(second_vae(steps=steps), 1000, 8) for steps in (60, 600))
    assert 0 < few < many == 10 * few
    assert prior_flops(EvaluationConfig(priors=("mvg",)), 1000, 8) == 0


def test_parameters_are_part_of_the_id_only_where_they_are_changed() -> None:
    plain = EvaluationConfig(priors=("second_vae",))
    assert EvaluationConfig(priors=("second_vae",), options={"second_vae": {"steps": 5000}}).id == plain.id  # type: ignore[arg-type]
    changed = EvaluationConfig(priors=("second_vae",), options={"second_vae": {"steps": 10}})  # type: ignore[arg-type]
    assert changed.id != plain.id and EvaluationConfig(**changed.to_json()) == changed
    for options in ({"gmm": {"steps": 1}}, {"second_vae": {"stepz": 1}}, {"second_vae": 3}, [1]):
        with pytest.raises(InputError, match="options"):
            EvaluationConfig(priors=("second_vae",), options=options)  # type: ignore[arg-type]


def test_drawing_is_decided_by_the_arrays_and_the_seed() -> None:
    arrays = fit_second_vae(normal(50, 2), Fit(EvaluationConfig(), PRIORS.get("second_vae").values({"steps": 1}), 0))
    np.testing.assert_array_equal(sample_second_vae(arrays, 5, 0), sample_second_vae(dict(arrays), 5, 0))


def test_an_objective_is_scored_with_its_own_prior_and_others_have_no_rows_of_it() -> None:
    asked = EvaluationConfig(priors=("mvg", "own"))
    mixture, plain, normal_prior = (TrialConfig(model=model, latent_size=16) for model in ("gmm-dae", "dae", "wae"))
    assert priors_of(mixture, asked) is asked
    assert priors_of(plain, asked).priors == priors_of(normal_prior, asked).priors == ("mvg",)
    prior = fit_prior("own", normal(5, 16), asked, ONE, mixture)
    drawn = prior.sample(40_000, 0)
    expected = np.array([0.1] * 10 + [0.0] * 6)  # ten components, the unit vectors of as many units
    np.testing.assert_allclose(drawn.mean(0), expected, atol=0.03)
    np.testing.assert_allclose(drawn.var(0), 1 + expected * (1 - expected), atol=0.05)
    np.testing.assert_allclose(FittedPrior.from_bytes(prior.to_bytes(), 16).means, prior.means)
    with pytest.raises(PriorError, match="no prior of its own"):
        fit_prior("own", normal(5, 16), asked, ONE, plain)
