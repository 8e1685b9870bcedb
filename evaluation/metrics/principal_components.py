"""Principal components of latents, without directions in which they vary by rounding error alone.

Shapes: N latents, Z = latent_size, d = rank of their covariance.
"""

from typing import NamedTuple

import numpy as np


class PrincipalComponents(NamedTuple):
    """The d directions in which latents vary, with the standard deviation along each, ascending."""

    vectors_Zd: np.ndarray
    deviations_d: np.ndarray
    least: float
    """The variance at or under which a direction is rounding error: max * Z * eps."""

    @property
    def whitening(self) -> np.ndarray:
        """(Z, d): centred latents times this have the covariance I."""
        return np.asarray(self.vectors_Zd / self.deviations_d)


def principal_components(centred_NZ: np.ndarray) -> PrincipalComponents:
    """The components of float64 latents (N, Z) whose mean is 0; their covariance is divided by N."""
    n, size = centred_NZ.shape
    values, vectors = np.linalg.eigh(centred_NZ.T @ centred_NZ / n)
    least = float(values[-1]) * size * np.finfo(np.float64).eps
    kept = values > least
    return PrincipalComponents(vectors[:, kept], np.sqrt(values[kept]), float(least))
