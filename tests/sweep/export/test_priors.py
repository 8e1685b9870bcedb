"""Fitted priors as torch code: the same distribution, every kind of prior."""

from typing import Any

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior
from aesweep.sweep.export.priors import ExportedPriors, sampler_of

SMALL = EvaluationConfig(priors=("second_vae",), options={"second_vae": {"steps": 60, "width": 16, "layers": 2}})  # type: ignore[arg-type]


def latents() -> np.ndarray:
    """Two clusters in the plane, float64 (600, 2)."""
    generator = np.random.default_rng(0)
    side_N = np.where(generator.random(600) < 0.5, -2.0, 2.0)
    return np.asarray(generator.standard_normal((600, 2)) * [0.3, 1.0] + side_N[:, None] * [1.0, 0.0])


def drawn(priors: ExportedPriors, name: str, n: int) -> torch.Tensor:
    """Draws of a prior, by the exported code and tensors alone."""
    found: dict[str, Any] = {}
    exec(priors.code, found)
    tensors = {key.partition("/")[2]: value for key, value in priors.tensors.items() if key.startswith(f"{name}/")}
    z: torch.Tensor = found["SAMPLE"][name](tensors, n, torch.Generator().manual_seed(1))
    return z


def test_a_second_vae_draws_what_numpy_draws_from_the_same_arrays() -> None:
    prior = fit_prior("second_vae", latents(), SMALL, FitSettings(threads=1))
    priors = ExportedPriors()
    priors.add("second_vae", prior)
    n = 20_000
    ours, theirs = drawn(priors, "second_vae", n).numpy(), prior.sample(n, 2).astype(np.float64)
    spread = theirs.std(0) / n**0.5
    assert np.all(np.abs(ours.mean(0) - theirs.mean(0)) < 7 * spread)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.05 * theirs.var(0).max())
    quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(ours, quantiles, 0), np.quantile(theirs, quantiles, 0), atol=0.1)


def test_every_prior_of_aesweep_has_torch_code_and_one_without_is_left_out_with_a_reason() -> None:
    for prior in map(PRIORS.get, PRIORS.names()):
        assert prior.sample is None or prior.torch_sample is not None, prior.name
    priors = ExportedPriors()
    priors.add("copula", FittedPrior.of_arrays("copula", {"ranks": np.ones(3)}))
    assert "torch_sample" in priors.left_out["copula"] and not priors.tensors
    assert sampler_of("copula", FittedPrior.of_arrays("copula", {"ranks": np.ones(3)})) is None
