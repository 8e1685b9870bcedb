"""What a trial costs, from its configuration alone: parameters, operations, GPU-hours. Imports no torch.

`plan` must answer before anything is built, for hundreds of trials at once. Encoder and decoder are described by their architecture
(`architectures/architecture.py`); what the latent layer adds is the same for all.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from aesweep.models.config import TrialConfig
from aesweep.models.networks.latent_layer import latent_cost

FILE_SLACK_BYTES = 32 * 2**20
STEP_FACTOR = 3
"""Operations of a training step against a forward pass: the backward pass costs twice the forward one."""
EM_ITERATIONS = 60
"""Iterations that EM takes for a mixture on CIFAR-10's latents: 50 to 70 were measured."""
CORE_FLOPS = 25e9
"""float64 operations per second of EM on one CPU core: 25e9 to 50e9 (docs/benchmarks/mixture-*.md)."""
H200_BF16_FLOPS = 989e12
"""Peak dense bf16 operations per second of one H200 (NVIDIA's data sheet)."""
UTILISATION = 0.36
"""Share of the peak that the operations of a step reach, without `STEP_SECONDS`: measured from 16 to 128 filters on CIFAR-10's
size, batch 128 (docs/benchmarks/training-cuda-nvidia-h200-2026-11-26.md), assumed for wider networks."""
STEP_SECONDS = 0.0011
"""Seconds of a training step that do not depend on the width: its kernels follow each other (same measurement)."""

CPU_FLOPS = 120e9
"""Operations per second of a training step on one CPU thread with bf16, without `CPU_IMAGE_SECONDS`: measured from 4 to 16 filters
on CIFAR-10's size, batch 128, AMD EPYC. Without bf16 it is a third of that."""
CPU_IMAGE_SECONDS = 0.0003
"""Seconds per image that do not depend on the width (same measurement)."""
EVALUATION_SECONDS = {"gpu": 8.0, "cpu": 60.0}
"""Seconds of one evaluation of `EVALUATION_IMAGES` without the fits of mixtures, with Fréchet distances on random-conv-64
(docs/benchmarks/evaluation-*.md)."""
EVALUATION_IMAGES = 50_000
"""10,000 images per split, and 10,000 samples of three priors."""
CPU_FEATURE_SECONDS = {"inception-2015": 1 / 8}
"""Seconds per image of slow feature networks on one CPU thread (docs/benchmarks/evaluation-amd-*.md)."""
GPU_FIT_SPEEDUP = 100.0
"""How much faster mixtures are fitted on a data-centre GPU than on one CPU core (docs/benchmarks/mixture-*.md)."""


class ParameterCounts(NamedTuple):
    """Parameters, trained or frozen; running statistics do not count."""

    encoder: int
    """With the latent layer and its norm."""
    decoder: int


def parameter_counts(config: TrialConfig) -> ParameterCounts:
    """Parameters of the network that `build_autoencoder(config)` gives."""
    found = config.network.cost_of(config)
    return ParameterCounts(found.encoder_parameters + latent_cost(config).parameters, found.decoder_parameters)


def most_model_bytes(config: TrialConfig) -> int:
    """Upper bound on the bytes of its weights file: float32, running statistics, and a header that names them."""
    return 2 * 4 * sum(parameter_counts(config)) + FILE_SLACK_BYTES


def most_checkpoint_bytes(config: TrialConfig) -> int:
    """Upper bound on the bytes of its checkpoint: weights, two moments of Adam, a history of epochs, the losses of one."""
    return 3 * most_model_bytes(config) + 4096 * config.epochs


@lru_cache(maxsize=1024)  # asked for twice or more for each trial of a plan
def flops_per_image(config: TrialConfig) -> int:
    """Operations of one forward pass of one image, a multiply-add being two; equals `torch.utils.flop_counter`."""
    return config.network.cost_of(config).flops + latent_cost(config).flops


def training_flops(config: TrialConfig, images: int) -> int:
    """Operations of the whole training on `images` training images."""
    return STEP_FACTOR * flops_per_image(config) * images * config.epochs


def gpu_hours(config: TrialConfig, images: int) -> float:
    """Hours of training alone on one H200: its operations at `UTILISATION` of the bf16 peak, and `STEP_SECONDS` each step.

    Times what a step of the objective takes against one of a plain DAE.
    """
    computing = training_flops(config, images) / (H200_BF16_FLOPS * UTILISATION)
    return (config.objective.step_factor * computing + gpu_idle_seconds(config, images)) / 3600


def gpu_idle_seconds(config: TrialConfig, images: int) -> float:
    """Seconds of `gpu_hours` in which the GPU waits for the next kernel."""
    step_seconds = config.objective.step_factor * config.network.step_factor * STEP_SECONDS
    return step_seconds * config.epochs * math.ceil(images / config.batch_size)


def cpu_hours(config: TrialConfig, images: int) -> float:
    """Hours of training alone on one CPU thread."""
    seconds = training_flops(config, images) / CPU_FLOPS + CPU_IMAGE_SECONDS * images * config.epochs
    return config.objective.step_factor * seconds / 3600


def evaluation_seconds(
    fit_operations: int, on_gpu: bool, images: int = EVALUATION_IMAGES, extractor: str = "random-conv-64"
) -> float:
    """Seconds of one evaluation, on a GPU or on one CPU thread.

    Its mixtures take `fit_operations` per iteration (`fit_flops`); `images` are decoded and measured by `extractor`.
    """
    fit = 3600 * fit_core_hours(fit_operations) / (GPU_FIT_SPEEDUP if on_gpu else 1.0)
    features = 0.0 if on_gpu else images * CPU_FEATURE_SECONDS.get(extractor, 0.0)
    return EVALUATION_SECONDS["gpu" if on_gpu else "cpu"] * images / EVALUATION_IMAGES + features + fit


def fit_flops(images: int, latent_size: int, components: int) -> int:
    """Operations of one EM iteration of a full-covariance mixture on the latents of `images` images.

    Per component, the E-step multiplies all latents by a square matrix and the M-step all latents by themselves. The number
    of iterations is not known before; this orders fits by cost.
    """
    return 4 * components * images * latent_size**2


def fit_core_hours(iteration_flops: int) -> float:
    """Hours of one CPU core for a whole fit, of `fit_flops` per iteration; a data-centre GPU takes about a hundredth."""
    return EM_ITERATIONS * iteration_flops / CORE_FLOPS / 3600


def beta_eff(config: TrialConfig) -> float | None:
    """Weight of the KL summed over latents against the cross-entropy summed over pixel values; None without either.

    Averaging divides the cross-entropy by channels x size^2 and the KL by the latents, so `mean` at 128 latents on CIFAR-10
    weighs 0.01 x 3072 / 128 = 0.24: the number to compare with the beta of other papers.
    """
    if "beta" not in config.objective.reads or config.reconstruction != "bce":
        return None
    if config.reduction == "sum":
        return config.beta
    return config.beta * config.channels * config.image_size**2 / config.latent_size
