"""How real the images are that lie halfway between two latents: their Fréchet and kernel distance from real images.

The midpoints of disjoint pairs of test images (source `reconstruction`), and of pairs of samples of each prior; straight and
spherical (`pairs.py`), as Ghosh et al. 2020 score spherical midpoints of regularised autoencoders. A space that can be
interpolated gives distances near those of reconstructions or samples themselves. Each image belongs to one midpoint, so that
midpoints are independent.
"""

from typing import Any

import numpy as np

from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.smoothness.pairs import WAYS, latent_pairs, walk
from aesweep.evaluation.subject import Subject, Values


def measure(subject: Subject) -> list[ScoreRow]:
    """Four rows per source: two distances, each of straight and spherical midpoints."""
    asked = subject.evaluation
    names = tuple(f"{metric}_{way}" for way in WAYS for metric in (asked.frechet_name, asked.kernel_name))
    compared_with: dict[str, Any] = {"reference_split": asked.reference_split, "n_reference": subject.reference().n}
    return subject.rows("interpolation", names, lambda prior: _distances(subject, prior), **compared_with)


def _distances(subject: Subject, prior: FittedPrior | None) -> Values:
    asked = subject.evaluation
    ends_P2Z, centre_Z = latent_pairs(subject, prior, asked.samples // 2)
    seed = asked.reference_seed if prior is None else asked.sampling_seeds[0]
    found: dict[str, tuple[float, float | None, int]] = {}
    for way in WAYS:
        features_PD = subject.features(walk(ends_P2Z, centre_Z, np.array([0.5]), way)[:, 0])
        found |= {f"{metric}_{way}": value for metric, value in subject.distances(features_PD, seed).items()}
    return found
