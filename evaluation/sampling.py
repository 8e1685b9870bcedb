"""What the trained model generates, measured and shown: reconstructions of both splits, samples of each prior.

Runs where the device is: networks, features and the scores that need each image stay on the GPU where there is one.
Generated images are decoded and measured chunk by chunk: only the sums of their features, the scores that need each
image, and the few pictures shown are kept. Walks between test images are pictures alone, no score belongs to them.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.draws import pair_indices, reference_indices
from aesweep.evaluation.latents import Latents, encode_images
from aesweep.evaluation.measuring import Measured, failed, measure
from aesweep.evaluation.metrics.reconstruction_error import MEASURES, reconstruction_errors
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.weights import INCEPTION_SHA256, RANDOM_CONV_SHA256
from aesweep.evaluation.pictures import WALKS, image_grid, interpolation_grid, reconstruction_grid
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.fitting import USUAL, FitSettings, priors_of
from aesweep.evaluation.reference import CHUNK, Reference
from aesweep.evaluation.rows import ScoreRow, Source
from aesweep.evaluation.subject import Subject, measure_model
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
    """What `sample_stage` made: scores, and PNG files by name."""

    measured: list[Measured]
    pictures: dict[str, bytes] = field(default_factory=dict)
    scores: list[ScoreRow] = field(default_factory=list)
    """Rows of the model's own metrics (descriptions.py)."""


def sample_stage(
    trial: TrialConfig,
    evaluation: EvaluationConfig,
    model: Autoencoder,
    latents: Latents,
    priors: Priors,
    images: ImageSet,
    extractor: Extractor | None,
    references: Mapping[Split, Reference],
    device: torch.device,
    precision: str,
    fits: FitSettings = USUAL,
) -> Sampled:
    """Scores and pictures of reconstructions (both splits) and of samples (each prior and seed).

    `extractor` is None where no metric needs features: then only the pictures shown are decoded. Raises `ValueError` if it
    is not the one that the evaluation names. `fits` are for the priors of `mixtures`.
    """
    evaluation = priors_of(trial, evaluation)
    if extractor is not None:
        check_extractor(evaluation, extractor)
        if any(reference.weights != extractor.weights for reference in references.values()):
            raise ValueError(f"{extractor.name} was trained again after the real images were measured")
    sampling = Sampling(evaluation, model, extractor, references, device, precision)
    # The mean is decoded, also where priors are fitted on samples of q(z|x): then the images are encoded again.
    encodes_again = trial.objective.variational and evaluation.vae_latents == "sample"

    def means(split: Split, indices: np.ndarray) -> np.ndarray:
        if not encodes_again:
            return np.asarray(getattr(latents, split)[indices])
        real = getattr(images, split)
        parts = (np.asarray(real[indices[i : i + CHUNK]]) for i in range(0, len(indices), CHUNK))
        return np.concatenate([encode_images(model, part, device, precision, "mean", seed=0) for part in parts])

    for split, real in zip(SPLITS, images, strict=True):
        indices = reference_indices(len(real), evaluation.reference_size, evaluation.reference_seed)
        sampling.add_reconstructions(split, real, indices, means(split, indices))
    for prior in evaluation.priors:
        for seed in evaluation.sampling_seeds:
            sampling.add_samples(prior, priors.get(prior, "not fitted"), seed)
    pairs = pair_indices(len(images.test), WALKS, evaluation.reference_seed)  # the same for all trials of a data set
    if len(pairs):
        with suppress(NonFiniteError):  # no picture where pixels are not numbers, which the scores' notes say
            ends_P2Z = means("test", pairs.ravel()).reshape(*pairs.shape, -1)
            png = interpolation_grid(
                np.asarray(images.test[pairs]), ends_P2Z, lambda z: sampling.decoded(z).cpu().numpy()
            )
            sampling.sampled.pictures["interpolation.png"] = png
    fixed = model, images, latents.train, means, priors, extractor, references, device, precision
    subject = Subject(evaluation, *fixed, fits, sampling.sampled.pictures)
    sampling.sampled.scores.extend(measure_model(subject))
    return sampling.sampled


def check_extractor(evaluation: EvaluationConfig, extractor: Extractor) -> None:
    """Raise `ValueError` unless the evaluation names this network: a score must say truly what measured it."""
    expected = evaluation.extractor_sha256 or _OFFICIAL_SHA256.get(evaluation.extractor, "none given")
    if (extractor.name, extractor.sha256) != (evaluation.extractor, expected):
        raise ValueError(
            f"the evaluation names {evaluation.extractor} {expected[:8]}, the extractor is "
            f"{extractor.name} {extractor.sha256[:8]}"
        )


