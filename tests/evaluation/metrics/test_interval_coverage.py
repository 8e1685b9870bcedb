"""A fast version of benchmarks/coverage.py: 95 % intervals cover known distances, and are not much wider than they need to be."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy import stats

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import influences, shared_parts
from aesweep.evaluation.metrics.frechet_infinity import both_sides_extrapolated
from aesweep.evaluation.metrics.kernel_distance import kernel_distance

DIMENSION, IMAGES, DRAWS = 6, 300, 40
FIRST, SECOND = (0.3, 0.9), (0.4, 0.8)
"""Shift and scale of two models; real images are N(0, I)."""


def distance(shift: float, scale: float) -> float:
    """The Fréchet distance of N(shift, scale² I) from N(0, I)."""
    return DIMENSION * (shift**2 + (1 - scale) ** 2)


def scores(random: np.random.Generator) -> Iterator[tuple[str, float, float]]:
    """Name, value and standard error of each score of one draw; the estimand is subtracted where it is known."""

    def images(shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
        return torch.from_numpy(shift + scale * random.standard_normal((IMAGES, DIMENSION)))

    real, a, b, perfect = images(), images(*FIRST), images(*SECOND), images()
    reference, *own = (FeatureStatistics.of(features) for features in (real, a, b))
    found = [influences(x, s, reference, real) for x, s in zip((a, b), own, strict=True)]
    values = [frechet_distance(s, reference) for s in own]
    yield "distance", values[0], found[0].error
    common = 2 * float(shared_parts(found[0].reference_M) @ shared_parts(found[1].reference_M))
    error = math.sqrt(found[0].error ** 2 + found[1].error ** 2 - common)
    yield "difference", values[1] - values[0], error
    value, error = both_sides_extrapolated(a, reference, real, 0)
    yield "extrapolated distance", value - distance(*FIRST), error
    for name, samples in (("kernel distance", a), ("kernel distance of a perfect model", perfect)):
        value, stderr = kernel_distance(samples, real, 20, 75, 0)
        assert stderr is not None
        yield name, value, stderr


ZERO = {"extrapolated distance", "kernel distance of a perfect model"}
"""Scores whose estimand is known: 0, or a distance that was subtracted. Of the others it is the mean over the draws."""


def test_intervals_cover_what_they_are_intervals_of() -> None:
    random = np.random.default_rng(5)
    drawn: dict[str, list[tuple[float, float]]] = {}
    for _ in range(DRAWS):
        for name, value, error in scores(random):
            drawn.setdefault(name, []).append((value, error))
    fewest = stats.binom.ppf(0.002, DRAWS, 0.92)
    for name, pairs in drawn.items():
        values, errors = np.array(pairs).T
        target = 0.0 if name in ZERO else values.mean()
        assert (np.abs(values - target) <= 1.96 * errors).sum() >= fewest, name
        assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.5), name
