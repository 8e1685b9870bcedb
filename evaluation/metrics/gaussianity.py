"""How Gaussian a trial's latents are.

Hypothesis 2 of the paper, "powerful encoders produce outputs that tend towards smooth Gaussians", measured on the latents
themselves where the paper looks at scatter plots of pairs of dimensions.

* `loglikelihood_gap`: what ten components gain over one on test latents, in nats per dimension. Neither the model nor
  the priors saw the test images, so a richer prior gains nothing by its size alone; about 0 or below says that one
  Gaussian is as good.
* `mardia_kurtosis` (Mardia 1970): mean r^4 / (d (d + 2)), r the Mahalanobis distance; 1 for a Gaussian.
* `radius_ks`: the Kolmogorov-Smirnov distance of r^2 from its law.
* `marginal_kurtosis`: the mean over dimensions of |excess kurtosis|; absolute, since heavy and light tails would cancel.

The last three stand on a finite sample, whose mean and covariance are its own: even Gaussian data do not give 1, 0, 0.
So each has a `…_null` row, mean and standard deviation of the same statistic over simulated Gaussian data of the same
size. Projections on random directions and the Henze-Zirkler test are left out: the first look Gaussian for any data as
d grows, the second degenerates from d = 128 on (measured).

Shapes: N latents, Z = latent_size, d = rank of their covariance (Z, unless it is singular).
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betainc
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError, fitted_prior
from aesweep.evaluation.priors.fitting import check_finite, check_latents
from aesweep.evaluation.rows import ScoreRow, latent_score
from aesweep.models.identity import stream_seed

SUBSAMPLE = 10_000
"""Training latents that the statistics of the sample are computed on, a seeded draw: at 768 dimensions 0.5 s of one core
for each of the simulated data sets, where all of CelebA would take 8 s."""
REPLICATES = 32
"""Simulated Gaussian data sets: they know the null's standard deviation to 13 %."""
SHAPE_METRICS = ("mardia_kurtosis", "radius_ks", "marginal_kurtosis")


def gaussianity_stage(
    evaluation: EvaluationConfig,
    latents: Latents,
    priors: Mapping[str, FittedPrior | str],
    threads: int | None = None,
) -> list[ScoreRow]:
    """The rows with source `latents`.

    `priors` holds those fitted on the training latents, or the reason why one could not be. Runs on `threads` CPU threads
    (None: as many as there are).
    """
    if "gaussianity" not in evaluation.metrics:
        return []
    with threadpool_limits(threads):
        return [_gap_row(evaluation, latents.test, priors), *_shape_rows(evaluation, latents.train)]


def loglikelihood_gap(z_NZ: np.ndarray, mixture: FittedPrior, gaussian: FittedPrior) -> np.ndarray:
    """(log p_mixture(z) - log p_gaussian(z)) / Z of each latent (N, Z), nats per dimension, float64 (N,).

    Raises `PriorError` where one of the two has no density.
    """
    return np.asarray((mixture.log_density(z_NZ) - gaussian.log_density(z_NZ)) / z_NZ.shape[1])


def shape_statistics(x_NZ: np.ndarray) -> tuple[np.ndarray, int]:
    """The values of `SHAPE_METRICS` for latents (N, Z), float64 (3,), and the rank d of their covariance.

    Directions whose variance is rounding error (under max * Z * eps) are left out. Raises `PriorError`: latents that are
    not finite or all equal, or too few for their rank (with N = d + 1 every r^2 is N - 1, whatever the data).
    """
    check_latents(x_NZ)
    n, size = x_NZ.shape
    centred = np.asarray(x_NZ, dtype=np.float64)
    centred = centred - centred.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / n)
    least = values[-1] * size * np.finfo(np.float64).eps
    kept = values > least
    rank = int(kept.sum())
    if n <= rank + 1:
        raise PriorError(f"{n} latents are too few for a covariance of rank {rank}: at least {rank + 2} needed")
    white_Nd = centred @ (vectors[:, kept] / np.sqrt(values[kept]))
    r2_N = np.einsum("nd,nd->n", white_Nd, white_Nd)
    # Its expectation for a Gaussian is (N - 1) / (N + 1), not quite 1, since r^2 is bounded by N - 1.
    mardia = (r2_N**2).mean() / (rank * (rank + 2))
    return np.array([mardia, _radius_ks(r2_N, rank), _marginal_kurtosis(centred, least)]), rank