@dataclass(frozen=True, eq=False)
class Sampling:
    """A trained model on its device, and what has been measured and shown of its images so far."""

    evaluation: EvaluationConfig
    model: Autoencoder
    extractor: Extractor | None
    references: Mapping[Split, Reference]
    device: torch.device
    precision: str
    sampled: Sampled = field(default_factory=lambda: Sampled([]))

    def decoded(self, z_NZ: np.ndarray) -> torch.Tensor:
        """Latents float32 (N, Z) -> pictures uint8 (N, H, W, C) on the device."""
        return decode_latents(self.model, z_NZ, self.device, self.precision)

    def add_reconstructions(self, split: Split, real: np.ndarray, indices: np.ndarray, z_NZ: np.ndarray) -> None:
        """Measure the images decoded from `z_NZ`, and show some below the images `real[indices]` that they belong to."""
        row = self._row("reconstruction", split, self.evaluation.reference_seed)
        measured, first = self._measured(z_NZ, row)
        if "reconstruction_error" in self.evaluation.metrics:
            errors = self.errors(z_NZ, np.asarray(real[indices]), row)
            measured = replace(measured, scores=(*measured.scores, *errors))
        self.sampled.measured.append(measured)
        if first is None:
            return
        # Spread over the split: a folder's images are sorted by class, and the first ones are all of one.
        shown = np.unique(np.linspace(0, len(indices) - 1, PAIRS).astype(int))
        with suppress(NonFiniteError):
            pictures = self.decoded(z_NZ[shown]).cpu().numpy()
            png = reconstruction_grid(np.asarray(real[indices[shown]]), pictures)
            self.sampled.pictures[f"reconstruction-{split}.png"] = png

    def add_samples(self, prior: str, fitted: FittedPrior | str, seed: int) -> None:
        """Draw from one prior and measure the images; those of the first seed are shown."""
        row = self._row(prior, self.evaluation.reference_split, seed)
        if isinstance(fitted, str):
            self.sampled.measured.append(failed(row, self.evaluation, self.references.get(row.split), fitted))
            return
        started = time.perf_counter()
        z_NZ = fitted.sample(self.evaluation.samples, seed)
        row = replace(row, seconds=time.perf_counter() - started, note=fitted.note)
        measured, first = self._measured(z_NZ, row)
        self.sampled.measured.append(measured)
        if first is not None and f"{prior}.png" not in self.sampled.pictures:
            self.sampled.pictures[f"{prior}.png"] = image_grid(first[:PICTURES].cpu().numpy())

    def errors(self, z_NZ: np.ndarray, real: np.ndarray, row: ScoreRow) -> list[ScoreRow]:
        """Rows of `MEASURES`: mean over the images and its standard error."""
        started = time.perf_counter()
        row = replace(row, extractor="none")
        try:
            values_N4 = reconstruction_errors(self.model, z_NZ, real, self.device, self.precision)
        except NonFiniteError as error:
            return [replace(row, metric=metric, note=str(error)) for metric in MEASURES]
        row = replace(row, n=len(real), seconds=(time.perf_counter() - started) / len(MEASURES))
        return [_mean(replace(row, metric=metric), found) for metric, found in zip(MEASURES, values_N4.T, strict=True)]

    def _row(self, source: Source, split: Split, seed: int) -> ScoreRow:
        """The Fréchet distance of a set of images, not measured yet."""
        place: dict[str, Any] = {"source": source, "split": split, "reference_split": split, "sampling_seed": seed}
        asked = self.evaluation
        return ScoreRow(**place, metric=asked.frechet_name, value=None, extractor=asked.extractor, n=0)

    def _measured(self, z_NZ: np.ndarray, row: ScoreRow) -> tuple[Measured, torch.Tensor | None]:
        """One set with its scores, and the pictures of its start; these alone where nothing is measured."""
        if self.extractor and (row.source != "reconstruction" or self.evaluation.compares_reconstructions):
            return measure(z_NZ, self.decoded, self.evaluation, self.extractor, self.references[row.split], row)
        try:
            return Measured(row), self.decoded(z_NZ[:PICTURES])
        except NonFiniteError:
            return Measured(row), None


def _mean(row: ScoreRow, values_N: np.ndarray) -> ScoreRow:
    """The row with the mean of these values and its standard error."""
    perfect = int(np.isposinf(values_N).sum())
    if perfect:
        note = f"{perfect} of {row.n} reconstructions are perfect, which has no finite {row.metric}"
        return replace(row, note=note)
    stderr = float(values_N.std(ddof=1) / np.sqrt(row.n)) if row.n > 1 else None
    return replace(row, value=float(values_N.mean()), stderr=stderr)
