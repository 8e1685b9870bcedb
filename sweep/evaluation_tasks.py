"""Scoring one trained trial as four Ray tasks, each with the resources of its stage.

    encode (GPU share)  -> latents.npz
    fit    (CPU)        -> priors-mvg.npz, priors-gmm.npz …
    sample (GPU share)  -> samples/*.png, feature statistics
    score  (CPU)        -> scores/<evaluation id>.json, THE COMMIT

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
    prior_files, reasons = fitted
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
    priors: dict[str, FittedPrior | str] = dict(reasons)
    for kind in job.evaluation.priors:
        if (name := prior_file(kind)) in prior_files:
            priors[kind] = FittedPrior.from_bytes(job.read(name, prior_files))
    extractor = _extractor(job.evaluation.extractor, job.execution.data_dir, str(device))
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
    train_reference: FeatureStatistics,
    test_reference: FeatureStatistics,
) -> bool:
    """Measure the distances and commit; False where another attempt was first."""
    use_threads(job.execution.threads)
    references: dict[Split, FeatureStatistics] = {"train": train_reference, "test": test_reference}
    rows = distance_stage(job.evaluation, sampled[0], references)
    latents = Latents.from_bytes(job.read(LATENTS, encoded))
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


def references(job: EvaluationJob) -> tuple[FeatureStatistics, FeatureStatistics, bool]:
    """Statistics of the real training and test images, and a token that says that they are there."""
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
    extractor = _extractor(job.evaluation.extractor, job.execution.data_dir, str(device))
    statistics = reference_stage(job.config, job.evaluation, images, split, extractor)
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


@lru_cache(maxsize=1)
def _extractor(name: str, data_dir: str, device: str) -> Extractor:
    """The feature network, loaded once per process."""
    return load_extractor(name, Path(data_dir), torch.device(device))
