import numpy as np
import pytest
import torch

from aesweep.evaluation.latents import Latents, encode_images
from aesweep.models.config import TrialConfig
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.networks.reconstruction import decode_latents, reconstruct

CPU = torch.device("cpu")
DAE = TrialConfig(filters=4, latent_size=6)
VAE = TrialConfig(filters=4, latent_size=6, model="vae")


def test_a_dae_gives_its_code_whatever_the_batches_and_leaves_its_mode_alone(digits: np.ndarray) -> None:
    model = build_autoencoder(DAE).train()
    z = encode_images(model, digits[:300], CPU, "fp32", "mean", seed=0)
    assert z.shape == (300, 6) and z.dtype == np.float32
    assert model.training
    np.testing.assert_allclose(encode_images(model, digits[290:300], CPU, "fp32", "mean", 0), z[290:], atol=1e-5)
    np.testing.assert_array_equal(encode_images(model, digits[:300], CPU, "fp32", "sample", 0), z)


def test_a_vae_gives_means_or_seeded_samples_around_them(digits: np.ndarray) -> None:
    model = build_autoencoder(VAE)
    assert model.encoder.log_variance is not None
    with torch.no_grad():
        model.encoder.log_variance.weight.zero_()
        model.encoder.log_variance.bias.fill_(2 * np.log(0.5))  # a standard deviation of 0.5 everywhere
    images = digits[:1000]
    mean = encode_images(model, images, CPU, "fp32", "mean", seed=0)
    sample = encode_images(model, images, CPU, "fp32", "sample", seed=0)
    np.testing.assert_allclose((sample - mean).std(0), 0.5, rtol=0.1)
    np.testing.assert_allclose((sample - mean).mean(0), 0, atol=0.06)
    np.testing.assert_array_equal(encode_images(model, images, CPU, "fp32", "sample", seed=0), sample)
    assert not np.array_equal(encode_images(model, images, CPU, "fp32", "sample", seed=1), sample)


def test_decoding_the_encoded_means_is_reconstruction(digits: np.ndarray) -> None:
    for config in (DAE, VAE):
        model = build_autoencoder(config)
        z = encode_images(model, digits[:20], CPU, "fp32", "mean", seed=0)
        pictures = decode_latents(model, z, CPU, "fp32").numpy()
        assert pictures.shape == (20, 32, 32, 3) and pictures.dtype == np.uint8
        np.testing.assert_array_equal(pictures, reconstruct(model, digits[:20], CPU, "fp32"))


def test_pictures_made_of_no_numbers_are_refused() -> None:
    model = build_autoencoder(DAE)
    z = np.zeros((3, 6), np.float32)
    z[1, 2] = np.nan
    with pytest.raises(NonFiniteError, match="not numbers"):
        decode_latents(model, z, CPU, "fp32")


def test_latents_come_back_from_bytes_and_damaged_ones_are_refused() -> None:
    generator = np.random.default_rng(0)
    latents = Latents(*(generator.normal(size=(n, 4)).astype(np.float32) for n in (30, 20)))
    data = latents.to_bytes()
    back = Latents.from_bytes(data)
    np.testing.assert_array_equal(back.train, latents.train)
    np.testing.assert_array_equal(back.test, latents.test)
    with pytest.raises(ValueError, match="damaged"):
        Latents.from_bytes(data[:-300])
