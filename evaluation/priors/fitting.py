"""Fits priors on the training latents: those of Section 3, and whatever prior_descriptions.py registers.

Fits are seeded and repeat bit for bit with the same number of threads. Degenerate latents are handled openly: a Gaussian
of deficient rank stays in its subspace (nothing is added to it), a mixture has `gmm_reg_covar` added to its covariances,
and both say so where it matters. What cannot be fitted raises `PriorError` with its reason.

Shapes: N latents, Z = latent_size.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.fit import Fit
from aesweep.evaluation.priors.fitted_prior import FitRecord, FittedPrior, PriorError
from aesweep.evaluation.priors.mixture import Mixture, fit_mixture
from aesweep.models.config import TrialConfig
from aesweep.models.plugins.plugin import function

if TYPE_CHECKING:
    import torch

LARGE_REGULARISATION = 0.01
"""Share of the variance in a direction above which `gmm_reg_covar` shapes the mixture there."""


class FitSettings(NamedTuple):
    """How fits run on this machine."""

    deadline_seconds: float | None = None
    """Most seconds of one fit."""
    threads: int | None = None
    """CPU threads; None takes as many as there are."""
    device: "torch.device | None" = None
    """Where mixtures are fitted (`mixture.fit_device`); None for NumPy."""


USUAL = FitSettings()


def fit_prior(
    kind: str,
    latents: np.ndarray,
    evaluation: EvaluationConfig,
    settings: FitSettings = USUAL,
    trial: TrialConfig | None = None,
) -> FittedPrior:
    """Fit one prior on the training latents (N, Z), which are those of `trial`.

    Raises `PriorError`: latents that are not finite or all equal, too few points, a singular component, or the deadline
    reached before the fit converged.
    """
    described, (deadline_seconds, threads, device) = PRIORS.get(kind, "priors"), settings
    deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    fit = Fit(evaluation, evaluation.option_values(described), evaluation.prior_seed, trial, deadline, device)
    x_NZ = np.asarray(latents, dtype=np.float64)
    if described.needs_latents:
        check_latents(x_NZ)
    with threadpool_limits(threads):
        found = function(described.fit)(x_NZ, fit)
    return found if isinstance(found, FittedPrior) else FittedPrior.of_arrays(kind, found)


def priors_of(trial: TrialConfig, evaluation: EvaluationConfig) -> EvaluationConfig:
    """The evaluation with the priors alone that apply to a trial."""
    described = map(PRIORS.get, evaluation.priors)
    names = tuple(one.name for one in described if one.applies is None or function(one.applies)(trial))
    return evaluation if names == evaluation.priors else replace(evaluation, priors=names)


def fit_standard_normal(x_NZ: np.ndarray, _: Fit) -> FittedPrior:
    """N(0, I) on as many latents."""
    return standard_normal(x_NZ.shape[1])


def standard_normal(size: int) -> FittedPrior:
    """N(0, I) on `size` latents."""
    return FittedPrior("standard_normal", np.ones(1), np.zeros((1, size)), np.eye(size)[None])


def check_latents(x_NZ: np.ndarray) -> None:
    """Raise `PriorError` where no Gaussian can be fitted on (N, Z) latents: too few, not finite, or all equal."""
    if len(x_NZ) < 2:
        raise PriorError(f"a Gaussian needs 2 points, there are {len(x_NZ)}")
    check_finite(x_NZ, "latents")
    if (x_NZ == x_NZ[0]).all():
        raise PriorError("all latents are equal")


def check_finite(z_NZ: np.ndarray, what: str) -> None:
    """Raise `PriorError` for latents (N, Z) that have no likelihood; `what` names them."""
    bad = int((~np.isfinite(z_NZ)).any(1).sum())
    if bad:
        raise PriorError(f"{bad} of {len(z_NZ)} {what} hold values that are not finite")


class Factor(NamedTuple):
    """A covariance F F^T: its factor F (Z, Z), its eigenvalues (Z,), ascending, and its rank."""

    matrix: np.ndarray
    variances: np.ndarray
    rank: int

    @property
    def condition_number(self) -> float:
        """Largest over smallest eigenvalue."""
        return float(self.variances[-1] / self.variances[0]) if self.rank == len(self.variances) else float("inf")


def factorise(covariance: np.ndarray) -> Factor:
    """Cholesky where the covariance has full rank: it depends smoothly on the covariance.

    Else V diag(sqrt(eigenvalues)), with eigenvalues of rounding error (under max * Z * eps) taken as 0: no jitter, so that
    no variance is invented.
    """
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    rank = int(kept.sum())
    if rank == len(values):
        return Factor(np.linalg.cholesky(covariance), values, rank)
    return Factor(vectors * np.sqrt(np.where(kept, values, 0.0)), values, rank)


def fit_mvg(x_NZ: np.ndarray, _: Fit) -> FittedPrior:
    """Mean and full covariance of the training latents (Section 3)."""
    n, size = x_NZ.shape
    factor = factorise(np.cov(x_NZ, rowvar=False).reshape(size, size))
    note = "" if factor.rank == size else f"covariance of rank {factor.rank} of {size}: samples stay in that subspace"
    likelihood = float("nan")
    if factor.rank == size:
        # Of the data under their own covariance: the squared radii sum to (n - 1) Z.
        log_determinant = 2 * np.log(np.diagonal(factor.matrix)).sum()
        likelihood = -0.5 * float(size * np.log(2 * np.pi) + log_determinant + size * (n - 1) / n)
    record = FitRecord(lower_bound=likelihood, condition_number=factor.condition_number)
    return FittedPrior("mvg", np.ones(1), x_NZ.mean(0)[None], factor.matrix[None], note, record)


def fit_zero_mean(x_NZ: np.ndarray, fit: Fit) -> FittedPrior:
    """The full covariance of the training latents, and mean 0: what RAE's training code samples.

    Its likelihood is left out: it is not the maximum.
    """
    found = fit_mvg(x_NZ, fit)
    record = FitRecord(condition_number=found.record.condition_number)
    return replace(found, kind="gaussian_zero_mean", means=np.zeros_like(found.means), record=record)


def fit_gmm(x_NZ: np.ndarray, fit: Fit) -> FittedPrior:
    """Full covariances by EM from a k-means start."""
    evaluation = fit.evaluation
    components = evaluation.gmm_components
    distinct = len(np.unique(x_NZ[:1000], axis=0))
    if distinct < components:  # only then are all of them counted
        distinct = len(np.unique(x_NZ, axis=0))
    if distinct < components:
        raise PriorError(f"{components} components need as many different latents, there are {distinct}")
    found = fit_mixture(x_NZ, evaluation, fit.deadline, fit.device)
    factors = [factorise(covariance) for covariance in found.covariances]
    record = FitRecord(
        converged=found.converged,
        iterations=found.iterations,
        lower_bound=found.lower_bound,
        condition_number=max(factor.condition_number for factor in factors),
        regularisation=evaluation.gmm_reg_covar,
    )
    matrices = np.stack([factor.matrix for factor in factors])
    weights = found.weights / found.weights.sum()
    return FittedPrior("gmm", weights, found.means, matrices, _gmm_note(evaluation, found, factors), record)


def _gmm_note(evaluation: EvaluationConfig, found: Mixture, factors: list[Factor]) -> str:
    """What to know of a fitted mixture: no convergence, or a component that the regularisation shapes.

    It does so in collapsed dimensions, or where there are fewer latents than dimensions.
    """
    notes = []
    if not found.converged:
        notes.append(f"EM not converged after {found.iterations} iterations")
    added = evaluation.gmm_reg_covar
    small = max(int((LARGE_REGULARISATION * (f.variances - added) < added).sum()) for f in factors) if added else 0
    if small:
        size = len(factors[0].variances)
        notes.append(f"reg_covar {added:g} is not small against the variance in {small} of {size} directions")
    return "; ".join(notes)
