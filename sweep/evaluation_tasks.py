"""Scoring one trained trial as four Ray tasks, each with the resources of its stage.

    encode (GPU share)  -> latents.npz
    fit    (CPU, or GPU share where there is one) -> priors-mvg.npz, priors-gmm.npz …, held-out likelihoods
    sample (GPU share)  -> samples/*.png, feature statistics
    score  (CPU)        -> distances, Gaussianity: scores/<evaluation id>.json, THE COMMIT

What an earlier evaluation of the trial encoded and fitted is not done again (reuse.py).

Files go into the attempt's folder in the store; the next stage gets their SHA-256 and checks it. Only the feature
statistics travel as Ray objects. The statistics of the real images are one task per data set and split, kept in the
store.
"""

import logging
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from evaluation.config import Split
from evaluation.extractors import Extractor, load_extractor
from evaluation.gaussianity import gaussianity_stage
from evaluation.heldout import heldout_stage
from evaluation.priors import FittedPrior
from evaluation.reference import reference_name
from evaluation.score import (
    Latents,
    Sampled,
    distance_stage,
    encode_stage,
    fit_stage,
    latent_rows,
    reference_stage,
    sample_stage,
)
from evaluation.statistics import FeatureStatistics
from evaluation.tensor_mixture import fit_device
from models.autoencoder import Autoencoder
from models.checkpoint import model_from_bytes
from models.images import ImageSet, load_images
from sweep.device import choose_device, free_memory, use_threads
from sweep.evaluation_job import LATENTS, PICTURES, EvaluationJob, Files, prior_file
from sweep.failpoints import failpoint
from sweep.reuse import model_hash, reusable_heldout, reusable_latents, reusable_priors
from sweep.version import aesweep_version
from sweep.work import data_source

log = logging.getLogger(__name__)


def encode(job: EvaluationJob, after: bool) -> Files:
    """Encode all images of both splits. `after` is the token of `references`."""
    data = reusable_latents(job)
    if data is None:
        device = _prepare(job)
        model, precision = _model(job)
        data = encode_stage(job.config, job.evaluation, model, _images(job), device, precision).to_bytes()
    failpoint("in-evaluation")
    return job.write(LATENTS, data)


class Fitted(NamedTuple):
    """What `fit` gives."""

    files: Files
    """One per prior."""
    reasons: dict[str, str]
    """Why each of the others could not be fitted."""
    rows: list[dict[str, Any]]
    """Of the scores table: held-out likelihoods."""


def fit(job: EvaluationJob, encoded: Files) -> Fitted:
    """Fit the priors on all training latents, and once more on nine tenths where held-out likelihoods are asked for."""
    use_threads(job.execution.threads)
    device = fit_device(choose_device(job.execution.device))
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
    how = (job.execution.prior_deadline_seconds, job.execution.threads, device)
    priors: dict[str, FittedPrior | str] = dict(reusable_priors(job, encoded))
    rest = tuple(kind for kind in job.evaluation.priors if kind not in priors)
    priors |= fit_stage(replace(job.evaluation, priors=rest), latents, *how)
    rows = reusable_heldout(job, encoded) or heldout_stage(job.evaluation, latents, priors, *how)
    files: Files = {}
    for name, prior in priors.items():
        if isinstance(prior, FittedPrior):
            files |= job.write(prior_file(name), prior.to_bytes())
    if device is not None:
        free_memory()
    return Fitted(files, {name: prior for name, prior in priors.items() if isinstance(prior, str)}, rows)


def sample(job: EvaluationJob, encoded: Files, fitted: Fitted) -> tuple[Sampled, Files]:
    """Draw from the priors, decode, extract features; write the pictures."""
    device = _prepare(job)
    model, precision = _model(job)
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
    priors = _priors(job, fitted)
    extractor = _extractor(job, device) if _measures_distances(job) else None
    sampled = sample_stage(
        job.config, job.evaluation, model, latents, priors, _images(job), extractor, device, precision
    )
    files: Files = {}
    for name, png in sampled.pictures.items():
        files |= job.write(f"{PICTURES}/{name}", png)
    sampled.pictures.clear()  # they are in the store now and need not travel
    return sampled, files


