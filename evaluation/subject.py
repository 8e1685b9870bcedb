"""What a metric of `descriptions.py` gets to measure, and how its rows are made.

Shapes: N images, Z = latent_size.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.descriptions import METRICS, Metric
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import jackknife_error
from aesweep.evaluation.metrics.kernel_distance import kernel_distance, possible_subset_size
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.priors.fitting import FitSettings
from aesweep.evaluation.reference import CHUNK, Reference
from aesweep.evaluation.rows import ScoreRow, Source, joined
from aesweep.models.data.datasets import Split
from aesweep.models.data.images import ImageSet
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.networks.reconstruction import decode_latents
from aesweep.models.plugins.plugin import Value, function

Values = Mapping[str, tuple[float, float | None, int]]
"""Metric of the scores table -> value, standard error, number of images."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model on its device with all that was made of it."""

    evaluation: EvaluationConfig
    model: Autoencoder
    images: ImageSet
    train_NZ: np.ndarray
    """Latents that the priors are fitted on."""
    encoded: Callable[[Split, np.ndarray], np.ndarray]
    """Split and indices -> latents float32 (N, Z) that reconstructions decode."""
    priors: Mapping[str, FittedPrior | str]
    extractor: Extractor | None
    references: Mapping[Split, Reference]
    device: torch.device
    precision: str
    fits: FitSettings
    """How further priors are fitted on this machine."""
    pictures: dict[str, bytes]
    """PNG files by name; a metric may add its own."""
    options: Mapping[str, Value] = field(default_factory=dict)
    """The parameters of the metric that measures."""

    def decoded(self, z_NZ: np.ndarray) -> torch.Tensor:
        """Latents float32 (N, Z) -> pictures uint8 (N, H, W, C) on the device."""
        return decode_latents(self.model, z_NZ, self.device, self.precision)

    def features(self, z_NZ: np.ndarray) -> torch.Tensor:
        """Latents float32 (N, Z) -> features (N, D) of their pictures, on the device."""
        assert self.extractor is not None
        parts = (self.decoded(z_NZ[i : i + CHUNK]) for i in range(0, len(z_NZ), CHUNK))
        return torch.cat([self.extractor.features(part) for part in parts])

    def real_features(self, images: np.ndarray, chosen_N: np.ndarray | None = None) -> torch.Tensor:
        """Features (N, D) of real images uint8 (N, H, W, C), of all or of those chosen, on the device."""
        assert self.extractor is not None
        chosen_N = np.arange(len(images)) if chosen_N is None else chosen_N
        parts = (np.asarray(images[chosen_N[i : i + CHUNK]]) for i in range(0, len(chosen_N), CHUNK))
        return torch.cat([self.extractor.features(part) for part in parts])

    def distances(self, features_ND: torch.Tensor, seed: int) -> Values:
        """Fréchet and kernel distance of generated images from the real ones; `seed` draws the subsets of the latter."""
        asked, reference, n = self.evaluation, self.reference(), len(features_ND)
        real_MD = reference.on(self.device)
        statistics = FeatureStatistics.of(features_ND)
        error = jackknife_error(features_ND, statistics, reference.statistics, real_MD)
        size = possible_subset_size(asked.kid_subset_size, n, len(real_MD))
        kernel = kernel_distance(features_ND, real_MD, asked.kid_subsets, size, seed)
        return {
            asked.frechet_name: (frechet_distance(statistics, reference.statistics), error, n),
            asked.kernel_name: (*kernel, n),
        }

    def reference(self) -> Reference:
        """The real images that samples are compared with."""
        return self.references[self.evaluation.reference_split]

    def sources(self) -> Iterator[tuple[Source, FittedPrior | str | None]]:
        """Where latents come from: test images (None), then each prior, or the reason why there is none."""
        yield "reconstruction", None
        for kind in self.evaluation.priors:
            yield kind, self.priors.get(kind, "not fitted")

    def rows(
        self, name: str, metrics: tuple[str, ...], measured: Callable[[FittedPrior | None], Values], **others: Any
    ) -> list[ScoreRow]:
        """Rows of `metrics` for each source: what `measured` gives for the source's prior (None for test images).

        A metric that it leaves out has no row; without a prior or with values that are not numbers, all rows say why. `others` are
        further fields of all rows.
        """
        rows: list[ScoreRow] = []
        extractor = self.evaluation.extractor if METRICS.get(name).needs_features else "none"
        for source, prior in self.sources():
            split: Split = "test" if prior is None else self.evaluation.reference_split
            row = self.row(source, split, extractor=extractor, **others)
            if prior is None:
                rows += measured_rows(row, metrics, lambda: measured(None))
            else:
                rows += prior_rows(row, metrics, prior, measured)
        return rows

    def row(self, source: Source, split: Split, **others: Any) -> ScoreRow:
        """A row of no metric yet: where latents or images come from; `others` are further fields of it."""
        asked = self.evaluation
        seeds = {"latents": asked.prior_seed, **dict.fromkeys(("images", "reconstruction"), asked.reference_seed)}
        place: dict[str, Any] = {
            "source": source,
            "split": split,
            "sampling_seed": seeds.get(source, asked.sampling_seeds[0]),
        }
        empty = {"metric": "", "value": None, "n": 0, "reference_split": split}
        return ScoreRow(**(place | empty | others))


