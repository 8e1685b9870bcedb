"""Inception's features and class scores, judged by torch-fidelity and torchmetrics on the same random weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_inception
from aesweep.evaluation.networks.inception import Computation, resize_like_tensorflow1
from tests.evaluation.networks.random_inception import hash_and_size

CPU = torch.device("cpu")


def loaded(path: Path, computation: Computation) -> Extractor:
    return load_inception(path, *hash_and_size(path), device=CPU, computation=computation)


@pytest.fixture(scope="module")
def reference(random_inception: Path) -> Extractor:
    return loaded(random_inception, "reference")


@pytest.fixture(scope="module")
def fast(random_inception: Path) -> Extractor:
    return loaded(random_inception, "fast")


@pytest.fixture(scope="module")
def theirs(random_inception: Path) -> FeatureExtractorInceptionV3:
    wanted = ["2048", "logits_unbiased"]
    return FeatureExtractorInceptionV3("theirs", wanted, feature_extractor_weights_path=str(random_inception))


def nchw(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def test_the_random_weights_tell_pictures_apart(reference: Extractor, smooth: np.ndarray) -> None:
    # Else the comparisons below would compare constants.
    features = reference.features(smooth[:8]).numpy()
    assert (features.std(0) > 0.01).mean() > 0.5
    assert 0.1 < features.mean() < 10


def test_the_reference_computation_has_the_bits_of_torch_fidelity(
    reference: Extractor, theirs: FeatureExtractorInceptionV3, smooth: np.ndarray
) -> None:
    features, logits = reference.features_and_logits(smooth[:3])
    expected_features, expected_logits = theirs(nchw(smooth[:3]))
    assert features.shape == (3, 2048) and features.dtype == torch.float32
    assert logits.shape == (3, 1008) and logits.dtype == torch.float32
    np.testing.assert_array_equal(features, expected_features)
    np.testing.assert_array_equal(logits, expected_logits)
    np.testing.assert_array_equal(reference.features(smooth[:3]), features)


def test_the_reference_computation_has_the_bits_of_torchmetrics_without_antialiasing(
    reference: Extractor, random_inception: Path, smooth: np.ndarray
) -> None:
    from torchmetrics.image.fid import NoTrainInceptionV3

    judge = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(random_inception), antialias=False)
    np.testing.assert_array_equal(reference.features(smooth[:3]), judge(nchw(smooth[:3])))


def test_the_fast_computation_agrees_in_features_and_class_scores(
    fast: Extractor, reference: Extractor, smooth: np.ndarray
) -> None:
    for ours, expected in zip(
        fast.features_and_logits(smooth[:3]), reference.features_and_logits(smooth[:3]), strict=True
    ):
        scale = expected.square().mean().sqrt()
        assert (ours - expected).abs().max() < 1e-5 * scale


def test_a_picture_has_the_same_features_in_any_batch(fast: Extractor, smooth: np.ndarray) -> None:
    together = replace(fast, batch_size=4).features(smooth[:6])
    alone = torch.cat([fast.features(smooth[i : i + 1]) for i in (0, 5)])
    np.testing.assert_allclose(alone, together[[0, 5]], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_fast_computation_moves_a_distance_by_less_than_a_millionth(
    fast: Extractor, reference: Extractor, smooth: np.ndarray
) -> None:
    def distance(extractor: Extractor) -> float:
        real, generated = (
            FeatureStatistics.of(extractor.features(images)) for images in (smooth[:24], smooth[24:] // 2)
        )
        return frechet_distance(generated, real)

    assert distance(fast) == pytest.approx(distance(reference), rel=1e-6)


@pytest.mark.parametrize("side", [8, 32, 64, 299, 400])
def test_pictures_are_resized_to_the_bits_of_tensorflow_1(side: int) -> None:
    images = torch.randint(0, 256, (2, 3, side, side), generator=torch.Generator().manual_seed(side)).float()
    expected = interpolate_bilinear_2d_like_tensorflow1x(images, size=(299, 299), align_corners=False)
    np.testing.assert_array_equal(resize_like_tensorflow1(images, 299), expected)


def test_a_resized_ramp_is_the_ramp_of_tensorflow_1() -> None:
    # By hand: new pixel i lies at i * 4 / 8 of the old ones; beyond the last one there is nothing to go to.
    ramp = torch.tensor([0.0, 10.0, 20.0, 30.0]).expand(1, 1, 4, 4)
    assert resize_like_tensorflow1(ramp, 8)[0, 0, 3].tolist() == [0, 5, 10, 15, 20, 25, 30, 30]
