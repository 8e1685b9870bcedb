"""All diagnostics of one DAE and one VAE, as an evaluation gives them: rows, reasons, errors, and the picture."""

import io
import math
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from aesweep.evaluation.descriptions import ROWS
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.score import score_trial
from aesweep.models.config import TrialConfig
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from tests.evaluation.conftest import all_metrics_of

CPU = torch.device("cpu")
EVALUATION = all_metrics_of("diagnostics", samples=40, reference_size=50, mixture_sizes=(1, 3, 200), iwae_samples=4)
POSTERIOR = {"active_units", "kl", "kl_unit_mean", "kl_unit_p10", "kl_unit_p50", "kl_unit_p90"}
POSTERIOR |= {"aggregate_kl", "aggregate_norm", "elbo", "iwae", "elbo_bits", "iwae_bits"}
EIGENVALUES = {"correlation_largest", "correlation_condition", "effective_rank"}


Rows = dict[tuple[str, str, int | None], ScoreRow]
"""By source, metric and components."""


class Scored(NamedTuple):
    """What an evaluation gave of one trial."""

    rows: Rows
    picture: bytes


def scored(model: Literal["dae", "vae"], digits: np.ndarray, extractor: Extractor) -> Scored:
    trial = TrialConfig(filters=2, latent_size=3, model=model, precision="fp32")
    images = ImageSet(digits[:150], digits[200:260])
    rows, sampled, _ = score_trial(trial, EVALUATION, build_autoencoder(trial), images, extractor, CPU, threads=1)
    found: Rows = {(row.source, row.metric, row.gmm_components): row for row in rows}
    assert len(found) == len(rows)
    return Scored(found, sampled.pictures["memorisation.png"])


@pytest.fixture(scope="module")
def dae(digits: np.ndarray, random_conv: Extractor) -> Scored:
    return scored("dae", digits, random_conv)


@pytest.fixture(scope="module")
def vae(digits: np.ndarray, random_conv: Extractor) -> Scored:
    return scored("vae", digits, random_conv)


def test_both_models_have_the_rows_of_every_metric_and_only_a_vae_those_of_its_posterior(
    dae: Scored, vae: Scored
) -> None:
    prior = {"authenticity", "nearest_ratio", "nearer_than_test"}
    expected: set[tuple[str, str, int | None]] = {
        (source, metric, None) for source in ("mvg", "gmm", "reconstruction") for metric in prior
    }
    expected |= {
        ("images", "authenticity", None),
        ("images", "intrinsic_dimension", None),
        ("latents", "intrinsic_dimension", None),
        *(("latents", f"{metric}{end}", None) for metric in EIGENVALUES for end in ("", "_null")),
    }
    mixtures = ("mixture_loglikelihood", "fd_mixture", "kd_mixture")
    expected |= {("gmm", metric, size) for metric in mixtures for size in (1, 3, 200)}
    assert dae.rows.keys() == expected
    assert vae.rows.keys() == expected | {("reconstruction", metric, None) for metric in POSTERIOR}


def test_every_value_has_an_error_that_says_what_it_counts_but_for_counts_and_quantiles(
    dae: Scored, vae: Scored
) -> None:
    for row in (*dae.rows.values(), *vae.rows.values()):
        if row.value is None:
            assert "200 components need as many different latents" in row.note and row.source == "gmm"
            continue
        assert np.isfinite(row.value) and row.n > 1
        if row.metric == "active_units" or row.metric.startswith("kl_unit_p"):
            assert row.stderr is None and row.stderr_of == "none"
        else:
            assert row.stderr is not None and row.stderr_of == ROWS[row.metric].stderr_of
            assert (row.stderr_of == "simulated data sets") == row.metric.endswith("_null")


def test_only_what_needs_many_components_has_no_value(dae: Scored) -> None:
    without = {(source, components) for (source, _, components), row in dae.rows.items() if row.value is None}
    assert without == {("gmm", None), ("gmm", 200)}


def test_rows_say_which_network_and_how_many_training_images_they_were_compared_with(dae: Scored) -> None:
    authenticity, distance = dae.rows["mvg", "authenticity", None], dae.rows["gmm", "fd_mixture", 3]
    assert (authenticity.extractor, authenticity.split, authenticity.n_reference) == ("random-conv-64", "train", 150)
    assert (distance.extractor, distance.split, distance.n_reference, distance.n) == ("random-conv-64", "test", 50, 40)
    likelihood = dae.rows["gmm", "mixture_loglikelihood", 3]
    assert (likelihood.extractor, likelihood.n, likelihood.n_reference) == ("none", 15, 0)


