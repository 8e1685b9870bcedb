"""The latent layer as plain numbers: what is between encoder and decoder, whatever their architecture. Imports no torch."""

from typing import NamedTuple

from aesweep.models.config import TrialConfig


def latent_heads(config: TrialConfig) -> int:
    """Linear layers on the encoder's output: a mean, and a log variance where the objective is variational."""
    return 2 if config.objective.variational else 1


def latent_norm(config: TrialConfig) -> str:
    """The normalisation of the latents: the objective's where it brings one."""
    own = config.objective.latent_norm
    return config.latent_norm if own == "none" else own


class LatentCost(NamedTuple):
    """What the latent layer costs, with its normalisation."""

    parameters: int
    flops: int
    """Operations for one image; a multiply-add is two."""


def latent_cost(config: TrialConfig) -> LatentCost:
    """Heads on the encoder's features, and scale and shift of the normalisation where it has them."""
    features, size, heads = config.network.features(config), config.latent_size, latent_heads(config)
    scale_and_shift = 2 * size if latent_norm(config) in ("batch", "layer") else 0
    return LatentCost(heads * (features + 1) * size + scale_and_shift, 2 * heads * features * size)
