"""The fields of a trial: everything that decides its trained weights, each with its meaning and its default."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from aesweep.models.plugins.plugin import Value

LatentNorm = Literal["none", "batch", "spectral", "layer", "batch_plain"]
NoisePosition = Literal["decoder_input", "image"]
FirstMap = Literal["min(8f,1024)", "8f", "1024", "4f"]
FirstActivation = Literal["none", "relu"]
DecoderDepth = Literal["by_width", "mirrored", "in_order"]
Reduction = Literal["mean", "sum"]
Reconstruction = Literal["bce", "mse"]
Resize = Literal["bilinear", "lanczos"]
Precision = Literal["auto", "bf16", "fp16", "fp32"]


@dataclass(frozen=True, kw_only=True)
class TrialFields:
    """What a `TrialConfig` says. Each field is a column of the table `trials`; the text in its type is the column's meaning there."""

    # Data
    dataset: Annotated[str, "digits, cifar10, celeba, folder, or a plug-in"] = "digits"
    data_identity: Annotated[str, 'SHA-256 of a folder\'s images; "none" for the built-in data sets'] = ""
    """64 hex digits for a `folder` data set; "" for the built-in data sets."""
    image_size: Annotated[int, "pixels per side"] = 32
    """32 or 64."""
    resize: Annotated[Resize, "filter that brought images to image_size"] = "bilinear"
    """Antialiased."""

    # Network
    model: Annotated[str, "objective: dae, vae, another one of docs/rivals.md, or a plug-in"] = "dae"
    filters: Annotated[int, "filters of the first encoder stage"] = 128
    """Filters f of the first encoder stage; the stages have f, 2f, 4f, 8f."""
    depth: Annotated[
        tuple[int, ...], 'convolutions (or residual blocks) per encoder stage: "1", or "3-3-2-1" where stages differ'
    ] = (
        1,
        1,
        1,
        1,
    )
    """Convolutions per encoder stage, first stage first. A single number d means (d, d, d, d)."""
    latent_size: Annotated[int, "latent units"] = 128
    latent_norm: Annotated[LatentNorm, "none, batch, spectral, layer or batch_plain"] = "none"
    """`batch_plain` is batch normalisation without scale and shift. An objective may bring one of its own."""
    noise_std: Annotated[float, "standard deviation of the Gaussian noise in training"] = 0.0
    """0 adds none."""
    noise_position: Annotated[NoisePosition, "decoder_input or image"] = "decoder_input"
    """Section 4 adds the noise to the decoder's input, Section 3 says "the input" (`image`)."""
    freeze_latent: Annotated[bool, "the latent layer kept its random initialisation"] = False
    """The opposite of "trainable latent" in Table 1."""
    conv_norm: Annotated[bool, "batch normalisation after the convolutions"] = True
    """After every convolution except the last."""
    bn_momentum: Annotated[float, "weight of a new batch in the running statistics (PyTorch's sense)"] = 0.1
    """The paper's Keras default is 0.01 here."""
    decoder_first_map: Annotated[FirstMap, "channels of the decoder's first 8x8 map"] = "min(8f,1024)"
    """The paper is silent; the default fits its parameter ranges."""
    decoder_first_activation: Annotated[FirstActivation, "activation of the decoder's first map"] = "none"
    decoder_depth: Annotated[DecoderDepth, "how depth gives the decoder's convolutions per stage"] = "by_width"
    """`by_width`: as the encoder stage of the same width; `mirrored`: last stage of the encoder first; `in_order`: first stage
    first. The paper is silent, and it matters for [3, 3, 2, 1]."""

    # Objective
    beta: Annotated[float, "weight of the KL term (VAE)"] = 0.01
    """Section 3."""
    reduction: Annotated[Reduction, "mean or sum"] = "mean"
    """`mean`: cross-entropy averaged over pixels, KL over latents. `sum`: both summed per image."""

    # Schedule
    epochs: Annotated[int, "epochs asked for"] = 100
    batch_size: Annotated[int, "images per step"] = 128
    learning_rates: Annotated[tuple[float, ...], 'piecewise schedule, such as "0.001-0.0001-1e-05"'] = (
        1e-3,
        1e-4,
        1e-5,
    )
    learning_rate_drops: Annotated[
        tuple[float, ...], 'fractions of epochs where the next rate starts, such as "0.33-0.66"'
    ] = (0.33, 0.66)
    """Epochs 33 and 66 of 100 (Section 3)."""
    warmup_epochs: Annotated[int, "first epochs at warmup_learning_rate"] = 1
    warmup_learning_rate: Annotated[float, "learning rate of the warmup epochs"] = 1e-4
    seed: Annotated[int, "seed of initialisation, order and noise"] = 0
    precision: Annotated[Precision, "precision asked for"] = "auto"
    """The result of a training says which one was used."""

    # Fields that came later: part of the key only where they are not their defaults.
    reconstruction: Annotated[Reconstruction, "bce or mse; no effect on a sigma-vae"] = "bce"
    """Cross-entropy, or squared error."""
    architecture: Annotated[str, "conv (the paper's network), resnet, or a plug-in"] = "conv"
    channels: Annotated[int, "3 for colour images, 1 for grey ones"] = 3
    parameters: Annotated[
        tuple[tuple[str, Value], ...], 'parameters of model and architecture, such as "penalty 0.01"'
    ] = ()
    """Pairs, sorted by name: all parameters of the model, and those of the architecture that are not their defaults. Given as a
    mapping or as pairs."""
    plugin_versions: Annotated[tuple[str, ...], "plug-ins that are not part of aesweep, with their versions"] = ()
    """As `Registry.uses` gives them, such as "objective mine 1.0"; computed, so that a record names what it needs."""

    # Labels: they decide nothing. Trials that differ in them alone are the same trial.
    data_label: Annotated[str, 'your name for a folder\'s images; "none" without one'] = field(
        default="", compare=False
    )
    """Written as `data: {name: faces}`; "" without one."""
