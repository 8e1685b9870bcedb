"""Scoring one trained trial: the stages of pipeline.py, each from values to values, and `score_trial`, which runs all.

Everything here runs in the process of the caller: a notebook or test that calls `score_trial`, or a Ray worker that runs
one stage with files of the store (`sweep/worker/evaluation_stages.py`). Networks run on `device`; distances and
Gaussianity are computed on the CPU.

Section 3: reconstructions of train and test images, and samples of each prior, each compared with real images by
Fréchet distance. A score that cannot be computed is a row with value None and the reason in its note; no number stands
in for it.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.latents import Latents, encode_images
from aesweep.evaluation.measuring import Measured
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.gaussianity import gaussianity_stage
from aesweep.evaluation.metrics.heldout import heldout_stage
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.pipeline import run_stages
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import USUAL, FitSettings, fit_prior, priors_of
from aesweep.evaluation.priors.mixture import fit_device
from aesweep.evaluation.reference import Reference, measure_reference
from aesweep.evaluation.rows import LatentRow, ScoreRow, joined
from aesweep.evaluation.sampling import Sampled, check_extractor, sample_stage
from aesweep.evaluation.standard_errors import with_stderr_of
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import SPLITS, Split
from aesweep.models.data.images import ImageSet
from aesweep.models.identity import stream_seed
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.precision import choose_precision

LATENT_ROWS = 1000  # images per split in figures A.1 and A.2


def encode_stage(
    trial: TrialConfig,
    evaluation: EvaluationConfig,
    model: Autoencoder,
    images: ImageSet,
    device: torch.device,
    precision: str,
) -> Latents:
    """Latents of every image of both splits."""
    train, test = (
        encode_images(model, split, device, precision, evaluation.vae_latents, stream_seed(name, trial.seed))
        for name, split in zip(SPLITS, images, strict=True)
    )
    return Latents(train, test)


class Fitted(NamedTuple):
    """What `fit_stage` gives."""

    priors: Mapping[str, FittedPrior | str]
    """Each prior by name, or the reason why it could not be fitted."""
    rows: list[ScoreRow]
    """Held-out likelihoods."""


NOTHING_FITTED = Fitted({}, [])


def fit_stage(
    evaluation: EvaluationConfig,
    latents: Latents,
    settings: FitSettings = USUAL,
    earlier: Fitted = NOTHING_FITTED,
    trial: TrialConfig | None = None,
) -> Fitted:
    """The priors fitted on all training latents of `trial`, and held-out likelihoods where the evaluation asks for them.

    What `earlier` holds of the same latents is not computed again.
    """
    if trial is not None:
        evaluation = priors_of(trial, evaluation)
    priors = dict(earlier.priors)
    for kind in evaluation.priors:
        if kind not in priors:
            try:
                priors[kind] = fit_prior(kind, latents.train, evaluation, settings, trial)
            except PriorError as error:
                priors[kind] = str(error)
    return Fitted(priors, earlier.rows or heldout_stage(evaluation, latents, priors, settings, trial))


def reference_stage(evaluation: EvaluationConfig, images: ImageSet, split: Split, extractor: Extractor) -> Reference:
    """The real images of one split; all trials of a data set share them (`reference.reference_name`)."""
    check_extractor(evaluation, extractor)
    real = getattr(images, split)
    indices = reference_indices(len(real), evaluation.reference_size, evaluation.reference_seed)
    return measure_reference(real, indices, extractor)


def distance_stage(
    evaluation: EvaluationConfig, sampled: Sampled, references: Mapping[Split, Reference]
) -> list[ScoreRow]:
    """The rows of all generated images: the Fréchet distance of each set, then what was measured with its features.

    `references` may be empty where no distance is asked for.
    """
    rows: list[ScoreRow] = []
    for measured in sampled.measured:
        if "frechet" in evaluation.metrics:
            rows.append(_distance(evaluation, measured, references[measured.row.split]))
        rows += measured.scores
    return rows + sampled.scores


def score_stage(
    evaluation: EvaluationConfig,
    latents: Latents,
    fitted: Fitted,
    sampled: Sampled,
    references: Mapping[Split, Reference],
    threads: int | None = None,
) -> list[ScoreRow]:
    """All rows of the trial: distances and what was measured with features, Gaussianity, held-out likelihoods."""
    rows = distance_stage(evaluation, sampled, references)
    rows += gaussianity_stage(evaluation, latents, fitted.priors, threads) + fitted.rows
    return with_stderr_of(rows)


def latent_rows(trial: TrialConfig, latents: Latents, count: int = LATENT_ROWS) -> list[LatentRow]:
    """Two dimensions of the latents of `count` images per split, chosen by the trial's seed.

    Latents that are not numbers are left out; the notes of the scores say that there are some.
    """
    size = latents.train.shape[1]
    a, b = reference_indices(size, 2, stream_seed("latent dimensions", trial.seed))[[0, -1]].tolist()
    rows = []
    for split in SPLITS:
        z_NZ = getattr(latents, split)
        indices = reference_indices(len(z_NZ), count, stream_seed("latent rows", split, trial.seed))
        rows += [
            LatentRow(split=split, index=i, dimension_a=a, dimension_b=b, z_a=float(z[a]), z_b=float(z[b]))
            for i, z in zip(indices.tolist(), z_NZ[indices], strict=True)
            if np.isfinite(z[[a, b]]).all()
        ]
    return rows


def score_trial(
    trial: TrialConfig,
    evaluation: EvaluationConfig,
    model: Autoencoder,
    images: ImageSet,
    extractor: Extractor | None,
    device: torch.device,
    *,
    deadline_seconds: float | None = None,
    threads: int | None = None,
    precision: str | None = None,
) -> tuple[list[ScoreRow], Sampled, Mapping[str, FittedPrior | str]]:
    """All stages at once: score rows, pictures with their statistics, and the priors.

    `precision` is the one that the model was trained in (column `precision_used`), None for what this device would take.
    `extractor` may be None where no metric needs features. Raises `ValueError` if it is missing or another one than the
    evaluation names.
    """
    references: dict[Split, Reference] = {}
    if not evaluation.needs_features:
        extractor = None
    elif extractor is None:
        raise ValueError(f"the evaluation needs the extractor {evaluation.extractor}, got none")
    else:
        references = {s: reference_stage(evaluation, images, s, extractor) for s in evaluation.reference_splits}
    on = device, precision or choose_precision(trial.precision, device)
    settings = FitSettings(deadline_seconds, threads, fit_device(device))

    def run(stage: str, *inputs: Any) -> Any:
        match stage, inputs:
            case "encode", _:
                return encode_stage(trial, evaluation, model, images, *on)
            case "fit", (latents,):
                return fit_stage(evaluation, latents, settings, trial=trial)
            case "sample", (latents, fitted, _):
                return sample_stage(
                    trial, evaluation, model, latents, fitted.priors, images, extractor, references, *on, settings
                )
            case _:
                latents, fitted, sampled, _ = inputs
                return score_stage(evaluation, latents, fitted, sampled, references, threads)

    _, fitted, sampled, rows = run_stages(run, references, True)
    return rows, sampled, fitted.priors


def _distance(evaluation: EvaluationConfig, measured: Measured, reference: Reference) -> ScoreRow:
    started = time.perf_counter()
    row = replace(measured.row, metric=evaluation.frechet_name, n_reference=reference.n)
    if measured.statistics is not None and min(row.n, reference.n) < 2:
        row = replace(row, note=joined("a covariance needs 2 images", row.note))
    elif measured.statistics is not None:
        try:
            row = replace(row, value=frechet_distance(measured.statistics, reference.statistics))
        except np.linalg.LinAlgError as error:
            row = replace(row, note=joined(str(error), row.note))
    if row.value is None:
        row = replace(row, stderr=None, stderr_shared="")
    return replace(row, seconds=row.seconds + time.perf_counter() - started)
