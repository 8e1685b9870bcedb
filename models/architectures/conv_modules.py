"""The modules of `conv`; layers and their order come from `conv.py`.

The paper trained in TensorFlow 2.4, whose "same" padding PyTorch has for stride 1 alone. With an even kernel or a stride of two
it pads one pixel more on the right and below than on the left and above, and the transposed layer is defined as the gradient of
that convolution. PyTorch's usual `padding=2, output_padding=1` for a kernel of 5 has the right shape and parameter count, but
shifts the picture by a pixel.

Shapes: N images, C channels, H = W pixels, Z = latent_size; s stride.
"""

import torch
import torch.nn.functional as F
from torch import nn

from aesweep.models.architectures.architecture import FIRST_MAP_SIDE
from aesweep.models.architectures.conv import Layer, decoder_layers, encoder_layers, first_map_channels
from aesweep.models.architectures.transposed_on_cpu import transposed_on_cpu
from aesweep.models.plugins.trial import Trial

BN_EPS = 1e-3  # Keras' BatchNormalization default in TensorFlow 2.4; PyTorch's is 1e-5


def same_padding(kernel_size: int, stride: int) -> tuple[int, int]:
    """Pixels before and after: k=5,s=2 and k=4,s=1 give (1, 2), k=4,s=2 gives (1, 1). The stride must divide the side.

    Source: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    total = max(kernel_size - stride, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H/s, W/s), as TensorFlow's `Conv2D(padding="same")`; s must divide H and W."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size, stride=stride)
        before, after = same_padding(kernel_size, stride)
        if before == after:
            self.padding = (before, before)  # the kernel pads by itself: no copy of the input
        self.pads = (before, after, before, after) if before != after else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H/s, W/s)."""
        return super().forward(x if self.pads is None else F.pad(x, self.pads))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, C', sH, sW), as TensorFlow's "same" `Conv2DTranspose`: the gradient of `SameConv2d`."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size, stride=stride, padding=(kernel_size - stride) // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]  # no output_size: it is always s times
        """(N, C, H, W) -> (N, C', sH, sW)."""
        by_onednn = x.device.type == "cpu" and not torch.compiler.is_compiling()  # Inductor fails on the function below
        if self.training and by_onednn and self.bias is not None:
            return transposed_on_cpu(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))
        height, width = x.shape[2] * self.stride[0], x.shape[3] * self.stride[1]
        return super().forward(x)[..., :height, :width]


def encoder(trial: Trial) -> nn.Module:
    """Images (N, C, H, W) float in [0, 1] -> (N, 8f, H/16, W/16)."""
    return _convolutions(SameConv2d, encoder_layers(trial), trial)


class Decoder(nn.Module):
    """A linear layer to an 8x8 map, then transposed convolutions up to the image."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        channels = first_map_channels(trial)
        self.first = nn.Linear(trial.latent_size, channels * FIRST_MAP_SIDE**2)
        self.first_activation = nn.ReLU() if trial.decoder_first_activation == "relu" else nn.Identity()
        self.unflatten = nn.Unflatten(1, (channels, FIRST_MAP_SIDE, FIRST_MAP_SIDE))
        *layers, last = decoder_layers(trial)
        self.convolutions = _convolutions(SameConvTranspose2d, layers, trial)
        self.last = SameConvTranspose2d(last.channels_in, last.channels_out, last.kernel_size, last.stride)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (N, Z) float32 -> logits (N, C, H, W)."""
        first_map = self.unflatten(self.first_activation(self.first(z)))
        logits: torch.Tensor = self.last(self.convolutions(first_map.contiguous(memory_format=torch.channels_last)))
        return logits


def _convolutions(kind: type[SameConv2d | SameConvTranspose2d], layers: list[Layer], trial: Trial) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU of each layer. A convolution keeps its bias: the paper's counts have it."""
    blocks = []
    for layer in layers:
        block: list[nn.Module] = [kind(layer.channels_in, layer.channels_out, layer.kernel_size, layer.stride)]
        if trial.conv_norm:
            block.append(nn.BatchNorm2d(layer.channels_out, eps=BN_EPS, momentum=trial.bn_momentum))
        blocks.append(nn.Sequential(*block, nn.ReLU(inplace=True)))
    return nn.Sequential(*blocks)
