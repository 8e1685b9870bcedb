"""A feature network on its device: uint8 pictures in, one float32 vector per picture out.

Pictures that are decoded on a GPU are measured there: nothing but statistics and scores leaves the device. All networks run in
fp32 whatever precision the model had: bf16 features move a FID.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Extractor:
    """A feature network on its device, by name and SHA-256 of its weights; it gives D = `dimension` features per image."""

    name: str
    sha256: str
    dimension: int
    network: nn.Module
    """uint8 (N, 3, H, W) -> float32 (N, D)."""
    device: torch.device
    batch_size: int
    logits: Callable[[torch.Tensor], torch.Tensor] | None = None
    """float32 features (N, D) -> float32 class scores (N, C), where the network is a classifier."""
    fallback: "Extractor | None" = None
    """The same network with a wider range of numbers: it takes over pictures whose features are not finite."""
    weights: str = ""
    """SHA-256 of weights that were trained for the evaluation, where `sha256` is that of the recipe; else ""."""

    def features(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """`images` uint8 (N, H, W, 3) or grey (N, H, W, 1), of any device -> float32 (N, D) on `device`, in batches.

        The network sees grey images as equal red, green and blue.

        Raises `ValueError` for other shapes or types.
        """
        out = torch.empty((len(images), self.dimension), dtype=torch.float32, device=self.device)
        for first, features in self._batches(images):
            out[first : first + len(features)] = features
        if self.fallback is not None:
            lost = (~out.isfinite().all(1)).nonzero().flatten().cpu().numpy()
            if len(lost):
                beyond = "%d of %d pictures went beyond the numbers that float16 holds, and through fp32"
                log.warning(beyond, len(lost), len(out))
                out[lost] = self.fallback.features(images[lost])
        return out

    def features_and_logits(self, images: np.ndarray | torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The features of `images`, as `features`, and the network's class scores, float32 (N, C), both on `device`.

        For Inception these are the 1008 unbiased logits that its score is defined on. Raises `ValueError` for a network
        that knows no classes.
        """
        if self.logits is None:
            raise ValueError(f"the extractor {self.name} has no classes; the Inception score needs inception-2015")
        features = self.features(images)
        with torch.inference_mode(), _full_precision(self.device):
            logits = torch.cat([self.logits(batch) for batch in features.split(self.batch_size)])
        return features, logits.clone()  # a copy made out here can be computed with like any other tensor

    def _batches(self, images: np.ndarray | torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """First index and features of each batch; smaller batches where the GPU, which trials share, has too little memory."""
        if tuple(images.shape[3:]) not in ((1,), (3,)) or images.dtype not in (np.uint8, torch.uint8):
            raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {tuple(images.shape)}")
        first, size = 0, self.batch_size
        while first < len(images):
            batch = images[first : first + size]
            if isinstance(batch, np.ndarray):
                batch = torch.from_numpy(np.array(batch))  # a memory map is read-only
            try:
                with torch.inference_mode(), _full_precision(self.device):
                    batch = batch.to(self.device)
                    if batch.shape[3] == 1:
                        batch = batch.repeat(1, 1, 1, 3)
                    features = self.network(batch.permute(0, 3, 1, 2))  # NHWC -> NCHW, in channels_last memory
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = min(size, len(batch)) // 2 or 1
                less = "too little GPU memory for %d pictures at once; %s continues with %d"
                log.warning(less, len(batch), self.name, size)
                continue
            yield first, features
            first += len(batch)


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """True fp32, whatever the caller has switched on: no autocast, no TF32 or bf16 in convolutions or matrix products."""
    backends: Any = torch.backends  # its type stubs lack these settings
    wanted: list[tuple[Any, str, object]] = [
        (products, "fp32_precision", "ieee")
        for products in (backends.mkldnn.matmul, backends.mkldnn.conv, backends.cuda.matmul, backends.cudnn.conv)
    ]
    wanted += [(backends.cudnn, "deterministic", True), (backends.cudnn, "benchmark", False)]
    before = [getattr(owner, name) for owner, name, _ in wanted]
    try:
        for owner, name, value in wanted:
            setattr(owner, name, value)
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for (owner, name, _), value in zip(wanted, before, strict=True):
            setattr(owner, name, value)
