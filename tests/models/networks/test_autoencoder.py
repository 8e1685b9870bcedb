"""What each field of a trial does to the network."""

import math
from dataclasses import replace

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.cost import parameter_counts
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder

SMALL = TrialConfig(filters=2, latent_size=6)
VARIANTS = {
    "dae": SMALL,
    "vae": replace(SMALL, model="vae"),
    "celeba": replace(SMALL, dataset="celeba", image_size=64),
    "deep": replace(SMALL, depth=(3, 3, 2, 1)),
    "batch": replace(SMALL, latent_norm="batch"),
    "layer": replace(SMALL, latent_norm="layer"),
    "spectral": replace(SMALL, latent_norm="spectral"),
    "frozen": replace(SMALL, freeze_latent=True),
    "frozen spectral": replace(SMALL, freeze_latent=True, latent_norm="spectral"),
    "noise": replace(SMALL, noise_std=0.5),
    "image noise": replace(SMALL, noise_std=0.5, noise_position="image"),
    "no norm": replace(SMALL, conv_norm=False),
    "relu": replace(SMALL, decoder_first_activation="relu"),
    "mirrored": replace(SMALL, depth=(3, 3, 2, 1), decoder_depth="mirrored"),
    "in order at 64 pixels": replace(
        SMALL, image_size=64, dataset="celeba", depth=(3, 1, 2, 1), decoder_depth="in_order"
    ),
    "wide first map": replace(SMALL, decoder_first_map="1024"),
}


def images(config: TrialConfig, n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, config.image_size, config.image_size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_gives_logits_of_the_image_and_fp32_latents(config: TrialConfig) -> None:
    model = build_autoencoder(config)
    x = images(config)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, encoded = model(x, torch.Generator().manual_seed(0))
    assert logits.shape == x.shape and logits.dtype == torch.bfloat16
    assert encoded.mean.shape == (3, 6) and encoded.mean.dtype == torch.float32
    assert (encoded.log_variance is not None) == (config.model == "vae")


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_parameter_counts_are_those_of_the_network(config: TrialConfig) -> None:
    model = build_autoencoder(config)
    counted = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)]
    assert list(parameter_counts(config)) == counted
    assert sum(p.numel() for p in model.parameters()) == sum(counted)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = build_autoencoder(SMALL).state_dict()
    torch.manual_seed(2)
    second = build_autoencoder(SMALL).state_dict()
    other = build_autoencoder(replace(SMALL, seed=1)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["encoder.mean.weight"], other["encoder.mean.weight"])


def test_building_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build_autoencoder(replace(SMALL, latent_norm="spectral"))
    assert torch.equal(torch.rand(3), expected)


def test_kernels_are_glorot_uniform_and_biases_zero() -> None:
    model = build_autoencoder(replace(SMALL, filters=32))
    weight = model.encoder.convolutions.get_parameter("1.0.weight")  # 32 -> 64 channels, 4x4
    bound = (6 / ((32 + 64) * 16)) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert all(not p.any() for name, p in model.named_parameters() if name.endswith("bias"))


def test_noise_is_added_in_training_only() -> None:
    for name in ("noise", "image noise", "vae"):
        model = build_autoencoder(VARIANTS[name])
        x = images(SMALL)

        def logits(seed: int, model: Autoencoder = model, x: torch.Tensor = x) -> torch.Tensor:
            decoded: torch.Tensor = model(x, torch.Generator().manual_seed(seed))[0]
            return decoded

        model.train()
        assert torch.equal(logits(0), logits(0)) and not torch.equal(logits(0), logits(1)), name
        model.eval()
        assert torch.equal(logits(0), logits(1)), name


def test_decoder_noise_has_the_standard_deviation_asked_for() -> None:
    """With a decoder cut down to the identity the noise can be read off."""
    model = build_autoencoder(replace(SMALL, noise_std=0.5, latent_size=400))
    model.register_module("decoder", torch.nn.Identity())
    noisy, encoded = model(images(SMALL, 50), torch.Generator().manual_seed(0))
    assert (noisy - encoded.mean).std().item() == pytest.approx(0.5, rel=0.02)


def test_reparameterisation_scales_the_noise_by_the_standard_deviation() -> None:
    model = build_autoencoder(replace(SMALL, model="vae", latent_size=400))
    model.register_module("decoder", torch.nn.Identity())
    assert model.encoder.log_variance is not None
    torch.nn.init.zeros_(model.encoder.log_variance.weight)
    torch.nn.init.constant_(model.encoder.log_variance.bias, 2 * math.log(0.3))
    z, encoded = model(images(SMALL, 50), torch.Generator().manual_seed(0))
    assert (z - encoded.mean).std().item() == pytest.approx(0.3, rel=0.02)


def test_a_frozen_latent_layer_gets_no_gradient() -> None:
    for name in ("frozen", "frozen spectral"):
        model = build_autoencoder(VARIANTS[name])
        logits, _ = model(images(SMALL))
        logits.square().sum().backward()
        assert all(p.grad is None for p in model.encoder.mean.parameters()), name
        assert all(p.grad is not None for p in model.decoder.parameters()), name


def test_batch_norm_standardises_each_latent_and_layer_norm_each_code() -> None:
    z = build_autoencoder(VARIANTS["batch"]).encode(images(SMALL, 64)).mean
    torch.testing.assert_close(z.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    z = build_autoencoder(VARIANTS["layer"]).encode(images(SMALL, 64)).mean
    torch.testing.assert_close(z.mean(1), torch.zeros(64), atol=1e-4, rtol=0)


def test_spectral_norm_brings_the_latent_layer_to_norm_one() -> None:
    model = build_autoencoder(VARIANTS["spectral"])
    for _ in range(20):  # one power iteration per training step
        model.encode(images(SMALL))
    model.eval()
    assert torch.linalg.matrix_norm(model.encoder.mean.weight, ord=2).item() == pytest.approx(1.0, abs=1e-3)
