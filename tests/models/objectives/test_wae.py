"""The maximum mean discrepancy against its closed forms and a textbook twin."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expn

from aesweep.models.objectives.wae import SCALES, mmd

POPULATION = {  # docs/rivals.md: (shift of one coordinate, shift of each, standard deviation) -> MMD^2 by dimension
    "mean 1 in one": ((1.0, 0.0, 1.0), {2: 0.48032, 8: 0.136168, 64: 0.017671, 128: 0.00886093}),
    "mean 0.1 in each": ((0.0, 0.1, 1.0), {2: 0.010163, 8: 0.0111391, 64: 0.0113248, 128: 0.0113359}),
    "std 0.9": ((0.0, 0.0, 0.9), {2: 0.0103697, 8: 0.011968, 64: 0.0123753, 128: 0.0124018}),
    "std 0.5": ((0.0, 0.0, 0.5), {2: 0.361941, 8: 0.427091, 64: 0.446771, 128: 0.448091}),
    "std 2": ((0.0, 0.0, 2.0), {2: 0.470437, 8: 0.522372, 64: 0.532947, 128: 0.5336}),
    "collapse": ((0.0, 0.0, 0.0), {2: 1.58395, 8: 1.83378, 64: 1.92539, 128: 1.93216}),
}


def expected_kernel(size: int, c: float, variance: float) -> float:
    """E C / (C + |x - y|^2) for x - y ~ N(0, variance I)."""
    value, _ = quad(lambda u: np.exp(-u) * (1 + 2 * u * variance / c) ** (-size / 2), 0, np.inf, epsabs=1e-13)
    return float(value)


def draws(seed: int, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    q, p = torch.randn(2, n, size, generator=generator)
    return q, p


def test_the_closed_form_is_that_of_the_fact_sheet() -> None:
    for size, expected in ((8, 0.5292522708882845), (64, 0.5038755175275003)):
        a = 2 * size / (2 * 2)
        assert a * np.exp(a) * expn(size // 2, a) == pytest.approx(expected, rel=1e-12)
        assert expected_kernel(size, 2 * size, 2) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("std", [0.0, 0.5, 0.9, 2.0])
@pytest.mark.parametrize("size", [2, 8, 64, 128])
def test_the_table_holds_the_closed_form(size: int, std: float) -> None:
    def summed(variance: float) -> float:
        return sum(expected_kernel(size, 2 * size * scale, variance) for scale in SCALES)

    population = summed(2 * std**2) + summed(2.0) - 2 * summed(1 + std**2)
    listed = next(table[size] for (one, each, s), table in POPULATION.values() if (one, each, s) == (0, 0, std))
    assert population == pytest.approx(listed, rel=1e-5)


@pytest.mark.parametrize("case", POPULATION)
@pytest.mark.parametrize("size", [2, 8, 64, 128])
def test_its_mean_over_batches_is_the_population_value(case: str, size: int) -> None:
    (one, each, std), table = POPULATION[case]
    shift = torch.full((size,), each)
    shift[0] += one
    found = np.array([mmd(std * q + shift, p).item() for q, p in (draws(seed, 64, size) for seed in range(300))])
    assert found.mean() == pytest.approx(table[size], abs=3.5 * found.std() / 300**0.5)


@pytest.mark.parametrize(("size", "n", "spread"), [(2, 128, 0.021), (8, 100, 0.0117), (64, 128, 0.0032)])
def test_equal_laws_give_zero_on_average_and_negative_values_half_of_the_time(size: int, n: int, spread: float) -> None:
    found = np.array([mmd(*draws(seed, n, size)).item() for seed in range(300)])
    assert abs(found.mean()) < 3.5 * spread / 300**0.5
    assert found.std() == pytest.approx(spread, rel=0.2)
    assert 0.35 < (found < 0).mean() < 0.75


def test_latents_that_are_standardised_in_each_batch_come_out_below_zero() -> None:
    found = []
    for seed in range(50):
        q, p = draws(seed, 128, 64)
        found.append(mmd((q - q.mean(0)) / q.std(0, correction=0), p).item())
    assert np.mean(found) == pytest.approx(-0.009, abs=0.0015)


def test_it_is_the_textbook_sum_over_pairs() -> None:
    q, p = (x.double() for x in draws(0, 7, 3))
    n, total = 7, 0.0
    for scale in SCALES:
        c = 2 * 3 * scale

        def k(a: torch.Tensor, b: torch.Tensor, c: float = c) -> float:
            return c / (c + float(((a - b) ** 2).sum()))

        within = sum(k(x[i], x[j]) for x in (q, p) for i in range(n) for j in range(n) if i != j)
        across = sum(k(q[i], p[j]) for i in range(n) for j in range(n))
        total += within / (n * n - n) - 2 * across / n**2
    assert mmd(q, p).item() == pytest.approx(total, rel=1e-12)


def test_the_order_of_a_batch_plays_no_part_and_its_gradient_pulls_towards_the_prior() -> None:
    q, p = (x.double() for x in draws(1, 32, 8))
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    assert mmd(q[order], p).item() == pytest.approx(mmd(q, p).item(), abs=1e-12)
    far = (q + 3).requires_grad_()
    mmd(far, p).backward()
    assert far.grad is not None and (far.grad.mean(0) > 0).all()  # descending moves the mean back to 0
