"""The fixed-weight network: the same everywhere, and its distances rank real images before worse ones."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.random_conv import random_conv_weights, weights_sha256
from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256


def statistics(extractor: Extractor, images: np.ndarray) -> FeatureStatistics:
    return FeatureStatistics.of(extractor.features(images))


def blurred(images: np.ndarray, radius: float) -> np.ndarray:
    filters = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(image).filter(filters)) for image in images])


def test_the_weights_are_the_ones_that_scores_are_named_after() -> None:
    # If this fails, every score of random-conv-64 in every store compares with nothing: restore the weights.
    golden = "452f6920b59a7ddc479e81b86142eb4a138ae7e16e9432654f8cc57e6a7f7d8b"
    assert weights_sha256(random_conv_weights()) == golden
    assert golden == RANDOM_CONV_SHA256


def test_any_changed_weight_changes_the_checksum() -> None:
    weights = {name: value.copy() for name, value in random_conv_weights().items()}
    weights["layer3"][5, 6, 1, 1] = np.nextafter(weights["layer3"][5, 6, 1, 1], 1)
    assert weights_sha256(weights) != RANDOM_CONV_SHA256


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_worse_pictures_are_further_from_real_ones(
    name: str, request: pytest.FixtureRequest, random_conv: Extractor
) -> None:
    images = request.getfixturevalue(name)[:1000]
    reference = statistics(random_conv, images[: len(images) // 2])
    held_out = images[len(images) // 2 :]
    generator = np.random.default_rng(0)
    noisy = np.clip(held_out + generator.normal(0, 20, held_out.shape), 0, 255).astype(np.uint8)
    noise = generator.integers(0, 256, held_out.shape).astype(np.uint8)
    pictures = {
        "held out": held_out,
        "slightly blurred": blurred(held_out, 0.7),
        "blurred": blurred(held_out, 1.0),
        "strongly blurred": blurred(held_out, 2.0),
        "noisy": noisy,
        "noise": noise,
        "upside down": held_out[:, ::-1],
        "one image only": np.repeat(held_out[:1], len(held_out), axis=0),
        "negatives": 255 - held_out,
    }
    distance = {what: frechet_distance(statistics(random_conv, x), reference) for what, x in pictures.items()}
    ranking = ["held out", "slightly blurred", "blurred", "strongly blurred", "noise"]
    assert sorted(ranking, key=distance.__getitem__) == ranking
    for worse in ("noisy", "upside down", "one image only", "negatives"):
        assert distance[worse] > 1.5 * distance["held out"], worse
    assert distance["blurred"] > 2 * distance["held out"]


def test_another_kind_of_pictures_is_far_away(digits: np.ndarray, cifar10: np.ndarray, random_conv: Extractor) -> None:
    reference = statistics(random_conv, cifar10[:500])
    held_out = frechet_distance(statistics(random_conv, cifar10[500:]), reference)
    assert frechet_distance(statistics(random_conv, digits[:500]), reference) > 100 * held_out


def test_all_64_features_carry_something_of_their_own(cifar10: np.ndarray, random_conv: Extractor) -> None:
    features = random_conv.features(cifar10[:500]).numpy()
    assert features.shape == (500, 64)
    assert features.std(0).min() > 0.01
    assert statistics(random_conv, cifar10[:500]).root.shape == (64, 64)


def test_features_are_not_a_linear_function_of_the_pixels(random_conv: Extractor) -> None:
    generator = np.random.default_rng(0)
    a, b = (generator.integers(0, 128, (8, 32, 32, 3)).astype(np.uint8) for _ in range(2))
    black = np.zeros_like(a)
    joint = random_conv.features(a + b) - random_conv.features(black)
    apart = random_conv.features(a) + random_conv.features(b) - 2 * random_conv.features(black)
    assert (joint - apart).abs().max() > 0.1 * joint.abs().max()


@pytest.mark.parametrize("side", [32, 64])
def test_features_of_an_image_do_not_depend_on_its_batch(random_conv: Extractor, side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, side, side, 3)).astype(np.uint8)
    together = random_conv.features(images).numpy()
    alone = np.concatenate([random_conv.features(images[i : i + 1]).numpy() for i in (0, 131, 299)])
    np.testing.assert_allclose(alone, together[[0, 131, 299]], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(random_conv.features(images[::-1]).numpy()[::-1], together, rtol=1e-5, atol=1e-5)
