"""`conv`, the paper's network: strided convolutions and their transposes, as plain numbers. Imports no torch.

The paper gives the encoder's widths and leaves most of the decoder open. What is written here is the reading whose parameter
counts fit Section 5's ranges. Builder (`conv_modules.py`) and closed forms read the same list of layers.
"""

from typing import NamedTuple

from aesweep.models.architectures.architecture import FIRST_MAP_SIDE, Architecture, Cost, decoder_stages, stage_widths
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

KERNEL_SIZES = {32: 4, 64: 5}  # Section 3: 4x4 filters for CIFAR-10 (32 pixels), 5x5 for CelebA (64 pixels)


class Layer(NamedTuple):
    """One convolution (encoder) or transposed convolution (decoder)."""

    channels_in: int
    channels_out: int
    stride: int
    side_in: int
    """Pixels per side of its input."""
    side_out: int
    kernel_size: int

    @property
    def weights(self) -> int:
        """Numbers in its kernel."""
        return self.channels_in * self.channels_out * self.kernel_size**2

    def parameters(self, *, norm: bool) -> int:
        """Kernel and bias, and scale and shift of the norm that follows."""
        return self.weights + self.channels_out * (3 if norm else 1)


def encoder_layers(trial: Trial) -> list[Layer]:
    """Encoder convolutions in order: each stage repeats its width "with the strided convolution last" (Section 3)."""
    layers, channels, side = [], trial.channels, trial.image_size
    for width, depth in zip(stage_widths(trial), trial.depth, strict=True):
        for position in range(depth):
            stride = 2 if position == depth - 1 else 1
            layers.append(Layer(channels, width, stride, side, side // stride, KERNEL_SIZES[trial.image_size]))
            channels, side = width, side // stride
    return layers


def features_size(trial: Trial) -> int:
    """Values per image that enter the latent layer: 2x2x8f (CIFAR-10), 4x4x8f (CelebA)."""
    last = encoder_layers(trial)[-1]
    return last.channels_out * last.side_out**2


def first_map_channels(trial: Trial, reading: str = "") -> int:
    """Channels of the decoder's first 8x8 map, under another `reading` than the trial's where one is given."""
    f = trial.filters
    return {"min(8f,1024)": min(8 * f, 1024), "8f": 8 * f, "1024": 1024, "4f": 4 * f}[
        reading or trial.decoder_first_map
    ]


def decoder_depths(trial: Trial, reading: str = "") -> tuple[int, ...]:
    """Convolutions per decoder stage, first stage (4f) first."""
    by_reading = {
        "by_width": trial.depth[-2::-1],  # the encoder's last stage, 8f, has no counterpart
        "mirrored": trial.depth[::-1],
        "in_order": trial.depth,
    }
    return by_reading[reading or trial.decoder_depth][: decoder_stages(trial)]


def decoder_layers(trial: Trial) -> list[Layer]:
    """Transposed convolutions in order, the last one (to the channels of images) included.

    Stages have widths 4f, 2f (and f for 64 pixels): stride-1 layers first (the first changes the width), then the one that
    doubles the side.
    """
    kernel_size = KERNEL_SIZES[trial.image_size]
    layers, channels, side = [], first_map_channels(trial), FIRST_MAP_SIDE
    widths = stage_widths(trial)[-2::-1]  # f is for 64 pixels only
    for width, depth in zip(widths, decoder_depths(trial), strict=False):
        for position in range(depth):
            stride = 2 if position == depth - 1 else 1
            layers.append(Layer(channels, width, stride, side, side * stride, kernel_size))
            channels, side = width, side * stride
    return [*layers, Layer(channels, trial.channels, 1, side, side, kernel_size)]


def cost(trial: Trial) -> Cost:
    """Parameters and operations of encoder and decoder."""
    encoder, decoder = encoder_layers(trial), decoder_layers(trial)
    first = first_map_channels(trial) * FIRST_MAP_SIDE**2
    multiply_adds = trial.latent_size * first
    # A convolution works once per output pixel, a transposed one once per input pixel.
    multiply_adds += sum(layer.weights * layer.side_out**2 for layer in encoder)
    multiply_adds += sum(layer.weights * layer.side_in**2 for layer in decoder)
    *normed, last = decoder
    return Cost(
        encoder_parameters=sum(layer.parameters(norm=trial.conv_norm) for layer in encoder),
        decoder_parameters=(trial.latent_size + 1) * first
        + sum(layer.parameters(norm=trial.conv_norm) for layer in normed)
        + last.parameters(norm=False),
        flops=2 * multiply_adds,
    )


def idle(trial: Trial) -> list[str]:
    """Fields that have no effect, given the others."""
    found = [] if trial.conv_norm else ["bn_momentum"]
    if first_map_channels(trial) == first_map_channels(
        trial, "min(8f,1024)"
    ):  # `8f` up to 128 filters, `1024` from there
        found.append("decoder_first_map")
    if decoder_depths(trial) == decoder_depths(trial, "by_width"):  # wherever all stages are equally deep
        found.append("decoder_depth")
    return found


_MODULES = "aesweep.models.architectures.conv_modules"
ARCHITECTURE = Architecture(
    name="conv",
    version=BUILT_IN,
    meaning="the paper's network: strided convolutions, and transposed ones back",
    source="the paper, Section 3",
    encoder=f"{_MODULES}:encoder",
    decoder=f"{_MODULES}:Decoder",
    features=features_size,
    cost=cost,
    reads=("depth", "conv_norm", "bn_momentum", "decoder_first_map", "decoder_first_activation", "decoder_depth"),
    idle=idle,
)
