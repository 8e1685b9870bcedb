"""The extractor `classifier`: what it learns, that it repeats, and that damaged weights are refused."""

import numpy as np
import pytest
import torch

from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.networks.classifier import DIMENSION, images_seen, load_classifier, train_classifier
from aesweep.evaluation.networks.classifier_recipe import RECIPE, RECIPE_SHA256
from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.images import load_images
from aesweep.models.data.labels import load_labels

CPU = torch.device("cpu")
SHORT = {**RECIPE, "least_seen": 1200.0, "epochs": 1.0, "batch_size": 40.0}


def shapes(n: int, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bright square in the upper left, or in the lower right, and which it is."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 80, (n, side, side, 3)).astype(np.uint8)
    labels = generator.integers(0, 2, n)
    half = side // 2
    for image, label in zip(images, labels, strict=True):
        image[label * half : (label + 1) * half, label * half : (label + 1) * half] += 90
    return images, labels.astype(np.int64)


@pytest.fixture(scope="module")
def trained() -> bytes:
    torch.set_num_threads(1)
    return train_classifier(*shapes(200), CPU, SHORT)


def test_it_learns_the_classes_and_gives_features_of_them(trained: bytes) -> None:
    images, labels = shapes(80)
    extractor = load_classifier(trained, CPU)
    features, logits = extractor.features_and_logits(images)
    assert features.shape == (80, DIMENSION) and (logits.argmax(1).numpy() == labels).mean() > 0.95
    assert torch.equal(features[:7], extractor.features(images[:7]))  # one image does not depend on the others
    assert (extractor.name, extractor.sha256) == ("classifier", RECIPE_SHA256) and len(extractor.weights) == 64


def test_training_repeats_bit_for_bit_and_leaves_the_callers_random_numbers_alone(trained: bytes) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert train_classifier(*shapes(200), CPU, SHORT) == trained
    assert torch.equal(torch.get_rng_state(), state)


def test_larger_images_are_averaged_to_its_size(trained: bytes) -> None:
    small, _ = shapes(5)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    extractor = load_classifier(trained, CPU)
    torch.testing.assert_close(extractor.features(large), extractor.features(small), rtol=1e-4, atol=1e-4)


def test_damaged_weights_are_refused(trained: bytes) -> None:
    arrays = from_npz(trained, "classifier")
    stem = arrays["stem.weight"]
    broken = [
        trained[:-100],
        b"",
        to_npz(**{**arrays, "stem.weight": stem[:5]}),
        to_npz(**{**arrays, "more": stem}),
        to_npz(**{**arrays, "stem.weight": np.full_like(stem, np.nan)}),
        to_npz(**{**arrays, "head.weight": np.zeros((1, DIMENSION), np.float32)}),
        to_npz(**{name: value for name, value in arrays.items() if name != "norm.bias"}),
    ]
    for data in broken:
        with pytest.raises(ValueError, match="damaged classifier"):
            load_classifier(data, CPU)


def test_the_recipe_sees_as_many_images_as_it_says() -> None:
    assert [images_seen(n) for n in (10, 3_000, 10_000, 60_000)] == [30_000, 30_000, 100_000, 200_000]
    described = EXTRACTORS.get("classifier")
    assert described.needs_labels and described.train is not None
    # Part of the ids of evaluations: a new recipe has a new version.
    assert RECIPE_SHA256.startswith("0e141e33d9116cb4")


@pytest.mark.slow
def test_digits_are_told_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    config, source = TrialConfig(), DataSource(data_dir=tmp_path_factory.mktemp("data"))
    images = load_images(config, source)
    extractor = load_classifier(train_classifier(images.train, load_labels(config, source), CPU), CPU)
    _, logits = extractor.features_and_logits(np.asarray(images.test))
    assert (logits.argmax(1).numpy() == load_labels(config, source, "test")).mean() > 0.96
