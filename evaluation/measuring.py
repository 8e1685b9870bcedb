"""One set of generated images: decoded and turned into features chunk by chunk, and everything that needs the features.

Features stay on the extractor's device until the set is measured; what leaves is their sums and a few numbers. The
distances themselves are computed from the sums elsewhere (score.py), on a CPU.

Shapes: N images (n in a chunk), Z = latent_size, D features, C classes.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet_error import (
    as_text,
    bootstrap_error,
    influences,
    shared_parts,
    standard_error,
)
from aesweep.evaluation.metrics.frechet_infinity import both_sides_extrapolated, extrapolated_distance
from aesweep.evaluation.metrics.inception_score import inception_score
from aesweep.evaluation.metrics.kernel_distance import kernel_distance, possible_subset_size
from aesweep.evaluation.metrics.precision_recall import prdc
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.reference import CHUNK, Reference
from aesweep.evaluation.rows import ScoreRow, Source, joined
from aesweep.models.errors import NonFiniteError

OF_SAMPLES = ("kid", "prdc", "frechet_infinity", "frechet_infinity_both", "inception_score")
"""Metrics of samples that need the features of each, other than the distance itself."""
Decoder = Callable[[np.ndarray], torch.Tensor]
"""Latents float32 (N, Z) -> pictures uint8 (N, H, W, C) on the device."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of one set of generated images."""

    row: ScoreRow
    """The row of its Fréchet distance, whose value `distance_stage` computes from the statistics."""
    statistics: FeatureStatistics | None = None
    """None where `row.note` says why there are none."""
    scores: tuple[ScoreRow, ...] = ()


def measure(
    z_NZ: np.ndarray,
    decoded: Decoder,
    evaluation: EvaluationConfig,
    extractor: Extractor,
    reference: Reference,
    row: ScoreRow,
) -> tuple[Measured, torch.Tensor | None]:
    """Statistics and scores of the images decoded from `z_NZ`, which `row` names, and the first chunk's pictures.

    Pixels that are not numbers give no score, the reason in the note, and None if it happened in the first chunk.
    """
    started = time.perf_counter() - row.seconds
    statistics = FeatureStatistics(extractor.dimension)
    features: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []
    classify = "inception_score" in _asked(evaluation, row.source)
    shown: torch.Tensor | None = None
    try:
        for first in range(0, len(z_NZ), CHUNK):
            pictures = decoded(z_NZ[first : first + CHUNK])
            shown = pictures if shown is None else shown
            if classify:
                features_nD, logits_nC = extractor.features_and_logits(pictures)
                logits.append(logits_nC)
            else:
                features_nD = extractor.features(pictures)
            features.append(features_nD)
            statistics.update(features_nD)
    except NonFiniteError as error:
        row = replace(row, seconds=time.perf_counter() - started)
        return failed(row, evaluation, reference, str(error)), shown
    row = replace(row, n=len(z_NZ), seconds=time.perf_counter() - started)
    found = _Features(torch.cat(features), torch.cat(logits) if logits else None, evaluation, reference, row)
    try:
        stderr, shared = found.stderr(statistics)
        row = replace(row, stderr=stderr, stderr_shared=shared)
    except torch.linalg.LinAlgError as error:
        row = replace(row, note=joined(f"no standard error: {error}", row.note))
    return Measured(row, statistics, replace(found, row=row).scores()), shown


def failed(row: ScoreRow, evaluation: EvaluationConfig, reference: Reference | None, reason: str) -> Measured:
    """The rows of a set that could not be measured: no number, and the reason in each."""
    row = replace(row, note=joined(reason, row.note))
    scores = (
        replace(row, metric=name, n_reference=_compared(metric, reference), seconds=0.0)
        for metric in _asked(evaluation, row.source)
        for name in metric_rows(evaluation, metric)
    )
    return Measured(row, None, tuple(scores))


def metric_rows(evaluation: EvaluationConfig, metric: str) -> tuple[str, ...]:
    """The rows of the scores table that a metric of features gives, by their names there."""
    return {
        "kid": (evaluation.kernel_name,),
        "prdc": ("precision", "recall", "density", "coverage"),
        "frechet_infinity": (f"{evaluation.frechet_name}_infinity",),
        "frechet_infinity_both": (f"{evaluation.frechet_name}_infinity_both",),
        "inception_score": ("inception_score",),
    }[metric]


