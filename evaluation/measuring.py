"""One set of generated images: decoded and turned into features chunk by chunk, and everything that needs the features.

Features stay on the extractor's device until the set is measured; what leaves is their sums and a few numbers. The
distances themselves are computed from the sums elsewhere (score.py), on a CPU.

Shapes: N images (n in a chunk), Z = latent_size, D features, C classes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig, Source
from aesweep.evaluation.metrics.extrapolation import extrapolated_distance
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet_error import bootstrap_error, jackknife_error
from aesweep.evaluation.metrics.inception_score import inception_score
from aesweep.evaluation.metrics.kernel_distance import kernel_distance
from aesweep.evaluation.metrics.precision_recall import prdc
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.reference import CHUNK, Reference
from aesweep.models.data.datasets import Split
from aesweep.models.errors import NonFiniteError

Decoder = Callable[[np.ndarray], torch.Tensor]
"""Latents float32 (N, Z) -> pictures uint8 (N, H, W, 3) on the device."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number, or the reason why there is none."""

    metric: str
    value: float | None
    stderr: float | None = None
    n: int
    """Images scored."""
    n_reference: int = 0
    """Real images compared with."""
    extractor: str = "none"
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Measured:
    """One set of generated images; `statistics` is None where `note` says why there are none."""

    source: Source
    split: Split
    seed: int
    statistics: FeatureStatistics | None
    n: int
    seconds: float
    note: str = ""
    stderr: float | None = None
    """Of the Fréchet distance."""
    scores: tuple[Score, ...] = ()
    """What else was measured."""


@dataclass(frozen=True, eq=False)
class Features:
    """What the extractor says of one set, on its device."""

    features: torch.Tensor
    """float32 (N, D)."""
    logits: torch.Tensor | None
    """float32 (N, C), only for the Inception score."""


def measure(
    z_NZ: np.ndarray,
    decoded: Decoder,
    evaluation: EvaluationConfig,
    extractor: Extractor,
    reference: Reference,
    set_: Measured,
) -> tuple[Measured, torch.Tensor | None]:
    """`set_`, which names the images, with its statistics and scores; and the first chunk's pictures.

    Pixels that are not numbers give no score, the reason in the note, and None if it happened in the first chunk.
    """
    started = time.perf_counter() - set_.seconds
    statistics = FeatureStatistics(extractor.dimension)
    features: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []
    classify = "inception_score" in _asked(evaluation, set_.source)
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
        seconds = time.perf_counter() - started
        return failed(replace(set_, seconds=seconds), evaluation, extractor, reference, str(error)), shown
    seconds = time.perf_counter() - started
    found = Features(torch.cat(features), torch.cat(logits) if logits else None)
    measured = replace(set_, statistics=statistics, n=len(z_NZ), seconds=seconds)
    try:
        measured = replace(measured, stderr=_stderr(found.features, statistics, evaluation, reference, set_))
    except torch.linalg.LinAlgError as error:
        measured = replace(measured, note="; ".join(filter(None, (f"no standard error: {error}", set_.note))))
    return replace(measured, scores=_scores(found, evaluation, extractor, reference, measured)), shown


def failed(
    set_: Measured, evaluation: EvaluationConfig, extractor: Extractor, reference: Reference, reason: str
) -> Measured:
    """`set_` without any number, and the reason in every row."""
    reason = "; ".join(filter(None, (reason, set_.note)))
    rows = (
        Score(
            metric=m, value=None, n=0, n_reference=_compared(metric, reference), extractor=extractor.name, note=reason
        )
        for metric in _asked(evaluation, set_.source)
        for m in metric_rows(evaluation, metric)
    )
    return replace(set_, note=reason, scores=tuple(rows))


def metric_rows(evaluation: EvaluationConfig, metric: str) -> tuple[str, ...]:
    """The rows of the scores table that a metric of features gives, by their names there."""
    return {
        "kid": (evaluation.kernel_name,),
        "prdc": ("precision", "recall", "density", "coverage"),
        "frechet_infinity": (f"{evaluation.frechet_name}_infinity",),
        "inception_score": ("inception_score",),
    }[metric]


def _asked(evaluation: EvaluationConfig, source: Source) -> list[str]:
    """The metrics of features, beside the distance itself, that a set of this source gets: reconstructions are not
    samples of a distribution, only their distances are measured.
    """
    known = ["kid"] if source == "reconstruction" else ["kid", "prdc", "frechet_infinity", "inception_score"]
    return [metric for metric in known if metric in evaluation.metrics]


def _compared(metric: str, reference: Reference) -> int:
    """Real images that a metric compares with."""
    return 0 if metric == "inception_score" else reference.n


def _stderr(
    features_ND: torch.Tensor,
    statistics: FeatureStatistics,
    evaluation: EvaluationConfig,
    reference: Reference,
    set_: Measured,
) -> float | None:
    """Standard error of the Fréchet distance; None where there is no distance either."""
    if "frechet" not in evaluation.metrics or min(len(features_ND), reference.n) < 2:
        return None
    if set_.source == "reconstruction":
        return jackknife_error(features_ND, statistics, reference.statistics, reference.on(features_ND.device))
    if evaluation.bootstrap:
        return bootstrap_error(features_ND, reference.statistics, evaluation.bootstrap, set_.seed)
    return jackknife_error(features_ND, statistics, reference.statistics)


def _scores(
    found: Features,
    evaluation: EvaluationConfig,
    extractor: Extractor,
    reference: Reference,
    measured: Measured,
) -> tuple[Score, ...]:
    scores: list[Score] = []
    for metric in _asked(evaluation, measured.source):
        started = time.perf_counter()
        names = metric_rows(evaluation, metric)
        try:
            values, remark = _compute(metric, found, evaluation, reference, measured.source, measured.seed)
        except ValueError as error:
            values, remark = [(None, None)] * len(names), str(error)
        shared = Score(
            metric=metric,
            value=None,
            n=measured.n,
            n_reference=_compared(metric, reference),
            extractor=extractor.name,
            seconds=(time.perf_counter() - started) / len(names),
            note="; ".join(filter(None, (remark, measured.note))),
        )
        scores += [replace(shared, metric=m, value=v, stderr=e) for m, (v, e) in zip(names, values, strict=True)]
    return tuple(scores)


def _compute(
    metric: str, found: Features, evaluation: EvaluationConfig, reference: Reference, source: Source, seed: int
) -> tuple[list[tuple[float | None, float | None]], str]:
    """Value and standard error of each of `metric_rows`, and a remark. Raises `ValueError` where there is none."""
    features_ND = found.features
    match metric:
        case "kid":
            real_MD = reference.on(features_ND.device)
            size = min(evaluation.kid_subset_size, min(len(features_ND), len(real_MD)) // 2)
            remark = "" if size == evaluation.kid_subset_size else f"subsets of {size} images, half of all"
            paired = source == "reconstruction"
            return [kernel_distance(features_ND, real_MD, evaluation.kid_subsets, size, seed, paired=paired)], remark
        case "prdc":
            k, device = evaluation.prdc_neighbours, features_ND.device
            shares = prdc(features_ND, reference.on(device), k, reference.radii(device, k))
            return [(shares[name], None) for name in metric_rows(evaluation, metric)], ""
        case "frechet_infinity":
            return [(extrapolated_distance(features_ND, reference.statistics, seed), None)], ""
        case "inception_score" if found.logits is not None:
            return [inception_score(found.logits, seed)], ""
    raise ValueError(f"no metric {metric} of features")
