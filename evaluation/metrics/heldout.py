"""How well the fitted priors describe latents: those that they were fitted on, and a tenth that they were not.

* `train_loglikelihood`: mean log p(z) of all training latents under the prior that samples are drawn from.
* `heldout_loglikelihood`: a seeded tenth of the training latents is held out, the prior is fitted on the rest, and this
  is the mean log p(z) of the tenth. What a prior gains by its size alone shows as a distance between the two. On held-out
  Gaussian latents ten components do worse than one Gaussian, by what `gaussian_null.gap_null` says.

Both in nats per dimension, with the standard error over latents. Further rows say how the fit on all latents went
(`FITS`). The second fit costs as much as the first, so all this is measured only where `heldout_likelihood` is asked for.

Shapes: N latents, Z = latent_size.
"""

import math
import time
from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError, fitted_prior
from aesweep.evaluation.priors.fitting import USUAL, FitSettings, check_finite, fit_prior
from aesweep.evaluation.rows import ScoreRow, latent_score
from aesweep.models.config import TrialConfig
from aesweep.models.identity import stream_seed

HELDOUT_SHARE = 0.1
"""Share of the training latents."""
BATCH = 10_000  # latents whose density is computed at once: 1 GB at 768 dimensions and ten components

KINDS = ("mvg", "gmm")
"""Priors that always have rows; so has every other one with a density that the evaluation draws from."""
FITS = {
    "em_iterations": "iterations",
    "em_converged": "converged",
    "em_lower_bound": "lower_bound",
    "condition_number": "condition_number",
    "regularisation": "regularisation",
}
"""Measures of the fit on all latents -> fields of `FitRecord`. Those of EM are the mixture's alone."""


def heldout_stage(
    evaluation: EvaluationConfig,
    latents: Latents,
    priors: Mapping[str, FittedPrior | str],
    settings: FitSettings = USUAL,
    trial: TrialConfig | None = None,
) -> list[ScoreRow]:
    """The rows with sources `mvg` and `gmm`, and further priors with a density, that `heldout_likelihood` asks for.

    `priors` holds those fitted on all training latents, or the reason why one could not be: the second fit is then left
    out for the same reason.
    """
    if "heldout_likelihood" not in evaluation.metrics:
        return []
    rows = []
    with threadpool_limits(settings.threads):
        for kind in (*KINDS, *_further_kinds(evaluation)):
            rows += _likelihood_rows(kind, evaluation, latents.train, priors, settings, trial)
            rows += _fit_rows(kind, evaluation, len(latents.train), priors)
    return rows


def _further_kinds(evaluation: EvaluationConfig) -> list[str]:
    """Other priors that are fitted on latents and have a density."""
    others = [one for name in evaluation.priors if name not in KINDS and (one := PRIORS.find(name)) is not None]
    return [one.name for one in others if one.needs_latents and (one.sample is None or one.log_density is not None)]


def heldout_split(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the latents to fit on and of those held out (a tenth of `n`, at least one), ascending."""
    order = np.random.default_rng(stream_seed("heldout", seed)).permutation(n)
    count = max(1, round(HELDOUT_SHARE * n))
    return np.sort(order[count:]), np.sort(order[:count])


def _likelihood_rows(
    kind: str,
    evaluation: EvaluationConfig,
    train_NZ: np.ndarray,
    priors: Mapping[str, FittedPrior | str],
    settings: FitSettings,
    trial: TrialConfig | None,
) -> list[ScoreRow]:
    """Rows of the latents held out under a prior fitted on the rest, and of all under the prior fitted on all."""
    fitted_on, held_out = heldout_split(len(train_NZ), evaluation.prior_seed)
    rows = []
    for metric, z_NZ in (("heldout_loglikelihood", train_NZ[held_out]), ("train_loglikelihood", train_NZ)):
        started = time.perf_counter()
        value = stderr = None
        try:
            prior = fitted_prior(priors, kind)  # where there is none, a part of the latents gives none either
            if metric == "heldout_loglikelihood":
                prior = fit_prior(kind, train_NZ[fitted_on], evaluation, settings, trial)
            (value, stderr), note = mean_likelihood(prior, z_NZ), prior.note
        except PriorError as error:
            note = str(error)
        seconds = time.perf_counter() - started
        rows.append(
            latent_score(evaluation, metric, len(z_NZ), value, stderr=stderr, seconds=seconds, note=note, source=kind)
        )
    return rows


def mean_likelihood(prior: FittedPrior, z_NZ: np.ndarray) -> tuple[float, float | None]:
    """Mean log p(z) / Z of latents (N, Z) and its standard error (None for one latent).

    Raises `PriorError` for latents that are not finite and priors without a density.
    """
    check_finite(z_NZ, "training latents")
    n, size = z_NZ.shape
    batches = [prior.log_density(z_NZ[first : first + BATCH]) for first in range(0, n, BATCH)]
    log_N = np.concatenate(batches) / size
    return float(log_N.mean()), float(log_N.std(ddof=1) / np.sqrt(n)) if n > 1 else None


def _fit_rows(
    kind: str, evaluation: EvaluationConfig, n: int, priors: Mapping[str, FittedPrior | str]
) -> list[ScoreRow]:
    record, note = None, ""
    try:
        record = fitted_prior(priors, kind).record
    except PriorError as error:
        note = str(error)
    rows = []
    for name, field in FITS.items():
        if kind != "gmm" and name.startswith("em_"):
            continue
        value = None if record is None else float(getattr(record, field))
        infinite = value is not None and not math.isfinite(value)
        reason = "infinite: the covariance is singular" if infinite else note
        rows.append(latent_score(evaluation, name, n, None if infinite else value, note=reason, source=kind))
    return rows
