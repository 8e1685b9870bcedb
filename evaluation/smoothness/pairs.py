"""Pairs of latents and the walks between them.

Two kinds of walk: straight, and spherical around a centre (White 2016), which keeps a distance from the centre that lies between
those of its ends; the middle of a straight line between two Gaussian latents of many dimensions is nearer to the centre than
nearly all latents are.

Shapes: P pairs, Z = latent_size, T positions.
"""

from typing import Literal

import numpy as np

from aesweep.evaluation.draws import pair_indices
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.subject import Subject

Way = Literal["straight", "spherical"]
WAYS: tuple[Way, ...] = ("straight", "spherical")
PARALLEL = 1e-6
"""Sine of an angle below which a spherical walk is straight."""


def latent_pairs(subject: Subject, prior: FittedPrior | None, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends float32 (P, 2, Z) and centre (Z,): of disjoint pairs of test images, or of samples of a prior.

    The centre of images is the mean of the training latents. Raises `ValueError` where there are fewer than two pairs.
    """
    if prior is None:
        chosen = pair_indices(len(subject.images.test), pairs, subject.evaluation.reference_seed)
        if len(chosen) < 2:
            raise ValueError(f"two pairs need 4 images, there are {len(subject.images.test)}")
        ends = subject.encoded("test", chosen.ravel()).reshape(len(chosen), 2, -1)
        return ends, subject.train_NZ.mean(0, dtype=np.float64)
    ends = prior.sample(2 * pairs, subject.evaluation.sampling_seeds[0]).reshape(pairs, 2, -1)
    return ends, prior.mean


def walk(ends_P2Z: np.ndarray, centre_Z: np.ndarray, positions_T: np.ndarray, way: Way) -> np.ndarray:
    """Latents float32 (P, T, Z) at `positions_T` from 0 (first end) to 1."""
    t = positions_T[None, :, None]
    first, last = (ends_P2Z[:, None, end].astype(np.float64) - centre_Z for end in (0, 1))
    straight = (1 - t) * first + t * last
    if way == "straight":
        return np.asarray(centre_Z + straight, dtype=np.float32)
    radii = [np.linalg.norm(end, axis=-1, keepdims=True) for end in (first, last)]
    units = [
        end / np.maximum(radius, np.finfo(np.float64).tiny) for end, radius in zip((first, last), radii, strict=True)
    ]
    angle = np.arccos(np.clip((units[0] * units[1]).sum(-1, keepdims=True), -1.0, 1.0))
    sine = np.sin(angle)
    turns = (sine > PARALLEL) & (radii[0] > 0) & (radii[1] > 0)
    turned = (np.sin((1 - t) * angle) * units[0] + np.sin(t * angle) * units[1]) / np.where(turns, sine, 1.0)
    round_about = turned * ((1 - t) * radii[0] + t * radii[1])
    return np.asarray(centre_Z + np.where(turns, round_about, straight), dtype=np.float32)
