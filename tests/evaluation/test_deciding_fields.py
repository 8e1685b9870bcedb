"""A row of the scores table says which settings decided it: of two scores that differ, the rows say in what."""

from dataclasses import asdict, fields, replace
from typing import Any, Literal

import numpy as np
import pytest
import torch

from aesweep.evaluation.config import ID_FIELDS, EvaluationConfig
from aesweep.evaluation.deciding_fields import deciding_columns
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256
from aesweep.evaluation.score import score_trial
from aesweep.models.config import TrialConfig
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder

METRICS = ("frechet", "gaussianity", "kid", "prdc", "reconstruction_error", "heldout_likelihood", "vae_diagnostics")
EVALUATION = EvaluationConfig(
    samples=100,
    reference_size=80,
    gmm_components=4,
    iwae_samples=5,  # the default takes a third of the time of every test here
    metrics=METRICS,
    extractor_sha256=RANDOM_CONV_SHA256,
)
SAID_BY_OTHER_COLUMNS = {
    *("extractor", "extractor_sha256", "samples", "reference_split", "reference_size", "reference_seed"),
    *("sampling_seeds", "priors", "metrics", "mixture_sizes"),
    *("options", "plugin_versions"),  # of priors and metrics that are not asked for here: see the last test
}
OTHERS: dict[str, Any] = {
    "prior_seed": 1,
    "gmm_components": 2,
    "gmm_tol": 0.5,
    "gmm_reg_covar": 0.1,
    "gmm_max_iter": 1,
    "vae_latents": "sample",
    "bootstrap": 5,
    "kid_subsets": 7,
    "kid_subset_size": 20,
    "prdc_neighbours": 70,
    "iwae_samples": 3,
}
Rows = dict[tuple[str, str, str], dict[str, Any]]
"""By source, split and metric, with what each says of its settings."""


@pytest.fixture(scope="module")
def images(digits: np.ndarray) -> ImageSet:
    """Faint digits on the grey that a network gives before it is trained: some samples lie among them."""
    faint = 118 + digits[:280] // 8
    return ImageSet(faint[:120], faint[200:])


def scores(evaluation: EvaluationConfig, model: Literal["dae", "vae"], images: ImageSet, extractor: Extractor) -> Rows:
    trial = TrialConfig(model=model, filters=2, latent_size=3, precision="fp32")
    network = build_autoencoder(trial)
    found, _, _ = score_trial(trial, evaluation, network, images, extractor, torch.device("cpu"), threads=1)
    asked = evaluation.to_json()
    places = [(row.source, row.split, row.metric) for row in found]
    says = [deciding_columns(asked, model, source, metric) for source, _, metric in places]
    return {place: {**asdict(row), **said} for place, row, said in zip(places, found, says, strict=True)}


def unlike(first: Rows, second: Rows, columns: tuple[str, ...]) -> set[tuple[str, str, str]]:
    assert set(first) == set(second)
    return {place for place in first if any(first[place][name] != second[place][name] for name in columns)}


NUMBERS = ("value", "stderr")
WORDS = ("gmm_components", "vae_latents", "changed_settings", "sampling_seed")


@pytest.fixture(scope="module")
def vae(images: ImageSet, random_conv: Extractor) -> Rows:
    return scores(EVALUATION, "vae", images, random_conv)


def test_every_setting_has_a_column_or_is_tried_here() -> None:
    assert {field.name for field in fields(EvaluationConfig)} == SAID_BY_OTHER_COLUMNS | set(OTHERS)


@pytest.mark.parametrize("name", OTHERS)
def test_rows_whose_scores_a_setting_changes_say_so(
    vae: Rows, images: ImageSet, random_conv: Extractor, name: str
) -> None:
    other = scores(replace(EVALUATION, **{name: OTHERS[name]}), "vae", images, random_conv)
    changed = unlike(vae, other, NUMBERS)
    assert changed, "else nothing was tried"
    assert changed <= unlike(vae, other, WORDS)


def test_the_latents_of_a_dae_are_no_matter_of_choice(images: ImageSet, random_conv: Extractor) -> None:
    first, second = (
        scores(replace(EVALUATION, vae_latents=kind), "dae", images, random_conv) for kind in ("mean", "sample")
    )
    assert unlike(first, second, (*NUMBERS, *WORDS)) == set()


