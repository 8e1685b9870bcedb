"""`resnet`: a small pre-activation residual network, as plain numbers. Imports no torch.

    block(x) = shortcut(x) + gain * conv(ReLU(norm(conv(ReLU(norm(x))))))          3x3 convolutions; gain starts at 0

`depth` is the number of blocks per stage; the first one of a stage halves the side (encoder) or doubles it (decoder). Stages have
the widths of `conv`, f, 2f, 4f, 8f, and 4f, 2f (f at 64 pixels) back, so that one value of `filters` gives networks of comparable
size: at 128 filters on 32 pixels 31 million parameters each, with 1.6 times the operations of `conv`.

Source: He et al. 2016, "Identity Mappings in Deep Residual Networks". The gain is SkipInit (De and Smith 2020): every block begins
as its shortcut, with or without normalisation, and no kernel is zero, which spectral normalisation could not divide.
"""

from typing import NamedTuple

from aesweep.models.architectures.architecture import FIRST_MAP_SIDE, Architecture, Cost, decoder_stages, stage_widths
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

KERNEL = 3 * 3


class Block(NamedTuple):
    """One residual block."""

    channels_in: int
    channels_out: int
    side_in: int
    """Pixels per side of its input."""
    side_out: int

    def parameters(self, *, norm: bool) -> int:
        """Two kernels with biases, the gain, the shortcut's where widths differ, and scales and shifts of the norms."""
        a, b = self.channels_in, self.channels_out
        shortcut = a * b + b if a != b else 0
        return KERNEL * (a * b + b * b) + 2 * b + 1 + shortcut + (2 * (a + b) if norm else 0)

    @property
    def multiply_adds(self) -> int:
        """The first convolution and the shortcut work on the smaller of the two maps, the second one on the output."""
        a, b, small = self.channels_in, self.channels_out, min(self.side_in, self.side_out)
        shortcut = a * b if a != b else 0
        return (KERNEL * a * b + shortcut) * small**2 + KERNEL * b * b * self.side_out**2


def encoder_blocks(trial: Trial) -> list[Block]:
    """Blocks of the encoder in order; the first one sees `filters` channels, from a convolution of the image."""
    return _blocks(trial.filters, trial.image_size, stage_widths(trial), trial.depth, halve=True)


def decoder_blocks(trial: Trial) -> list[Block]:
    """Blocks of the decoder in order, each stage as deep as the encoder's of its width; they begin with an 8x8 map of 4f."""
    stages = decoder_stages(trial)
    widths = stage_widths(trial)[-2::-1][:stages]
    return _blocks(widths[0], FIRST_MAP_SIDE, widths, trial.depth[-2::-1][:stages], halve=False)


def _blocks(channels: int, side: int, widths: tuple[int, ...], depths: tuple[int, ...], *, halve: bool) -> list[Block]:
    blocks = []
    for width, depth in zip(widths, depths, strict=True):
        for position in range(depth):
            side_out = side if position else side // 2 if halve else 2 * side
            blocks.append(Block(channels, width, side, side_out))
            channels, side = width, side_out
    return blocks


def features_size(trial: Trial) -> int:
    """Values per image that enter the latent layer: 2x2x8f at 32 pixels, 4x4x8f at 64."""
    last = encoder_blocks(trial)[-1]
    return last.channels_out * last.side_out**2


def cost(trial: Trial) -> Cost:
    """Parameters and operations of encoder and decoder: a first layer each, blocks, a norm, and the layer to the image."""
    encoder, decoder = encoder_blocks(trial), decoder_blocks(trial)
    f, channels, pixels = trial.filters, trial.channels, trial.image_size**2
    first, last = decoder[0].channels_in * FIRST_MAP_SIDE**2, decoder[-1].channels_out
    multiply_adds = KERNEL * channels * f * pixels + trial.latent_size * first + KERNEL * last * channels * pixels
    norms = 2 if trial.conv_norm else 0
    return Cost(
        encoder_parameters=(KERNEL * channels + 1) * f
        + sum(block.parameters(norm=trial.conv_norm) for block in encoder)
        + norms * encoder[-1].channels_out,
        decoder_parameters=(trial.latent_size + 1) * first
        + sum(block.parameters(norm=trial.conv_norm) for block in decoder)
        + norms * last
        + (KERNEL * last + 1) * channels,
        flops=2 * (multiply_adds + sum(block.multiply_adds for block in (*encoder, *decoder))),
    )


def idle(trial: Trial) -> list[str]:
    """Fields that have no effect, given the others."""
    return [] if trial.conv_norm else ["bn_momentum"]


_MODULES = "aesweep.models.architectures.resnet_modules"
ARCHITECTURE = Architecture(
    name="resnet",
    version=BUILT_IN,
    meaning="a small residual network: pre-activation blocks of 3x3 convolutions",
    source="He et al. 2016, Identity Mappings in Deep Residual Networks",
    encoder=f"{_MODULES}:Encoder",
    decoder=f"{_MODULES}:Decoder",
    features=features_size,
    cost=cost,
    reads=("depth", "conv_norm", "bn_momentum"),
    idle=idle,
    step_factor=1.0,
)
