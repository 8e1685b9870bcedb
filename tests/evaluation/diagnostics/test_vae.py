"""Bounds of the likelihood against likelihoods that are known; posteriors whose measures have a closed form."""

import math

import numpy as np
import pytest
import torch

from aesweep.evaluation.diagnostics.vae import aggregate_kl, bounds, log_weights, posterior_measures


class LinearVae:
    """x = W z + noise of standard deviation s, z from N(0, I): every quantity has a closed form."""

    def __init__(self, images: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.w = torch.randn(5, 2, generator=generator, dtype=torch.float64)
        self.s = 0.7
        z = torch.randn(images, 2, generator=generator, dtype=torch.float64)
        self.x = z @ self.w.T + self.s * torch.randn(images, 5, generator=generator, dtype=torch.float64)
        self.precision = torch.eye(2) + self.w.T @ self.w / self.s**2
        self.mean = self.x @ self.w @ torch.linalg.inv(self.precision) / self.s**2

    def likelihood(self, z: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.distributions.Normal(z @ self.w.T, self.s).log_prob(self.x).sum(1)
        return found

    @property
    def log_p(self) -> torch.Tensor:
        covariance = self.w @ self.w.T + self.s**2 * torch.eye(5)
        marginal = torch.distributions.MultivariateNormal(torch.zeros(5).double(), covariance)
        found: torch.Tensor = marginal.log_prob(self.x)
        return found

    def elbo(self, log_variance: torch.Tensor) -> torch.Tensor:
        """Of N(exact mean, diagonal variance): log p(x) minus the divergence from the exact posterior."""
        exact = torch.distributions.MultivariateNormal(self.mean, precision_matrix=self.precision)
        q = torch.distributions.MultivariateNormal(self.mean, torch.diag_embed(log_variance.exp()))
        return self.log_p - torch.distributions.kl_divergence(q, exact)

    def bounds(self, log_variance: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        return bounds(log_weights(self.likelihood, self.mean, log_variance, count, 0))


def test_the_elbo_of_a_linear_vae_is_the_exact_one_and_iwae_rises_from_it_to_the_likelihood() -> None:
    model = LinearVae(200)
    log_variance = torch.full((200, 2), math.log(0.05), dtype=torch.float64)
    log_p, exact = float(model.log_p.mean()), float(model.elbo(log_variance).mean())
    assert exact < log_p - 0.1, "else there is no gap to close"
    values = []
    for count in (1, 10, 300):
        elbo, iwae = model.bounds(log_variance, count)
        assert (iwae >= elbo - 1e-9).all()
        values.append(float(iwae.mean()))
    assert float(elbo.mean()) == pytest.approx(exact, abs=0.02)
    assert exact - 0.2 < values[0] < values[1] < values[2] == pytest.approx(log_p, abs=0.02)


def test_with_the_exact_posterior_every_draw_has_the_weight_of_the_likelihood() -> None:
    model = LinearVae(20)
    rotation = torch.linalg.eigh(model.precision)
    # In the axes of the posterior it is diagonal, so that the encoder can have it.
    model.w, model.mean = model.w @ rotation.eigenvectors, model.mean @ rotation.eigenvectors
    log_variance = -rotation.eigenvalues.log().expand(20, 2)
    weights = log_weights(model.likelihood, model.mean, log_variance, 7, 0)
    torch.testing.assert_close(weights, model.log_p[:, None].expand(20, 7), rtol=1e-6, atol=1e-6)


def test_a_collapsed_posterior_uses_no_unit_and_its_aggregate_is_the_prior() -> None:
    found = posterior_measures(torch.zeros(50, 6).double(), torch.zeros(50, 6).double())
    values = {name: value for name, (value, _, _) in found.items()}
    assert values.pop("aggregate_norm") == 1.0
    assert values == dict.fromkeys(values, 0.0)
    assert aggregate_kl(torch.zeros(50, 6).double(), torch.zeros(50, 6).double())[0] == 0.0


def test_divergences_of_known_posteriors() -> None:
    mean = torch.tensor([[2.0, 0.0], [-2.0, 0.0]] * 4, dtype=torch.float64)
    log_variance = torch.tensor([0.25, 1.0], dtype=torch.float64).log().expand(8, 2)
    found = {name: value for name, (value, _, _) in posterior_measures(mean, log_variance).items()}
    unit = 0.5 * (4 + 0.25 - 1 - math.log(0.25))
    assert found["active_units"] == 1
    assert found["kl"] == pytest.approx(unit) and found["kl_unit_mean"] == pytest.approx(unit / 2)
    quantiles = [found[f"kl_unit_p{q}"] for q in (10, 50, 90)]
    assert quantiles == pytest.approx([0.1 * unit, 0.5 * unit, 0.9 * unit])
    assert found["aggregate_norm"] == pytest.approx((4 + 0.25 + 1) / 2)
    # Of many images there is hardly a bias to take out.
    many = aggregate_kl(mean.repeat(2500, 1), log_variance.repeat(2500, 1))[0]
    assert many == pytest.approx(0.5 * (4.25 - 1 - math.log(4.25)), abs=1e-3)


def test_the_order_of_the_images_does_not_move_the_aggregate() -> None:
    """Images of a folder are sorted by class: with a class in each half, 3.3 nats came out as 2.2."""
    mean = torch.tensor([[3.0], [-3.0]]).double().repeat_interleave(2000, 0)
    truth = 0.5 * (10 - 1 - math.log(10))
    for order in (torch.arange(4000), torch.arange(4000).reshape(2, -1).T.flatten()):
        assert aggregate_kl(mean[order], torch.zeros(4000, 1).double())[0] == pytest.approx(truth, abs=0.01)


def test_the_aggregate_of_few_images_has_no_bias_and_an_error_that_is_its_spread() -> None:
    generator = np.random.default_rng(0)
    factor, shift = np.diag([1.5, 0.8, 0.5]), np.array([0.3, 0.0, 0.0])
    covariance = factor @ factor.T + 0.1 * np.eye(3)
    truth = 0.5 * (np.trace(covariance) + shift @ shift - 3 - np.linalg.slogdet(covariance)[1])
    found = np.array(
        [
            aggregate_kl(
                torch.from_numpy(shift + generator.standard_normal((100, 3)) @ factor),
                torch.full((100, 3), 0.1).double().log(),
            )
            for _ in range(200)
        ]
    )
    values, errors, _ = found.T
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 200**0.5)
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)


def test_too_few_images_and_a_singular_aggregate_say_so() -> None:
    with pytest.raises(ValueError, match="needs 2 of them"):
        posterior_measures(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="there are 3 images"):
        aggregate_kl(torch.zeros(3, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="singular"):
        aggregate_kl(torch.zeros(8, 2), torch.full((8, 2), -1e4))
