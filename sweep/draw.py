"""Pictures from a trained model of a store: samples of a prior, reconstructions, walks between images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from evaluation.latents import encode_images
from evaluation.pictures import image_grid, reconstruction_grid
from models.reconstruction import decode_latents, reconstruct
from sweep.load import load_data, load_model, load_prior
from sweep.run import stored_spec
from sweep.store import Store

STEPS = 9  # images of one walk, its two ends included
CPU = torch.device("cpu")


def draw_samples(store: Store, key: str, prior: str, n: int, seed: int) -> bytes:
    """A square grid (PNG) of `n` images decoded from draws of a prior."""
    latents = load_prior(store, key, prior).sample(n, seed)
    return image_grid(decode_latents(load_model(store, key), latents, CPU, "fp32"), columns=_columns(n))


def draw_reconstructions(store: Store, key: str, n: int, seed: int, data_dir: Path | None) -> bytes:
    """Test images above their reconstructions (PNG)."""
    images = _test_images(store, key, n, seed, data_dir)
    return reconstruction_grid(images, reconstruct(load_model(store, key), images, CPU, "fp32"))


def draw_interpolations(store: Store, key: str, n: int, seed: int, data_dir: Path | None) -> bytes:
    """Straight walks in latent space between pairs of test images, one row per pair (PNG)."""
    model = load_model(store, key)
    pairs = max(1, n // STEPS)
    images = _test_images(store, key, 2 * pairs, seed, data_dir)
    z = encode_images(model, images, CPU, "fp32", "mean", seed)
    pairs = len(z) // 2
    weights = np.linspace(0.0, 1.0, STEPS, dtype=np.float32)[None, :, None]
    walks = (1 - weights) * z[:pairs, None] + weights * z[pairs : 2 * pairs, None]  # (pairs, STEPS, Z)
    return image_grid(decode_latents(model, walks.reshape(pairs * STEPS, -1), CPU, "fp32"), columns=STEPS)


def _test_images(store: Store, key: str, n: int, seed: int, data_dir: Path | None) -> np.ndarray:
    """`n` test images (n, H, W, 3) uint8, a seeded draw."""
    execution = stored_spec(store)[-1].execution
    if data_dir is not None:
        execution = replace(execution, data_dir=str(data_dir))
    test = load_data(store, key, execution).test
    chosen = np.random.default_rng(seed).permutation(len(test))[:n]
    return np.asarray(test[np.sort(chosen)])


def _columns(n: int) -> int:
    return int(np.ceil(np.sqrt(n)))