def test_measures_in_units_of_the_training_latents_say_which_latents_those_are(
    images: ImageSet, random_conv: Extractor
) -> None:
    """Norms and steps at test images and at samples of N(0, I), and the centre of walks between test images."""
    asked = replace(EVALUATION, metrics=("interpolation", "path_length", "jacobian", "lipschitz"), samples=8)
    first, second = (
        scores(replace(asked, vae_latents=kind), "vae", images, random_conv) for kind in ("mean", "sample")
    )
    changed = unlike(first, second, NUMBERS)
    assert {("standard_normal", "test", "decoder_lipschitz"), ("reconstruction", "test", "fd_spherical")} <= changed
    assert changed <= unlike(first, second, WORDS)
    assert columns("reconstruction", "fd_straight", vae_latents="sample")[1] == "none"
    assert columns("reconstruction", "decoder_norm", vae_latents="sample")[1] == "none"
    assert columns("standard_normal", "kd_spherical", vae_latents="sample")[1] == "none"


def columns(source: str, metric: str, model: str = "vae", **settings: Any) -> tuple[Any, ...]:
    asked = replace(EvaluationConfig(), **settings).to_json()
    return tuple(deciding_columns(asked, model, source, metric).values())


def test_a_row_names_what_decides_it_and_nothing_else() -> None:
    assert columns("gmm", "fid") == (10, "mean", "none")
    assert columns("gmm", "fid", "dae", gmm_components=100, prior_seed=3) == (100, "none", "prior_seed 3")
    assert columns("mvg", "fid", gmm_components=100, vae_latents="sample") == (None, "sample", "none")
    assert columns("standard_normal", "kid", vae_latents="sample") == (None, "none", "none")
    subsets: dict[str, Any] = {"kid_subsets": 10, "kid_subset_size": 50}
    assert columns("reconstruction", "kd", **subsets) == (None, "none", "kid_subsets 10, kid_subset_size 50")
    assert columns("reconstruction", "fd", **subsets) == (None, "none", "none")
    for metric in ("kid_straight", "kd_spherical", "kd_mixture"):
        assert columns("mvg", metric, "dae", **subsets)[2] == "kid_subsets 10, kid_subset_size 50"
    assert columns("mvg", "fd_mixture", "dae", iwae_samples=3, **subsets)[2] == "none"
    assert columns("reconstruction", "iwae_bits", iwae_samples=3, **subsets)[2] == "iwae_samples 3"
    assert columns("latents", "loglikelihood_gap", gmm_tol=1e-5) == (10, "mean", "gmm_tol 1e-05")
    assert columns("latents", "radius_ks", "dae", gmm_tol=1e-5) == (None, "none", "none")
    assert columns("gmm", "heldout_loglikelihood", gmm_reg_covar=0.01) == (10, "mean", "gmm_reg_covar 0.01")
    both: dict[str, Any] = {"prdc_neighbours": 3, "gmm_max_iter": 9}
    assert columns("gmm", "recall", **both)[2] == "gmm_max_iter 9, prdc_neighbours 3"


def test_a_commit_of_before_a_setting_was_there_has_its_default_and_one_that_says_nothing_is_unknown() -> None:
    asked = EvaluationConfig(gmm_components=7, prior_seed=2).to_json()
    old = {name: asked[name] for name in ID_FIELDS}
    assert deciding_columns(old, "vae", "gmm", "kd") == deciding_columns(asked, "vae", "gmm", "kd")
    unknown = {"gmm_components": None, "vae_latents": "unknown", "changed_settings": "unknown"}
    assert deciding_columns({}, "vae", "gmm", "fid") == unknown
    assert deciding_columns({}, "dae", "mvg", "kd")["changed_settings"] == "unknown"
    assert set(deciding_columns({}, "dae", "reconstruction", "psnr").values()) == {None, "none"}


def test_a_row_names_the_parameters_and_the_version_of_its_prior_and_metric() -> None:
    asked: dict[str, Any] = {
        "priors": ("gmm", "second_vae", "mine"),
        "options": {"second_vae": {"steps": 10, "width": 8}, "mine": {"scale": 2.0}},
        "plugin_versions": ("prior mine 1.2",),
    }
    assert columns("second_vae", "fid", **asked)[2] == "options.second_vae.steps 10, options.second_vae.width 8"
    assert columns("mine", "fid", **asked)[2] == "version of mine 1.2, options.mine.scale 2.0"
    assert columns("gmm", "fid", **asked)[2] == columns("reconstruction", "fid", **asked)[2] == "none"
    asked = {"metrics": ("frechet", "mine"), "plugin_versions": ("metric mine 3",)}
    assert columns("mvg", "mine_mean", **asked)[2] == "version of mine 3"
    assert columns("mvg", "fid", **asked)[2] == "none"
