"""Convolutions of fp32 accuracy on the tensor cores of a GPU, which multiply float16 (Ootomo and Yokota 2022, arXiv 2203.03341).

A float32 number is the sum of two float16 numbers to 22 bits: x = high + low / 2048, with high = fp16(x) and
low = fp16((x - high) * 2048). Of the four products of two such pairs the smallest is below float32's own rounding; the other
three run on the tensor cores, which do 990 / 3 instead of 67 TFLOP/s on an H100 (its data sheet).

Tensor cores truncate where they add. Over the thousands of terms of a convolution and the depth of Inception that moved
features by up to 1.4e-4 of their root mean square (measured). So they add only `TERMS` products of high halves at a time, and
these sums are added in float32 registers, which round. What truncation still takes off on average is measured
(`truncation_loss`) and added to the weights: it would make every layer's numbers smaller, and a FID by 2e-6. Products with a
low half are 2048 times smaller and may be added as they come.

Numbers beyond float16's range (65,504) become NaN, and their pictures go through fp32 (`Extractor.fallback`).

Shapes: N images, H x W pixels, C channels in, O out; tensors are contiguous (N, H, W, C), what torch calls channels_last;
M = N * H' * W' pixels out. Needs Triton, which torch for CUDA brings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import nn
from torch.nn import functional as F

from aesweep.evaluation.networks.inception import Inception, fold_batch_normalisation, layers_of, prepared
from aesweep.evaluation.networks.tensor_core_kernels import convolution_kernel, pool_kernel

LOW_SCALE = 2048.0  # 2**11: the bits of a float16's significand
TERMS = 32
"""Products that the tensor cores add."""
LARGEST_BATCH = 1024
"""Images at once: their largest tensor, 147 x 147 x 64, is indexed with int32."""


class TensorCoreInception(Inception):
    """Inception from folded layers on the tensor cores of a GPU."""

    def __init__(self, network: Any, device: torch.device) -> None:
        """Take over and change `network`, which `torch_fidelity_network` gives; measure the tensor cores of `device`."""
        super().__init__()
        loss = truncation_loss(device)
        fold_batch_normalisation(network, lambda folded: SplitConvolution(folded, loss))
        self.layers, self.fc = layers_of(network), network.fc

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> float32 (N, 2048)."""
        parts = (prepared(part).permute(0, 2, 3, 1).contiguous() for part in images.split(LARGEST_BATCH))
        try:
            return torch.cat([self.layers(Halves.of(part)).flatten(1) for part in parts])
        except RuntimeError as error:
            if "Triton Error [CUDA]: out of memory" in str(error):
                raise torch.OutOfMemoryError(str(error)) from error
            raise


@dataclass(frozen=True, eq=False)
class Halves:
    """float32 activations as two float16 tensors (N, H, W, C). torch's functions on it are those that Inception calls."""

    high: torch.Tensor
    low: torch.Tensor

    @staticmethod
    def of(x: torch.Tensor) -> "Halves":
        """Split float32 or float64 numbers of any shape."""
        high = x.half()
        return Halves(high, ((x - high.to(x.dtype)) * LOW_SCALE).half())

    @staticmethod
    def empty(n: int, height: int, width: int, channels: int, device: torch.device) -> "Halves":
        """Halves without values, (N, H, W, C)."""
        high, low = torch.empty((2, n, height, width, channels), dtype=torch.float16, device=device)
        return Halves(high, low)

    def float(self) -> torch.Tensor:
        """float32, exactly."""
        return self.high.float() + self.low.float() / LOW_SCALE

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        return _ON_HALVES[function](*arguments, **(options or {}))


def _concatenate(parts: Sequence[Halves], dim: int) -> Halves:
    assert dim == 1, "channels, which torch counts second"
    return Halves(torch.cat([part.high for part in parts], -1), torch.cat([part.low for part in parts], -1))


def _largest(x: Halves, kernel_size: int, stride: int, padding: int = 0, **_: object) -> Halves:
    return _pool(x, kernel_size, stride, padding, mean=False)


def _mean(x: Halves, kernel_size: int, stride: int, padding: int, count_include_pad: bool) -> Halves:
    assert not count_include_pad
    return _pool(x, kernel_size, stride, padding, mean=True)


