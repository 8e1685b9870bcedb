"""The three priors of Section 3: N(0, I), a full-covariance Gaussian (MVG), a 10-component Gaussian mixture (GMM).

All are mixtures of Gaussians on Z latents, so one frozen class holds and samples them. Fits and samples are seeded and
repeat bit for bit with the same number of threads. What cannot be fitted raises `PriorError` with its reason; what was
fitted with a reservation (rank, convergence) says so in `note`, which travels into the scores table.

A wide mixture can take hours, so a fit has a deadline: EM goes in chunks of iterations, and the clock is read between
them.
"""

import io
import time
import warnings
from dataclasses import dataclass
from typing import Self, get_args

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from evaluation.config import EvaluationConfig, Prior
from models.identity import stream_seed

CHUNK_SECONDS = 20.0  # EM iterations between two looks at the clock, about
LARGE_REGULARISATION = 0.01  # of the mean variance: above this share reg_covar shapes the mixture


class PriorError(RuntimeError):
    """A prior that cannot be fitted on these latents; the message says why."""


@dataclass(frozen=True, eq=False)
class FittedPrior:
    """A mixture of K Gaussians on Z latents, float64."""

    kind: Prior
    weights: np.ndarray
    """(K,), sum 1."""
    means: np.ndarray
    """(K, Z)."""
    factors: np.ndarray
    """(K, Z, Z): F with F F^T = covariance; the Cholesky factor where there is one."""
    note: str = ""

    @property
    def covariances(self) -> np.ndarray:
        """(K, Z, Z)."""
        return self.factors @ self.factors.transpose(0, 2, 1)

    def sample(self, n: int, seed: int) -> np.ndarray:
        """`n` latents float32 (n, Z), in random order, decided by kind and seed alone."""
        generator = np.random.default_rng(stream_seed("prior", self.kind, seed))
        component_n = generator.choice(len(self.weights), size=n, p=self.weights)
        z_nZ = generator.standard_normal((n, self.means.shape[1]))
        with threadpool_limits(1):  # the same bits whatever the caller's threads
            for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
                rows = component_n == k
                z_nZ[rows] = mean + z_nZ[rows] @ factor.T
        return z_nZ.astype(np.float32)

    def log_density(self, z_NZ: np.ndarray) -> np.ndarray:
        """log p(z) of latents (N, Z), nats, float64 (N,).

        Raises `PriorError` where a component's covariance is singular: it has no density.
        """
        components = zip(self.means, self.factors, strict=True)
        log_KN = np.stack([self._log_gaussian(z_NZ, mean, factor) for mean, factor in components])
        return np.asarray(logsumexp(log_KN, axis=0, b=self.weights[:, None]))

    def _log_gaussian(self, z_NZ: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if not factor.any(0).all():  # `_factor` zeroes the directions without variance; else it is triangular
            raise PriorError(f"{self.kind}: a singular covariance has no density")
        white_ZN = solve_triangular(factor, (z_NZ - mean).T, lower=True)
        squared_N = np.einsum("zn,zn->n", white_ZN, white_ZN)
        return -0.5 * (squared_N + len(mean) * np.log(2 * np.pi)) - np.log(np.diagonal(factor)).sum()

    def to_bytes(self) -> bytes:
        """As an npz file."""
        buffer = io.BytesIO()
        np.savez(buffer, kind=self.kind, weights=self.weights, means=self.means, factors=self.factors, note=self.note)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                kind, note = str(file["kind"]), str(file["note"])
                return cls(kind, file["weights"], file["means"], file["factors"], note)  # type: ignore[arg-type]
        except Exception as error:  # zip and array headers fail in many ways
            raise ValueError(f"damaged prior: {error}") from error


def fit_prior(
    kind: Prior,
    latents: np.ndarray,
    evaluation: EvaluationConfig,
    deadline_seconds: float | None = None,
    threads: int | None = None,
) -> FittedPrior:
    """Fit one prior on the training latents (N, Z), with `threads` CPU threads (None: as many as there are).

    Raises `PriorError`: latents that are not finite or all equal, too few points, a singular component, or the deadline
    (seconds from now) reached before EM converged.
    """
    if kind not in get_args(Prior):
        raise ValueError(f"unknown prior {kind!r}")
    if kind == "standard_normal":
        size = latents.shape[1]
        return FittedPrior(kind, np.ones(1), np.zeros((1, size)), np.eye(size)[None])
    deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    x_NZ = np.asarray(latents, dtype=np.float64)
    check_latents(x_NZ)
    with threadpool_limits(threads):
        return _fit_mvg(x_NZ) if kind == "mvg" else _fit_gmm(x_NZ, evaluation, deadline)


def check_latents(x_NZ: np.ndarray) -> None:
    """Raise `PriorError` where no Gaussian can be fitted on (N, Z) latents: too few, not finite, or all equal."""
    if len(x_NZ) < 2:
        raise PriorError(f"a Gaussian needs 2 points, there are {len(x_NZ)}")
    bad = int((~np.isfinite(x_NZ)).any(1).sum())
    if bad:
        raise PriorError(f"{bad} of {len(x_NZ)} latents hold values that are not finite")
    if (x_NZ == x_NZ[0]).all():
        raise PriorError("all latents are equal")


def _fit_mvg(x_NZ: np.ndarray) -> FittedPrior:
    """Mean and full covariance of the training latents (Section 3)."""
    size = x_NZ.shape[1]
    covariance = np.cov(x_NZ, rowvar=False).reshape(size, size)
    factor, rank = _factor(covariance)
    note = "" if rank == size else f"covariance of rank {rank} of {size}: samples stay in that subspace"
    return FittedPrior("mvg", np.ones(1), x_NZ.mean(0)[None], factor[None], note)


def _fit_gmm(x_NZ: np.ndarray, evaluation: EvaluationConfig, deadline: float | None) -> FittedPrior:
    """Full covariances by EM from a k-means start, scikit-learn's `GaussianMixture`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    components = evaluation.gmm_components
    distinct = _distinct(x_NZ, components)
    if distinct < components:
        raise PriorError(f"{components} components need as many different latents, there are {distinct}")
    mixture = GaussianMixture(
        components,
        covariance_type="full",
        tol=evaluation.gmm_tol,
        reg_covar=evaluation.gmm_reg_covar,
        init_params="kmeans",
        random_state=stream_seed("gmm", evaluation.prior_seed) % 2**32,
        warm_start=True,  # each further `fit` goes on from the last parameters and bound
    )
    iterations, chunk = 0, 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told in the note
        while iterations < evaluation.gmm_max_iter:
            mixture.max_iter = min(chunk, evaluation.gmm_max_iter - iterations)
            started = time.monotonic()
            try:
                mixture.fit(x_NZ)
            except ValueError as error:  # reg_covar 0, or latents so large that it vanishes beside them
                raise PriorError(f"a component became singular: {error}") from error
            iterations += mixture.n_iter_
            if mixture.converged_:
                break
            now = time.monotonic()
            if deadline is not None:
                if now >= deadline:
                    raise PriorError(f"deadline reached after {iterations} EM iterations, not converged")
                chunk = _next_chunk((now - started) / mixture.n_iter_, deadline - now)
            else:
                chunk = evaluation.gmm_max_iter
    factors = np.stack([_factor(covariance)[0] for covariance in mixture.covariances_])
    weights = mixture.weights_ / mixture.weights_.sum()
    return FittedPrior("gmm", weights, mixture.means_, factors, _gmm_note(x_NZ, evaluation, mixture.converged_))


def _next_chunk(iteration_seconds: float, seconds_left: float) -> int:
    """EM iterations until the next look at the clock.

    Parameters do not depend on it, only what a look costs (an E-step).
    """
    return max(1, int(min(CHUNK_SECONDS, seconds_left / 2) / max(iteration_seconds, 1e-6)))


def _gmm_note(x_NZ: np.ndarray, evaluation: EvaluationConfig, converged: bool) -> str:
    notes = []
    if not converged:
        notes.append(f"EM not converged after {evaluation.gmm_max_iter} iterations")
    if evaluation.gmm_reg_covar > LARGE_REGULARISATION * x_NZ.var(0).mean():
        notes.append(f"reg_covar {evaluation.gmm_reg_covar:g} is not small against the latents' variance")
    return "; ".join(notes)


def _distinct(x_NZ: np.ndarray, enough: int) -> int:
    """Different rows, counted to the end only where the first thousand do not suffice."""
    first = len(np.unique(x_NZ[:1000], axis=0))
    return first if first >= enough else len(np.unique(x_NZ, axis=0))


def _factor(covariance: np.ndarray) -> tuple[np.ndarray, int]:
    """F (Z, Z) with F F^T = covariance, and the rank.

    Cholesky where the covariance has full rank: it depends smoothly on the covariance. Else V diag(sqrt(eigenvalues)),
    with eigenvalues of rounding error (under max * Z * eps) taken as 0: no jitter, so that no variance is invented.
    """
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    rank = int(kept.sum())
    if rank == len(values):
        return np.linalg.cholesky(covariance), rank
    return vectors * np.sqrt(np.where(kept, values, 0.0)), rank
