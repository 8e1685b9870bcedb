"""The feature networks behind the Fréchet distance: uint8 pictures in, one float32 vector per picture out.

Pictures that are decoded on a GPU are measured there: nothing but statistics and scores leaves the device.

`inception-2015` is the network that FID is defined on (`evaluation.inception`); `random-conv-64` stands in where its
weights are absent. All run in fp32 whatever precision the model had: bf16 features move a FID.
"""

import hashlib
import io
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import nn

from evaluation.config import Extractor as ExtractorName
from evaluation.dinov2 import SIZES, DinoV2
from evaluation.inception import INCEPTION_DIMENSION, Computation, FastInception, ReferenceInception
from evaluation.random_conv import DIMENSION, RandomConv
from evaluation.weights import (
    DINOV2_MODELS,
    INCEPTION_BYTES,
    INCEPTION_SHA256,
    RANDOM_CONV_SHA256,
    dinov2_path,
    inception_path,
    read_dinov2,
    read_weights,
)
from models.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Extractor:
    """A feature network on its device."""

    name: ExtractorName
    sha256: str
    """SHA-256 of its weights."""
    dimension: int
    """Features per image, D."""
    network: nn.Module
    """uint8 (N, 3, H, W) -> float32 (N, D)."""
    device: torch.device
    batch_size: int
    logits: Callable[[torch.Tensor], torch.Tensor] | None = None
    """float32 features (N, D) -> float32 class scores (N, C), where the network is a classifier."""

    def features(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """`images` uint8 (N, H, W, 3), of any device -> float32 (N, D) on `device`, in batches.

        Raises `ValueError` for other shapes or types.
        """
        out = torch.empty((len(images), self.dimension), dtype=torch.float32, device=self.device)
        for first, features in self._batches(images):
            out[first : first + len(features)] = features
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
        if tuple(images.shape[3:]) != (3,) or images.dtype not in (np.uint8, torch.uint8):
            raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {tuple(images.shape)}")
        first, size = 0, self.batch_size
        while first < len(images):
            batch = images[first : first + size]
            if isinstance(batch, np.ndarray):
                batch = torch.from_numpy(np.array(batch))  # a memory map is read-only
            try:
                with torch.inference_mode(), _full_precision(self.device):
                    # NHWC -> NCHW, in channels_last memory
                    features = self.network(batch.to(self.device).permute(0, 3, 1, 2))
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = min(size, len(batch)) // 2 or 1
                log.warning(
                    "too little GPU memory for %d pictures at once; %s goes on with %d", len(batch), self.name, size
                )
                continue
            yield first, features
            first += len(batch)


def load_extractor(name: str, data_dir: Path, device: torch.device) -> Extractor:
    """The extractor `name` on `device`, its weights checked.

    Raises `InputError` for an unknown name or wrong weights.
    """
    match name:
        case "random-conv-64":
            network = RandomConv().to(device).eval()
            batch_size = 1024 if device.type == "cuda" else 256
            return Extractor(name, RANDOM_CONV_SHA256, DIMENSION, network, device, batch_size)
        case "inception-2015":
            return load_inception(inception_path(data_dir), device=device)
        case "dinov2-vit-s-14" | "dinov2-vit-b-14" | "dinov2-vit-l-14":
            return _load_dinov2(name, data_dir, device)
    raise InputError("extractor", name, f"Choose one of: {', '.join(get_args(ExtractorName))}.")


def load_inception(
    path: Path,
    sha256: str = INCEPTION_SHA256,
    size: int = INCEPTION_BYTES,
    *,
    device: torch.device,
    computation: Computation | None = None,
) -> Extractor:
    """The Inception network from a weights file of this SHA-256 and size (bytes).

    `computation` None takes the faster one of the device: on a GPU cuDNN's fp32 kernels are slower in channels_last memory.

    Raises `InputError` if the file is missing, has another size or hash, or does not hold exactly the network's
    weights.
    """
    data = read_weights(path, sha256, size)
    computation = computation or ("reference" if device.type == "cuda" else "fast")
    try:
        network = (FastInception if computation == "fast" else ReferenceInception)(_tensors(data))
    except _UNFIT as error:
        raise _unfit_error("inception", path, error) from error
    batch_size = 256 if device.type == "cuda" else 16
    network = network.to(device).eval()
    return Extractor("inception-2015", sha256, INCEPTION_DIMENSION, network, device, batch_size, network.logits)


def _load_dinov2(name: ExtractorName, data_dir: Path, device: torch.device) -> Extractor:
    """Raises `InputError` if the weights are missing or not those of the network."""
    path, model = dinov2_path(name, data_dir), DINOV2_MODELS[name]
    data = read_dinov2(name, data_dir)
    try:
        network = DinoV2(model, _tensors(data)).to(device).eval()
    except _UNFIT as error:
        raise _unfit_error("extractor", path, error) from error
    batch_size = 256 if device.type == "cuda" else 16
    dimension, _ = SIZES[model]
    return Extractor(name, hashlib.sha256(data).hexdigest(), dimension, network, device, batch_size)


def _tensors(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, of which nothing is run."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


_UNFIT = (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError, KeyError)
"""What files raise that hold something else than a network's weights."""


def _unfit_error(field: str, path: Path, error: Exception) -> InputError:
    return InputError(field, str(path), f"It does not hold the weights of the network: {_reason(error)}")


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


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