def prior_rows(
    row: ScoreRow, metrics: tuple[str, ...], prior: FittedPrior | str, measured: Callable[[FittedPrior], Values]
) -> list[ScoreRow]:
    """`row` once for each value that `measured` gives for a prior; once for each metric where there is no prior, with the reason."""
    if isinstance(prior, str):
        return [replace(row, metric=metric, note=prior) for metric in metrics]
    return measured_rows(replace(row, note=prior.note), metrics, lambda: measured(prior))


def measured_rows(row: ScoreRow, metrics: tuple[str, ...], measured: Callable[[], Values]) -> list[ScoreRow]:
    """`row` once for each value that `measured` gives; where it gives none, once for each metric with the reason."""
    started = time.perf_counter()
    try:
        values = measured()
    except (NonFiniteError, PriorError, ValueError, torch.linalg.LinAlgError) as error:
        return [replace(row, metric=metric, note=joined(str(error), row.note)) for metric in metrics]
    row = replace(row, seconds=row.seconds + (time.perf_counter() - started) / len(values))
    return [replace(row, metric=metric, value=v, stderr=e, n=n) for metric, (v, e, n) in values.items()]


def measure_model(subject: Subject) -> list[ScoreRow]:
    """The rows of every metric of the model itself that the evaluation asks for, those of plug-ins last.

    Raises `PluginError` for a plug-in that is not here.
    """
    rows: list[ScoreRow] = []
    for metric in map(METRICS.get, subject.evaluation.metrics):
        if metric.measure is not None:
            own = replace(subject, options=subject.evaluation.option_values(metric))
            found = function(metric.measure)(own)
            rows += _of_plugin(metric, found) if metric.use else found
    return rows


def _of_plugin(metric: Metric, rows: list[ScoreRow]) -> list[ScoreRow]:
    """The rows with what the metric says of their standard errors. Raises `ValueError` for one that it does not declare."""
    declared = {row.name: row.stderr_of for row in metric.rows}
    if unknown := {row.metric for row in rows} - declared.keys():
        raise ValueError(f"the metric {metric.name} gave the row {min(unknown)}, which it does not declare")
    return [replace(row, stderr_of="none" if row.stderr is None else declared[row.metric]) for row in rows]


def mean_and_error(values_N: np.ndarray) -> tuple[float, float | None, int]:
    """Mean, its standard error and N. Raises `NonFiniteError` for a value that is not a number."""
    if not np.isfinite(values_N).all():
        raise NonFiniteError(f"{(~np.isfinite(values_N)).sum()} of {len(values_N)} values are not numbers")
    n = len(values_N)
    return float(values_N.mean()), float(values_N.std(ddof=1) / np.sqrt(n)) if n > 1 else None, n
