"""The variational autoencoder: reconstruction plus `beta` times the KL divergence of q(z|x) from N(0, I).

    KL(N(m, v) || N(0, 1)) = (v + m^2 - 1 - log v) / 2    for each latent unit

Source: Kingma & Welling, Auto-Encoding Variational Bayes (2014), appendix B. `beta` belongs to the reconstruction that the
trial has, and is used as given. A `reduction` of `mean` averages over latent units, `sum` adds them up for each image.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, Terms, standard_normal
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch


def kl_divergence(mean_NZ: "torch.Tensor", log_variance_NZ: "torch.Tensor", reduction: str) -> "torch.Tensor":
    """KL(q(z|x) || N(0, I)) in nats: per latent unit (`mean`) or per image (`sum`), mean over the images."""
    kl_NZ = 0.5 * (log_variance_NZ.exp() + mean_NZ.square() - 1.0 - log_variance_NZ)
    return kl_NZ.mean() if reduction == "mean" else kl_NZ.sum() / len(mean_NZ)


def kl_term(batch: Batch) -> Terms:
    """The KL divergence of a batch, unweighted."""
    assert batch.log_variance is not None
    return {"kl": kl_divergence(batch.mean, batch.log_variance, batch.trial.reduction)}


def _weights(trial: Trial) -> Mapping[str, float]:
    return {"kl": trial.beta}


OBJECTIVE = Objective(
    name="vae",
    version=BUILT_IN,
    title="VAE",
    meaning="the reconstruction + `beta` × the KL divergence of q(z\\|x) from N(0, I)",
    source="Kingma and Welling (2014)",
    weights=_weights,
    terms=kl_term,
    scaled=False,
    variational=True,
    combines=(),
    reads=("beta",),
    prior=standard_normal,
)
