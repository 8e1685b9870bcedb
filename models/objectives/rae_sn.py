"""RAE-SN: the regularised autoencoder with spectral normalisation of every kernel, encoder and decoder.

    loss = reconstruction + penalty * mean z^2, with each kernel divided by an estimate of its largest singular value

One power iteration per step. A kernel is a matrix with one row per output channel, and for a transposed convolution with one row
per *input* channel: the source reshapes all kernels to (-1, last axis), which is torch's `dim=0` for both.
Batch normalisation makes a network independent of the scale of most kernels: what is really constrained is the latent layer, the
decoder's first layer and its last.

Source: as `rae.py`; "spec_norm_on_dec_only" is off in all of its configurations.
"""

from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Objective
from aesweep.models.objectives.rae import SOURCE, latent_penalty, latent_terms, latent_weights
from aesweep.models.plugins.plugin import BUILT_IN

if TYPE_CHECKING:
    import torch


def normalise(model: "torch.nn.Module") -> None:
    """Put spectral normalisation on the kernel of every convolution and linear layer."""
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    for module in list(model.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            spectral_norm(module, n_power_iterations=1, dim=0)  # torch's default for a transposed convolution is 1


OBJECTIVE = Objective(
    name="rae-sn",
    version=BUILT_IN,
    title="RAE-SN",
    meaning="as `rae`, with spectral normalisation of all kernels",
    source=SOURCE,
    parameters=(latent_penalty(cifar10=3e-2, celeba=2.4e-3),),
    weights=latent_weights,
    terms=latent_terms,
    build=normalise,
    combines=("noise_std",),
    step_factor=1.25,
)
