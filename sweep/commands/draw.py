"""Pictures from a trained model of a store: samples of a prior, reconstructions, walks between images."""

import math
from pathlib import Path

import numpy as np
import torch

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.draws import pair_indices
from aesweep.evaluation.latents import encode_images
from aesweep.evaluation.pictures import STEPS, enlarged, image_grid, interpolation_grid, reconstruction_grid
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.fitting import standard_normal
from aesweep.models.networks.reconstruction import decode_latents, reconstruct
from aesweep.sweep.load import load_data, load_model, load_prior
from aesweep.sweep.store.store import Store

CPU = torch.device("cpu")
torch.set_num_threads(min(torch.get_num_threads(), allowed_cpus()))  # torch does not know of control groups


def draw_samples(store: Store, key: str, prior: str, n: int, seed: int) -> bytes:
    """A square grid (PNG) of `n` images decoded from draws of a prior."""
    return _decoded(store, key, load_prior(store, key, prior), n, seed)


def draw_normal(store: Store, key: str, n: int, seed: int) -> bytes:
    """The same from N(0, I), which needs no fit: a trial that is not scored has it too."""
    return _decoded(store, key, standard_normal(store.trials.find(key).latent_size), n, seed)


def _decoded(store: Store, key: str, prior: FittedPrior, n: int, seed: int) -> bytes:
    pictures = decode_latents(load_model(store, key), prior.sample(n, seed), CPU, "fp32").numpy()
    return enlarged(image_grid(pictures, columns=math.ceil(math.sqrt(n))))


def draw_reconstructions(store: Store, key: str, n: int, seed: int, data_dir: Path | None) -> bytes:
    """Test images above their reconstructions (PNG)."""
    test = load_data(store, key, data_dir).test
    chosen = np.random.default_rng(seed).permutation(len(test))[:n]
    images = np.asarray(test[np.sort(chosen)])
    return enlarged(reconstruction_grid(images, reconstruct(load_model(store, key), images, CPU, "fp32")))


def draw_interpolations(store: Store, key: str, n: int, seed: int, data_dir: Path | None) -> bytes:
    """Straight walks in latent space between pairs of test images, one row per pair, about `n` decoded images (PNG)."""
    model = load_model(store, key)
    test = load_data(store, key, data_dir).test
    pairs = pair_indices(len(test), max(1, n // STEPS), seed)
    z = encode_images(model, np.asarray(test[pairs.ravel()]), CPU, "fp32", "mean", seed)
    ends = z.reshape(*pairs.shape, -1)
    images = np.asarray(test[pairs])
    return enlarged(interpolation_grid(images, ends, lambda z: decode_latents(model, z, CPU, "fp32").numpy()))
