"""The stages of an evaluation in a Ray worker: each loads its inputs from the store, runs the stage and writes what it made.

The stages themselves are in `aesweep.evaluation.score`, their order in `aesweep.evaluation.pipeline`; `remote_stage.py` is the Ray task.

    references (GPU share)  -> references/*.npz: the real images of a data set, measured once for all its trials
    encode (GPU share)      -> latents.npz
    fit    (CPU, or GPU share where there is one) -> priors-mvg.npz, priors-gmm.npz …, held-out likelihoods
    sample (GPU share)      -> samples/*.png, feature statistics and what needs each image
    score  (CPU)            -> distances, Gaussianity: scores/<evaluation id>.json, THE COMMIT

What an earlier evaluation of the trial encoded and fitted is not done again, and files that it wrote are shared (reuse.py).

Files go into the attempt's folder in the store; the next stage gets their SHA-256 and checks it. Statistics, scores and the
features of real images travel as Ray objects.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.fitting import FitSettings
from aesweep.evaluation.priors.mixture import fit_device
from aesweep.evaluation.reference import (
    Reference,
    features_from_bytes,
    features_name,
    features_to_bytes,
    reference_name,
)
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.score import (
    Fitted,
    Latents,
    Sampled,
    encode_stage,
    fit_stage,
    latent_rows,
    reference_stage,
    sample_stage,
    score_stage,
)
from aesweep.models.cost import most_model_bytes
from aesweep.models.data.datasets import Split
from aesweep.models.data.images import ImageSet, load_images
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.training.checkpoint import model_from_bytes
from aesweep.sweep.evaluation_job import EvaluationJob, Files
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.store.drivers import launch_of
from aesweep.sweep.store.latent_columns import LatentColumns
from aesweep.sweep.store.layout import LATENTS, PICTURES, prior_file
from aesweep.sweep.store.records.commits import ScoresRecord
from aesweep.sweep.version import aesweep_version
from aesweep.sweep.worker.device import choose_device, use_threads
from aesweep.sweep.worker.reuse import (
    model_hash,
    require_same_weights,
    reusable_heldout,
    reusable_latents,
    reusable_priors,
    write_or_share,
)
from aesweep.sweep.worker.trained_extractor import extractor_of

log = logging.getLogger(__name__)


class StoredLatents(NamedTuple):
    """What `encode` gives."""

    files: Files
    model: str
    """SHA-256 of the weights that encoded."""


class StoredPriors(NamedTuple):
    """What `fit` gives."""

    files: Files
    """One per prior."""
    reasons: dict[str, str]
    """Why each of the others could not be fitted."""
    rows: list[ScoreRow]
    """Held-out likelihoods."""


class StoredSamples(NamedTuple):
    """What `sample` gives."""

    files: Files
    """The pictures."""
    sampled: Sampled
    """What was measured, without the pictures."""
    extractor_weights: str = ""
    """`Extractor.weights` of the network that measured."""


References = dict[Split, Reference]
"""The real images that generated ones are compared with; none where no metric needs them."""


def encode(job: EvaluationJob, after: bool) -> StoredLatents:
    """Encode all images of both splits. `after` is the token of `references`."""
    weights = model_hash(job)
    data = reusable_latents(job)
    if data is None:
        device = _prepare(job)
        model, precision = _model(job)
        data = encode_stage(job.config, job.evaluation, model, _images(job), device, precision).to_bytes()
    return StoredLatents(write_or_share(job, {LATENTS: data}), weights)


def fit(job: EvaluationJob, encoded: StoredLatents) -> StoredPriors:
    """Fit the priors on all training latents, and once more on nine tenths where held-out likelihoods are asked for."""
    settings = _fits(job, _prepare(job))
    earlier = Fitted(reusable_priors(job, encoded.files), reusable_heldout(job, encoded.files))
    priors, rows = fit_stage(job.evaluation, _latents(job, encoded), settings, earlier, job.config)
    contents = {prior_file(name): prior.to_bytes() for name, prior in priors.items() if isinstance(prior, FittedPrior)}
    reasons = {name: prior for name, prior in priors.items() if isinstance(prior, str)}
    return StoredPriors(write_or_share(job, contents), reasons, rows)


def sample(job: EvaluationJob, encoded: StoredLatents, fitted: StoredPriors, references: References) -> StoredSamples:
    """Draw from the priors, decode, extract features and measure them; write the pictures."""
    device = _prepare(job)
    require_same_weights(job, encoded.model)
    model, precision = _model(job)
    extractor = extractor_of(job, device) if references else None
    inputs = (model, _latents(job, encoded), _priors(job, fitted), _images(job), extractor, references)
    sampled = sample_stage(job.config, job.evaluation, *inputs, device, precision, _fits(job, device))
    files = write_or_share(job, {f"{PICTURES}/{name}": png for name, png in sampled.pictures.items()})
    return StoredSamples(files, replace(sampled, pictures={}), extractor.weights if extractor else "")


def score(
    job: EvaluationJob, encoded: StoredLatents, fitted: StoredPriors, samples: StoredSamples, references: References
) -> bool:
    """Measure the distances and the latents, and commit; False where another attempt was first."""
    use_threads(job.execution.threads)
    latents = _latents(job, encoded)
    priors = _priors(job, fitted) if "gaussianity" in job.evaluation.metrics else {}
    inputs = (latents, Fitted(priors, fitted.rows), samples.sampled, references)
    rows = score_stage(job.evaluation, *inputs, job.execution.threads)
    commit = ScoresRecord(
        id=job.evaluation.id,
        attempt=job.attempt,
        evaluation=job.evaluation.to_json(),
        model=encoded.model,
        files={**encoded.files, **fitted.files, **samples.files},
        rows=tuple(rows),
        latents=LatentColumns.of(latent_rows(job.config, latents)),
        aesweep_version=aesweep_version(),
        extractor_weights=samples.extractor_weights,
        time=datetime.now(UTC).isoformat(),
        launch=launch_of(job.driver),
    )
    require_same_weights(job, encoded.model)
    if job.store.attempts.read_end(job.key, job.attempt) is not None:  # the driver has ended it: another one is at work
        return False
    return job.store.commits.commit_scores(job.key, job.evaluation.id, commit)


def references(job: EvaluationJob) -> tuple[References, bool]:
    """The real images of the splits that are compared with, and a token that says that they are there."""
    return {split: _reference(job, split) for split in job.evaluation.reference_splits}, True


def _reference(job: EvaluationJob, split: Split) -> Reference:
    """The real images of one split: from the store, or measured and kept there."""
    images, device = _images(job), _prepare(job)
    extractor = extractor_of(job, device)
    n = min(len(getattr(images, split)), job.evaluation.reference_size)
    name = f"references/{reference_name(job.config, job.evaluation, split, n, extractor.weights)}"
    kept = _kept_reference(job, name, extractor.weights)
    if kept is not None:
        return kept
    reference = reference_stage(job.evaluation, images, split, extractor)
    job.store.storage.write(features_name(name), features_to_bytes(reference.features))
    job.store.storage.write(name, reference.statistics.to_bytes())
    return reference


def _kept_reference(job: EvaluationJob, name: str, weights: str) -> Reference | None:
    """What the store holds under `name`; None where something is missing or damaged (that is set aside)."""
    storage = job.store.storage
    data = storage.read(name)
    if data is None:
        return None
    try:
        statistics = FeatureStatistics.from_bytes(data)
        name = features_name(name)
        data = storage.read(name)
        if data is None:
            return None
        return Reference(statistics, features_from_bytes(data, statistics.n, statistics.dimension), weights)
    except ValueError:
        if data is not None and (aside := storage.set_aside(name, data)) is not None:
            log.warning("%s is damaged; kept as %s and measured again", name, aside)
        return None


def _prepare(job: EvaluationJob) -> torch.device:
    use_threads(job.execution.threads)
    return choose_device(job.execution.device)


def _fits(job: EvaluationJob, device: torch.device) -> FitSettings:
    return FitSettings(job.execution.prior_deadline_seconds, job.execution.threads, fit_device(device))


def _images(job: EvaluationJob) -> ImageSet:
    return load_images(job.config, data_source(job.config, job.execution))


def _model(job: EvaluationJob) -> tuple[Autoencoder, Any]:
    """The committed model and the precision that it was trained in."""
    commit = job.store.commits.training(job.key)
    if commit is None:
        raise RuntimeError(f"trial {job.key} is not trained")
    weights = job.store.commits.model_bytes(job.key, most_model_bytes(job.config))
    return model_from_bytes(job.config, weights), commit.result.precision_used


def _latents(job: EvaluationJob, encoded: StoredLatents) -> Latents:
    return Latents.from_bytes(job.read(LATENTS, encoded.files))


def _priors(job: EvaluationJob, fitted: StoredPriors) -> dict[str, FittedPrior | str]:
    """The priors that `fit` wrote, and the reasons for those that it could not fit."""
    priors: dict[str, FittedPrior | str] = dict(fitted.reasons)
    for kind in job.evaluation.priors:
        if (name := prior_file(kind)) in fitted.files:
            priors[kind] = FittedPrior.from_bytes(job.read(name, fitted.files), job.config.latent_size)
    return priors
