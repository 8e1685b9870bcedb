"""Scoring one trained trial as four Ray tasks, each with the resources of its stage.

    encode (GPU share)  -> latents.npz
    fit    (CPU)        -> priors-mvg.npz, priors-gmm.npz …
    sample (GPU share)  -> samples/*.png, feature statistics
    score  (CPU)        -> distances, Gaussianity: scores/<evaluation id>.json, THE COMMIT

Files go into the attempt's folder in the store; the next stage gets their SHA-256 and checks it. Only the feature
statistics travel as Ray objects. The statistics of the real images are one task per data set and split, kept in the
store.
"""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from evaluation.config import Split
from evaluation.extractors import Extractor, load_extractor
from evaluation.gaussianity import gaussianity_stage
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
from models.autoencoder import Autoencoder
from models.checkpoint import model_from_bytes
from models.images import ImageSet, load_images
from sweep.device import choose_device, use_threads
from sweep.evaluation_job import LATENTS, PICTURES, EvaluationJob, Files, prior_file
from sweep.failpoints import failpoint
from sweep.version import aesweep_version
from sweep.work import data_source

log = logging.getLogger(__name__)


def encode(job: EvaluationJob, after: bool) -> Files:
    """Encode all images of both splits. `after` is the token of `references`."""
    device = _prepare(job)
    model, precision = _model(job)
    latents = encode_stage(job.config, job.evaluation, model, _images(job), device, precision)
    failpoint("in-evaluation")
    return job.write(LATENTS, latents.to_bytes())


def fit(job: EvaluationJob, encoded: Files) -> tuple[Files, dict[str, str]]:
    """Fit the priors; their files, and the reason for each one that could not be fitted."""
    use_threads(job.execution.threads)
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
    fitted = fit_stage(job.evaluation, latents, job.execution.prior_deadline_seconds, job.execution.threads)
    files: Files = {}
    for name, prior in fitted.items():
        if isinstance(prior, FittedPrior):
            files |= job.write(prior_file(name), prior.to_bytes())
    return files, {name: prior for name, prior in fitted.items() if isinstance(prior, str)}


def sample(job: EvaluationJob, encoded: Files, fitted: tuple[Files, dict[str, str]]) -> tuple[Sampled, Files]:
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
    fitted: tuple[Files, dict[str, str]],
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
    commit = {
        "id": job.evaluation.id,
        "attempt": job.attempt,
        "evaluation": job.evaluation.to_json(),
        "files": {**encoded, **fitted[0], **sampled[1]},
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


def _priors(job: EvaluationJob, fitted: tuple[Files, dict[str, str]]) -> dict[str, FittedPrior | str]:
    """The priors that `fit` wrote, and the reasons for those that it could not fit."""
    files, reasons = fitted
    priors: dict[str, FittedPrior | str] = dict(reasons)
    for kind in job.evaluation.priors:
        if (name := prior_file(kind)) in files:
            priors[kind] = FittedPrior.from_bytes(job.read(name, files))
    return priors


def _measures_distances(job: EvaluationJob) -> bool:
    return "frechet" in job.evaluation.metrics


def _extractor(job: EvaluationJob, device: torch.device) -> Extractor:
    return _loaded_extractor(job.evaluation.extractor, job.execution.data_dir, str(device))


@lru_cache(maxsize=1)
def _loaded_extractor(name: str, data_dir: str, device: str) -> Extractor:
    """The feature network, loaded once per process."""
    return load_extractor(name, Path(data_dir), torch.device(device))
