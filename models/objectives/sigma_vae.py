"""The sigma-VAE: a Gaussian decoder whose one variance is the best one for each batch, so that there is no beta to choose.

    loss = D (log s + 1/2 log 2 pi) + sum (x - x')^2 / (2 s^2) + KL    per image of D pixel values,
    log s = soft clip of 1/2 log mean (x - x')^2, the mean over the batch and all values, with its gradient

With a `reduction` of `mean` all of it is divided by D. The soft clip, -6 + softplus(log s + 6), keeps s above exp(-6); at
log s = -2.65, a mean squared error of 0.005, it makes s^2 7 % larger than the best one.

Source: Rybkin, Daniilidis and Levine, Simple and Effective VAE Training with Calibrated Decoders (2021), with the constants of
their code (github.com/orybkin/sigma-vae-pytorch).
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, standard_normal
from aesweep.models.objectives.vae import kl_term
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch

LEAST_LOG_SIGMA = -6.0


def log_sigma(squared_error: "torch.Tensor") -> "torch.Tensor":
    """The log of the best standard deviation for a mean squared error, clipped softly."""
    import torch.nn.functional as F

    return LEAST_LOG_SIGMA + F.softplus(0.5 * squared_error.log() - LEAST_LOG_SIGMA)


def negative_log_likelihood(squared_error: "torch.Tensor", log_sigma: "torch.Tensor") -> "torch.Tensor":
    """Nats per pixel value of a Gaussian with this mean squared error and log standard deviation."""
    return 0.5 * squared_error * (-2.0 * log_sigma).exp() + log_sigma + 0.5 * math.log(2 * math.pi)


def _reconstruction(batch: Batch) -> "torch.Tensor":
    squared_error = (batch.images - batch.logits.sigmoid()).square().mean()
    nats = negative_log_likelihood(squared_error, log_sigma(squared_error))
    return nats if batch.trial.reduction == "mean" else nats * _values(batch.trial)


def _weights(trial: Trial) -> Mapping[str, float]:
    """1 between sums; `mean` divides the likelihood by the pixel values, and the KL term by the latent units."""
    return {"kl": 1.0 if trial.reduction == "sum" else trial.latent_size / _values(trial)}


def _values(trial: Trial) -> int:
    return trial.channels * trial.image_size**2


OBJECTIVE = Objective(
    name="sigma-vae",
    version=BUILT_IN,
    title="σ-VAE",
    meaning="the negative log-likelihood of a Gaussian with the best shared variance + the KL divergence",
    source="Rybkin, Daniilidis and Levine (2021)",
    weights=_weights,
    terms=kl_term,
    scaled=False,
    reconstruction=_reconstruction,
    variational=True,
    combines=(),
    prior=standard_normal,
)
