"""The entropy estimate against identities, known entropies, and the bias that it is known to have."""

import math

import numpy as np
import pytest
import torch
from scipy.special import psi

from aesweep.models.objectives.eae import entropy, nearest

LOG_UNIT_BALL = {1: 0.6931, 2: 1.1447, 8: 1.4009, 16: -1.4468, 64: -44.927, 128: -131.905, 512: -874.206}
BIASED = {  # docs/rivals.md: (units, points) -> mean and standard deviation of one batch
    (1, 2000): (1.421, 0.044),
    (2, 2000): (2.824, 0.036),
    (8, 2000): (11.329, 0.078),
    (8, 128): (11.421, 0.233),
    (16, 128): (23.48, 0.29),
    (64, 128): (101.45, 0.60),
    (128, 128): (208.87, 0.91),
    (512, 128): (868.2, 1.7),
}
STANDARDISED = {(8, 128): (11.463, 0.233), (64, 128): (101.93, 0.60), (128, 128): (209.52, 0.91)}


def normal(seed: int, n: int, size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def standardised(z: torch.Tensor) -> torch.Tensor:
    return (z - z.mean(0)) / z.std(0, correction=0)


def test_two_points_have_the_entropy_of_their_distance() -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    assert entropy(points).item() == pytest.approx(5.3636057107, abs=1e-9)


@pytest.mark.parametrize("size", LOG_UNIT_BALL)
def test_the_constants_are_those_of_the_estimator(size: int) -> None:
    """n points on a line, one apart: every nearest distance is 1, and only constants remain."""
    n = 10
    points = torch.zeros(n, size, dtype=torch.float64)
    points[:, 0] = torch.arange(n)
    constants = LOG_UNIT_BALL[size] + psi(n) - psi(1)
    assert entropy(points).item() == pytest.approx(constants, abs=1e-3)


def test_it_is_the_textbook_sum_over_nearest_neighbours() -> None:
    z = normal(0, 20, 3, torch.float64)
    distances = [min(float((a - b).norm()) for j, b in enumerate(z) if i != j) for i, a in enumerate(z)]
    ball = 1.5 * math.log(math.pi) - math.lgamma(2.5)
    expected = 3 * np.mean(np.log(distances)) + ball + psi(20) - psi(1)
    assert entropy(z).item() == pytest.approx(expected, abs=1e-9)
    assert [float((z[i] - z[j]).norm()) for i, j in enumerate(nearest(z).tolist())] == pytest.approx(distances)


@pytest.mark.parametrize("scale", [1e-2, 3.0])
def test_stretching_adds_its_logarithm_for_each_unit(scale: float) -> None:
    z = normal(1, 64, 8, torch.float64)
    assert entropy(scale * z + 5).item() == pytest.approx(entropy(z).item() + 8 * math.log(scale), abs=1e-5)


def test_rotations_and_the_order_of_the_batch_play_no_part() -> None:
    z = normal(2, 64, 8, torch.float64)
    turn, _ = torch.linalg.qr(normal(3, 8, 8, torch.float64))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    assert entropy(z @ turn).item() == pytest.approx(entropy(z).item(), abs=1e-9)
    assert entropy(z[order]).item() == pytest.approx(entropy(z).item(), abs=1e-9)


@pytest.mark.parametrize(("size", "error"), [(1, 0.03), (2, 0.03), (8, 0.09)])
def test_in_few_dimensions_it_finds_the_entropy_of_a_gaussian(size: int, error: float) -> None:
    found = np.mean([entropy(normal(seed, 2000, size)).item() for seed in range(20)])
    assert found == pytest.approx(size / 2 * math.log(2 * math.pi * math.e), abs=error)


@pytest.mark.parametrize(("size", "n"), BIASED)
def test_its_bias_is_the_known_one(size: int, n: int) -> None:
    draws = 20
    mean, spread = BIASED[size, n]
    found = np.mean([entropy(normal(seed, n, size)).item() for seed in range(draws)])
    assert found == pytest.approx(mean, abs=4 * spread * (1 / draws + 1 / 100) ** 0.5)


@pytest.mark.parametrize(("size", "n"), STANDARDISED)
def test_so_it_is_for_standardised_latents_and_uniform_ones_score_higher_degenerate_ones_lower(
    size: int, n: int
) -> None:
    mean, spread = STANDARDISED[size, n]
    found = np.mean([entropy(standardised(normal(seed, n, size))).item() for seed in range(20)])
    assert found == pytest.approx(mean, abs=4 * spread * (1 / 20 + 1 / 100) ** 0.5)
    if size >= 64:
        uniform = torch.rand(20 * n, size, generator=torch.Generator().manual_seed(0)).split(n)
        wide = normal(7, size // 4, size)
        thin = [standardised(normal(seed, n, size // 4) @ wide) for seed in range(20)]
        assert np.mean([entropy(standardised(z)).item() for z in uniform]) > found + 0.4
        assert np.mean([entropy(z).item() for z in thin]) < found - 18


def test_its_gradient_is_that_of_finite_differences_away_from_ties() -> None:
    z = normal(4, 16, 3, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(entropy, (z,), eps=1e-7, atol=1e-5)


def test_equal_images_have_a_finite_entropy_and_gradient() -> None:
    z = normal(5, 16, 4)
    z[3] = z[9]
    z.requires_grad_()
    entropy(z).backward()
    assert z.grad is not None and entropy(z).isfinite() and z.grad.isfinite().all()
