"""A fitted prior: N(0, I), a full-covariance Gaussian (MVG), a Gaussian mixture (GMM), or arrays that a plug-in draws from.

Those of Section 3 are mixtures of Gaussians on Z latents, so one frozen class holds, samples and measures them; of another
prior it holds the arrays, and its description (prior_descriptions.py) draws from them. `fitting.py` fits them all.
Samples are seeded and repeat bit for bit. What was fitted with a reservation (rank, convergence, regularisation) says so
in `note`, which travels into the scores table; how the fit went is `record`, which stays with the prior in its file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Self

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.evaluation.prior_descriptions import PRIORS, Prior
from aesweep.models.identity import stream_seed
from aesweep.models.plugins.plugin import function

_OTHER = "array."
"""Before the names of `FittedPrior.arrays` in a file."""


class PriorError(RuntimeError):
    """A prior that cannot be fitted on these latents, or has no density; the message says why."""


@dataclass(frozen=True)
class FitRecord:
    """How a fit went."""

    converged: bool = True
    """Whether EM fell below its tolerance; the other priors have a closed form."""
    iterations: int = 0
    """EM iterations; 0 for a closed form."""
    lower_bound: float = float("nan")
    """Nats per training latent: of a mixture where EM ended, of one Gaussian its log-likelihood; NaN without a density."""
    condition_number: float = 1.0
    """Largest over smallest eigenvalue of a covariance, the largest over components; infinite for a singular one."""
    regularisation: float = 0.0
    """What was added to the diagonal of every covariance."""


@dataclass(frozen=True, eq=False)
class FittedPrior:
    """A mixture of K Gaussians on Z latents, float64: weights (K,) of sum 1, means (K, Z); or `arrays`, and K = 0."""

    kind: str
    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    """(K, Z, Z): F with F F^T = covariance; the Cholesky factor where there is one."""
    note: str = ""
    record: FitRecord = FitRecord()
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By name, what a prior that is no mixture of Gaussians draws from."""

    @classmethod
    def of_arrays(cls, kind: str, arrays: Mapping[str, np.ndarray], note: str = "") -> Self:
        """A prior that is no mixture of Gaussians."""
        return cls(kind, np.ones(0), np.zeros((0, 0)), np.zeros((0, 0, 0)), note, FitRecord(), dict(arrays))

    @cached_property
    def mean(self) -> np.ndarray:
        """Its mean (Z,): of a mixture exactly, of another prior over 4,096 draws."""
        return np.asarray(self.sample(4096, 0).mean(0, dtype=np.float64) if self.arrays else self.weights @ self.means)

    @property
    def covariances(self) -> np.ndarray:
        """(K, Z, Z)."""
        return np.asarray(self.factors @ self.factors.transpose(0, 2, 1))

    def sample(self, n: int, seed: int) -> np.ndarray:
        """`n` latents float32 (n, Z), in random order, decided by kind and seed alone."""
        if self.arrays:
            with threadpool_limits(1):
                return np.asarray(function(_description(self.kind).sample or "")(self.arrays, n, seed), np.float32)
        generator = np.random.default_rng(stream_seed("prior", self.kind, seed))
        component_n = generator.choice(len(self.weights), size=n, p=self.weights)
        z_nZ = generator.standard_normal((n, self.means.shape[1]))
        with threadpool_limits(1):  # the same bits whatever the caller's threads
            for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
                rows = component_n == k
                z_nZ[rows] = mean + z_nZ[rows] @ factor.T
        return z_nZ.astype(np.float32)

    def log_density(self, z_NZ: np.ndarray) -> np.ndarray:
        """Log p(z) of latents (N, Z), nats, float64 (N,).

        Raises `PriorError` where a component's covariance is singular, and for a prior that is given by its samples alone.
        """
        if self.arrays:
            density = _description(self.kind).log_density
            if density is None:
                raise PriorError(f"{self.kind}: only its samples are known, it has no density")
            return np.asarray(function(density)(self.arrays, z_NZ), np.float64)
        components = zip(self.means, self.factors, strict=True)
        log_KN = np.stack([self._log_gaussian(z_NZ, mean, factor) for mean, factor in components])
        return np.asarray(logsumexp(log_KN, axis=0, b=self.weights[:, None]))

    def _log_gaussian(self, z_NZ: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if not factor.any(0).all():  # `fitting.factorise` zeroes directions without variance; else it is triangular
            raise PriorError(f"{self.kind}: a singular covariance has no density")
        white_ZN = solve_triangular(factor, (z_NZ - mean).T, lower=True)
        squared_N = np.einsum("zn,zn->n", white_ZN, white_ZN)
        return np.asarray(-0.5 * (squared_N + len(mean) * np.log(2 * np.pi)) - np.log(np.diagonal(factor)).sum())

    def to_bytes(self) -> bytes:
        """As an npz file; the record's values are arrays of their own, named as its fields."""
        arrays = {"weights": self.weights, "means": self.means, "factors": self.factors}
        others = {f"{_OTHER}{name}": value for name, value in self.arrays.items()}
        return to_npz(kind=self.kind, **arrays, note=self.note, **asdict(self.record), **others)

    @classmethod
    def from_bytes(cls, data: bytes, latent_size: int) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged, or is no prior of so many latent units."""
        record = [one.name for one in fields(FitRecord)]
        file = from_npz(data, "prior", "kind", "note", "weights", "means", "factors", *record)
        parts = file["weights"], file["means"], file["factors"], str(file["note"])
        others = {name.removeprefix(_OTHER): value for name, value in file.items() if name.startswith(_OTHER)}
        try:  # a file that was made by hand may hold arrays of any shape
            found = cls(str(file["kind"]), *parts, FitRecord(**{name: file[name].item() for name in record}), others)
            drawn = found.sample(1, 0)
        except Exception as error:
            raise ValueError(f"damaged prior: {error}") from error
        if drawn.shape != (1, latent_size):
            raise ValueError(f"damaged prior: its draws have shape {drawn.shape[1:]}, not ({latent_size},)")
        return found


def _description(kind: str) -> Prior:
    return PRIORS.get(kind, "prior")


def fitted_prior(priors: Mapping[str, FittedPrior | str], kind: str, *, named: bool = False) -> FittedPrior:
    """The prior, or `PriorError` with the reason why there is none; `named` puts its kind in front."""
    prior = priors.get(kind, "not among the evaluation's priors")
    if isinstance(prior, str):
        raise PriorError(f"{kind}: {prior}" if named else prior)
    return prior
