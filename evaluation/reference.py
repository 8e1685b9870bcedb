"""The real images that scores compare with: which ones, under which name their statistics are kept, and the statistics.

Every trial of a data set is compared with the same images, so they are measured once and kept; the name holds everything
that decides them. Distances need the statistics alone; the standard errors of reconstructions, kernel distances and nearest
neighbours need the features of each image, which are kept beside them.

Shapes: M images, D features.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.precision_recall import radii
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import Split, data_name

CHUNK = 1024  # images read from the memory map at a time


@dataclass(frozen=True, eq=False)
class Reference:
    """The real images of one split as the extractor sees them: statistics with their root, features float32 (M, D)."""

    statistics: FeatureStatistics
    features: np.ndarray
    weights: str = ""
    """`Extractor.weights` of the network that measured."""
    _made: dict[str, torch.Tensor] = field(default_factory=dict, init=False, repr=False)

    @property
    def n(self) -> int:
        """Real images, M."""
        return self.statistics.n

    def on(self, device: torch.device) -> torch.Tensor:
        """The features on a device, copied there once."""
        return self._once(str(device), lambda: torch.from_numpy(np.array(self.features)).to(device))

    def radii(self, device: torch.device, neighbours: int) -> torch.Tensor:
        """The balls around the images (`neighbours.radii`), the same for every set that is compared: computed once."""
        return self._once(f"{device} {neighbours}", lambda: radii(self.on(device), neighbours))

    def _once(self, name: str, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def __reduce__(self) -> tuple[type["Reference"], tuple[FeatureStatistics, np.ndarray, str]]:
        return Reference, (self.statistics, self.features, self.weights)  # without the copies on devices


def reference_name(trial: TrialConfig, evaluation: EvaluationConfig, split: Split, n: int, weights: str = "") -> str:
    """File name of the statistics of `n` reference images of `split`.

    `weights` is the SHA-256 of a network that was trained for the evaluation; "" for one that came with weights.
    """
    extractor = f"{evaluation.extractor_label}-{(weights or evaluation.extractor_sha256)[:8]}"
    return f"{data_name(trial)}-{split}-n{n}-s{evaluation.reference_seed}-{extractor}.npz"


def features_name(name: str) -> str:
    """File name of the features of the single images, beside `reference_name`."""
    return f"{name.removesuffix('.npz')}-features.npz"


def measure_reference(images: np.ndarray, indices: np.ndarray, extractor: Extractor) -> Reference:
    """The reference that `images[indices]` (uint8 (N, H, W, C)) make, with the matrix root that all distances share."""
    statistics = FeatureStatistics(extractor.dimension)
    kept = []
    for first in range(0, len(indices), CHUNK):
        features = extractor.features(np.asarray(images[indices[first : first + CHUNK]]))
        statistics.update(features)
        kept.append(features.cpu().numpy())
    if statistics.n >= 2:
        _ = statistics.root  # cached, and saved with the statistics
    return Reference(statistics, np.concatenate(kept), extractor.weights)


def features_to_bytes(features_MD: np.ndarray) -> bytes:
    """Features as an npz file."""
    return to_npz(features=features_MD)


def features_from_bytes(data: bytes, n: int, dimension: int) -> np.ndarray:
    """Read `features_to_bytes` back. Raises `ValueError` where it is damaged or does not hold `n` images."""
    features_MD = from_npz(data, "features", "features")["features"]
    if features_MD.shape != (n, dimension) or features_MD.dtype != np.float32 or not np.isfinite(features_MD).all():
        raise ValueError(f"damaged features: not {n} x {dimension} finite numbers of 32 bits")
    return features_MD
