"""Scoring one trained trial, in stages that a cluster runs with different resources and a notebook in one call.

    encode (GPU) -> fit priors (CPU, or GPU where there is one) -> sample, decode, features (GPU) -> distances, Gaussianity (CPU)

Section 3: reconstructions of train and test images, and samples of each prior, each compared with real images by
Fréchet distance. A score that cannot be computed is a row with value None and the reason in its note; no number stands
in for it.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from evaluation.config import EvaluationConfig, Split
from evaluation.extractors import Extractor
from evaluation.fitting import fit_prior
from evaluation.frechet import frechet_distance
from evaluation.gaussianity import gaussianity_stage
from evaluation.heldout import heldout_stage
from evaluation.latents import Latents, encode_images
from evaluation.priors import FittedPrior, PriorError
from evaluation.reference import SPLITS, reference_indices, reference_statistics
from evaluation.sampling import Measured, Sampled, check_extractor, sample_stage
from evaluation.statistics import FeatureStatistics
from evaluation.tensor_mixture import fit_device
from models.autoencoder import Autoencoder
from models.config import TrialConfig
from models.identity import stream_seed
from models.images import ImageSet
from models.precision import choose_precision

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


def fit_stage(
    evaluation: EvaluationConfig,
    latents: Latents,
    deadline_seconds: float | None = None,
    threads: int | None = None,
    device: torch.device | None = None,
) -> dict[str, FittedPrior | str]:
    """Each prior of the evaluation fitted on all training latents, or the reason why it could not be.

    Mixtures are fitted on tensors of `device`, or by NumPy (None); see `tensor_mixture.fit_device`.
    """
    fitted: dict[str, FittedPrior | str] = {}
    for prior in evaluation.priors:
        try:
            fitted[prior] = fit_prior(prior, latents.train, evaluation, deadline_seconds, threads, device)
        except PriorError as error:
            fitted[prior] = str(error)
    return fitted


def reference_stage(
    trial: TrialConfig, evaluation: EvaluationConfig, images: ImageSet, split: Split, extractor: Extractor
) -> FeatureStatistics:
    """Statistics of the real images of one split; all trials of a data set share them (`reference.reference_name`)."""
    check_extractor(evaluation, extractor)
    real = getattr(images, split)
    indices = reference_indices(len(real), evaluation.reference_size, evaluation.reference_seed)
    return reference_statistics(real, indices, extractor)


def distance_stage(
    evaluation: EvaluationConfig, sampled: Sampled, references: Mapping[Split, FeatureStatistics]
) -> list[dict[str, Any]]:
    """Rows of the scores table (columns of `sweep.schemas`, without `key` and `evaluation`)."""
    if "frechet" not in evaluation.metrics:
        return []
    return [_row(evaluation, measured, references[measured.split]) for measured in sampled.measured]


def latent_rows(trial: TrialConfig, latents: Latents, count: int = LATENT_ROWS) -> list[dict[str, Any]]:
    """Rows of the latents table without `key`: two dimensions of `count` images per split, by the trial's seed."""
    size = latents.train.shape[1]
    a, b = reference_indices(size, 2, stream_seed("latent dimensions", trial.seed))[[0, -1]].tolist()
    rows = []
    for split in SPLITS:
        z_NZ = getattr(latents, split)
        indices = reference_indices(len(z_NZ), count, stream_seed("latent rows", split, trial.seed))
        rows += [
            {"split": split, "index": i, "dimension_a": a, "dimension_b": b, "z_a": float(z[a]), "z_b": float(z[b])}
            for i, z in zip(indices.tolist(), z_NZ[indices], strict=True)
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
) -> tuple[list[dict[str, Any]], Sampled, dict[str, FittedPrior | str]]:
    """All stages at once: score rows, pictures with their statistics, and the priors.

    `extractor` may be None where no Fréchet distance is asked for. Raises `ValueError` if it is missing or another one than
    the evaluation names.
    """
    if "frechet" not in evaluation.metrics:
        extractor = None
    elif extractor is None:
        raise ValueError(f"the evaluation needs the extractor {evaluation.extractor}, got none")
    precision = choose_precision(trial.precision, device)
    latents = encode_stage(trial, evaluation, model, images, device, precision)
    fit_on = fit_device(device)
    priors = fit_stage(evaluation, latents, deadline_seconds, threads, fit_on)
    sampled = sample_stage(trial, evaluation, model, latents, priors, images, extractor, device, precision)
    references: dict[Split, FeatureStatistics] = {}
    if extractor is not None:
        references = {split: reference_stage(trial, evaluation, images, split, extractor) for split in SPLITS}
    rows = distance_stage(evaluation, sampled, references)
    rows += gaussianity_stage(evaluation, latents, priors, threads)
    rows += heldout_stage(evaluation, latents, priors, deadline_seconds, threads, fit_on)
    return rows, sampled, priors


def _row(evaluation: EvaluationConfig, measured: Measured, reference: FeatureStatistics) -> dict[str, Any]:
    started = time.perf_counter()
    value, note = None, measured.note
    if measured.statistics is not None and min(measured.n, reference.n) < 2:
        note = "; ".join(filter(None, ("a covariance needs 2 images", note)))
    elif measured.statistics is not None:
        try:
            value = frechet_distance(measured.statistics, reference)
        except np.linalg.LinAlgError as error:
            note = "; ".join(filter(None, (str(error), note)))
    return {
        "source": measured.source,
        "split": measured.split,
        "metric": evaluation.frechet_name,
        "value": value,
        "stderr": None,
        "extractor": evaluation.extractor,
        "n": measured.n,
        "n_reference": reference.n,
        "reference_split": measured.split,
        "seed": measured.seed,
        "seconds": measured.seconds + time.perf_counter() - started,
        "note": note,
    }