@lru_cache(maxsize=64)
def null_statistics(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (3,) of `SHAPE_METRICS` for `n` Gaussian latents of `d` dimensions, simulated.

    Mardia's kurtosis and the radius do not change under affine maps, so N(0, I) stands for every Gaussian. The marginal
    kurtosis has the same mean whatever the covariance; its spread grows with the correlations between dimensions, whose
    eighth power enters it: 0.5 changes nothing visible, and only nearly equal dimensions (0.9 and above) do.
    """
    generator = np.random.default_rng(stream_seed("gaussianity null", n, d))
    draws = np.stack([shape_statistics(generator.standard_normal((n, d)))[0] for _ in range(REPLICATES)])
    return draws.mean(0), draws.std(0, ddof=1)


def _radius_ks(r2_N: np.ndarray, d: int) -> float:
    """Largest distance of the empirical distribution of r^2 from (N - 1) Beta(d / 2, (N - d - 1) / 2).

    That is the exact law of one r^2 of a Gaussian sample with its own mean and covariance (divided by N; Gnanadesikan and
    Kettenring 1972). chi^2_d, the usual choice, is its limit for large N and visibly off where d is not small against N.
    """
    n = len(r2_N)
    below_N = betainc(d / 2, (n - d - 1) / 2, np.clip(np.sort(r2_N) / (n - 1), 0.0, 1.0))
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - below_N).max(), (below_N - steps[:-1]).max()))


def _marginal_kurtosis(centred_NZ: np.ndarray, least: float) -> float:
    """Over the dimensions whose variance is above `least`: a constant one has no kurtosis."""
    squared = centred_NZ * centred_NZ
    variance = squared.mean(0)
    fourth = np.einsum("nz,nz->z", squared, squared) / len(squared)
    varies = variance > least
    return float(np.abs(fourth[varies] / variance[varies] ** 2 - 3).mean())


def _gap_row(evaluation: EvaluationConfig, test_NZ: np.ndarray, priors: Mapping[str, FittedPrior | str]) -> ScoreRow:
    started = time.perf_counter()
    n = len(test_NZ)
    value = stderr = None
    try:
        mixture, gaussian = (fitted_prior(priors, kind, named=True) for kind in ("gmm", "mvg"))
        check_finite(test_NZ, "test latents")
        gap_N = loglikelihood_gap(test_NZ, mixture, gaussian)
        value = float(gap_N.mean())
        stderr = float(gap_N.std(ddof=1) / np.sqrt(n)) if n > 1 else None
        note = mixture.note  # where latents hardly vary, its regularisation alone decides the gap
    except PriorError as error:
        note = str(error)
    seconds = time.perf_counter() - started
    return latent_score(
        evaluation, "loglikelihood_gap", n, value, stderr=stderr, seconds=seconds, note=note, split="test"
    )


def _shape_rows(evaluation: EvaluationConfig, train_NZ: np.ndarray) -> list[ScoreRow]:
    """Rows of `SHAPE_METRICS`, each followed by its null; the seconds are shared out evenly."""
    started = time.perf_counter()
    seed = stream_seed("gaussianity subsample", evaluation.prior_seed)
    x_NZ = train_NZ[reference_indices(len(train_NZ), SUBSAMPLE, seed)]
    n, size = x_NZ.shape
    values: list[Any] = [None] * len(SHAPE_METRICS)
    means = deviations = values
    try:
        found, rank = shape_statistics(x_NZ)
        measured = time.perf_counter()
        values = found.tolist()
        means, deviations = (part.tolist() for part in null_statistics(n, rank))
        note = "" if rank == size else f"covariance of rank {rank} of {size}"
    except PriorError as error:
        measured, note = time.perf_counter(), str(error)
    own, simulated = (measured - started) / 3, (time.perf_counter() - measured) / 3
    rows = []
    for name, value, mean, deviation in zip(SHAPE_METRICS, values, means, deviations, strict=True):
        rows.append(latent_score(evaluation, name, n, value, seconds=own, note=note))
        rows.append(latent_score(evaluation, f"{name}_null", n, mean, stderr=deviation, seconds=simulated, note=note))
    return rows
