"""The layers against their definitions, which parameter counts and shapes cannot see."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from aesweep.models.architectures.conv_modules import SameConv2d, SameConvTranspose2d, same_padding

# (kernel, stride) -> TensorFlow's padding before and after
PADS = {(5, 2): (1, 2), (4, 1): (1, 2), (4, 2): (1, 1), (5, 1): (2, 2)}
CASES = pytest.mark.parametrize(("kernel", "stride"), list(PADS))


@CASES
def test_padding_is_tensorflows(kernel: int, stride: int) -> None:
    assert same_padding(kernel, stride) == PADS[kernel, stride]


@CASES
def test_convolution_equals_its_textbook_sum(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = SameConv2d(2, 3, kernel, stride).double()
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    before, _ = PADS[kernel, stride]
    assert layer.bias is not None
    expected = layer.bias.detach()[None, :, None, None].expand(1, 3, 8 // stride, 8 // stride).clone()
    for i in range(8 // stride):
        for j in range(8 // stride):
            for a in range(kernel):
                for b in range(kernel):
                    row, column = i * stride + a - before, j * stride + b - before
                    if 0 <= row < 8 and 0 <= column < 8:
                        expected[0, :, i, j] += layer.weight.detach()[:, :, a, b] @ x[0, :, row, column]
    torch.testing.assert_close(layer(x), expected)


@CASES
@pytest.mark.parametrize("side", [4, 8])
def test_transposed_convolution_is_the_gradient_of_the_tensorflow_convolution(
    kernel: int, stride: int, side: int
) -> None:
    torch.manual_seed(0)
    layer = SameConvTranspose2d(3, 2, kernel, stride).double()
    assert layer.bias is not None
    torch.nn.init.zeros_(layer.bias)
    x = torch.randn(2, 3, side, side, dtype=torch.float64)
    image = torch.randn(2, 2, side * stride, side * stride, dtype=torch.float64, requires_grad=True)
    before, after = PADS[kernel, stride]
    forward = F.conv2d(F.pad(image, (before, after, before, after)), layer.weight, stride=stride)
    (gradient,) = torch.autograd.grad(forward, image, grad_outputs=x)
    torch.testing.assert_close(layer(x), gradient)


def test_the_usual_output_padding_would_shift_the_picture() -> None:
    layer = SameConvTranspose2d(1, 1, 5, 2).double()
    x = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    usual = F.conv_transpose2d(x, layer.weight, layer.bias, stride=2, padding=2, output_padding=1)
    ours = layer(x)
    assert usual.shape == ours.shape
    torch.testing.assert_close(usual[..., :-1, :-1], ours[..., 1:, 1:])


@CASES
@pytest.mark.parametrize(("channels", "side"), [(3, 6), (5, 6), (3, 5)])
def test_in_training_on_a_cpu_a_transposed_layer_and_its_gradients_are_those_of_pytorch(
    kernel: int, stride: int, channels: int, side: int
) -> None:
    torch.manual_seed(0)
    layer = SameConvTranspose2d(4, channels, kernel, stride).double()
    assert layer.bias is not None
    tensors = torch.randn(2, 4, side, side, dtype=torch.float64, requires_grad=True), layer.weight, layer.bias
    of_the_output = torch.randn(2, channels, side * stride, side * stride, dtype=torch.float64)

    def output_and_gradients() -> list[torch.Tensor]:
        out = layer(tensors[0])
        first = torch.autograd.grad(out, tensors, of_the_output, create_graph=True)
        penalty = torch.stack([one.square().sum() for one in first]).sum()  # whose gradients are second ones
        return [out, *first, *torch.autograd.grad(penalty, tensors[:2])]

    ours = output_and_gradients()
    layer.eval()
    torch.testing.assert_close(ours, output_and_gradients())


@CASES
@pytest.mark.parametrize("channels", [3, 5])
def test_in_training_on_a_cpu_a_transposed_layer_has_the_derivatives_of_torch_func(
    kernel: int, stride: int, channels: int
) -> None:
    """An objective that is a plug-in may use them, as it may on a GPU."""
    torch.manual_seed(0)
    layer = SameConvTranspose2d(4, channels, kernel, stride).double()
    given = {name: one.detach() for name, one in layer.named_parameters()}, torch.randn(2, 4, 6, 6, dtype=torch.float64)
    tangents = {name: torch.randn_like(one) for name, one in given[0].items()}, torch.randn_like(given[1])

    def output(parameters: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = torch.func.functional_call(layer, parameters, (x,))
        return out

    def derivatives() -> tuple[Any, ...]:
        forward = torch.func.jvp(output, given, tangents)
        backward = torch.func.grad(lambda x: output(given[0], x).square().sum())(given[1])
        return (*forward, backward)

    ours = derivatives()
    layer.eval()
    torch.testing.assert_close(ours, derivatives())


@pytest.mark.parametrize("channels", [3, 5])
def test_in_training_on_a_cpu_a_transposed_layer_computes_in_the_type_of_autocast(channels: int) -> None:
    torch.manual_seed(0)
    layer = SameConvTranspose2d(4, channels, 4, 1)
    x = torch.randn(2, 4, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = torch.relu_(layer(x))
    out.float().square().sum().backward()
    assert out.dtype == torch.bfloat16
    assert all(one.grad is not None and one.grad.dtype == torch.float32 for one in layer.parameters())
    torch.testing.assert_close(out.float(), layer.eval()(x).relu(), atol=0.02, rtol=0.02)


@pytest.mark.slow  # a C++ compiler runs
def test_a_transposed_layer_in_training_on_a_cpu_can_be_compiled() -> None:
    torch.manual_seed(0)
    layer = SameConvTranspose2d(4, 3, 4, 1)
    x = torch.randn(2, 4, 8, 8)
    compiled = torch.compile(layer)(x)
    compiled.square().sum().backward()
    torch.testing.assert_close(compiled, layer(x))