def _asked(evaluation: EvaluationConfig, source: Source) -> list[str]:
    """Metrics of features, other than the distance itself, that a set of this source gets.

    Reconstructions are not samples of a distribution: only their distances are measured.
    """
    known = ("kid",) if source == "reconstruction" else OF_SAMPLES
    return [metric for metric in known if metric in evaluation.metrics]


def _compared(metric: str, reference: Reference | None) -> int:
    """Real images that a metric compares with."""
    return 0 if metric == "inception_score" or reference is None else reference.n


@dataclass(frozen=True, eq=False)
class _Features:
    """The features of one set of images, and the logits where they are asked for; `row` names the set."""

    features_ND: torch.Tensor
    logits_NC: torch.Tensor | None
    evaluation: EvaluationConfig
    reference: Reference
    row: ScoreRow

    def stderr(self, statistics: FeatureStatistics) -> tuple[float | None, str]:
        """Standard error of the Fréchet distance, and the column `stderr_shared`; None where there is no distance either."""
        reference, features_ND, bootstrap = self.reference, self.features_ND, self.evaluation.bootstrap
        if "frechet" not in self.evaluation.metrics or min(len(features_ND), reference.n) < 2:
            return None, ""
        found = influences(features_ND, statistics, reference.statistics, reference.on(features_ND.device))
        if self.row.source == "reconstruction":  # sample i is the reconstruction of real image i
            both_N = found.sample_N + found.reference_M
            return standard_error(both_N), as_text(shared_parts(both_N))
        own = standard_error(found.sample_N)
        if bootstrap:
            own = bootstrap_error(features_ND, reference.statistics, bootstrap, self.row.sampling_seed)
        return math.hypot(own, standard_error(found.reference_M)), as_text(shared_parts(found.reference_M))

    def scores(self) -> tuple[ScoreRow, ...]:
        """The rows of all that is asked for, other than the distance itself."""
        scores: list[ScoreRow] = []
        for metric in _asked(self.evaluation, self.row.source):
            started = time.perf_counter()
            names = metric_rows(self.evaluation, metric)
            try:
                values, remark = self.compute(metric)
            except (ValueError, torch.linalg.LinAlgError) as error:
                values, remark = [(None, None)] * len(names), str(error)
            seconds = (time.perf_counter() - started) / len(names)
            n_reference, note = _compared(metric, self.reference), joined(remark, self.row.note)
            # An extrapolation has the influences of the distance itself; without an error it shares none.
            parts = self.row.stderr_shared if metric.startswith("frechet") and values[0][1] is not None else ""
            shared = replace(self.row, n_reference=n_reference, seconds=seconds, note=note, stderr_shared=parts)
            scores += [replace(shared, metric=m, value=v, stderr=e) for m, (v, e) in zip(names, values, strict=True)]
        return tuple(scores)

    def compute(self, metric: str) -> tuple[list[tuple[float | None, float | None]], str]:
        """Value and standard error of each of `metric_rows`, and a remark. Raises `ValueError` where there is none."""
        features_ND, evaluation, seed = self.features_ND, self.evaluation, self.row.sampling_seed
        match metric:
            case "kid":
                real_MD = self.reference.on(features_ND.device)
                size = possible_subset_size(evaluation.kid_subset_size, len(features_ND), len(real_MD))
                remark = "" if size == evaluation.kid_subset_size else f"subsets of {size} images, half of all"
                paired = self.row.source == "reconstruction"
                found = kernel_distance(features_ND, real_MD, evaluation.kid_subsets, size, seed, paired=paired)
                return [found], remark
            case "prdc":
                k, device = evaluation.prdc_neighbours, features_ND.device
                shares = prdc(features_ND, self.reference.on(device), k, self.reference.radii(device, k))
                return [(shares[name], None) for name in metric_rows(evaluation, metric)], ""
            case "frechet_infinity":
                return [extrapolated_distance(*self._compared(), seed)], ""
            case "frechet_infinity_both":
                return [both_sides_extrapolated(*self._compared(), seed)], ""
            case "inception_score" if self.logits_NC is not None:
                return [inception_score(self.logits_NC, seed)], ""
        raise ValueError(f"no metric {metric} of features")

    def _compared(self) -> tuple[torch.Tensor, FeatureStatistics, torch.Tensor]:
        return self.features_ND, self.reference.statistics, self.reference.on(self.features_ND.device)
