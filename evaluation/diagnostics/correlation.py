"""Eigenvalues of the correlation matrix of the training latents: 1 each for a spherical Gaussian of infinitely many latents.

Ghose et al. 2020 predict that batch normalisation of a narrow latent layer makes the latents a spherical Gaussian: no
correlation is left, so that the largest eigenvalue and the condition number are near 1 and the effective rank near the
number of units.

* `correlation_largest`: the largest eigenvalue, from 1 to Z.
* `correlation_condition`: the largest over the smallest.
* `effective_rank`: the participation ratio (sum of eigenvalues)^2 / (sum of their squares), from 1 to Z.
* `<metric>_null`: mean of the same over simulated data sets of as many latents from N(0, I), with their standard deviation. The
  largest eigenvalue is near the Marchenko-Pastur edge (1 + sqrt(Z / n))^2 there, not at 1.

Standard errors are those of the first-order influence of each latent. They are too large where eigenvalues differ by chance
alone; compare with the nulls there.

Shapes: n latents, Z = latent_size, R replicates.
"""

from functools import lru_cache

import numpy as np
import torch

from aesweep.evaluation.metrics.frechet_error import standard_error
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.subject import Subject, Values, measured_rows
from aesweep.models.identity import stream_seed

MEASURES = ("correlation_largest", "correlation_condition", "effective_rank")
REPLICATES = 100


def measure(subject: Subject) -> list[ScoreRow]:
    """Three rows of the training latents, and one for the null of each."""
    names = (*MEASURES, *(f"{name}_null" for name in MEASURES))
    return measured_rows(subject.row("latents", "train"), names, lambda: _measured(subject))


def _measured(subject: Subject) -> Values:
    latents_nZ = subject.train_NZ
    n, size = latents_nZ.shape
    found = eigenvalue_measures(torch.from_numpy(latents_nZ).to(subject.device))
    null_R3 = spherical_null(n, size, subject.device)
    spread = zip(MEASURES, null_R3.mean(0).tolist(), null_R3.std(0, ddof=1).tolist(), strict=True)
    return {**found, **{f"{name}_null": (mean, deviation, n) for name, mean, deviation in spread}}


def eigenvalue_measures(latents_nZ: torch.Tensor) -> Values:
    """`MEASURES` of latents (n, Z) with their standard errors.

    Raises `ValueError` for values that are not finite, constant units, units that others determine, or no more latents than units.
    """
    n, size = latents_nZ.shape
    u_nZ = latents_nZ.double()
    if not u_nZ.isfinite().all():
        raise ValueError("some latents hold values that are not finite")
    if n <= size:
        raise ValueError(f"the correlations of {size} units need more latents than that, there are {n}")
    constant = int((u_nZ == u_nZ[0]).all(0).sum())
    if constant:
        raise ValueError(f"{constant} of {size} units are constant: they have no correlation")
    u_nZ = (u_nZ - u_nZ.mean(0)) / u_nZ.std(0, correction=0)
    correlation_ZZ = u_nZ.T @ u_nZ / n
    values_Z, vectors_ZZ = torch.linalg.eigh(correlation_ZZ)
    ends_Z2 = vectors_ZZ[:, [0, -1]]
    largest, condition, rank = _of_eigenvalues(values_Z)
    smallest = float(values_Z[0])
    if smallest <= size * torch.finfo(torch.float64).eps * largest:  # rounding errors, as of a unit that copies another
        raise ValueError("the correlation matrix is singular")
    # What latent i does to an eigenvalue l with vector v: (v.u_i)^2 - l sum_j v_j^2 u_ij^2.
    influence_n2 = (u_nZ @ ends_Z2).square() - u_nZ.square() @ ends_Z2.square() * values_Z[[0, -1]]
    low_n, high_n = influence_n2.T
    squared_Z = (correlation_ZZ @ correlation_ZZ).diagonal()
    quadratic_n = ((u_nZ @ correlation_ZZ) * u_nZ).sum(1) - u_nZ.square() @ squared_Z
    squares = float(values_Z.square().sum())
    return {
        "correlation_largest": (largest, standard_error(high_n), n),
        "correlation_condition": (condition, standard_error((high_n - condition * low_n) / smallest), n),
        "effective_rank": (rank, standard_error(2 * rank / squares * quadratic_n), n),
    }


def _of_eigenvalues(values_Z: torch.Tensor) -> tuple[float, float, float]:
    """The values of `MEASURES`, from all eigenvalues in ascending order."""
    rank = len(values_Z) ** 2 / float(values_Z.square().sum())
    return float(values_Z[-1]), float(values_Z[-1] / values_Z[0]), rank


@lru_cache(maxsize=16)
def spherical_null(n: int, size: int, device: torch.device) -> np.ndarray:
    """`MEASURES` of simulated data sets of `n` latents from N(0, I), float64 (R, 3).

    The scatter matrix comes from Bartlett's decomposition: as many draws as it has entries, however many latents.
    """
    generator = np.random.default_rng(stream_seed("correlation null", n, size))
    degrees_Z = n - 1 - np.arange(size)
    found = np.empty((REPLICATES, len(MEASURES)))
    for replicate in found:
        factor_ZZ = np.tril(generator.standard_normal((size, size)), -1)
        np.fill_diagonal(factor_ZZ, np.sqrt(generator.chisquare(degrees_Z)))
        factor_ZZ /= np.linalg.norm(factor_ZZ, axis=1, keepdims=True)  # a correlation matrix has a diagonal of 1
        tensor_ZZ = torch.from_numpy(factor_ZZ).to(device)
        replicate[:] = _of_eigenvalues(torch.linalg.eigvalsh(tensor_ZZ @ tensor_ZZ.T))
    return found