def _mean_of_all(x: Halves, output_size: tuple[int, int]) -> torch.Tensor:
    """float32 (N, C, 1, 1)."""
    assert output_size == (1, 1)
    return x.float().mean((1, 2))[:, :, None, None]


def _pool(x: Halves, side: int, stride: int, padding: int, *, mean: bool) -> Halves:
    n, h, w, c = x.high.shape
    oh, ow = ((size + 2 * padding - side) // stride + 1 for size in (h, w))
    y, m = Halves.empty(n, oh, ow, c, x.high.device), n * oh * ow
    block_m, block_c = 32, 64
    with torch.cuda.device_of(x.high):  # where Triton starts the kernel; nothing for tensors of a CPU
        pool_kernel[(triton.cdiv(m, block_m) * triton.cdiv(c, block_c),)](
            x.high, x.low, y.high, y.low, m, c, h, w, oh, ow, side, stride, padding,
            MEAN=mean, BLOCK_M=block_m, BLOCK_C=block_c,
        )  # fmt: skip
    return y


_ON_HALVES: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.cat: _concatenate,
    F.max_pool2d: _largest,
    F.avg_pool2d: _mean,
    F.adaptive_avg_pool2d: _mean_of_all,
}


class SplitConvolution(nn.Module):
    """Convolution and ReLU: `Halves` (N, H, W, C) -> (N, H', W', O)."""

    high: torch.Tensor
    low: torch.Tensor
    bias: torch.Tensor

    def __init__(self, convolution: nn.Conv2d, loss: float) -> None:
        """Split a float64 convolution with a bias and padding in numbers; `loss` is this GPU's `truncation_loss`."""
        super().__init__()
        assert convolution.bias is not None and not isinstance(convolution.padding, str)
        self.kernel, self.stride, self.padding = convolution.kernel_size, convolution.stride, convolution.padding
        weight = convolution.weight.data.permute(2, 3, 0, 1) * (1 + loss)  # (KH, KW, O, C)
        if weight.shape[1] * weight.shape[3] <= TERMS and convolution.padding == (0, 0):
            # The pixels of a row lie side by side, so all of them are taken at once: Inception's first layer has 3 channels.
            weight = weight.transpose(1, 2).flatten(2)[:, None]
        halves = Halves.of(weight.contiguous())
        self.register_buffer("high", halves.high)
        self.register_buffer("low", halves.low)
        self.register_buffer("bias", convolution.bias.data.float())

    def forward(self, x: Halves) -> Halves:
        """Halves (N, H, W, C) -> (N, H', W', O)."""
        (n, h, w, c), (kh, kw, o, k) = x.high.shape, self.high.shape
        (sh, sw), (ph, pw) = self.stride, self.padding
        oh, ow = (h + 2 * ph - self.kernel[0]) // sh + 1, (w + 2 * pw - self.kernel[1]) // sw + 1
        y, m = Halves.empty(n, oh, ow, o, x.high.device), n * oh * ow
        block_m, block_o = 128, 32 if o <= 32 else 64  # of six that were tried, near the best for each layer
        with torch.cuda.device_of(x.high):
            convolution_kernel[(triton.cdiv(m, block_m) * triton.cdiv(o, block_o),)](
                x.high, x.low, self.high, self.low, self.bias, y.high, y.low,
                m, c, o, h, w, oh, ow, kh, kw, sh, sw, ph, pw, k,
                WHOLE=k % TERMS == 0, BLOCK_M=block_m, BLOCK_O=block_o, TERMS=TERMS, num_warps=4, num_stages=3,
            )  # fmt: skip
        return y


@torch.inference_mode()
def truncation_loss(device: torch.device) -> float:
    """What the sums of this GPU's tensor cores lose on average, relative to themselves (5e-8 on an H200).

    The slope of a layer's results over those of float64; over its 130,000 positive ones rounding averages out to some 1e-9.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((1, 64, 64, 1024), generator=generator)
    layer = nn.Conv2d(1024, 64, 1, dtype=torch.float64)
    layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    assert layer.bias is not None
    layer.bias.zero_()
    found = SplitConvolution(layer, 0.0).to(device)(Halves.of(x.to(device))).float().double().flatten()
    exact = F.relu(x.to(device).double() @ layer.weight.data[:, :, 0, 0].T.to(device)).flatten()
    return 1 - float(found @ exact / (exact @ exact))
