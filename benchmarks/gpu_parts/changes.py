"""Changes that may make a training step faster on a GPU. Each keeps the mathematics; none is in the product yet.

A change works on a trainer that has not trained yet. What each should gain is written down before it is measured, from a model of
the step: at 32 filters it is a chain of some 200 small kernels of 5 to 7 µs each, at 128 filters 20 passes over all activations
and the convolutions. Where a change pays, it moves into the product; where it does not, its row on the page says so.

Shapes: N images, C -> C' channels, H = W pixels, K = kernel size.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from aesweep.models.architectures.conv_modules import SameConv2d, SameConvTranspose2d
from aesweep.models.networks.autoencoder import Encoded
from aesweep.models.training.trainer import Trainer


class Change(NamedTuple):
    """One way to make a step faster."""

    name: str
    expected: Mapping[int, str]
    """Filters -> how many times as fast a step should be."""
    apply: Callable[[Trainer], None]


def drop_idle_work(trainer: Trainer) -> None:
    """No bias before a batch normalisation, which subtracts it again, and no count of batches, which nothing reads.

    The gradient of such a bias is zero but for rounding. Without it a step saves a pass forward, a sum backward, and the kernels
    for them.
    """
    for block in _normalised_blocks(trainer.model):
        block[0].bias = None
        block[1].num_batches_tracked = None


def compile_norms(trainer: Trainer) -> None:
    """Normalisation, ReLU and the casts between them as the fewest kernels that torch.compile finds."""
    for block in _normalised_blocks(trainer.model):
        block[1], block[2] = NormThenReLU(block[1], block[2]), nn.Identity()
        block[1].compile(dynamic=False)


def compile_network(trainer: Trainer) -> None:
    """Encoder and decoder whole, as `compile: true` does, but recorded: torch.compile chooses what to fuse."""
    trainer.model.encoder.compile(dynamic=False)
    trainer.model.decoder.compile(dynamic=False)


def cast_weights_at_once(trainer: Trainer) -> None:
    """The weights' copies in half precision, and the gradients' back, by one call each instead of one per weight."""
    if trainer.precision != "fp32":
        trainer.model = CastOnce(trainer.model, torch.bfloat16)  # type: ignore[assignment]


def multiply_last_layer(trainer: Trainer) -> None:
    """The layer to the three channels of an image as a matrix product: C -> 3 K² numbers per pixel, then added shifted."""
    trainer.model.decoder.last = LastAsProduct(trainer.model.decoder.last)


def compile_loss(trainer: Trainer) -> None:
    """The loss as one kernel forward and one backward."""
    trainer._loss = CompiledLoss(trainer._loss)  # type: ignore[assignment]


def all_of_them(trainer: Trainer) -> None:
    """Every change that does not contain another one; casts come last, for the weights that are left."""
    for change in (drop_idle_work, compile_norms, multiply_last_layer, compile_loss, cast_weights_at_once):
        change(trainer)


CHANGES = (
    Change("no idle biases and counters", {32: "1.10", 128: "1.06"}, drop_idle_work),
    Change("weights cast at once", {32: "1.10", 128: "1.02"}, cast_weights_at_once),
    Change("last layer as a matrix product", {32: "1.05", 128: "1.10"}, multiply_last_layer),
    Change("normalisation and ReLU compiled", {32: "1.2", 128: "1.15"}, compile_norms),
    Change("loss compiled", {32: "1.03", 128: "1.01"}, compile_loss),
    Change("network compiled", {32: "1.3", 128: "1.2"}, compile_network),
    Change("all but the whole network compiled", {32: "1.6", 128: "1.3"}, all_of_them),
)


class NormThenReLU(nn.Module):
    """Two layers as one module. An `nn.Sequential` would not do: torch.compile leaves it as it is, and does not say so."""

    def __init__(self, norm: nn.Module, relu: nn.Module) -> None:
        super().__init__()
        self.norm, self.relu = norm, relu

    def forward(self, x: torch.Tensor) -> Any:
        """(N, C, H, W) -> the same shape."""
        return self.relu(self.norm(x))


class CastOnce(nn.Module):
    """A network whose convolutions, and whose decoder's first layer, get their weights in half precision from one call.

    The latent layer keeps fp32 and so do normalisations, as under autocast.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network
        self._dtype = dtype
        casting = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        self._names = [
            f"{place}.{name}"
            for place, module in network.named_modules()
            if isinstance(module, casting) and not place.startswith(("encoder.mean", "encoder.log_variance"))
            for name, _ in module.named_parameters(recurse=False)
        ]

    @property
    def decoder(self) -> Any:
        """The network's own: some objectives look at its weights."""
        return self.network.decoder

    def forward(self, images: torch.Tensor, generator: torch.Generator | None = None) -> tuple[torch.Tensor, Encoded]:
        """As `Autoencoder`: images (N, C, H, W) -> logits of the same shape, and the encoding."""
        copies = _Cast.apply(self._dtype, *map(self.network.get_parameter, self._names))
        by_name = dict(zip(self._names, copies, strict=True))
        found: tuple[torch.Tensor, Encoded] = torch.func.functional_call(self.network, by_name, (images, generator))
        return found


class _Cast(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(_cast(weights, dtype))

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return (None, *_cast(grads, torch.float32))


def _cast(tensors: Sequence[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    copies = [torch.empty_like(tensor, dtype=dtype) for tensor in tensors]
    torch._foreach_copy_(copies, list(tensors))
    return copies


class LastAsProduct(nn.Module):
    """A transposed convolution with a stride of one, as a product for each pixel and a sum of shifted pictures."""

    def __init__(self, layer: SameConvTranspose2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self._kernel_size = layer.kernel_size[0]
        self._before = int(layer.padding[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H, W)."""
        (height, width), first, more = x.shape[2:], self._before, self._kernel_size - 1
        products = torch.matmul(self.weight.flatten(1).t(), x.flatten(2))  # (N, C' K², H W)
        whole = F.fold(products, (height + more, width + more), self._kernel_size)
        cropped = whole[:, :, first : first + height, first : first + width]
        return cropped if self.bias is None else cropped + self.bias.to(cropped.dtype)[:, None, None]


class CompiledLoss:
    """A trainer's loss through torch.compile."""

    def __init__(self, loss: Any) -> None:
        self.weights = loss.weights
        self._compiled = torch.compile(loss, dynamic=False)

    def __call__(self, *arguments: Any) -> Any:
        """As `Loss`."""
        return self._compiled(*arguments)


def _normalised_blocks(network: nn.Module) -> list[Any]:
    """Every sequence of a convolution, a batch normalisation and a ReLU."""
    sequences = (module for module in network.modules() if isinstance(module, nn.Sequential) and len(module) == 3)
    return [block for block in sequences if isinstance(block[0], SameConv2d | SameConvTranspose2d)]