def score(
    job: EvaluationJob,
    encoded: Files,
    fitted: Fitted,
    sampled: tuple[Sampled, Files],
    train_reference: FeatureStatistics | None,
    test_reference: FeatureStatistics | None,
) -> bool:
    """Measure the distances and the latents, and commit; False where another attempt was first."""
    use_threads(job.execution.threads)
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
    rows: list[dict[str, Any]] = []
    if train_reference is not None and test_reference is not None:
        rows += distance_stage(job.evaluation, sampled[0], {"train": train_reference, "test": test_reference})
    if "gaussianity" in job.evaluation.metrics:
        rows += gaussianity_stage(job.evaluation, latents, _priors(job, fitted), job.execution.threads)
    rows += fitted.rows
    commit = {
        "id": job.evaluation.id,
        "attempt": job.attempt,
        "evaluation": job.evaluation.to_json(),
        "model": model_hash(job),
        "files": {**encoded, **fitted.files, **sampled[1]},
        "rows": rows,
        "latents": latent_rows(job.config, latents),
        "aesweep_version": aesweep_version(),
    }
    failpoint("between-scores-and-commit")
    return job.store.commit_scores(job.key, job.evaluation.id, commit)


def references(job: EvaluationJob) -> tuple[FeatureStatistics | None, FeatureStatistics | None, bool]:
    """Statistics of the real training and test images (None where no distance is asked for), and a token that says that
    they are there."""
    if not _measures_distances(job):
        return None, None, True
    return _reference(job, "train"), _reference(job, "test"), True


def _reference(job: EvaluationJob, split: Split) -> FeatureStatistics:
    """Feature statistics of the real images of one split: from the store, or measured and kept there."""
    images = _images(job)
    n = min(len(getattr(images, split)), job.evaluation.reference_size)
    name = f"references/{reference_name(job.config, job.evaluation, split, n)}"
    data = job.store.storage.read(name)
    if data is not None:
        try:
            return FeatureStatistics.from_bytes(data)
        except ValueError:
            log.warning("%s is damaged; kept as %s and measured again", name, job.store.storage.set_aside(name))
    device = _prepare(job)
    statistics = reference_stage(job.config, job.evaluation, images, split, _extractor(job, device))
    job.store.storage.write(name, statistics.to_bytes())
    return statistics


def _prepare(job: EvaluationJob) -> torch.device:
    use_threads(job.execution.threads)
    return choose_device(job.execution.device)


def _images(job: EvaluationJob) -> ImageSet:
    return load_images(job.config, data_source(job.config, job.execution))


def _model(job: EvaluationJob) -> tuple[Autoencoder, Any]:
    """The committed model and the precision that it was trained in."""
    commit = job.store.training(job.key)
    if commit is None:
        raise RuntimeError(f"trial {job.key} is not trained")
    return model_from_bytes(job.config, job.store.model_bytes(job.key)), commit["result"]["precision_used"]


def _priors(job: EvaluationJob, fitted: Fitted) -> dict[str, FittedPrior | str]:
    """The priors that `fit` wrote, and the reasons for those that it could not fit."""
    priors: dict[str, FittedPrior | str] = dict(fitted.reasons)
    for kind in job.evaluation.priors:
        if (name := prior_file(kind)) in fitted.files:
            priors[kind] = FittedPrior.from_bytes(job.read(name, fitted.files))
    return priors


def _measures_distances(job: EvaluationJob) -> bool:
    return "frechet" in job.evaluation.metrics


def _extractor(job: EvaluationJob, device: torch.device) -> Extractor:
    return _loaded_extractor(job.evaluation.extractor, job.execution.data_dir, str(device))


@lru_cache(maxsize=1)
def _loaded_extractor(name: str, data_dir: str, device: str) -> Extractor:
    """The feature network, loaded once per process."""
    return load_extractor(name, Path(data_dir), torch.device(device))
