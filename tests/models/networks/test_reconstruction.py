"""Cross-entropy and pictures against hand-computed values."""

import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.networks.reconstruction import (
    bce_on_test_images,
    decode_latents,
    mean_image_bce,
    reconstruct,
    to_uint8,
)

CPU = torch.device("cpu")
MODEL = build_autoencoder(TrialConfig(filters=2, latent_size=4))


def grey(level: int, n: int = 3) -> np.ndarray:
    return np.full((n, 32, 32, 3), level, dtype=np.uint8)


def test_an_undecided_model_scores_log_two() -> None:
    model = build_autoencoder(TrialConfig(filters=2, latent_size=4))
    torch.nn.init.zeros_(model.decoder.last.weight)  # logits 0: probability one half everywhere
    for level in (0, 100, 255):
        assert bce_on_test_images(model, grey(level), CPU, "fp32") == pytest.approx(math.log(2))
    assert (reconstruct(model, grey(7), CPU, "fp32") == 128).all()


def test_the_score_does_not_depend_on_the_batch_size_or_the_container() -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    expected = bce_on_test_images(MODEL, images, CPU, "fp32")
    assert bce_on_test_images(MODEL, images, CPU, "fp32", batch_size=2) == pytest.approx(expected, rel=1e-6)
    assert bce_on_test_images(MODEL, torch.from_numpy(images), CPU, "fp32") == expected
    once = reconstruct(MODEL, images, CPU, "fp32")
    assert np.abs(once.astype(int) - reconstruct(MODEL, images, CPU, "fp32", batch_size=3)).max() <= 1


def test_scoring_leaves_the_model_in_training_mode_with_its_running_statistics() -> None:
    model = build_autoencoder(TrialConfig(filters=2, latent_size=4)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    bce_on_test_images(model, grey(50), CPU, "fp32")
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_the_mean_image_of_equal_pictures_scores_their_entropy() -> None:
    p = 51 / 255
    entropy = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    assert mean_image_bce(grey(51, 5000), grey(51)) == pytest.approx(entropy, rel=1e-4)


def textbook_mean_image_bce(train: np.ndarray, test: np.ndarray) -> float:
    """The cross-entropy of every test image with the mean training image, one by one."""
    p = torch.from_numpy(((train / 255).sum(0) + 0.5) / (len(train) + 1))
    targets = torch.from_numpy(test / 255)
    return F.binary_cross_entropy(p.expand_as(targets), targets).item()


@pytest.mark.parametrize("n", [1, 256, 257, 258, 600])
def test_the_mean_image_scores_what_its_definition_says(n: int) -> None:
    generator = np.random.default_rng(n)
    train, test = (generator.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for _ in range(2))
    train[:, :8], test[:, 4:12], train[:, 20:] = 0, 0, 255
    expected = textbook_mean_image_bce(train, test)
    assert mean_image_bce(train, test) == pytest.approx(expected, rel=1e-12)
    assert mean_image_bce(torch.from_numpy(train), test) == mean_image_bce(train, test)


def test_the_mean_image_of_cifar10_is_scored_in_a_moment(tmp_path: Path) -> None:
    """A trial holds its share of a GPU meanwhile."""
    for name, count in (("train", 50_000), ("test", 10_000)):
        array = np.lib.format.open_memmap(tmp_path / name, mode="w+", dtype=np.uint8, shape=(count, 32, 32, 3))
        array[::2] = 200
    images = [np.load(tmp_path / name, mmap_mode="r") for name in ("train", "test")]
    started = time.process_time()
    assert mean_image_bce(*images) == pytest.approx(-(math.log(100 / 255) * 100 + math.log(155 / 255) * 155) / 255)
    assert time.process_time() - started < 1


def test_a_pixel_never_seen_bright_costs_much_but_not_infinitely() -> None:
    assert mean_image_bce(grey(0, 9), grey(0)) == pytest.approx(-math.log(1 - 0.05))
    assert mean_image_bce(grey(0, 9), grey(255)) == pytest.approx(-math.log(0.05))


def test_pictures_are_rounded() -> None:
    level = torch.tensor([0.0, 1.49, 1.51, 254.6, 255.0]) / 255
    logits = torch.logit(level, eps=1e-7).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert to_uint8(logits)[0, 0, :, 0].tolist() == [0, 1, 2, 255, 255]


def test_decoding_the_latents_of_images_gives_their_reconstructions() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    model = build_autoencoder(TrialConfig(filters=2, latent_size=4)).eval()
    with torch.no_grad():
        z = model.encode(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255).mean
    pictures = decode_latents(model, z.numpy(), CPU, "fp32", batch_size=2).numpy()
    assert pictures.shape == images.shape and pictures.dtype == np.uint8
    assert np.abs(pictures.astype(int) - reconstruct(model, images, CPU, "fp32")).max() <= 1
