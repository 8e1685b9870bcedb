"""Both distances of GMM-DAE against the fact sheet's weights, exact cases and a textbook twin."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy.stats import norm

from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.models.objectives.gmm_dae import covariance_distance, kolmogorov_smirnov, prior, prior_covariance


def means(size: int, components: int) -> torch.Tensor:
    trial = SimpleNamespace(latent_size=size, parameter=lambda _: components)
    return torch.from_numpy(prior(cast(Any, trial)).means)


def draw(seed: int, n: int, size: int, components: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randint(0, components, (n,), generator=generator)
    return means(size, components)[centre] + torch.randn(n, size, generator=generator, dtype=torch.float64)


def test_centres_are_unit_vectors_and_begin_again_where_there_are_more_than_units() -> None:
    assert torch.equal(means(4, 3), torch.eye(4, dtype=torch.float64)[:3])
    assert torch.equal(means(2, 5), torch.eye(2, dtype=torch.float64)[[0, 1, 0, 1, 0]])


@pytest.mark.parametrize(("size", "components"), [(8, 3), (4, 4), (3, 8), (5, 1)])
def test_the_priors_covariance_is_that_of_its_components(size: int, components: int) -> None:
    centres = means(size, components).numpy()
    expected = np.eye(size) + np.cov(centres, rowvar=False, bias=True).reshape(size, size)
    found = prior_covariance(size, components, torch.zeros((), dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)


@pytest.mark.parametrize(("n", "weight"), [(100, 594.06), (128, 762.05)])
def test_the_weight_of_the_marginals_is_the_closed_form(n: int, weight: float) -> None:
    """All points far below the prior: F = 0, so the plain mean of squares is that of i/n."""
    plain = np.mean((np.arange(1, n + 1) / n) ** 2)
    found = kolmogorov_smirnov(torch.full((n, 3), -50.0, dtype=torch.float64), 2).item()
    assert found / plain == pytest.approx(weight, rel=1e-5)


@pytest.mark.parametrize(
    ("n", "size", "components", "weight"),
    [(100, 64, 1, 99.4), (100, 64, 20, 97.2), (128, 64, 20, 123.2), (128, 64, 10, 123.8), (128, 128, 10, 126.5)],
)
def test_the_weight_of_the_covariance_is_the_sheets(n: int, size: int, components: int, weight: float) -> None:
    zeros = torch.zeros(n, size, dtype=torch.float64)
    plain = prior_covariance(size, components, zeros).square().mean().item()  # all codes 0: S = 0
    assert covariance_distance(zeros, components).item() / plain == pytest.approx(weight, rel=0.01)


@pytest.mark.parametrize(("n", "size", "components"), [(100, 64, 20), (128, 16, 10), (128, 4, 10), (64, 8, 1)])
def test_draws_of_the_prior_score_one(n: int, size: int, components: int) -> None:
    codes = [draw(seed, n, size, components) for seed in range(100)]
    for distance in (kolmogorov_smirnov, covariance_distance):
        found = np.array([distance(z, components).item() for z in codes])
        assert found.mean() == pytest.approx(1, abs=4 * found.std() / 10 + 0.01), distance.__name__
    wide = [2 * z for z in codes]
    assert min(kolmogorov_smirnov(z, components).item() for z in wide) > 2
    assert min(covariance_distance(z, components).item() for z in wide) > 2


def test_it_is_the_textbook_sum_over_sorted_units() -> None:
    z, n, size, components = draw(0, 12, 3, 5), 12, 3, 5
    centres, total = means(size, components).numpy(), 0.0
    for j in range(size):
        for i, t in enumerate(sorted(z[:, j].tolist()), 1):
            total += (np.mean([norm.cdf(t - centre[j]) for centre in centres]) - i / n) ** 2
    expected = total / (n * size) * 6 * n**2 / (n + 1)
    assert kolmogorov_smirnov(z, components).item() == pytest.approx(expected, rel=1e-12)


def test_one_component_at_the_first_unit_has_normal_marginals() -> None:
    z = draw(1, 200, 4, 1)
    shifted = z - means(4, 1)[0]
    steps = torch.arange(1, 201, dtype=torch.float64)[:, None] / 200
    plain = (torch.special.ndtr(shifted.sort(dim=0).values) - steps).square().mean() * 6 * 200**2 / 201
    assert kolmogorov_smirnov(z, 1).item() == pytest.approx(plain.item(), rel=1e-12)


def test_the_order_of_a_batch_plays_no_part_and_ties_have_a_gradient() -> None:
    z = draw(2, 32, 4, 10)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    for distance in (kolmogorov_smirnov, covariance_distance):
        assert distance(z[order], 10).item() == pytest.approx(distance(z, 10).item(), rel=1e-12)
        tied = torch.zeros(16, 4, requires_grad=True)
        distance(tied, 10).backward()
        assert tied.grad is not None and tied.grad.isfinite().all()


@pytest.mark.parametrize(("components", "apart", "extra"), [(1, 0.0, 0.0), (5, 40.0, np.log(5))])
def test_samples_of_a_mixture_have_its_expected_log_likelihood(components: int, apart: float, extra: float) -> None:
    """-(d/2) ln 2πe for one component, and ln K less for K that hardly overlap: their entropy grows by ln K."""
    size, count = 6, 20_000
    weights = np.full(components, 1 / components)
    mixture = FittedPrior("own", weights, apart * np.eye(size)[:components], np.tile(np.eye(size), (components, 1, 1)))
    draws = mixture.sample(count, seed=1)
    expected = -size / 2 * np.log(2 * np.pi * np.e) - extra
    assert mixture.log_density(draws).mean() == pytest.approx(expected, abs=4 * np.sqrt(size / 2 / count))
