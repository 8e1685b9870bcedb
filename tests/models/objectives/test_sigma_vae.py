"""The variance of the sigma-VAE is the best one, and its loss is the likelihood that it says it is."""

import math

import pytest
import torch

from aesweep.models.objectives.sigma_vae import log_sigma, negative_log_likelihood

ERRORS = [0.2, 0.02, 0.005]


@pytest.mark.parametrize("error", ERRORS)
def test_no_other_variance_is_better_than_the_mean_squared_error(error: float) -> None:
    squared = torch.tensor(error, dtype=torch.float64)
    best = (0.5 * squared.log()).requires_grad_()
    (slope,) = torch.autograd.grad(negative_log_likelihood(squared, best), best)
    assert slope.item() == pytest.approx(0, abs=1e-12)
    least = negative_log_likelihood(squared, best).item()
    assert least == pytest.approx(best.item() + 0.5 + 0.5 * math.log(2 * math.pi))
    assert min(negative_log_likelihood(squared, best + d).item() for d in (-0.1, 0.1)) > least


def test_it_is_the_likelihood_of_a_gaussian() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 4, 5, generator=generator, dtype=torch.float64)
    sigma = 0.3
    expected = -torch.distributions.Normal(y, sigma).log_prob(x).mean()
    found = negative_log_likelihood((x - y).square().mean(), torch.tensor(math.log(sigma), dtype=torch.float64))
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_errors_ten_percent_larger_cost_the_logarithm_of_it_for_every_value() -> None:
    def at_best(error: float) -> float:
        squared = torch.tensor(error, dtype=torch.float64)
        return negative_log_likelihood(squared, 0.5 * squared.log()).item()

    assert at_best(0.01 * 1.1**2) - at_best(0.01) == pytest.approx(math.log(1.1), rel=1e-9)


def test_the_clip_is_soft_and_keeps_the_variance_from_vanishing() -> None:
    clipped = log_sigma(torch.tensor([math.exp(-2 * 2.65), 1.0, 1e-30], dtype=torch.float64))
    assert clipped[0].item() == pytest.approx(-2.65 + 0.0345, abs=1e-4)
    assert clipped[1].item() == pytest.approx(0, abs=0.003)
    assert clipped[2].item() == pytest.approx(-6, abs=1e-9)
