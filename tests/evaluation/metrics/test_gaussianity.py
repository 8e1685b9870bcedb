"""The rows of `gaussianity`: the gap between two priors, what each row says, and what cannot be measured."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.mixture import GaussianMixture

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.metrics.gaussian_null import gap_null, shape_null
from aesweep.evaluation.metrics.gaussianity import (
    SHAPE_METRICS,
    SUBSAMPLE,
    gaussianity_stage,
    loglikelihood_gap,
    shape_statistics,
)
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.score import fit_stage, score_trial
from aesweep.models.config import TrialConfig
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from tests.analysis.typed import present
from tests.evaluation.conftest import ROW
from tests.evaluation.metrics.simulated_latents import normal, null_moments, z_scores

pytestmark = pytest.mark.usefixtures("one_blas_thread")

EVALUATION = EvaluationConfig(metrics=("gaussianity",), gmm_components=3)
SHAPES = [name + suffix for name in SHAPE_METRICS for suffix in ("", "_null", "_p")][:-1]
TESTED = ("loglikelihood_gap", "direction_negentropy")
METRICS = [name + suffix for name in TESTED for suffix in ("", "_null", "_p")] + SHAPES


def stage(train: np.ndarray, test: np.ndarray, evaluation: EvaluationConfig = EVALUATION) -> dict[str, ScoreRow]:
    """The rows by metric."""
    latents = Latents(train, test)
    rows = gaussianity_stage(
        evaluation, latents, fit_stage(evaluation, latents, FitSettings(threads=1)).priors, threads=1
    )
    assert [row.metric for row in rows] == METRICS
    return {row.metric: row for row in rows}


# the gap


def test_densities_are_those_of_scipy_and_scikit_learn() -> None:
    x, test = normal(600, 4), normal(200, 4, seed=1)
    gaussian, mixture = (fit_prior(kind, x, EVALUATION, FitSettings(threads=1)) for kind in ("mvg", "gmm"))
    expected = scipy.stats.multivariate_normal(gaussian.means[0], gaussian.covariances[0]).logpdf(test)
    np.testing.assert_allclose(gaussian.log_density(test), expected, rtol=1e-9)
    twin = GaussianMixture(3)
    twin.weights_, twin.means_ = mixture.weights, mixture.means
    twin.precisions_cholesky_ = np.linalg.inv(mixture.factors).transpose(0, 2, 1)
    np.testing.assert_allclose(mixture.log_density(test), twin.score_samples(test.astype("f8")), rtol=1e-9)
    gap = (twin.score_samples(test.astype("f8")) - expected) / 4
    np.testing.assert_allclose(loglikelihood_gap(test, mixture, gaussian), gap, rtol=1e-6, atol=1e-9)
    row = stage(x, test)["loglikelihood_gap"]
    assert row.value == pytest.approx(gap.mean(), rel=1e-6)
    assert row.stderr == pytest.approx(scipy.stats.sem(gap), rel=1e-6)


def test_two_clusters_gain_what_the_theory_says() -> None:
    generator = np.random.default_rng(0)
    sides = np.where(generator.random((4000, 1)) < 0.5, -20.0, 20.0) * np.array([1.0, 0.0, 0.0])
    x = generator.normal(size=(4000, 3)) + sides
    row = stage(x[:3000], x[3000:], replace(EVALUATION, gmm_components=2))["loglikelihood_gap"]
    # Far apart: one bit of entropy for the side, against a Gaussian of variance 401.
    expected = (0.5 * np.log(401) - np.log(2)) / 3
    assert present(row.value) == pytest.approx(expected, abs=4 * present(row.stderr))
    assert row.stderr < 0.05 * expected


def test_ten_components_lose_what_the_null_says_on_gaussian_latents() -> None:
    x = normal(4000, 8)
    row = stage(x[:3000], x[3000:], replace(EVALUATION, gmm_components=10))["loglikelihood_gap"]
    assert -0.05 < present(row.value) < 0
    mean, deviation = present(gap_null(3000, 8, 10))
    assert abs(present(row.value) - mean) < 4 * (deviation + present(row.stderr))
    assert row.note == ""


# the rows


def test_rows_have_exactly_the_columns_of_the_table_and_say_what_they_are() -> None:
    train, test = normal(700, 5), normal(80, 5, seed=1)
    rows = stage(train, test, replace(EVALUATION, prior_seed=3))
    for name, row in rows.items():
        assert set(asdict(row)) == ROW
        assert all(type(value) in (str, int, float, type(None)) for value in asdict(row).values())
        split, n = ("test", 80) if name.startswith("loglikelihood_gap") else ("train", 700)
        n = 350 if name.startswith("direction") else n  # the other half chose the directions
        assert (row.source, row.extractor, row.sampling_seed, row.note) == ("latents", "none", 3, "")
        assert (row.split, row.reference_split, row.n, row.n_reference) == (split, split, n, 0)
        assert np.isfinite(present(row.value)) and row.seconds >= 0
        assert (row.stderr is None) == (name in SHAPE_METRICS or name.endswith("_p"))
    means, deviations = null_moments(700, 5)
    assert [rows[f"{name}_null"].value for name in SHAPE_METRICS] == means.tolist()
    assert [rows[f"{name}_null"].stderr for name in SHAPE_METRICS] == deviations.tolist()


def test_measuring_again_gives_the_same_bits() -> None:
    train, test = normal(500, 5), normal(80, 5, seed=1)
    first = stage(train, test)
    shape_null.cache_clear()
    again = stage(train, test)
    for name in METRICS:
        assert (first[name].value, first[name].stderr) == (again[name].value, again[name].stderr)


def test_many_latents_are_measured_on_a_seeded_draw() -> None:
    train, test = normal(SUBSAMPLE + 500, 2), normal(50, 2, seed=1)
    values = {}
    for seed in (0, 1):
        row = stage(train, test, replace(EVALUATION, prior_seed=seed))["mardia_kurtosis"]
        assert (row.n, row.sampling_seed) == (SUBSAMPLE, seed)
        values[seed] = row.value
    assert values[0] != values[1]


def test_only_an_evaluation_that_asks_for_it_gets_the_rows() -> None:
    latents = Latents(normal(50, 3), normal(20, 3))
    assert gaussianity_stage(EvaluationConfig(), latents, {}) == []


def test_a_trial_is_scored_without_an_extractor_where_only_latents_are_measured(
    digits: np.ndarray, random_conv: Extractor
) -> None:
    trial = TrialConfig(filters=4, latent_size=4, precision="fp32")
    images, cpu = ImageSet(digits[:200], digits[200:290]), torch.device("cpu")
    rows, sampled, _ = score_trial(trial, EVALUATION, build_autoencoder(trial), images, None, cpu, threads=1)
    assert [row.metric for row in rows] == METRICS
    assert {"gmm.png", "interpolation.png", "reconstruction-test.png"} < set(sampled.pictures)
    both = replace(EVALUATION, metrics=("frechet", "gaussianity"), samples=20)
    all_rows, _, _ = score_trial(trial, both, build_autoencoder(trial), images, random_conv, cpu, threads=1)
    assert [row.metric for row in all_rows] == ["fd"] * 5 + METRICS
    assert [row.value for row in all_rows[5:]] == [row.value for row in rows]
    with pytest.raises(ValueError, match="needs the extractor random-conv-64"):
        score_trial(trial, both, build_autoencoder(trial), images, None, cpu)


# what cannot be measured


def assert_no_shape(rows: dict[str, ScoreRow], reason: str) -> None:
    for name in SHAPES:
        assert (rows[name].value, rows[name].stderr) == (None, None)
        assert reason in rows[name].note
    assert rows["direction_negentropy"].value is None and rows["direction_negentropy_p"].note


def assert_no_gap(rows: dict[str, ScoreRow], reason: str) -> None:
    assert (rows["loglikelihood_gap"].value, rows["loglikelihood_gap"].stderr) == (None, None)
    assert reason in rows["loglikelihood_gap"].note


def test_latents_in_a_subspace_are_measured_there_and_have_no_density() -> None:
    flat = normal(600, 3).astype("f8") @ np.linalg.qr(np.random.default_rng(1).normal(size=(8, 3)))[0].T
    rows = stage(flat, flat[:50])
    assert_no_gap(rows, "mvg: a singular covariance has no density")
    own, _ = shape_statistics(flat)
    assert [rows[name].value for name in SHAPE_METRICS] == own.tolist()
    assert rows["mardia_kurtosis_null"].value == null_moments(600, 3)[0][0]
    assert present(rows["direction_negentropy"].value) < 0.05
    assert all(rows[name].note == "covariance of rank 3 of 8" for name in SHAPES)
    assert all(abs(z) < 4 for z in z_scores(flat).values())


def test_a_dead_latent_is_left_out() -> None:
    x = normal(600, 4)
    with_dead = np.column_stack([x, np.full(len(x), 7.0, "f4")])
    np.testing.assert_allclose(shape_statistics(with_dead)[0], shape_statistics(x)[0], rtol=1e-6)
    assert stage(with_dead, with_dead[:50])["marginal_kurtosis"].note == "covariance of rank 4 of 5"


def test_too_few_latents_have_no_shape() -> None:
    x = normal(9, 8)
    rows = stage(x, x)
    assert_no_shape(rows, "9 latents are too few for a covariance of rank 8: at least 10 needed")
    assert rows["loglikelihood_gap"].value is not None
    assert shape_statistics(normal(10, 8))[0].shape == (3,)
    with pytest.raises(PriorError, match="4 latents are too few for a covariance of rank 3"):
        shape_statistics(normal(4, 8))
    assert_no_shape(stage(x[:1], x), "a Gaussian needs 2 points, there are 1")


def test_latents_that_are_not_finite_have_no_score() -> None:
    x, broken = normal(300, 4), normal(300, 4)
    broken[[3, 40], 2] = np.nan
    rows = stage(broken, x)
    assert_no_shape(rows, "2 of 300 latents hold values that are not finite")
    assert_no_gap(rows, "gmm: 2 of 300 latents hold values that are not finite")
    assert_no_gap(stage(x, broken), "2 of 300 test latents hold values that are not finite")


def test_collapsed_latents_have_no_score() -> None:
    same = np.full((300, 4), 0.1, "f4")
    rows = stage(same, normal(50, 4))
    assert_no_shape(rows, "all latents are equal")
    assert_no_gap(rows, "gmm: all latents are equal")


def test_the_gap_says_which_prior_is_missing() -> None:
    x = normal(300, 4)
    assert_no_gap(stage(x, x, replace(EVALUATION, priors=("gmm",))), "mvg: not among the evaluation's priors")


def test_a_gap_that_the_regularisation_decides_says_so() -> None:
    x = normal(2000, 4) * np.array([1, 1, 1e-5, 1e-5], "f4") @ np.eye(4, dtype="f4")
    row = stage(x[:1500], x[1500:])["loglikelihood_gap"]
    assert present(row.value) < -0.5  # though the latents are Gaussian
    assert row.note == "reg_covar 1e-06 is not small against the variance in 2 of 4 directions"


def test_one_test_latent_has_a_gap_without_a_standard_error() -> None:
    x = normal(300, 4)
    rows = stage(x, x[:1])
    row = rows["loglikelihood_gap"]
    assert np.isfinite(present(row.value)) and row.stderr is None
    assert rows["loglikelihood_gap_p"].note == "one latent has no standard error"
    few = stage(x[:15], x[:1])
    assert present(few["loglikelihood_gap"].value) and few["loglikelihood_gap_null"].value is None
    assert few["loglikelihood_gap_null"].note == "too few latents for each component"
    assert few["loglikelihood_gap_p"].note == "one latent has no standard error"


@pytest.mark.parametrize("kind", ["standard_normal", "mvg", "gmm"])
def test_every_prior_has_a_density_that_integrates_to_one(kind: str) -> None:
    prior: FittedPrior = fit_prior(kind, normal(500, 1), EVALUATION, FitSettings(threads=1))
    grid = np.linspace(-60, 60, 200_001)[:, None]
    assert np.trapezoid(np.exp(prior.log_density(grid)), grid[:, 0]) == pytest.approx(1, rel=1e-6)
