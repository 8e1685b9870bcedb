"""Convolutions with TensorFlow's "same" padding, which PyTorch has for stride 1 alone.

The paper trained in TensorFlow 2.4. With an even kernel or a stride of two, "same" pads one pixel more on the right and
below than on the left and above, and the transposed layer is defined as the gradient of that convolution. PyTorch's
usual `padding=2, output_padding=1` for a kernel of 5 has the right shape and parameter count, but shifts the picture by
a pixel.

Shapes: N images, C channels, H x W pixels; k kernel side, s stride.
"""

import torch
import torch.nn.functional as F
from torch import nn


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
        height, width = x.shape[2] * self.stride[0], x.shape[3] * self.stride[1]
        return super().forward(x)[..., :height, :width]
