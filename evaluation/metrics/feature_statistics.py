"""Mean and covariance of image features, summed up batch by batch.

10,000 Inception features are 80 MB; their mean and covariance are all that a Fréchet distance needs. Sums are float64
and centred (Chan, Golub, LeVeque 1979): plain sums of squares lose the covariance where the mean is large against the
spread.

Shapes: N images, D features.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.models.errors import NonFiniteError


class FeatureStatistics:
    """Count, mean (D,) and centred scatter (D, D) of feature vectors, float64.

    Features on a GPU are summed up there and come back as two arrays when a result is asked for; all results are NumPy.
    """

    def __init__(self, dimension: int) -> None:
        self._sums = _Sums(0, np.zeros(dimension), np.zeros((dimension, dimension)))
        self._on_device: _Sums | None = None  # of tensors; not yet in `_sums`

    @classmethod
    def of(cls, features: np.ndarray | torch.Tensor) -> Self:
        """The statistics of one set of features (N, D); raises as `update` does."""
        statistics = cls(features.shape[1])
        statistics.update(features)
        return statistics

    @property
    def n(self) -> int:
        """Images."""
        return self._sums.n + (self._on_device.n if self._on_device else 0)

    @property
    def dimension(self) -> int:
        """D."""
        return len(self._sums.mean)

    def update(self, features: np.ndarray | torch.Tensor) -> None:
        """Add features (N, D), an array or a tensor of any device.

        Raises `ValueError` for another shape, `NonFiniteError` for a value that is not finite.
        """
        if features.ndim != 2 or features.shape[1] != self.dimension:
            raise ValueError(f"features have shape {tuple(features.shape)}, expected (N, {self.dimension})")
        on_device = isinstance(features, torch.Tensor) and features.device.type != "cpu"
        x_ND: Any = features.detach().double() if on_device else np.asarray(features, dtype=np.float64)  # type: ignore[union-attr]
        if not (x_ND.isfinite() if on_device else np.isfinite(x_ND)).all():
            raise NonFiniteError("features hold values that are not finite")
        if len(x_ND) == 0:
            return
        self.__dict__.pop("root", None)
        sums = _Sums.of(x_ND)
        if not on_device:
            self._sums += sums
        elif self._on_device is not None and self._on_device.mean.device == x_ND.device:
            self._on_device += sums
        else:
            self._settled()
            self._on_device = sums

    def _settled(self) -> "_Sums":
        """The sums of everything that was added, as NumPy."""
        if self._on_device is not None:
            waiting, self._on_device = self._on_device, None
            self._sums += _Sums(waiting.n, waiting.mean.cpu().numpy(), waiting.scatter.cpu().numpy())
        return self._sums

    def __getstate__(self) -> dict[str, Any]:
        self._settled()  # whoever unpickles it may have no GPU
        return self.__dict__

    @property
    def mean(self) -> np.ndarray:
        """(D,) float64. Raises `ValueError` where nothing was added."""
        self._require(1)
        return np.asarray(self._settled().mean)

    @property
    def covariance(self) -> np.ndarray:
        """(D, D) float64, divided by n - 1 as in Heusel et al. 2017. Raises `ValueError` for fewer than two images."""
        self._require(2)
        return np.asarray(self._settled().scatter / (self.n - 1))

    @property
    def trace(self) -> float:
        """Trace of the covariance."""
        self._require(2)
        return float(np.trace(self._settled().scatter)) / (self.n - 1)

    @cached_property
    def root(self) -> np.ndarray:
        """A (D, r) float64 with A A^T = covariance, r its rank: computed once for a reference, used by every trial.

        Zero above its diagonal, which saves a distance most of its products. Directions whose variance is rounding error
        (under max * D * eps) are left out, so that fewer images than features make the root narrower and the distance
        cheaper.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        kept = values > max(values[-1], 0.0) * self.dimension * np.finfo(np.float64).eps
        root_DR = vectors[:, kept] * np.sqrt(values[kept])
        # A^T = Q R, so A A^T = R^T Q^T Q R = R^T R, with R^T zero above its diagonal.
        upper: np.ndarray = np.asarray(np.linalg.qr(root_DR.T, mode="r"))
        return np.ascontiguousarray(upper.T)

    def _require(self, least: int) -> None:
        if self.n < least:
            raise ValueError(f"statistics of {self.n} images; at least {least} needed")

    def to_bytes(self) -> bytes:
        """As an npz file; the root travels with it where it was computed."""
        sums = self._settled()
        root = {"root": self.root} if "root" in self.__dict__ else {}
        return to_npz(n=np.array(sums.n), mean=sums.mean, scatter=sums.scatter, **root)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged."""
        arrays = from_npz(data, "feature statistics", "n", "mean", "scatter")
        n, mean, scatter = arrays["n"], arrays["mean"], arrays["scatter"]
        size = len(mean) if mean.ndim == 1 else 0
        root = arrays.get("root", np.zeros((size, 0)))
        shapes_fit = scatter.shape == (size, size) and root.ndim == 2 and len(root) == size
        is_count = n.ndim == 0 and n.dtype.kind == "i" and n >= 0
        numbers = all(p.dtype == np.float64 and np.isfinite(p).all() for p in (mean, scatter, root))
        if not (shapes_fit and numbers and is_count) or np.triu(root, 1).any():
            raise ValueError("damaged feature statistics: no mean and scatter of finite numbers")
        statistics = cls(size)
        statistics._sums = _Sums(int(n), mean, scatter)
        if "root" in arrays:
            statistics.__dict__["root"] = root
        return statistics


@dataclass(frozen=True, eq=False)
class _Sums:
    """Mean (D,) of n vectors and the sum (D, D) of (x - mean)(x - mean)^T: arrays, or tensors of one device; float64."""

    n: int
    mean: Any
    scatter: Any

    @classmethod
    def of(cls, x_ND: Any) -> "_Sums":
        mean = x_ND.mean(0)
        centred = x_ND - mean
        return cls(len(x_ND), mean, centred.T @ centred)

    def __add__(self, other: "_Sums") -> "_Sums":
        """Chan, Golub, LeVeque 1979."""
        n = self.n + other.n
        step = other.mean - self.mean
        scatter = self.scatter + (other.scatter + step[:, None] * step * (self.n * other.n / n))
        return _Sums(n, self.mean + step * (other.n / n), scatter)
