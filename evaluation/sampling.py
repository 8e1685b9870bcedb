"""What the trained model generates, measured and shown: reconstructions of both splits, samples of each prior.

Generated images are decoded and measured chunk by chunk: only the sums of their features, the scores that need each
image, and the few pictures shown are kept. Walks between test images are pictures alone, no score belongs to them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig, Prior, Source
from aesweep.evaluation.draws import pair_indices, reference_indices
from aesweep.evaluation.interpolation import ROWS, interpolation_grid
from aesweep.evaluation.latents import Latents, encode_images
from aesweep.evaluation.measuring import Decoder, Measured, failed, measure
from aesweep.evaluation.metrics.reconstruction_error import MEASURES, reconstruction_errors
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.weights import INCEPTION_SHA256, RANDOM_CONV_SHA256
from aesweep.evaluation.pictures import image_grid, reconstruction_grid
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.reference import CHUNK, Reference
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import SPLITS, Split
from aesweep.models.data.images import ImageSet
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.networks.reconstruction import decode_latents

PICTURES = 64  # samples shown per prior, 8 x 8
PAIRS = 32  # reconstructions shown per split, 4 pairs of rows

Priors = Mapping[str, FittedPrior | str]
"""Each prior by name, or the reason why there is none."""

_OFFICIAL_SHA256 = {"inception-2015": INCEPTION_SHA256, "random-conv-64": RANDOM_CONV_SHA256}


@dataclass(frozen=True, eq=False)
class Sampled:
    """What `sample_stage` made."""

    measured: list[Measured]
    pictures: dict[str, bytes] = field(default_factory=dict)
    """PNG files by name."""


@dataclass(frozen=True, eq=False)
class Ruler:
    """What generated images are measured with."""

    extractor: Extractor
    references: Mapping[Split, Reference]


def sample_stage(
    trial: TrialConfig,
    evaluation: EvaluationConfig,
    model: Autoencoder,
    latents: Latents,
    priors: Priors,
    images: ImageSet,
    ruler: Ruler | None,
    device: torch.device,
    precision: str,
) -> Sampled:
    """Scores and pictures of reconstructions (both splits) and of samples (each prior and seed).

    `ruler` is None where no metric needs features: then only the pictures shown are decoded. Raises `ValueError` if its
    extractor is not the one that the evaluation names.
    """
    if ruler is not None:
        check_extractor(evaluation, ruler.extractor)
    sampled = Sampled([])

    def decoded(z: np.ndarray) -> torch.Tensor:
        return decode_latents(model, z, device, precision)

    def means(split: Split, indices: np.ndarray) -> np.ndarray:
        real = getattr(images, split)
        if trial.model == "vae" and evaluation.vae_latents == "sample":
            # The mean is decoded, also where priors are fitted on samples of q(z|x): the images are encoded anew.
            return _means(model, real, indices, device, precision)
        return np.asarray(getattr(latents, split)[indices])

    for split, real in zip(SPLITS, images, strict=True):
        indices = reference_indices(len(real), evaluation.reference_size, evaluation.reference_seed)
        z = means(split, indices)
        row = _blank(evaluation, "reconstruction", split, evaluation.reference_seed)
        measured, first = _measured(z, decoded, evaluation, ruler, row)
        if "reconstruction_error" in evaluation.metrics:
            errors = _errors(model, z, np.asarray(real[indices]), device, precision, row)
            measured = replace(measured, scores=(*measured.scores, *errors))
        sampled.measured.append(measured)
        if first is not None:
            sampled.pictures.update(_pairs(split, real, indices, z, decoded))
    for prior in evaluation.priors:
        fitted = priors.get(prior, "not fitted")
        for seed in evaluation.seeds:
            measured, first = _sample(prior, fitted, evaluation, seed, decoded, ruler)
            sampled.measured.append(measured)
            if first is not None and f"{prior}.png" not in sampled.pictures:  # of the first seed
                sampled.pictures[f"{prior}.png"] = image_grid(first[:PICTURES].cpu().numpy())
    pairs = pair_indices(len(images.test), ROWS, evaluation.reference_seed)  # the same for all trials of a data set
    if len(pairs):
        ends = means("test", pairs.ravel()).reshape(*pairs.shape, -1)
        sampled.pictures.update(_walks(np.asarray(images.test[pairs]), ends, decoded))
    return sampled


def check_extractor(evaluation: EvaluationConfig, extractor: Extractor) -> None:
    """A score must say truly which network measured it."""
    expected = evaluation.extractor_sha256 or _OFFICIAL_SHA256.get(evaluation.extractor, "none given")
    if (extractor.name, extractor.sha256) != (evaluation.extractor, expected):
        raise ValueError(
            f"the evaluation names {evaluation.extractor} {expected[:8]}, the extractor is "
            f"{extractor.name} {extractor.sha256[:8]}"
        )


def _blank(evaluation: EvaluationConfig, source: Source, split: Split, seed: int) -> ScoreRow:
    """The Fréchet distance of a set of images, not measured yet."""
    return ScoreRow(
        source=source,
        split=split,
        metric=evaluation.frechet_name,
        value=None,
        extractor=evaluation.extractor,
        n=0,
        reference_split=split,
        seed=seed,
    )


def _sample(
    prior: Prior,
    fitted: FittedPrior | str,
    evaluation: EvaluationConfig,
    seed: int,
    decoded: Decoder,
    ruler: Ruler | None,
) -> tuple[Measured, torch.Tensor | None]:
    row = _blank(evaluation, prior, evaluation.reference_split, seed)
    if isinstance(fitted, str):
        if ruler is None:
            return Measured(replace(row, note=fitted)), None
        return failed(row, evaluation, ruler.references[row.split], fitted), None
    started = time.perf_counter()
    z = fitted.sample(evaluation.samples, seed)
    row = replace(row, seconds=time.perf_counter() - started, note=fitted.note)
    return _measured(z, decoded, evaluation, ruler, row)


def _measured(
    z_NZ: np.ndarray, decoded: Decoder, evaluation: EvaluationConfig, ruler: Ruler | None, row: ScoreRow
) -> tuple[Measured, torch.Tensor | None]:
    """One set with its scores, and the pictures of its start; these alone where nothing is measured."""
    if ruler is not None and (row.source != "reconstruction" or evaluation.compares_reconstructions):
        return measure(z_NZ, decoded, evaluation, ruler.extractor, ruler.references[row.split], row)
    try:
        return Measured(row), decoded(z_NZ[:PICTURES])
    except NonFiniteError:
        return Measured(row), None


def _errors(
    model: Autoencoder, z_NZ: np.ndarray, real: np.ndarray, device: torch.device, precision: str, row: ScoreRow
) -> list[ScoreRow]:
    """Rows of `MEASURES`: mean over the images and its standard error."""
    started = time.perf_counter()
    row = replace(row, extractor="none")
    try:
        columns = list(reconstruction_errors(model, z_NZ, real, device, precision).T)
    except NonFiniteError as error:
        return [replace(row, metric=metric, note=str(error)) for metric in MEASURES]
    row = replace(row, n=len(real), seconds=(time.perf_counter() - started) / len(MEASURES))
    return [_mean(replace(row, metric=metric), found) for metric, found in zip(MEASURES, columns, strict=True)]


def _mean(row: ScoreRow, values_N: np.ndarray) -> ScoreRow:
    """The row with the mean of these values and its standard error."""
    perfect = int(np.isposinf(values_N).sum())
    if perfect:
        note = f"{perfect} of {row.n} reconstructions are perfect, which has no finite {row.metric}"
        return replace(row, note=note)
    stderr = float(values_N.std(ddof=1) / np.sqrt(row.n)) if row.n > 1 else None
    return replace(row, value=float(values_N.mean()), stderr=stderr)


def _pairs(split: Split, real: np.ndarray, indices: np.ndarray, z_NZ: np.ndarray, decoded: Decoder) -> dict[str, bytes]:
    """The picture of reconstructions beside their images; none where pixels are not numbers, as for the walks."""
    # Spread over the split: a folder's images are sorted by class, and the first ones are all of one.
    shown = np.unique(np.linspace(0, len(indices) - 1, PAIRS).astype(int))
    try:
        pictures = decoded(z_NZ[shown]).cpu().numpy()
    except NonFiniteError:
        return {}
    return {f"reconstruction-{split}.png": reconstruction_grid(np.asarray(real[indices[shown]]), pictures)}


def _walks(images: np.ndarray, ends_P2Z: np.ndarray, decoded: Decoder) -> dict[str, bytes]:
    """The picture of the walks; none where pixels are not numbers, which the notes of the scores say then."""
    try:
        return {"interpolation.png": interpolation_grid(images, ends_P2Z, lambda z: decoded(z).cpu().numpy())}
    except NonFiniteError:
        return {}


def _means(
    model: Autoencoder, real: np.ndarray, indices: np.ndarray, device: torch.device, precision: str
) -> np.ndarray:
    chunks = (np.asarray(real[indices[i : i + CHUNK]]) for i in range(0, len(indices), CHUNK))
    return np.concatenate([encode_images(model, chunk, device, precision, "mean", seed=0) for chunk in chunks])
