"""Log-likelihoods of held-out latents: what theory says they are, and what is said where there is none."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.stats
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.metrics.heldout import FITS, heldout_split, heldout_stage
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.score import fit_stage, score_trial
from aesweep.models.config import TrialConfig
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from tests.analysis.typed import present
from tests.evaluation.conftest import ROW

EVALUATION = EvaluationConfig(metrics=("heldout_likelihood",), gmm_components=3)
ORDER = [
    ("mvg", "heldout_loglikelihood"),
    ("mvg", "train_loglikelihood"),
    ("mvg", "condition_number"),
    ("mvg", "regularisation"),
    ("gmm", "heldout_loglikelihood"),
    ("gmm", "train_loglikelihood"),
    *(("gmm", name) for name in FITS),
]
Rows = dict[tuple[str, str], ScoreRow]


def stage(train: np.ndarray, evaluation: EvaluationConfig = EVALUATION, deadline: float | None = None) -> Rows:
    latents = Latents(train, train[:5])
    rows = fit_stage(evaluation, latents, FitSettings(deadline, threads=1)).rows
    assert [(row.source, row.metric) for row in rows] == ORDER
    return {(row.source, row.metric): row for row in rows}


def test_gaussian_latents_have_the_likelihood_that_theory_says() -> None:
    n, d = 20_000, 6
    generator = np.random.default_rng(0)
    covariance = (factor := generator.normal(size=(d, d))) @ factor.T + np.eye(d)
    rows = stage(generator.normal(size=(n, d)) @ np.linalg.cholesky(covariance).T + 3)
    entropy = scipy.stats.multivariate_normal(np.zeros(d), covariance).entropy() / d
    for name, fitted in (("heldout_loglikelihood", 0.9 * n), ("train_loglikelihood", n)):
        row = rows["mvg", name]
        # The fit of d (d + 3) / 2 parameters costs held-out latents half a nat each on n, and gives as much on its own.
        parameters = d * (d + 3) / 2 / (2 * fitted * d) * (-1 if name == "heldout_loglikelihood" else 1)
        assert present(row.value) == pytest.approx(-entropy + parameters, abs=4 * present(row.stderr))
        # The spread of a Gaussian's log-density is that of chi2_d / 2.
        assert row.stderr == pytest.approx(np.sqrt(d / 2 / row.n) / d, rel=0.1)
    gain = present(rows["gmm", "heldout_loglikelihood"].value) - present(rows["mvg", "heldout_loglikelihood"].value)
    assert -0.01 < gain < 0.001, "three components gain nothing on held-out Gaussian latents"


def test_values_are_those_of_scipy_on_the_same_tenth() -> None:
    x = np.random.default_rng(1).gamma(2.0, size=(500, 3)).astype("f4")
    rows = stage(x)
    fitted_on, held_out = heldout_split(500, EVALUATION.prior_seed)
    assert len(held_out) == 50 and not set(fitted_on) & set(held_out) and len(fitted_on) == 450
    rest = x[fitted_on].astype("f8")
    expected = scipy.stats.multivariate_normal(rest.mean(0), np.cov(rest, rowvar=False)).logpdf(x[held_out]) / 3
    row = rows["mvg", "heldout_loglikelihood"]
    assert row.value == pytest.approx(expected.mean(), rel=1e-9)
    assert row.stderr == pytest.approx(scipy.stats.sem(expected), rel=1e-9)
    mixture = fit_prior("gmm", x[fitted_on], EVALUATION, FitSettings(threads=1))
    likelihood = mixture.log_density(x[held_out]).mean() / 3
    assert rows["gmm", "heldout_loglikelihood"].value == pytest.approx(likelihood, rel=1e-9)


def test_a_mixture_gains_on_held_out_latents_where_there_are_clusters() -> None:
    generator = np.random.default_rng(0)
    sides = np.where(generator.random((4000, 1)) < 0.5, -20.0, 20.0) * np.array([1.0, 0.0, 0.0])
    rows = stage(generator.normal(size=(4000, 3)) + sides, replace(EVALUATION, gmm_components=2))
    gain = present(rows["gmm", "heldout_loglikelihood"].value) - present(rows["mvg", "heldout_loglikelihood"].value)
    assert gain == pytest.approx((0.5 * np.log(401) - np.log(2)) / 3, abs=0.02)


def test_a_mixture_that_learns_points_by_heart_shows_it() -> None:
    x = np.random.default_rng(0).normal(size=(120, 8))
    rows = stage(x, replace(EVALUATION, gmm_components=10))
    assert present(rows["gmm", "train_loglikelihood"].value) > present(rows["mvg", "train_loglikelihood"].value)
    assert present(rows["gmm", "heldout_loglikelihood"].value) < present(rows["mvg", "heldout_loglikelihood"].value) - 1


def test_rows_have_exactly_the_columns_of_the_table_and_say_what_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(205, 4)).astype("f4")
    evaluation = replace(EVALUATION, prior_seed=3)
    prior = fit_prior("gmm", x, evaluation, FitSettings(threads=1))
    rows = stage(x, evaluation)
    for (source, metric), row in rows.items():
        assert set(asdict(row)) == ROW
        assert all(type(value) in (str, int, float, type(None)) for value in asdict(row).values())
        n = 20 if metric == "heldout_loglikelihood" else 205
        assert (row.source, row.split, row.reference_split, row.n) == (source, "train", "train", n)
        assert (row.extractor, row.n_reference, row.sampling_seed, row.note) == ("none", 0, 3, "")
        assert np.isfinite(present(row.value)) and (row.stderr is not None) == metric.endswith("likelihood")
    assert rows["gmm", "em_iterations"].value == prior.record.iterations
    assert rows["gmm", "em_converged"].value == 1.0
    assert rows["gmm", "em_lower_bound"].value == prior.record.lower_bound
    assert rows["gmm", "condition_number"].value == prior.record.condition_number
    assert rows["gmm", "regularisation"].value == 1e-6
    assert rows["mvg", "regularisation"].value == 0.0


def test_measuring_again_gives_the_same_values_and_another_seed_others() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4))
    first, again, other = (stage(x, replace(EVALUATION, prior_seed=seed)) for seed in (0, 0, 1))
    name = ("mvg", "heldout_loglikelihood")
    assert [row.value for row in first.values()] == [row.value for row in again.values()]
    assert other[name].value != first[name].value


def test_only_an_evaluation_that_asks_for_it_gets_the_rows() -> None:
    x = np.ones((50, 3))
    assert heldout_stage(EvaluationConfig(), Latents(x, x), {}) == []


def test_a_trial_is_scored_by_the_likelihood_alone_without_an_extractor(digits: np.ndarray) -> None:
    trial = TrialConfig(filters=4, latent_size=4, precision="fp32")
    images = ImageSet(digits[:200], digits[200:290])
    rows, _, _ = score_trial(trial, EVALUATION, build_autoencoder(trial), images, None, torch.device("cpu"), threads=1)
    assert [(row.source, row.metric) for row in rows] == ORDER
    assert all(row.value is not None for row in rows)


# what cannot be measured


def assert_none(rows: Rows, source: str, reason: str) -> None:
    for row in (row for (kind, _), row in rows.items() if kind == source):
        assert (row.value, row.stderr) == (None, None)
        assert reason in row.note


def test_a_fit_that_failed_leaves_nulls_with_its_reason() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4))
    endless = replace(EVALUATION, gmm_components=8, gmm_tol=0.0, gmm_max_iter=1_000_000)
    rows = stage(x, endless, deadline=0.2)
    assert_none(rows, "gmm", "deadline reached after")
    assert rows["mvg", "heldout_loglikelihood"].value is not None
    rows = stage(np.full((300, 4), 0.1, "f4"))
    for source in ("mvg", "gmm"):
        assert_none(rows, source, "all latents are equal")


def test_the_second_fit_ends_at_the_deadline_too() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4))
    fits_alone = replace(EVALUATION, gmm_components=8, metrics=("gaussianity",))
    priors = fit_stage(fits_alone, Latents(x, x), FitSettings(threads=1)).priors
    rows = heldout_stage(
        replace(EVALUATION, gmm_components=8, gmm_tol=0.0), Latents(x, x), priors, FitSettings(1e-3, 1)
    )
    found = {(row.source, row.metric): row for row in rows}
    assert "deadline reached after" in found["gmm", "heldout_loglikelihood"].note
    assert found["gmm", "heldout_loglikelihood"].value is None
    assert found["gmm", "train_loglikelihood"].value is not None


def test_latents_in_a_subspace_have_no_likelihood_under_a_gaussian() -> None:
    flat = np.random.default_rng(0).normal(size=(300, 2)) @ np.ones((2, 5)) + np.arange(5)
    rows = stage(flat)
    for name in ("heldout_loglikelihood", "train_loglikelihood"):
        assert rows["mvg", name].value is None
        assert "a singular covariance has no density" in rows["mvg", name].note
        assert rows["gmm", name].value is not None
        assert "reg_covar 1e-06 is not small" in rows["gmm", name].note
    assert rows["mvg", "condition_number"].value is None
    assert rows["mvg", "condition_number"].note == "infinite: the covariance is singular"


def test_a_prior_that_was_not_asked_for_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(100, 3))
    assert_none(stage(x, replace(EVALUATION, priors=("gmm",))), "mvg", "not among the evaluation's priors")


def test_two_latents_are_too_few_to_hold_one_out() -> None:
    rows = stage(np.array([[0.0, 1.0], [2.0, 5.0]]), replace(EVALUATION, gmm_components=1))
    assert rows["mvg", "heldout_loglikelihood"].note == "a Gaussian needs 2 points, there are 1"
    assert rows["gmm", "heldout_loglikelihood"].n == 1
