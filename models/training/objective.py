"""The loss of Section 3: binary cross-entropy, plus for a VAE the KL divergence weighted by beta.

The paper does not say over what the two are averaged, and for a VAE that decides the strength of the KL term:
`reduction` is our reading, and `aesweep.models.cost.beta_eff` turns either one into the same scale.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import Encoded


class Losses(NamedTuple):
    """Scalars, fp32."""

    total: torch.Tensor
    reconstruction: torch.Tensor
    """Cross-entropy in nats: per pixel value (`mean`) or per image (`sum`)."""
    kl: torch.Tensor | None
    """KL divergence from N(0, I) in nats, unweighted: per latent (`mean`) or per image (`sum`); None for a DAE."""


def losses(logits: torch.Tensor, images: torch.Tensor, encoded: Encoded, config: TrialConfig) -> Losses:
    """Loss of one batch, in fp32 whatever the network ran in: logits and images (N, 3, H, W), images in [0, 1].

    From logits, since a cross-entropy of probabilities loses all precision near 0 and 1 and CUDA's autocast refuses it.
    """
    reconstruction = F.binary_cross_entropy_with_logits(logits.float(), images.float(), reduction=config.reduction)
    if config.reduction == "sum":
        reconstruction = reconstruction / len(images)
    if encoded.log_variance is None:
        return Losses(reconstruction, reconstruction, None)
    mean, log_variance = encoded.mean.float(), encoded.log_variance.float()
    # KL(N(m, v) || N(0, 1)) of each latent, Kingma & Welling (2014), appendix B
    kl_NZ = 0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance)
    kl = kl_NZ.mean() if config.reduction == "mean" else kl_NZ.sum() / len(images)
    return Losses(reconstruction + config.beta * kl, reconstruction, kl)
