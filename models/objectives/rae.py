"""The regularised autoencoder: squared error plus the mean square of the latents.

    loss = reconstruction + penalty * mean over images and units of z^2

Source: Ghosh, Sajjadi, Vergari, Black and Schölkopf, From Variational to Deterministic Autoencoders (2020), with the weights
of their code, which writes mean z^2 where the paper has |z|^2 / 2 (github.com/ParthaEth/Regularized_autoencoders-RAE-). It has
no prior of its own: their tables fit Gaussians afterwards.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, ObjectiveParameter, Terms
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch

SOURCE = "Ghosh et al. (2020)"


def latent_square(mean_NZ: "torch.Tensor") -> "torch.Tensor":
    """Mean of z^2 over images and units."""
    return mean_NZ.square().mean()


def latent_penalty(cifar10: float, celeba: float) -> ObjectiveParameter:
    """`penalty` with the source's weights; CIFAR-10's where it has none."""
    meaning = "weight of the mean square of the latents"
    return ObjectiveParameter(name="penalty", default=cifar10, meaning=meaning, of_dataset={"celeba": celeba})


def latent_terms(batch: Batch) -> Terms:
    """The penalty on the latents, unweighted."""
    return {"latent_square": latent_square(batch.mean)}


def latent_weights(trial: Trial) -> Mapping[str, float]:
    """Its weight, `penalty`."""
    return {"latent_square": trial.parameter("penalty")}


OBJECTIVE = Objective(
    name="rae",
    version=BUILT_IN,
    title="RAE",
    meaning="the reconstruction + `penalty` × the mean square of the latents",
    source=SOURCE,
    parameters=(latent_penalty(cifar10=1e-2, celeba=1e-4),),
    weights=latent_weights,
    terms=latent_terms,
)
