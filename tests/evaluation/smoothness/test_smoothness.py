"""Hypothesis 1 in numbers: norms against exact Jacobians, walks and lengths where the answer is known."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from aesweep.evaluation.descriptions import ROWS
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.score import score_trial
from aesweep.evaluation.smoothness.jacobian import Function, draws, frobenius_norms, spectral_norms
from aesweep.evaluation.smoothness.lipschitz import local_lipschitz
from aesweep.evaluation.smoothness.pairs import walk
from aesweep.evaluation.smoothness.path_length import path_lengths
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import Split
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from tests.evaluation.conftest import all_metrics_of

CPU = torch.device("cpu")
TRIAL = TrialConfig(filters=4, latent_size=6, precision="fp32", latent_norm="spectral")


def exact_jacobians(function: Function, at: torch.Tensor) -> torch.Tensor:
    """(N, outputs, inputs): by the row where the outputs are few, else by the column with differences in float64."""
    jacobians = []
    for point in at:
        if point.numel() > 100:
            found = torch.autograd.functional.jacobian(lambda x: function(x[None])[0].flatten(), point).flatten(1)
        else:
            steps = 1e-6 * torch.eye(len(point), dtype=point.dtype)
            found = ((function(point + steps) - function(point - steps)) / 2e-6).flatten(1).T
        jacobians.append(found.detach())
    return torch.stack(jacobians)


def test_norms_are_those_of_the_exact_jacobians_of_decoder_and_encoder() -> None:
    model = build_autoencoder(TRIAL).eval().double()
    z = 2 * draws(torch.zeros(3, 6, dtype=torch.float64), "test", 0)
    x = draws(torch.zeros(2, 3, 32, 32, dtype=torch.float64), "test", 1).abs().clamp(max=1)

    def decode(z: torch.Tensor) -> torch.Tensor:
        return 50 * model.decode(z).sigmoid()

    def encode(x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model.encoder.mean(model.encoder.convolutions(x).flatten(1))
        return found

    for function, at, of_outputs in ((decode, z, False), (encode, x, True)):
        exact = exact_jacobians(function, at)
        largest = torch.linalg.matrix_norm(exact, 2)
        torch.testing.assert_close(spectral_norms(function, at, 100), largest, rtol=1e-2, atol=0)
        # 100 probes know the square to sqrt(2 / 100) at worst.
        frobenius = frobenius_norms(function, at, 100, of_outputs=of_outputs)
        torch.testing.assert_close(frobenius, torch.linalg.matrix_norm(exact), rtol=0.15, atol=0)
        assert (spectral_norms(function, at) <= largest * (1 + 1e-9)).all()


def test_of_a_linear_map_the_lipschitz_estimate_is_its_largest_singular_value() -> None:
    matrix = torch.diag(torch.tensor([3.0, 1.0, 0.5, 0.1]))
    at = draws(torch.zeros(5, 4), "test", 0)
    found = local_lipschitz(lambda x: x @ matrix.T, at, radius=0.5)
    torch.testing.assert_close(found, torch.full((5,), 3.0), rtol=1e-4, atol=0)


def test_a_kink_next_to_the_point_is_seen_by_the_lipschitz_estimate_and_not_by_the_jacobian() -> None:
    at = torch.full((1, 1), 0.1)
    steep: Function = lambda x: torch.where(x < 0, 10 * x, x)  # noqa: E731
    assert float(spectral_norms(steep, at)) == pytest.approx(1.0)
    assert float(local_lipschitz(steep, at, 0.5)) == pytest.approx((0.1 + 4) / 0.5, rel=1e-5)


def test_a_spherical_walk_keeps_the_distance_from_its_centre_and_a_straight_one_does_not() -> None:
    centre = np.array([5.0, -1.0, 2.0])
    ends = (centre + np.array([[[2.0, 0, 0], [0, 2.0, 0]]])).astype(np.float32)
    positions = np.linspace(0, 1, 5)
    for way, middle in (("straight", math.sqrt(2)), ("spherical", 2.0)):
        walked = walk(ends, centre, positions, way)  # type: ignore[arg-type]
        np.testing.assert_allclose(walked[:, [0, -1]], ends, atol=1e-6)
        assert np.linalg.norm(walked[0, 2] - centre) == pytest.approx(middle, rel=1e-6)


def test_a_walk_between_parallel_or_equal_latents_is_straight() -> None:
    ends = np.array([[[1.0, 1.0], [3.0, 3.0]], [[2.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]], dtype=np.float32)
    walked = walk(ends, np.zeros(2), np.array([0.5]), "spherical")
    np.testing.assert_allclose(walked[:, 0], np.array([[2.0, 2.0], [2.0, 0.0], [0.5, 0.0]]), atol=1e-6)


def test_a_straight_walk_has_no_stretch_and_half_a_circle_that_of_a_circle() -> None:
    angles = np.linspace(0, np.pi, 9)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = np.linspace(0, 1, 9)[:, None] * np.array([[3.0, 4.0]])
    straight, bent = (path_lengths(np.stack([one, one])) for one in (line, circle))
    assert straight["path_stretch"][0] == pytest.approx(1.0)
    assert straight["path_length"][0] == pytest.approx(25.0)  # the squared speed
    assert bent["path_stretch"][0] == pytest.approx(np.pi / 2, rel=0.01)


@pytest.fixture(scope="module")
def rows(digits: np.ndarray, random_conv: Extractor) -> list[ScoreRow]:
    return _scored(digits, random_conv)


def _scored(
    digits: np.ndarray, random_conv: Extractor, reference_split: Split = "test", **settings: Any
) -> list[ScoreRow]:
    evaluation = all_metrics_of("smoothness", samples=20, reference_size=30, reference_split=reference_split)
    evaluation = replace(evaluation, **settings)
    trial = replace(TRIAL, latent_norm="batch")
    images = ImageSet(digits[:60], digits[200:230])
    return score_trial(trial, evaluation, build_autoencoder(trial), images, random_conv, CPU, threads=1)[0]


def test_every_model_has_its_rows_with_errors_that_say_what_they_count(rows: list[ScoreRow]) -> None:
    measured = {(row.source, row.metric): row for row in rows if row.source in ("reconstruction", "mvg")}
    decoder = ("decoder_norm", "decoder_frobenius", "decoder_frobenius_scaled", "decoder_lipschitz")
    shared = ("fd_straight", "kd_straight", "fd_spherical", "kd_spherical", "path_length", "path_stretch", *decoder)
    expected = {(source, metric) for source in ("reconstruction", "mvg") for metric in shared}
    encoder = ("encoder_norm", "encoder_frobenius", "encoder_lipschitz")
    assert measured.keys() == expected | {("reconstruction", metric) for metric in encoder}
    for row in measured.values():
        assert row.value is not None and np.isfinite(row.value) and row.n > 1
        assert row.stderr is not None and row.stderr_of == ROWS[row.metric].stderr_of
    norm, frobenius = (measured["mvg", name].value for name in ("decoder_norm", "decoder_frobenius"))
    assert norm is not None and frobenius is not None and norm < 1.2 * frobenius


def test_a_prior_that_was_not_fitted_gives_rows_with_the_reason(rows: list[ScoreRow]) -> None:
    mixture = [row for row in rows if row.source == "gmm"]
    assert mixture and all(row.value is None and "200 components" in row.note for row in mixture)


@pytest.mark.parametrize(("split", "n"), [("test", 30), ("train", 40)])
def test_midpoints_say_which_real_images_they_are_compared_with(
    digits: np.ndarray, random_conv: Extractor, split: Split, n: int
) -> None:
    """They said 0 real images of the test split, whatever they were compared with."""
    rows = _scored(digits, random_conv, split, metrics=("interpolation",), reference_size=40)
    assert {row.source for row in rows} == {"reconstruction", "mvg", "gmm"}
    assert {(row.n_reference, row.reference_split) for row in rows} == {(n, split)}


def test_midpoints_of_test_images_do_not_depend_on_the_seed_of_the_samples(
    digits: np.ndarray, random_conv: Extractor
) -> None:
    """Their row names the seed of the reference; the subsets of their kernel distance followed the other one."""
    found = []
    for seeds in ((0,), (3,)):
        rows = _scored(digits, random_conv, metrics=("interpolation",), priors=("mvg",), sampling_seeds=seeds)
        found.append({row.metric: (row.sampling_seed, row.value) for row in rows if row.source == "reconstruction"})
    assert found[0] == found[1] and len(found[0]) == 4


def test_the_same_seed_gives_the_same_bits(rows: list[ScoreRow], digits: np.ndarray, random_conv: Extractor) -> None:
    again = _scored(digits, random_conv)
    assert [(row.metric, row.value, row.stderr) for row in again] == [
        (row.metric, row.value, row.stderr) for row in rows
    ]
