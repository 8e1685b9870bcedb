"""How Gaussian a trial's latents are.

Hypothesis 2 of the paper, "powerful encoders produce outputs that tend towards smooth Gaussians", measured on the latents
themselves where the paper looks at scatter plots of pairs of dimensions.

* `loglikelihood_gap`: what the mixture gains over one Gaussian on test latents, in nats per dimension. Neither the model nor
  the priors saw the test images, so a mixture gains nothing by its size. It loses: its many parameters fit chance, and on
  exactly Gaussian latents the gap is below 0, the further the larger d is against the number of latents.
* `direction_negentropy`: negentropy of the least Gaussian direction (`least_gaussian_direction.py`), in nats. The effect
  size: it does not grow with the number of latents, and it sees clusters.
* `mardia_kurtosis` (Mardia 1970): mean r^4 / (d (d + 2)), r the Mahalanobis distance; 1 for a Gaussian.
* `radius_ks`: the Kolmogorov-Smirnov distance of r^2 from its law.
* `marginal_kurtosis`: the mean over dimensions of |excess kurtosis|; absolute, since heavy and light tails would cancel.

A finite sample of Gaussian data does not give 0, 0, 1, 0, 0. So each has a `…_null` row with mean and standard deviation of
the same statistic for Gaussian data of the same size, and all but the last, whose null depends on correlations, a `…_p` row
with a p-value (`gaussian_null.py`). Projections on random directions and the Henze-Zirkler test are left out: the first look
Gaussian for any data as d grows, the second degenerates from d = 128 on (measured).

Shapes: N latents, Z = latent_size, d = rank of their covariance (Z, unless it is singular).
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import betainc
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.metrics.gaussian_null import gap_null, gap_p, shape_null
from aesweep.evaluation.metrics.least_gaussian_direction import least_gaussian_direction
from aesweep.evaluation.metrics.principal_components import principal_components
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError, fitted_prior
from aesweep.evaluation.priors.fitting import check_finite, check_latents
from aesweep.evaluation.rows import ScoreRow, latent_score
from aesweep.models.identity import stream_seed

SUBSAMPLE = 10_000
"""Training latents that a statistic of the sample is computed on, a seeded draw: at 768 dimensions a second of one core, where
all of CelebA would take ten. Directions are chosen on as many again."""
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
        rows = _gap_rows(evaluation, latents, priors)
        return rows + _direction_rows(evaluation, latents.train) + _shape_rows(evaluation, latents.train)


def loglikelihood_gap(z_NZ: np.ndarray, mixture: FittedPrior, gaussian: FittedPrior) -> np.ndarray:
    """(log p_mixture(z) - log p_gaussian(z)) / Z of each latent (N, Z), nats per dimension, float64 (N,).

    Raises `PriorError` where one of the two has no density.
    """
    return np.asarray((mixture.log_density(z_NZ) - gaussian.log_density(z_NZ)) / z_NZ.shape[1])


def shape_statistics(x_NZ: np.ndarray) -> tuple[np.ndarray, int]:
    """The values of `SHAPE_METRICS` for latents (N, Z), float64 (3,), and the rank d of their covariance.

    Directions whose variance is rounding error are left out. Raises `PriorError`: latents that are
    not finite or all equal, or too few for their rank (with N = d + 1 every r^2 is N - 1, whatever the data).
    """
    check_latents(x_NZ)
    n = len(x_NZ)
    centred = np.asarray(x_NZ, dtype=np.float64)
    centred = centred - centred.mean(0)
    components = principal_components(centred)
    rank = len(components.deviations_d)
    if n <= rank + 1:
        raise PriorError(f"{n} latents are too few for a covariance of rank {rank}: at least {rank + 2} needed")
    white_Nd = centred @ components.whitening
    r2_N = np.einsum("nd,nd->n", white_Nd, white_Nd)
    # Its expectation for a Gaussian is (N - 1) / (N + 1), not quite 1, since r^2 is bounded by N - 1.
    mardia = (r2_N**2).mean() / (rank * (rank + 2))
    return np.array([mardia, _radius_ks(r2_N, rank), _marginal_kurtosis(centred, components.least)]), rank


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


def _gap_rows(
    evaluation: EvaluationConfig, latents: Latents, priors: Mapping[str, FittedPrior | str]
) -> list[ScoreRow]:
    started = time.perf_counter()
    n, (fitted_on, size) = len(latents.test), latents.train.shape
    value = stderr = p = null = None
    try:
        mixture, gaussian = (fitted_prior(priors, kind, named=True) for kind in ("gmm", "mvg"))
        check_finite(latents.test, "test latents")
        gap_N = loglikelihood_gap(latents.test, mixture, gaussian)
        value = float(gap_N.mean())
        null = gap_null(fitted_on, size, evaluation.gmm_components)
        if n > 1:
            stderr = float(gap_N.std(ddof=1) / np.sqrt(n))
            p = gap_p(value, stderr, fitted_on, size)
        note = mixture.note  # where latents hardly vary, its regularisation alone decides the gap
    except PriorError as error:
        note = str(error)
    seconds = time.perf_counter() - started
    row = latent_score(
        evaluation, "loglikelihood_gap", n, value, stderr=stderr, seconds=seconds, note=note, split="test"
    )
    reasons = "too few latents for each component", "one latent has no standard error"
    return [row, *_about(row, null, p, *reasons)]


def _direction_rows(evaluation: EvaluationConfig, train_NZ: np.ndarray) -> list[ScoreRow]:
    """Rows of the least Gaussian direction, from a draw of twice `SUBSAMPLE` in random order, since its halves have different tasks."""
    started = time.perf_counter()
    seed = stream_seed("gaussianity directions", evaluation.prior_seed)
    chosen = reference_indices(len(train_NZ), 2 * SUBSAMPLE, seed)
    chosen = chosen[np.argsort(np.random.PCG64(seed + 1).random_raw(len(chosen)), kind="stable")]
    n, note = len(chosen) - len(chosen) // 2, ""
    value = stderr = p = null = None
    try:
        found = least_gaussian_direction(train_NZ[chosen], seed)
        value, stderr, p, null = found.negentropy, found.stderr, found.p, found.null
    except PriorError as error:
        note = str(error)
    seconds = time.perf_counter() - started
    row = latent_score(evaluation, "direction_negentropy", n, value, stderr=stderr, seconds=seconds, note=note)
    return [row, *_about(row, null, p)]


def _shape_rows(evaluation: EvaluationConfig, train_NZ: np.ndarray) -> list[ScoreRow]:
    """Rows of `SHAPE_METRICS`, each with its null and its p-value; the seconds are shared out evenly."""
    started = time.perf_counter()
    seed = stream_seed("gaussianity subsample", evaluation.prior_seed)
    x_NZ = train_NZ[reference_indices(len(train_NZ), SUBSAMPLE, seed)]
    n, size = x_NZ.shape
    values: list[Any] = [None] * len(SHAPE_METRICS)
    nulls: list[Any] = [None] * len(SHAPE_METRICS)
    p_values: list[float | None] = [None] * len(SHAPE_METRICS)
    try:
        found, rank = shape_statistics(x_NZ)
        values = found.tolist()
        laws = shape_null(n, rank)
        nulls = [(law.mean, law.deviation) for law in laws]
        p_values = [laws[0].p_either(values[0]), laws[1].p_above(values[1]), None]
        note = "" if rank == size else f"covariance of rank {rank} of {size}"
    except PriorError as error:
        note = str(error)
    seconds = (time.perf_counter() - started) / len(SHAPE_METRICS)
    rows = []
    for name, value, null, p in zip(SHAPE_METRICS, values, nulls, p_values, strict=True):
        row = latent_score(evaluation, name, n, value, seconds=seconds, note=note)
        rows += [row, *_about(row, null, p)][: 2 if name == "marginal_kurtosis" else 3]
    return rows


def _about(
    row: ScoreRow, null: tuple[float, float] | None, p: float | None, no_null: str = "", no_p: str = ""
) -> tuple[ScoreRow, ScoreRow]:
    """The rows of a measure's null, mean and standard deviation, and of its p-value.

    `no_null` and `no_p` say why one of them may be missing though the measure has a value.
    """
    mean, deviation = null or (None, None)
    of_null, of_p = (
        replace(row, metric=f"{row.metric}{end}", value=value, stderr=stderr, seconds=0.0)
        for end, value, stderr in (("_null", mean, deviation), ("_p", p, None))
    )
    if row.value is None:
        return of_null, of_p
    return (
        replace(of_null, note=no_null if null is None else row.note),
        replace(of_p, note=no_p if p is None else row.note),
    )
