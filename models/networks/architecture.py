"""The shape of the networks as plain numbers: one list of layers, read by the builder and by the cost model. No torch.

The paper gives the encoder's widths and leaves most of the decoder open. What is written here is the reading whose
parameter counts fit Section 5's ranges; the builder (`autoencoder.py`) and the closed forms (`cost.py`) cannot disagree
about it.
"""

from typing import NamedTuple

from aesweep.models.config import ENCODER_STAGES, TrialConfig

IMAGE_CHANNELS = 3
FIRST_MAP_SIDE = 8
"""Pixels per side of the map that the decoder starts from, for both image sizes: the only side from which two stages
reach 32 pixels. Section 3's "two layers" cannot reach 64 from it, so CelebA has a third stage."""


class Layer(NamedTuple):
    """One convolution (encoder) or transposed convolution (decoder)."""

    channels_in: int
    channels_out: int
    stride: int
    side_in: int
    """Pixels per side of its input."""
    side_out: int


def stage_widths(config: TrialConfig) -> tuple[int, ...]:
    """Filters of the four encoder stages: f, 2f, 4f, 8f (Section 3, "doubling the number of filters each time")."""
    return tuple(config.filters * 2**stage for stage in range(ENCODER_STAGES))


def encoder_layers(config: TrialConfig) -> list[Layer]:
    """Encoder convolutions in order: each stage repeats its width "with the strided convolution last" (Section 3)."""
    layers, channels, side = [], IMAGE_CHANNELS, config.image_size
    for width, depth in zip(stage_widths(config), config.depth, strict=True):
        for position in range(depth):
            stride = 2 if position == depth - 1 else 1
            layers.append(Layer(channels, width, stride, side, side // stride))
            channels, side = width, side // stride
    return layers


def features_size(config: TrialConfig) -> int:
    """Values per image that enter the latent layer: 2x2x8f (CIFAR-10), 4x4x8f (CelebA)."""
    last = encoder_layers(config)[-1]
    return last.channels_out * last.side_out**2


def latent_heads(config: TrialConfig) -> int:
    """Linear layers on the encoder's output: a mean, and a log variance where the objective is variational."""
    return 2 if config.objective.variational else 1


def latent_norm(config: TrialConfig) -> str:
    """The normalisation of the latents: the objective's where it brings one."""
    own = config.objective.latent_norm
    return config.latent_norm if own == "none" else own


def first_map_channels(config: TrialConfig) -> int:
    """Channels of the decoder's first 8x8 map."""
    f = config.filters
    return {"min(8f,1024)": min(8 * f, 1024), "8f": 8 * f, "1024": 1024, "4f": 4 * f}[config.decoder_first_map]


def decoder_depths(config: TrialConfig) -> tuple[int, ...]:
    """Convolutions per decoder stage, first stage (4f) first: two stages reach 32 pixels, three reach 64."""
    stages = (config.image_size // FIRST_MAP_SIDE).bit_length() - 1
    match config.decoder_depth:
        case "by_width":  # the encoder's last stage, 8f, has no counterpart
            return config.depth[-2::-1][:stages]
        case "mirrored":
            return config.depth[::-1][:stages]
        case "in_order":
            return config.depth[:stages]


def decoder_layers(config: TrialConfig) -> list[Layer]:
    """Transposed convolutions in order, the last one (to 3 channels) included.

    Stages have widths 4f, 2f (and f for 64 pixels): stride-1 layers first (the first changes the width), then the one that
    doubles the side.
    """
    layers, channels, side = [], first_map_channels(config), FIRST_MAP_SIDE
    widths = stage_widths(config)[-2::-1]  # f is for 64 pixels only
    for width, depth in zip(widths, decoder_depths(config), strict=False):
        for position in range(depth):
            stride = 2 if position == depth - 1 else 1
            layers.append(Layer(channels, width, stride, side, side * stride))
            channels, side = width, side * stride
    return [*layers, Layer(channels, IMAGE_CHANNELS, 1, side, side)]
