"""RAE-GP: the regularised autoencoder with a penalty on the gradient of its decoder.

    loss = reconstruction + penalty * mean z^2 + gradient_penalty * GP

The penalty has two definitions in public, and weights of one mean nothing for the other:

* `output_square`, the source's code: the mean over images and units of (d/dz_j sum of x'^2)^2, the squared gradient of one
  number, for an image x' = D(z).
* `jacobian`, the source's paper: |dD/dz|_F^2, the mean over images. Estimated without bias as |J^T v|^2 for one vector v of
  random signs per image (Hutchinson), so that it takes one backward pass more, as `output_square` does, and no step size.

In training, batch normalisation lets every latent act on all images of its batch; as in the source's code, that counts too.

Source: as `rae.py`. The published CIFAR-10 configuration has a `gradient_penalty` of 0: that row of its table is RAE with
another weight. So is our default there.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, ObjectiveParameter, Terms
from aesweep.models.objectives.rae import SOURCE, latent_penalty, latent_terms, latent_weights
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch


def output_square_penalty(output: "torch.Tensor", z_NZ: "torch.Tensor") -> "torch.Tensor":
    """Mean over images and units of the squared gradient of sum `output`^2; `output` (N, ...) was computed from z."""
    return _gradient(output.square().sum(), z_NZ).square().mean()


def jacobian_penalty(output: "torch.Tensor", z_NZ: "torch.Tensor", signs: "torch.Tensor") -> "torch.Tensor":
    """An unbiased estimate of |d output / dz|_F^2, mean over images, from random `signs` in the shape of `output`."""
    return _gradient((output * signs).sum(), z_NZ).square().sum(1).mean()


def random_signs(like: "torch.Tensor", generator: "torch.Generator | None") -> "torch.Tensor":
    """+1 or -1 with equal probability, in the shape of `like`."""
    import torch

    return 2.0 * torch.randint(0, 2, like.shape, generator=generator, device=like.device).to(like.dtype) - 1.0


def _gradient(number: "torch.Tensor", z_NZ: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.autograd.grad(number, z_NZ, create_graph=True)[0]


def _terms(batch: Batch) -> Terms:
    terms = latent_terms(batch)
    if not batch.trial.parameter("gradient_penalty"):
        return terms
    z, output = batch.mean, batch.logits.sigmoid()
    # Noise is added to z, so the gradient by z is the one by the decoder's input.
    if batch.trial.parameter("gradient") == "jacobian":
        return {**terms, "gradient_square": jacobian_penalty(output, z, random_signs(output, batch.generator))}
    return {**terms, "gradient_square": output_square_penalty(output, z)}


def _weights(trial: Trial) -> Mapping[str, float]:
    """Without a weight the gradient is not computed: it costs as much as a step."""
    weight = trial.parameter("gradient_penalty")
    return {**latent_weights(trial), **({"gradient_square": weight} if weight else {})}


OBJECTIVE = Objective(
    name="rae-gp",
    version=BUILT_IN,
    title="RAE-GP",
    meaning="as `rae` + `gradient_penalty` × the squared gradient of the decoder",
    source=SOURCE,
    parameters=(
        latent_penalty(cifar10=9e-4, celeba=1e-4),
        ObjectiveParameter(
            name="gradient_penalty", default=1e-7, meaning="weight of the squared gradient", of_dataset={"cifar10": 0.0}
        ),
        ObjectiveParameter(
            name="gradient",
            default="output_square",
            meaning="`output_square`: of the sum of squared outputs; `jacobian`: of every output",
            choices=("output_square", "jacobian"),
        ),
    ),
    weights=_weights,
    terms=_terms,
    step_factor=2.2,
)
