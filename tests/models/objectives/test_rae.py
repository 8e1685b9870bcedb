"""The penalties of the RAE family: closed forms for linear decoders, and what spectral normalisation promises."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import nn

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.objectives.rae import latent_square
from aesweep.models.objectives.rae_gp import jacobian_penalty, output_square_penalty, random_signs
from aesweep.models.objectives.rae_l2 import weight_square
from aesweep.models.objectives.rae_sn import normalise


def linear(units: int = 4, values: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A, b and latents."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(values, units, generator=generator, dtype=torch.float64)
    b = torch.randn(values, generator=generator, dtype=torch.float64)
    z = torch.randn(6, units, generator=generator, dtype=torch.float64, requires_grad=True)
    return a, b, z


def every_sign(values: int) -> list[torch.Tensor]:
    return [torch.tensor(s, dtype=torch.float64).expand(6, values) for s in itertools.product((-1, 1), repeat=values)]


def test_the_latent_penalty_is_the_mean_square() -> None:
    _, _, z = linear()
    assert latent_square(z).item() == pytest.approx(sum(x**2 for x in z.flatten().tolist()) / z.numel())


def test_the_jacobian_penalty_of_a_linear_decoder_is_its_frobenius_norm() -> None:
    """Over all signs the mean is exact, and the variance is the known one of Hutchinson's estimate."""
    a, b, z = linear()
    found = torch.stack([jacobian_penalty(z @ a.T + b, z, signs) for signs in every_sign(5)])
    square = a @ a.T
    variance = 2 * (square.square().sum() - square.diagonal().square().sum())
    assert found.mean().item() == pytest.approx(a.square().sum().item(), rel=1e-12)
    assert found.var(correction=0).item() == pytest.approx(variance.item(), rel=1e-9)


def test_the_output_square_penalty_of_a_linear_decoder_is_its_closed_form() -> None:
    a, b, z = linear()
    expected = (2 * (z @ a.T + b) @ a).square().mean()
    assert output_square_penalty(z @ a.T + b, z).item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_jacobian_of_a_sigmoid_decoder_is_scaled_by_its_slope() -> None:
    a, b, z = linear()
    output = (z @ a.T + b).sigmoid()
    found = torch.stack([jacobian_penalty(output, z, signs) for signs in every_sign(5)]).mean()
    slopes = (output * (1 - output)).detach()
    expected = torch.stack([(slope[:, None] * a).square().sum() for slope in slopes]).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_vector_product_agrees_with_a_central_difference() -> None:
    a, b, z = linear()
    signs = random_signs(torch.empty(6, 5, dtype=torch.float64), torch.Generator().manual_seed(1))
    direction = torch.randn(z.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    step = 1e-5

    def decode(z: torch.Tensor) -> torch.Tensor:
        return (z @ a.T + b).sigmoid()

    difference = (decode(z + step * direction) - decode(z - step * direction)) / (2 * step)
    gradient = torch.autograd.grad((decode(z) * signs).sum(), z)[0]
    assert (gradient * direction).sum().item() == pytest.approx((difference * signs).sum().item(), rel=1e-6)


def test_a_constant_decoder_has_no_penalty_and_larger_outputs_have_a_larger_one() -> None:
    a, b, z = linear()
    signs = every_sign(5)[11]
    assert jacobian_penalty(0 * z @ a.T + b, z, signs).item() == output_square_penalty(0 * z @ a.T + b, z).item() == 0
    one, three = z @ a.T + b, 3 * (z @ a.T + b)
    assert jacobian_penalty(three, z, signs).item() == pytest.approx(9 * jacobian_penalty(one, z, signs).item())
    assert output_square_penalty(three, z).item() == pytest.approx(81 * output_square_penalty(one, z).item())


def test_both_penalties_train_the_decoder() -> None:
    a, b, z = linear()
    weight = a.clone().requires_grad_()
    output = z @ weight.T + b
    for penalty in (output_square_penalty(output, z), jacobian_penalty(output, z, every_sign(5)[3])):
        (gradient,) = torch.autograd.grad(penalty, weight, retain_graph=True)
        assert gradient.abs().max() > 0


def test_signs_are_fair_and_come_from_the_generator() -> None:
    signs = random_signs(torch.empty(10_000), torch.Generator().manual_seed(3))
    assert set(signs.tolist()) == {-1.0, 1.0} and abs(signs.mean().item()) < 0.04
    assert torch.equal(signs, random_signs(torch.empty(10_000), torch.Generator().manual_seed(3)))


def test_squared_weights_are_those_of_the_convolution_kernels_and_if_asked_of_the_dense_layer() -> None:
    first, last = nn.Linear(2, 8), nn.ConvTranspose2d(2, 3, 4)
    decoder = nn.Sequential(first, nn.Unflatten(1, (2, 2, 2)), last, nn.BatchNorm2d(3))
    dense, kernel = (layer.weight.square().sum().item() for layer in (first, last))
    assert weight_square(decoder, dense=False).item() == pytest.approx(kernel)
    assert weight_square(decoder, dense=True).item() == pytest.approx(kernel + dense)


LAYERS: dict[str, Callable[[], nn.Conv2d | nn.ConvTranspose2d | nn.Linear]] = {
    "convolution": lambda: nn.Conv2d(3, 4, 4),
    "transposed convolution": lambda: nn.ConvTranspose2d(3, 4, 4),
    "linear": lambda: nn.Linear(6, 5),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_spectral_normalisation_brings_the_largest_singular_value_to_one(kind: str) -> None:
    """Of the kernel with one row per output channel; per input channel for a transposed convolution."""
    torch.manual_seed(0)
    layer = LAYERS[kind]()
    before = layer.weight.detach().clone()
    model = nn.Sequential(nn.Sequential(layer))
    normalise(model)
    for _ in range(50):
        weight = layer.weight
    assert torch.linalg.svdvals(weight.flatten(1))[0].item() == pytest.approx(1, abs=1e-4)
    largest = torch.linalg.svdvals(before.flatten(1))[0]
    torch.testing.assert_close(weight.detach(), before / largest, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", LAYERS)
def test_it_changes_nothing_outside_training(kind: str) -> None:
    model = nn.Sequential(LAYERS[kind]())
    normalise(model)
    model.eval()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = model[0].weight, model[0].weight
    assert torch.equal(torch.as_tensor(first), torch.as_tensor(second))
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())


def test_a_convolution_before_batch_normalisation_may_be_scaled_without_effect() -> None:
    """So the L2 penalty and spectral normalisation hardly regularise this network (docs/rivals.md)."""
    layers = build_autoencoder(TrialConfig(filters=4, latent_size=3)).encoder.convolutions.double().train()
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    normalised = [
        first
        for first, second in itertools.pairwise(layers.modules())
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d)
    ]
    assert len(normalised) == 4
    with torch.no_grad():
        for layer in normalised:
            layer.weight.mul_(1e4)  # the variance is then far above BatchNorm's epsilon
        before = layers(images)
        normalised[1].weight.mul_(3)
        torch.testing.assert_close(layers(images), before, rtol=1e-6, atol=1e-6)
