"""The modules of `resnet`; blocks and their order come from `resnet.py`.

Shapes: N images, C channels, H = W pixels, f = filters, Z = latent_size.
"""

import torch
import torch.nn.functional as F
from torch import nn

from aesweep.models.architectures.architecture import FIRST_MAP_SIDE
from aesweep.models.architectures.conv_modules import BN_EPS
from aesweep.models.architectures.resnet import Block, decoder_blocks, encoder_blocks
from aesweep.models.plugins.trial import Trial


class ResidualBlock(nn.Module):
    """(N, a, H, W) -> (N, b, H', W'), where H' is H, H/2 or 2H."""

    def __init__(self, block: Block, trial: Trial) -> None:
        super().__init__()
        a, b = block.channels_in, block.channels_out
        self.halves, self.doubles = block.side_out < block.side_in, block.side_out > block.side_in
        self.norm1, self.norm2 = _norm(a, trial), _norm(b, trial)
        self.conv1 = nn.Conv2d(a, b, 3, 2 if self.halves else 1, 1)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1)
        self.shortcut = nn.Identity() if a == b else nn.Conv2d(a, b, 1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, a, H, W) -> (N, b, H', W')."""
        h = F.relu(self.norm2(self.conv1(F.relu(self.norm1(x)))))
        # Both paths of a widened map are widened last, and both of a halved one halved first: less work.
        shortcut = self.shortcut(F.avg_pool2d(x, 2) if self.halves else x)
        if self.doubles:
            h, shortcut = _doubled(h), _doubled(shortcut)
        out: torch.Tensor = shortcut + self.gain * self.conv2(h)
        return out


class Encoder(nn.Sequential):
    """Images (N, C, H, W) float in [0, 1] -> (N, 8f, H/16, W/16)."""

    def __init__(self, trial: Trial) -> None:
        blocks = encoder_blocks(trial)
        first = nn.Conv2d(trial.channels, trial.filters, 3, 1, 1)
        residual = (ResidualBlock(block, trial) for block in blocks)
        super().__init__(first, *residual, _norm(blocks[-1].channels_out, trial), nn.ReLU(inplace=True))


class Decoder(nn.Module):
    """A linear layer to an 8x8 map, blocks up to the size of the image, and a convolution to its channels."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        blocks = decoder_blocks(trial)
        channels, last = blocks[0].channels_in, blocks[-1].channels_out
        self.first = nn.Linear(trial.latent_size, channels * FIRST_MAP_SIDE**2)
        self.unflatten = nn.Unflatten(1, (channels, FIRST_MAP_SIDE, FIRST_MAP_SIDE))
        self.blocks = nn.Sequential(*(ResidualBlock(block, trial) for block in blocks))
        self.norm = _norm(last, trial)
        self.last = nn.Conv2d(last, trial.channels, 3, 1, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (N, Z) float32 -> logits (N, C, H, W)."""
        first_map = self.unflatten(self.first(z)).contiguous(memory_format=torch.channels_last)
        logits: torch.Tensor = self.last(F.relu(self.norm(self.blocks(first_map))))
        return logits


def _norm(channels: int, trial: Trial) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=trial.bn_momentum) if trial.conv_norm else nn.Identity()


def _doubled(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), each pixel four times."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
