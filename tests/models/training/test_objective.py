"""The loss against hand-computed values and torch.distributions."""

from dataclasses import replace

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aesweep.models.config import TrialConfig
from aesweep.models.cost import beta_eff
from aesweep.models.networks.autoencoder import Encoded
from aesweep.models.training.losses import Loss, Losses

DAE = TrialConfig(latent_size=4)
VAE = replace(DAE, model="vae")


def losses(logits: torch.Tensor, images: torch.Tensor, encoded: Encoded, config: TrialConfig) -> Losses:
    return Loss(config)(logits, images, encoded)


def batch(n: int = 5) -> tuple[torch.Tensor, torch.Tensor, Encoded]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, 32, 32, generator=generator)
    images = torch.rand(n, 3, 32, 32, generator=generator)
    mean, log_variance = torch.randn(2, n, 4, generator=generator)
    return logits, images, Encoded(mean, log_variance)


def test_cross_entropy_is_the_mean_over_all_pixel_values() -> None:
    logits, images, encoded = batch()
    p = logits.double().sigmoid()
    expected = -(images * p.log() + (1 - images) * (1 - p).log()).mean()
    loss = losses(logits, images, Encoded(encoded.mean, None), DAE)
    assert loss.total.item() == loss.reconstruction.item() == pytest.approx(expected.item())
    assert loss.terms == {}


def test_kl_is_that_of_the_normal_distribution_to_the_standard_one() -> None:
    logits, images, encoded = batch()
    assert encoded.log_variance is not None
    kl = kl_divergence(Normal(encoded.mean, (0.5 * encoded.log_variance).exp()), Normal(0.0, 1.0))
    mean = losses(logits, images, encoded, VAE)
    assert mean.terms["kl"].item() == pytest.approx(kl.mean().item())
    assert mean.total.item() == pytest.approx(mean.reconstruction.item() + 0.01 * kl.mean().item())
    summed = losses(logits, images, encoded, replace(VAE, reduction="sum"))
    assert summed.terms["kl"].item() == pytest.approx(kl.sum(1).mean().item())
    assert summed.reconstruction.item() == pytest.approx(3072 * mean.reconstruction.item(), rel=1e-5)


def test_beta_eff_turns_the_mean_loss_into_the_summed_one() -> None:
    logits, images, encoded = batch()
    strength = beta_eff(VAE)
    assert strength is not None
    summed = losses(logits, images, encoded, replace(VAE, reduction="sum", beta=strength))
    assert summed.total.item() == pytest.approx(3072 * losses(logits, images, encoded, VAE).total.item(), rel=1e-5)


def test_the_loss_is_fp32_and_finite_for_extreme_half_precision_logits() -> None:
    images = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 3, 32, 32)
    logits = torch.where(images > 0.5, -300.0, 300.0).to(torch.bfloat16)
    loss = losses(logits, images, Encoded(torch.zeros(2, 4), None), DAE)
    assert loss.total.dtype == torch.float32
    assert loss.total.item() == 300.0
