"""The loss of a trial: its reconstruction, and the terms of its objective with their weights.

The paper does not say over what cross-entropy and KL divergence are averaged, and for a VAE that decides the strength of the
KL term: `reduction` is our reading, and `aesweep.models.cost.beta_eff` turns either one into the same scale.

Shapes: N images, C channels, H = W = image_size, Z = latent_size.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import Encoded
from aesweep.models.objectives.objective import Batch

COUNTED_TOGETHER = 1024
"""Images whose pixel values are counted at once."""
_NO_DECODER = nn.Identity()


class Losses(NamedTuple):
    """Scalars, fp32."""

    total: torch.Tensor
    reconstruction: torch.Tensor
    """Nats of cross-entropy, squared error, or what the objective says: per pixel value (`mean`) or per image (`sum`)."""
    terms: Mapping[str, torch.Tensor]
    """Those of the objective, unweighted."""


class Loss:
    """The losses of batches of one trial."""

    def __init__(self, config: TrialConfig, images: torch.Tensor | None = None) -> None:
        """`images`: the training images, uint8, which decide what a weight for squared error counts against cross-entropy."""
        self.config, self._objective = config, config.objective
        weights = self._objective.weights(config)
        scale = _scale(config, images) if weights and self._objective.scaled else 1.0
        self.weights = {name: scale * weight for name, weight in weights.items()}
        """Term -> its weight in the loss."""

    def __call__(
        self,
        logits: torch.Tensor,
        images: torch.Tensor,
        encoded: Encoded,
        decoder: nn.Module = _NO_DECODER,
        generator: torch.Generator | None = None,
    ) -> Losses:
        """Losses of one batch, in fp32 whatever the network ran in: logits and images (N, C, H, W), images in [0, 1].

        Some terms look at the weights of `decoder`, or draw noise from `generator`. Raises `ValueError` for an objective
        whose terms are not those that it has weights for.
        """
        mean, log_variance = encoded.mean.float(), encoded.log_variance
        log_variance = None if log_variance is None else log_variance.float()
        batch = Batch(images.float(), logits.float(), mean, log_variance, decoder, generator, self.config)
        own = self._objective.reconstruction
        total = reconstruction = own(batch) if own is not None else reconstruction_loss(batch, self.config)
        terms = self._objective.terms(batch)
        if terms.keys() != self.weights.keys():
            found, expected = ", ".join(terms) or "none", ", ".join(self.weights) or "none"
            raise ValueError(
                f"objective {self._objective.name}: it gives the terms {found}, with weights for {expected}"
            )
        for name, weight in self.weights.items():
            total = total + weight * terms[name]
        return Losses(total, reconstruction, terms)


def reconstruction_loss(batch: Batch, config: TrialConfig) -> torch.Tensor:
    """Cross-entropy or squared error: mean over all pixel values, or, with a `reduction` of `sum`, per image.

    Cross-entropy is computed from logits, since one of probabilities loses all precision near 0 and 1 and CUDA's autocast refuses it.
    """
    if config.reconstruction == "bce":
        loss = F.binary_cross_entropy_with_logits(batch.logits, batch.images, reduction=config.reduction)
    else:
        loss = F.mse_loss(batch.logits.sigmoid(), batch.images, reduction=config.reduction)
    return loss / len(batch.images) if config.reduction == "sum" else loss


def cross_entropy_scale(images: torch.Tensor) -> float:
    """What a squared error counts in cross-entropy near its optimum: 1 / (2 mean x (1 - x)) of uint8 `images`.

    2.67 on CIFAR-10. The same on every device: values are counted, and counts are exact. Raises `ValueError` for images of
    black and white alone, whose cross-entropy has no such optimum.
    """
    counts = torch.zeros(256, dtype=torch.int64)
    for part in images.split(COUNTED_TOGETHER):
        counts += torch.bincount(part.flatten(), minlength=256).cpu()
    values = torch.arange(256)
    spread = int((counts * values * (255 - values)).sum())
    if not spread:
        raise ValueError("the training images are black and white alone; train with reconstruction: mse")
    return 255**2 * images.numel() / (2 * spread)


def _scale(config: TrialConfig, images: torch.Tensor | None) -> float:
    """What a weight for mean squared error is multiplied by."""
    values = config.channels * config.image_size**2 if config.reduction == "sum" else 1
    if config.reconstruction == "mse":
        return float(values)
    if images is None:
        raise ValueError(f"the weights of {config.model} against cross-entropy depend on the training images")
    return values * cross_entropy_scale(images)
