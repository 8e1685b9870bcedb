"""Latents whose law is known, what truly Gaussian ones give, and what the report makes of them."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from aesweep.analysis.data.gaussianity import gaussianity_by_trial, judge_gaussianity
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.thresholds import PRACTICALLY_GAUSSIAN
from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.latents import Latents
from aesweep.evaluation.metrics.gaussian_null import shape_null
from aesweep.evaluation.metrics.gaussianity import SHAPE_METRICS, gaussianity_stage, shape_statistics


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Gaussian latents of an arbitrary mean and covariance, float32 (n, d)."""
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) + 5 * generator.normal(size=d)).astype("f4")


def heavy_and_light(n: int, d: int) -> np.ndarray:
    """Independent coordinates of unit variance, 2 of 7 Laplace and the others uniform, each mixed half and half with a
    Gaussian: excess kurtosis 0.75 and -0.3, which balance in the mean."""
    generator = np.random.default_rng(1)
    laplace = generator.laplace(scale=0.5**0.5, size=(n, 2 * d // 7))
    uniform = generator.uniform(-(3**0.5), 3**0.5, size=(n, d - 2 * d // 7))
    mixed = np.concatenate([laplace, uniform], axis=1) + generator.normal(size=(n, d))
    return (mixed / 2**0.5).astype("f4")


def common_radius(n: int, d: int, spread: float = 0.1) -> np.ndarray:
    """Gaussian directions whose length varies by a log-normal factor, the same for all dimensions of an image."""
    generator = np.random.default_rng(2)
    lengths = np.exp(spread * generator.normal(size=(n, 1)))
    return (lengths * generator.normal(size=(n, d))).astype("f4")


def null_moments(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of `SHAPE_METRICS` for Gaussian latents, each (3,)."""
    laws = shape_null(n, d)
    return np.array([law.mean for law in laws]), np.array([law.deviation for law in laws])


def z_scores(x: np.ndarray) -> dict[str, float]:
    """Standard deviations between each statistic and simulated Gaussian data."""
    values, rank = shape_statistics(x)
    means, deviations = null_moments(len(x), rank)
    return dict(zip(SHAPE_METRICS, ((values - means) / deviations).tolist(), strict=True))


def judged(trials: dict[str, np.ndarray]) -> pd.DataFrame:
    """What the report makes of trials with these training latents, without a prior; index: their names, in order."""
    evaluation = EvaluationConfig(metrics=("gaussianity",))
    rows = [
        {"key": key, "evaluation": "one", "gmm_components": None, **asdict(row)}
        for key, x_NZ in trials.items()
        for row in gaussianity_stage(evaluation, Latents(x_NZ, x_NZ[:2]), {}, threads=1)
    ]
    frame = gaussianity_by_trial(Tables(Path("nowhere"), scores=pd.DataFrame(rows)))
    return judge_gaussianity(frame, PRACTICALLY_GAUSSIAN).loc[list(trials)]
