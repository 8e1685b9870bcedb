"""Convolutions of fp32 accuracy on the tensor cores of a GPU.

A float32 number is the sum of two float16 numbers to 22 bits: x = high + low / 2048, with high = fp16(x) and
low = fp16((x - high) * 2048). Of the four products of two such pairs the smallest is below float32's own rounding; the other
three run on the tensor cores, at 990 / 3 instead of 67 TFLOP/s on an H100 (its data sheet). Tensor cores truncate where they
add, which over a convolution's thousands of terms and 94 layers moved features by 1e-3 (measured with three TF32 products by
cuDNN). So only `BLOCK_K` terms at a time are added there, and these sums are added in float32 registers, which round.

Shapes: N images, H x W pixels, C channels in, OUT out; tensors in channels_last memory; M = N * H' * W' output pixels.
"""

import torch
import triton
import triton.language as tl
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

LOW_SCALE = 2048.0  # 2**11: the bits of a float16's significand


BLOCK_K = 32
"""Terms that a tensor core adds. One number for all layers, so that the tiles below do not change bits."""
TILES = [(128, 64, 4, 3), (128, 64, 8, 3), (128, 128, 8, 3), (64, 64, 4, 4), (256, 64, 8, 3), (128, 32, 4, 4)]
"""Pixels, channels out, warps, stages: what is tried for each shape of a layer."""


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_M": m, "BLOCK_O": o, "BLOCK_K": BLOCK_K}, num_warps=warps, num_stages=stages)
        for m, o, warps, stages in TILES
    ],
    key=["C", "OUT", "KH", "KW", "OH", "OW"],
)
@triton.jit
def convolution_kernel(
    x, high, low, bias, y, M,
    C: tl.constexpr, OUT: tl.constexpr, H: tl.constexpr, W: tl.constexpr, OH: tl.constexpr, OW: tl.constexpr,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr, PH: tl.constexpr, PW: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_O: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """y = relu(convolution(x, weight) + bias); weight as its halves `high` and `low`, float16 (KH, KW, OUT, C)."""
    blocks_o: tl.constexpr = (OUT + BLOCK_O - 1) // BLOCK_O
    m = tl.program_id(0) // blocks_o * BLOCK_M + tl.arange(0, BLOCK_M)
    o = tl.program_id(0) % blocks_o * BLOCK_O + tl.arange(0, BLOCK_O)
    n, pixel = m // (OH * OW), m % (OH * OW)
    top, left = pixel // OW * SH - PH, pixel % OW * SW - PW
    corner = ((n * H + top) * W + left) * C
    k = tl.arange(0, BLOCK_K)
    total = tl.zeros((BLOCK_M, BLOCK_O), tl.float32)
    blocks_c: tl.constexpr = (C + BLOCK_K - 1) // BLOCK_K
    for step in range(KH * KW * blocks_c):
        tap = step // blocks_c
        c = step % blocks_c * BLOCK_K + k
        row, column = tap // KW, tap % KW
        inside = (m < M) & (top + row >= 0) & (top + row < H) & (left + column >= 0) & (left + column < W)
        a = tl.load(
            x + (corner + (row * W + column) * C)[:, None] + c[None, :],
            mask=inside[:, None] & (c < C)[None, :],
            other=0.0,
        )
        weights = (tap * OUT + o)[None, :] * C + c[:, None]
        there = (o < OUT)[None, :] & (c < C)[:, None]
        b_high = tl.load(high + weights, mask=there, other=0.0)
        b_low = tl.load(low + weights, mask=there, other=0.0)
        a_high = a.to(tl.float16)
        a_low = ((a - a_high.to(tl.float32)) * 2048.0).to(tl.float16)
        small = tl.dot(a_low, b_high)
        small = tl.dot(a_high, b_low, small)
        large = tl.dot(a_high, b_high, small * (1.0 / 2048.0))
        total += large
    total += tl.load(bias + o, mask=o < OUT, other=0.0)[None, :]
    total = tl.maximum(total, 0.0)
    tl.store(y + m[:, None] * OUT + o[None, :], total, mask=(m < M)[:, None] & (o < OUT)[None, :])


def split(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """float32 -> its high and low halves, float16."""
    high = x.half()
    return high, ((x - high.float()) * LOW_SCALE).half()


class SplitConvolution(nn.Module):
    """Convolution and ReLU: float32 (N, C, H, W) -> (N, OUT, H', W'), both in channels_last memory."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        high, low = split(convolution.weight.data.permute(2, 3, 0, 1).contiguous())  # (KH, KW, OUT, C)
        self.register_buffer("high", high)
        self.register_buffer("low", low)
        assert convolution.bias is not None
        self.register_buffer("bias", convolution.bias.data.clone())
        self.stride, self.padding = convolution.stride, convolution.padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        (n, c, h, w), (kh, kw, o, _) = x.shape, self.high.shape
        (sh, sw), (ph, pw) = self.stride, self.padding
        oh, ow = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
        y = torch.empty((n, o, oh, ow), device=x.device, memory_format=torch.channels_last)
        m = n * oh * ow

        def grid(meta: dict[str, int]) -> tuple[int]:
            return (triton.cdiv(m, meta["BLOCK_M"]) * triton.cdiv(o, meta["BLOCK_O"]),)

        convolution_kernel[grid](
            x, self.high, self.low, self.bias, y, m,
            C=c, OUT=o, H=h, W=w, OH=oh, OW=ow, KH=kh, KW=kw, SH=sh, SW=sw, PH=ph, PW=pw,
        )  # fmt: skip
        return y


def split_convolutions(network: nn.Module) -> nn.Module:
    """Replace each block of convolution, normalisation and ReLU, in place; the normalisation is folded in float64."""
    for parent in list(network.modules()):
        for name, block in list(parent.named_children()):
            convolution, normalisation = getattr(block, "conv", None), getattr(block, "bn", None)
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                folded = fuse_conv_bn_eval(convolution.double(), normalisation.double()).float()
                setattr(parent, name, SplitConvolution(folded))
    return network
