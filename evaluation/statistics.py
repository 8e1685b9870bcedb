"""Mean and covariance of image features, summed up batch by batch and mergeable.

10,000 Inception features are 80 MB; their mean and covariance are all that a Fréchet distance needs. Sums are float64
and centred (Chan, Golub, LeVeque 1979): plain sums of squares lose the covariance where the mean is large against the
spread.

Shapes: N images, D features.
"""

import io
from functools import cached_property
from typing import Self

import numpy as np

from models.errors import NonFiniteError


class FeatureStatistics:
    """Count, mean (D,) and centred scatter (D, D) of feature vectors, float64."""

    def __init__(self, dimension: int) -> None:
        self.n = 0
        self._mean = np.zeros(dimension)
        self._scatter = np.zeros((dimension, dimension))  # sum of (x - mean)(x - mean)^T

    @property
    def dimension(self) -> int:
        """D."""
        return len(self._mean)

    def update(self, features: np.ndarray) -> None:
        """Add features (N, D).

        Raises `ValueError` for another shape, `NonFiniteError` for a value that is not finite.
        """
        if features.ndim != 2 or features.shape[1] != self.dimension:
            raise ValueError(f"features have shape {features.shape}, expected (N, {self.dimension})")
        if not np.isfinite(features).all():
            raise NonFiniteError("features hold values that are not finite")
        if len(features):
            x_ND = np.asarray(features, dtype=np.float64)
            mean = x_ND.mean(0)
            centred = x_ND - mean
            self._add(len(x_ND), mean, centred.T @ centred)

    def merge(self, other: "FeatureStatistics") -> None:
        """Add what another object has summed up. Raises `ValueError` if its dimension differs."""
        if other.dimension != self.dimension:
            raise ValueError(f"cannot merge statistics of {other.dimension} features into {self.dimension}")
        if other.n:
            self._add(other.n, other._mean, other._scatter)

    def _add(self, n: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        total = self.n + n
        step = mean - self._mean
        self._scatter += scatter + np.outer(step, step) * (self.n * n / total)
        self._mean = self._mean + step * (n / total)
        self.n = total
        self.__dict__.pop("root", None)

    @property
    def mean(self) -> np.ndarray:
        """(D,) float64. Raises `ValueError` where nothing was added."""
        self._require(1)
        return self._mean

    @property
    def covariance(self) -> np.ndarray:
        """(D, D) float64, divided by n - 1 as in Heusel et al. 2017. Raises `ValueError` for fewer than two images."""
        self._require(2)
        return self._scatter / (self.n - 1)

    @property
    def trace(self) -> float:
        """Trace of the covariance."""
        self._require(2)
        return float(np.trace(self._scatter)) / (self.n - 1)

    @cached_property
    def root(self) -> np.ndarray:
        """A (D, r) float64 with A A^T = covariance, r its rank: computed once for a reference, used by every trial.

        Directions whose variance is rounding error (under max * D * eps) are left out, so that fewer images than
        features make the root narrower and the distance cheaper.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        kept = values > max(values[-1], 0.0) * self.dimension * np.finfo(np.float64).eps
        return vectors[:, kept] * np.sqrt(values[kept])

    def _require(self, least: int) -> None:
        if self.n < least:
            raise ValueError(f"statistics of {self.n} images; at least {least} needed")

    def to_bytes(self) -> bytes:
        """As an npz file; the root travels with it where it was computed."""
        arrays = {"n": np.array(self.n), "mean": self._mean, "scatter": self._scatter}
        if "root" in self.__dict__:
            arrays["root"] = self.root
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            statistics = cls(len(arrays["mean"]))
            statistics.n, statistics._mean, statistics._scatter = int(arrays["n"]), arrays["mean"], arrays["scatter"]
            root = arrays.get("root")
        except Exception as error:  # zip and array headers fail in many ways
            raise ValueError(f"damaged feature statistics: {error}") from error
        size = statistics.dimension
        parts = [statistics._mean, statistics._scatter, *([] if root is None else [root])]
        shapes_fit = statistics._scatter.shape == (size, size) and (root is None or root.shape[:-1] == (size,))
        if not shapes_fit or statistics.n < 0 or not all(p.dtype == np.float64 and np.isfinite(p).all() for p in parts):
            raise ValueError("damaged feature statistics: no mean and scatter of finite numbers")
        if root is not None:
            statistics.__dict__["root"] = root
        return statistics
