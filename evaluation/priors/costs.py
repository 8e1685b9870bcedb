"""What the fits of the priors cost in operations, and the priors in bytes. Imports no torch: `plan` asks here."""

from collections.abc import Mapping

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.models.cost import EM_ITERATIONS, fit_flops
from aesweep.models.plugins.plugin import Value, function

SLACK_BYTES = 2**20


def prior_flops(evaluation: EvaluationConfig, images: int, latent_size: int) -> int:
    """Operations of one iteration of the fits of all priors, on the latents of `images` images."""
    described = [one for name in evaluation.priors if (one := PRIORS.find(name)) is not None and one.flops is not None]
    return sum(
        int(function(one.flops or "")(images, latent_size, evaluation, evaluation.option_values(one)))
        for one in described
    )


def flops_of_mixture(images: int, latent_size: int, evaluation: EvaluationConfig, _: Mapping[str, Value]) -> int:
    """Operations of one iteration of EM for a full-covariance mixture."""
    return fit_flops(images, latent_size, evaluation.gmm_components)


def flops_of_second_vae(_: int, latent_size: int, __: EvaluationConfig, values: Mapping[str, Value]) -> int:
    """Operations of the training of a second VAE, divided by the iterations that EM takes."""
    width, layers = int(values["width"]), int(values["layers"])
    both = 2 * (latent_size * width + (layers - 1) * width**2) + 3 * (width + latent_size) * latent_size
    return 6 * int(values["steps"]) * int(values["batch_size"]) * both // EM_ITERATIONS


def bytes_of_second_vae(latent_size: int, values: Mapping[str, Value]) -> int:
    """Upper bound on the decoder in float32 with the roots of a covariance in float64."""
    width, layers = int(values["width"]), int(values["layers"])
    weights = (latent_size + (layers - 1) * width + layers) * width + (width + latent_size + 1) * latent_size
    return 4 * weights + 8 * (latent_size + 1) ** 2 + SLACK_BYTES
