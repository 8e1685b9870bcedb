"""Seeded draws of images that all trials of a data set share."""

import numpy as np


def reference_indices(n_images: int, size: int, seed: int) -> np.ndarray:
    """Indices of `size` of `n_images` images, rising int64: a seeded draw; all where there are no more.

    Drawn by sorting PCG64's raw bits, which NumPy never changes; its `choice` may change between versions.
    """
    if size >= n_images:
        return np.arange(n_images)
    keys = np.random.PCG64(seed).random_raw(n_images)
    return np.sort(np.argsort(keys, kind="stable")[:size])


def pair_indices(n_images: int, pairs: int, seed: int) -> np.ndarray:
    """Indices of `pairs` pairs of different images, int64 (P, 2): a seeded draw without repeats.

    Fewer pairs where there are too few images. Drawn from PCG64's raw bits, as `reference.reference_indices` is.
    """
    pairs = min(pairs, n_images // 2)
    keys = np.random.PCG64(seed).random_raw(n_images)
    return np.argsort(keys, kind="stable")[: 2 * pairs].reshape(pairs, 2)
