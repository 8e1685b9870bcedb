"""What a metric of `descriptions.py` gets to measure, and how its rows are made.

Shapes: N images, Z = latent_size.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig, Source
from aesweep.evaluation.descriptions import BY_NAME
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.reference import Reference
from aesweep.evaluation.rows import ScoreRow, joined
from aesweep.models.data.datasets import Split
from aesweep.models.data.images import ImageSet
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.networks.reconstruction import decode_latents

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

    def decoded(self, z_NZ: np.ndarray) -> torch.Tensor:
        """Latents float32 (N, Z) -> pictures uint8 (N, H, W, 3) on the device."""
        return decode_latents(self.model, z_NZ, self.device, self.precision)

    def features(self, z_NZ: np.ndarray) -> torch.Tensor:
        """Latents float32 (N, Z) -> features (N, D) of their pictures, on the device."""
        assert self.extractor is not None
        return torch.cat([self.extractor.features(self.decoded(z_NZ[i : i + 1024])) for i in range(0, len(z_NZ), 1024)])

    def reference(self) -> Reference:
        """The real images that samples are compared with."""
        return self.references[self.evaluation.reference_split]

    def sources(self) -> Iterator[tuple[Source, FittedPrior | str | None]]:
        """Where latents come from: test images (None), then each prior, or the reason why there is none."""
        yield "reconstruction", None
        for kind in self.evaluation.priors:
            yield kind, self.priors.get(kind, "not fitted")

    def rows(
        self, name: str, metrics: tuple[str, ...], measured: Callable[[FittedPrior | None], Values]
    ) -> list[ScoreRow]:
        """Rows of `metrics` for each source: what `measured` gives for the source's prior (None for test images).

        A metric that it leaves out has no row; without a prior or with values that are not numbers, all rows say why.
        """
        rows: list[ScoreRow] = []
        extractor = self.evaluation.extractor if BY_NAME[name].needs_features else "none"
        for source, prior in self.sources():
            started = time.perf_counter()
            seed = self.evaluation.reference_seed if prior is None else self.evaluation.seeds[0]
            split: Split = "test" if prior is None else self.evaluation.reference_split
            place: dict[str, Any] = {"source": source, "split": split, "reference_split": split, "seed": seed}
            empty = ScoreRow(**place, metric="", value=None, extractor=extractor, n=0)
            try:
                if isinstance(prior, str):
                    raise ValueError(prior)
                values = measured(prior)
            except (NonFiniteError, ValueError) as error:
                note = joined(str(error), prior.note if isinstance(prior, FittedPrior) else "")
                rows += [replace(empty, metric=metric, note=note) for metric in metrics]
                continue
            seconds = (time.perf_counter() - started) / len(values)
            note = prior.note if isinstance(prior, FittedPrior) else ""
            empty = replace(empty, seconds=seconds, note=note)
            rows += [replace(empty, metric=m, value=v, stderr=e, n=n) for m, (v, e, n) in values.items()]
        return rows


def measure_model(subject: Subject) -> list[ScoreRow]:
    """The rows of every metric of `descriptions.py` that the evaluation asks for."""
    rows: list[ScoreRow] = []
    for name, description in BY_NAME.items():
        if name in subject.evaluation.metrics:
            rows += import_module(f"aesweep.evaluation.{description.module}").measure(subject)
    return rows


def mean_and_error(values_N: np.ndarray) -> tuple[float, float | None, int]:
    """Mean, its standard error and N. Raises `NonFiniteError` for a value that is not a number."""
    if not np.isfinite(values_N).all():
        raise NonFiniteError(f"{(~np.isfinite(values_N)).sum()} of {len(values_N)} values are not numbers")
    n = len(values_N)
    return float(values_N.mean()), float(values_N.std(ddof=1) / np.sqrt(n)) if n > 1 else None, n
