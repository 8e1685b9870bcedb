"""A transposed convolution in training on a CPU, by the faster ones of oneDNN's kernels.

Problem: the gradient of a transposed layer's bias takes oneDNN as long as that of its kernel, or longer. And its kernels
compute 16 channels at once, so that a layer to the three channels of an image wastes most of each instruction.
Decision: PyTorch sums the gradient of the bias. A layer to few channels computes the four pixels of a 2x2 block as channels, by
an ordinary convolution; its gradients are those of the layer as it is written.
Consequence: the same sums, some in another order, in less time. On other devices, and in eval mode, nothing changes.

Shapes: N images, C -> C' channels, H = W pixels, K = kernel size; s stride.
"""

from typing import Any

import torch
import torch.nn.functional as F

FEW_CHANNELS = 4  # of which a block of four pixels fills an AVX-512 register: 16 numbers of 32 bits


def transposed_on_cpu(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int, padding: int
) -> torch.Tensor:
    """`x` (N, C, H, W), `weight` (C, C', K, K) -> (N, C', sH, sW): `F.conv_transpose2d`, cropped to s times the sides.

    With a stride of one the padding is (K - 1) // 2. Autocast has its usual effect.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    tensors = (tensor.to(dtype) for tensor in (x, weight, bias))
    out: torch.Tensor = _Transposed.apply(*tensors, stride, padding)
    return out


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        even_sides = not (x.shape[2] % 2 or x.shape[3] % 2)
        if stride == 1 and weight.shape[1] <= FEW_CHANNELS and even_sides:
            return _in_blocks(x, weight, bias)
        return _as_written(x, weight, bias, stride, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        x, weight, _, ctx.stride, ctx.padding = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def jvp(ctx: Any, of_x: torch.Tensor, of_weight: torch.Tensor, of_bias: torch.Tensor, *_: None) -> torch.Tensor:
        """For an objective that uses `torch.func.jvp`. The layer is linear in its input, and in its kernel with the bias."""
        x, weight = ctx.saved_tensors
        of_kernel = _as_written(x, of_weight, of_bias, ctx.stride, ctx.padding)
        return of_kernel + _as_written(of_x, weight, None, ctx.stride, ctx.padding)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        cropped = weight.shape[2] - ctx.stride - 2 * ctx.padding
        whole = F.pad(grad, (0, cropped, 0, cropped)) if cropped else grad
        geometry = ([ctx.stride] * 2, [ctx.padding] * 2, [1, 1], True, [0, 0], 1)
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            whole, x, weight, None, *geometry, [*ctx.needs_input_grad[:2], False]
        )
        return of_x, of_weight, grad.sum((0, 2, 3)), None, None


def _as_written(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: int, padding: int
) -> torch.Tensor:
    out, cropped = F.conv_transpose2d(x, weight, bias, stride, padding), weight.shape[2] - stride - 2 * padding
    # Copied, since a ReLU may overwrite what this returns, which autograd refuses for views.
    return out[..., :-cropped, :-cropped].contiguous(memory_format=torch.channels_last) if cropped else out


def _in_blocks(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    # A transposed layer is a convolution with its kernel turned round; shifted, the kernel gives the other pixels of a block.
    kernel = weight.flip(2, 3).transpose(0, 1)
    shifted = [F.pad(kernel, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
    kernels = torch.stack(shifted, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    blocks = F.conv2d(x, kernels, bias.repeat_interleave(4), stride=2, padding=weight.shape[2] // 2)
    return F.pixel_shuffle(blocks, 2)
