"""RAE-L2: the regularised autoencoder with squared weights of the decoder as a second penalty.

    loss = reconstruction + penalty * mean z^2 + weight_penalty * sum of w^2

over the kernels of the decoder's convolutions, once per step; for CelebA the source adds the kernel of its dense layer (`dense`).
Batch normalisation after a convolution makes the output independent of the scale of its kernel: what is really regularised is
the last layer, and the dense one where it counts.

Source: as `rae.py`. It is not Adam's `weight_decay`, which would act on all parameters.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, ObjectiveParameter, Terms
from aesweep.models.objectives.rae import SOURCE, latent_penalty, latent_terms, latent_weights
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch


def weight_square(decoder: "torch.nn.Module", dense: bool) -> "torch.Tensor":
    """Sum of the squares of the convolution kernels of a decoder, with `dense` also of its linear layers."""
    import torch
    from torch import nn

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear) if dense else (nn.Conv2d, nn.ConvTranspose2d)
    kernels = [module.weight for module in decoder.modules() if isinstance(module, kinds)]
    return torch.stack([kernel.square().sum() for kernel in kernels]).sum()


def _terms(batch: Batch) -> Terms:
    squares = weight_square(batch.decoder, batch.trial.parameter("dense"))
    return {**latent_terms(batch), "weight_square": squares}


def _weights(trial: Trial) -> Mapping[str, float]:
    return {**latent_weights(trial), "weight_square": trial.parameter("weight_penalty")}


OBJECTIVE = Objective(
    name="rae-l2",
    version=BUILT_IN,
    title="RAE-L2",
    meaning="as `rae` + `weight_penalty` × the sum of the decoder's squared kernels",
    source=SOURCE,
    parameters=(
        latent_penalty(cifar10=1e-3, celeba=1e-4),
        ObjectiveParameter(
            name="weight_penalty", default=1e-6, meaning="weight of the sum of squares", of_dataset={"celeba": 1e-7}
        ),
        ObjectiveParameter(
            name="dense", default=False, meaning="whether the linear layer counts too", of_dataset={"celeba": True}
        ),
    ),
    weights=_weights,
    terms=_terms,
)
