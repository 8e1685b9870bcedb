"""What the trained model generates, as features and pictures: reconstructions of both splits, samples of each prior.

Generated images are decoded and measured chunk by chunk: only the sums of their features and the few pictures shown are
kept. Walks between test images are pictures alone, no score belongs to them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from evaluation.config import EvaluationConfig, Prior, Source, Split
from evaluation.extractors import Extractor
from evaluation.interpolation import ROWS, interpolation_grid, pair_indices
from evaluation.latents import Latents, encode_images
from evaluation.pictures import image_grid, reconstruction_grid
from evaluation.priors import FittedPrior
from evaluation.reference import CHUNK, SPLITS, reference_indices
from evaluation.statistics import FeatureStatistics
from evaluation.weights import INCEPTION_SHA256, RANDOM_CONV_SHA256
from models.autoencoder import Autoencoder
from models.config import TrialConfig
from models.errors import NonFiniteError
from models.images import ImageSet
from models.reconstruction import decode_latents

PICTURES = 64  # samples shown per prior, 8 x 8
PAIRS = 32  # reconstructions shown per split, 4 pairs of rows

Priors = Mapping[str, FittedPrior | str]
"""Each prior by name, or the reason why there is none."""

_OFFICIAL_SHA256 = {"inception-2015": INCEPTION_SHA256, "random-conv-64": RANDOM_CONV_SHA256}


@dataclass(frozen=True, eq=False)
class Measured:
    """The features of one set of generated images; `statistics` is None where `note` says why there are none."""

    source: Source
    split: Split
    seed: int
    statistics: FeatureStatistics | None
    n: int
    seconds: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Sampled:
    """What `sample_stage` made."""

    measured: list[Measured]
    pictures: dict[str, bytes] = field(default_factory=dict)
    """PNG files by name."""


def sample_stage(
    trial: TrialConfig,
    evaluation: EvaluationConfig,
    model: Autoencoder,
    latents: Latents,
    priors: Priors,
    images: ImageSet,
    extractor: Extractor | None,
    device: torch.device,
    precision: str,
) -> Sampled:
    """Features and pictures of reconstructions (both splits) and of samples (each prior and seed).

    `extractor` is None where no Fréchet distance is asked for: then only the pictures shown are decoded. Raises
    `ValueError` if it is not the one that the evaluation names.
    """
    if extractor is not None:
        check_extractor(evaluation, extractor)
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
        measured, first = _measure(z, decoded, extractor, "reconstruction", split, evaluation.reference_seed)
        sampled.measured.append(measured)
        if first is not None:
            # Spread over the split: a folder's images are sorted by class, and the first ones are all of one.
            shown = np.unique(np.linspace(0, len(indices) - 1, PAIRS).astype(int))
            originals = np.asarray(real[indices[shown]])
            sampled.pictures[f"reconstruction-{split}.png"] = reconstruction_grid(
                originals, decoded(z[shown]).cpu().numpy()
            )
    for prior in evaluation.priors:
        fitted = priors.get(prior, "not fitted")
        for seed in evaluation.seeds:
            measured, first = _sample(prior, fitted, evaluation, seed, decoded, extractor)
            sampled.measured.append(measured)
            if first is not None and f"{prior}.png" not in sampled.pictures:  # of the first seed
                sampled.pictures[f"{prior}.png"] = image_grid(first[:PICTURES])
    pairs = pair_indices(len(images.test), ROWS, evaluation.reference_seed)  # the same for all trials of a data set
    if len(pairs):
        ends = means("test", pairs.ravel()).reshape(*pairs.shape, -1)
        sampled.pictures.update(_walks(np.asarray(images.test[pairs]), ends, decoded))
    return sampled


def check_extractor(evaluation: EvaluationConfig, extractor: Extractor) -> None:
    """A score must say truly which network measured it."""
    expected = evaluation.extractor_sha256 or _OFFICIAL_SHA256[evaluation.extractor]
    if (extractor.name, extractor.sha256) != (evaluation.extractor, expected):
        raise ValueError(
            f"the evaluation names {evaluation.extractor} {expected[:8]}, the extractor is "
            f"{extractor.name} {extractor.sha256[:8]}"
        )


def _sample(
    prior: Prior,
    fitted: FittedPrior | str,
    evaluation: EvaluationConfig,
    seed: int,
    decoded: Callable[[np.ndarray], torch.Tensor],
    extractor: Extractor | None,
) -> tuple[Measured, np.ndarray | None]:
    split = evaluation.reference_split
    if isinstance(fitted, str):
        return Measured(prior, split, seed, None, 0, 0.0, fitted), None
    started = time.perf_counter()
    z = fitted.sample(evaluation.samples, seed)
    drawn = time.perf_counter() - started
    return _measure(z, decoded, extractor, prior, split, seed, drawn, fitted.note)


def _measure(
    z_NZ: np.ndarray,
    decoded: Callable[[np.ndarray], torch.Tensor],
    extractor: Extractor | None,
    source: Source,
    split: Split,
    seed: int,
    seconds: float = 0.0,
    note: str = "",
) -> tuple[Measured, np.ndarray | None]:
    """Decode latents chunk by chunk and sum up features; also the first chunk's pictures, None where that failed."""
    started = time.perf_counter() - seconds
    if extractor is None:
        return _unmeasured(z_NZ, decoded, source, split, seed)
    statistics = FeatureStatistics(extractor.dimension)
    shown: np.ndarray | None = None
    try:
        for first in range(0, len(z_NZ), CHUNK):
            pictures = decoded(z_NZ[first : first + CHUNK])
            shown = pictures.cpu().numpy() if shown is None else shown
            statistics.update(extractor.features(pictures))
    except NonFiniteError as error:
        reason = "; ".join(filter(None, (str(error), note)))
        return Measured(source, split, seed, None, 0, time.perf_counter() - started, reason), shown
    return Measured(source, split, seed, statistics, statistics.n, time.perf_counter() - started, note), shown


def _unmeasured(
    z_NZ: np.ndarray, decoded: Callable[[np.ndarray], torch.Tensor], source: Source, split: Split, seed: int
) -> tuple[Measured, np.ndarray | None]:
    """The pictures shown, without features: the evaluation asks for no distance."""
    shown, note = None, "no distance is asked for"
    try:
        shown = decoded(z_NZ[:PICTURES]).cpu().numpy()
    except NonFiniteError as error:
        note = str(error)
    return Measured(source, split, seed, None, 0, 0.0, note), shown


def _walks(images: np.ndarray, ends_P2Z: np.ndarray, decoded: Callable[[np.ndarray], torch.Tensor]) -> dict[str, bytes]:
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
