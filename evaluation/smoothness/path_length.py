"""The perceptual path length (Karras et al. 2019) between two latents on straight walks, on the chosen features f.

* `path_length`: mean of |f(t + h) - f(t)|^2 / h^2 over the steps of the walk, h = 1/8. The original takes h = 1e-4, where
  pictures of whole levels (0 to 255) would not change at all.
* `path_stretch`: the length of the walk in feature space over the distance of its ends; 1 for a walk that is straight there.
  It depends neither on the scale of the latents nor on that of the features, which makes it comparable between models.
"""

import numpy as np

from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.smoothness.pairs import latent_pairs, walk
from aesweep.evaluation.subject import Subject, Values, mean_and_error

STEPS = 8
PAIRS = 200


def measure(subject: Subject) -> list[ScoreRow]:
    """Two rows per source."""
    return subject.rows("path_length", ("path_length", "path_stretch"), lambda prior: _lengths(subject, prior))


def _lengths(subject: Subject, prior: FittedPrior | None) -> Values:
    ends_P2Z, centre_Z = latent_pairs(subject, prior, min(PAIRS, subject.evaluation.samples))
    z_PTZ = walk(ends_P2Z, centre_Z, np.linspace(0.0, 1.0, STEPS + 1), "straight")
    features = subject.features(z_PTZ.reshape(-1, z_PTZ.shape[-1])).double().cpu().numpy()
    return path_lengths(features.reshape(*z_PTZ.shape[:2], -1))


def path_lengths(features_PTD: np.ndarray) -> Values:
    """The two measures of features along P walks of T points, evenly spaced."""
    steps_PT = np.linalg.norm(np.diff(features_PTD, axis=1), axis=-1)
    chord_P = np.linalg.norm(features_PTD[:, -1] - features_PTD[:, 0], axis=-1)
    moves = chord_P > 0  # the stretch of a walk between equal pictures has no value
    if not moves.any():
        raise ValueError("all walks begin and end with the same picture")
    return {
        "path_length": mean_and_error((steps_PT**2).mean(1) * steps_PT.shape[1] ** 2),
        "path_stretch": mean_and_error(steps_PT[moves].sum(1) / chord_P[moves]),
    }
