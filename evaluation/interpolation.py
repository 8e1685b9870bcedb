"""Walks between test images: does the decoder give pictures between two latents that it has seen?

A row shows a real image, the decoded straight line in latent space from it to another one, and the other real image.

Shapes: P pairs, Z = latent_size, H = W pixels.
"""

from collections.abc import Callable

import numpy as np

from aesweep.evaluation.pictures import image_grid

ROWS = 8  # pairs shown of every scored trial
STEPS = 9  # decoded images of one walk, its two ends included


def straight_walks(ends_P2Z: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """`steps` latents at equal distances on the line between two, ends included: float32 (P, 2, Z) -> (P, steps, Z)."""
    weights = np.linspace(0.0, 1.0, steps, dtype=np.float32)[None, :, None]
    return np.asarray((1 - weights) * ends_P2Z[:, :1] + weights * ends_P2Z[:, 1:])


def interpolation_grid(images: np.ndarray, ends_P2Z: np.ndarray, decoded: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """One row per pair, real images at both ends of its decoded walk, as PNG bytes.

    `images` are the pairs themselves, uint8 (P, 2, H, W, 3), `ends_P2Z` their latents; `decoded` takes latents (N, Z) to
    uint8 (N, H, W, 3). Raises `ValueError` for no pairs.
    """
    pairs, _, size = ends_P2Z.shape
    walks = decoded(straight_walks(ends_P2Z).reshape(pairs * STEPS, size)).reshape(pairs, STEPS, *images.shape[2:])
    rows = np.concatenate([images[:, :1], walks, images[:, 1:]], axis=1)
    return image_grid(rows.reshape(-1, *images.shape[2:]), columns=STEPS + 2)
