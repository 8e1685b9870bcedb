"""The real images that scores compare with: which ones, under which name their statistics are kept, and the statistics.

Every trial of a data set is compared with the same images, so their statistics are measured once and kept; the name
holds everything that decides them.
"""

import numpy as np

from evaluation.config import EvaluationConfig, Split
from evaluation.extractors import Extractor
from evaluation.statistics import FeatureStatistics
from models.config import TrialConfig
from models.datasets import data_name

SPLITS: tuple[Split, ...] = ("train", "test")
CHUNK = 1024  # images read from the memory map at a time


def reference_indices(n_images: int, size: int, seed: int) -> np.ndarray:
    """Indices of `size` of `n_images` images, rising int64: a seeded draw; all where there are no more.

    Drawn by sorting PCG64's raw bits, which NumPy keeps for ever; its `choice` may change between versions.
    """
    if size >= n_images:
        return np.arange(n_images)
    keys = np.random.PCG64(seed).random_raw(n_images)
    return np.sort(np.argsort(keys, kind="stable")[:size])


def reference_name(trial: TrialConfig, evaluation: EvaluationConfig, split: Split, n: int) -> str:
    """File name of the statistics of `n` reference images of `split`."""
    extractor = f"{evaluation.extractor}-{evaluation.extractor_sha256[:8]}"
    return f"{data_name(trial)}-{split}-n{n}-s{evaluation.reference_seed}-{extractor}.npz"


def reference_statistics(images: np.ndarray, indices: np.ndarray, extractor: Extractor) -> FeatureStatistics:
    """Feature statistics of `images[indices]` (uint8 (N, H, W, 3)), with the matrix root that all distances share."""
    statistics = FeatureStatistics(extractor.dimension)
    for first in range(0, len(indices), CHUNK):
        statistics.update(extractor.features(np.asarray(images[indices[first : first + CHUNK]])))
    if statistics.n >= 2:
        _ = statistics.root  # cached, and saved with the statistics
    return statistics