def test_a_test_image_alone_has_no_reconstruction_to_compare_and_one_training_image_no_neighbour(
    digits: np.ndarray, random_conv: Extractor
) -> None:
    trial = TrialConfig(filters=2, latent_size=3, precision="fp32")
    asked = replace(EVALUATION, metrics=("memorisation",), priors=("standard_normal",), samples=5)
    notes = []
    for images in (ImageSet(digits[:9], digits[200:201]), ImageSet(digits[:1], digits[200:205])):
        rows, _, _ = score_trial(trial, asked, build_autoencoder(trial), images, random_conv, CPU, threads=1)
        notes.append({row.source: row.note for row in rows})
    assert notes[0] == {
        "images": "",
        "reconstruction": "reconstructions need a second test image",
        "standard_normal": "",
    }
    assert all("nearest neighbours need as many others, there are 0" in note for note in notes[1].values())


def test_bounds_are_in_order_and_bits_are_nats_per_value(vae: Scored) -> None:
    elbo, iwae, bits = (vae.rows["reconstruction", name, None].value for name in ("elbo", "iwae", "elbo_bits"))
    assert elbo is not None and iwae is not None and elbo < iwae < 0
    assert bits == pytest.approx(-elbo / (3 * 32 * 32 * math.log(2)))


def test_the_picture_shows_samples_above_their_nearest_training_images(dae: Scored, digits: np.ndarray) -> None:
    with Image.open(io.BytesIO(dae.picture)) as picture:
        grid = np.asarray(picture.convert("RGB"))
    assert grid.shape == (8 * 33 + 1, 8 * 33 + 1, 3)
    training = {image.tobytes() for image in digits[:150]}
    rows = [[grid[33 * y + 1 : 33 * y + 33, 33 * x + 1 : 33 * x + 33] for x in range(8)] for y in range(8)]
    for y, row in enumerate(rows):
        assert all((image.tobytes() in training) == (y % 2 == 1) for image in row)


def test_the_same_seed_gives_the_same_bits(vae: Scored, digits: np.ndarray, random_conv: Extractor) -> None:
    again = scored("vae", digits, random_conv)
    assert again.picture == vae.picture
    assert all(replace(row, seconds=0.0) == replace(vae.rows[name], seconds=0.0) for name, row in again.rows.items())


def test_iwae_of_one_latent_is_the_likelihood_by_quadrature(digits: np.ndarray) -> None:
    trial = TrialConfig(filters=2, latent_size=1, model="vae", precision="fp32")
    model = build_autoencoder(trial)
    assert model.encoder.log_variance is not None
    with torch.no_grad():
        # A decoder that its latent matters to, and a posterior near the prior, which reaches all of it.
        model.decoder.first.weight *= 4
        model.encoder.mean.weight *= 0.1
        model.encoder.log_variance.weight *= 0.1
    asked = replace(EVALUATION, metrics=("vae_diagnostics",), iwae_samples=400, priors=())
    images = ImageSet(digits[:20], digits[200:210])
    rows, _, _ = score_trial(trial, asked, model, images, None, CPU, threads=1)
    found = {row.metric: row.value for row in rows}
    grid = torch.linspace(-6, 6, 400)
    x = torch.from_numpy(images.test).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = model.eval().decode(grid[:, None])
        likelihood = -torch.stack(
            [
                F.binary_cross_entropy_with_logits(logits, one.expand_as(logits), reduction="none").sum((1, 2, 3))
                for one in x
            ]
        )
        prior = torch.distributions.Normal(0, 1).log_prob(grid)
    log_p = (likelihood.double() + prior + math.log(float(grid[1] - grid[0]))).logsumexp(1)
    assert float((likelihood.amax(1) - likelihood.amin(1)).min()) > 10, "else the latent does not matter"
    assert found["iwae"] == pytest.approx(float(log_p.mean()), abs=0.12)  # 400 draws know it to 0.03
    assert found["elbo"] is not None and found["elbo"] < float(log_p.mean()) - 1
