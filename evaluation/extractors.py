"""The feature networks behind the Fréchet distance: uint8 pictures in, one float32 vector per picture out.

Pictures that are decoded on a GPU are measured there: nothing but statistics and scores leaves the device.

`inception-2015` is the network that FID is defined on (`evaluation.inception`); `random-conv-64` stands in where its
weights are absent. All run in fp32 whatever precision the model had: bf16 features move a FID.
"""

import io
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from evaluation.config import Extractor as ExtractorName
from evaluation.inception import INCEPTION_DIMENSION, Computation, FastInception, ReferenceInception
from evaluation.random_conv import DIMENSION, RandomConv
from evaluation.weights import INCEPTION_BYTES, INCEPTION_SHA256, RANDOM_CONV_SHA256, inception_path, read_weights
from models.errors import InputError


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
        """First index and features of each batch."""
        if tuple(images.shape[3:]) != (3,) or images.dtype not in (np.uint8, torch.uint8):
            raise ValueError(f"expected uint8 images (N, H, W, 3), got {images.dtype} {tuple(images.shape)}")
        for first in range(0, len(images), self.batch_size):
            batch = images[first : first + self.batch_size]
            if isinstance(batch, np.ndarray):
                batch = torch.from_numpy(np.array(batch))  # a memory map is read-only
            with torch.inference_mode(), _full_precision(self.device):
                # NHWC -> NCHW, in channels_last memory
                features = self.network(batch.to(self.device).permute(0, 3, 1, 2))
            yield first, features


def load_extractor(name: str, data_dir: Path, device: torch.device, computation: Computation = "fast") -> Extractor:
    """The extractor `name` on `device`, its weights checked; `computation` is Inception's (`evaluation.inception`).

    Raises `InputError` for an unknown name or wrong weights.
    """
    match name:
        case "random-conv-64":
            network = RandomConv().to(device).eval()
            return Extractor(name, RANDOM_CONV_SHA256, DIMENSION, network, device, batch_size=256)
        case "inception-2015":
            return load_inception(inception_path(data_dir), device=device, computation=computation)
    raise InputError("extractor", name, "Choose one of: inception-2015, random-conv-64.")


def load_inception(
    path: Path,
    sha256: str = INCEPTION_SHA256,
    size: int = INCEPTION_BYTES,
    *,
    device: torch.device,
    computation: Computation = "fast",
) -> Extractor:
    """The Inception network from a weights file of this SHA-256 and size (bytes).

    Raises `InputError` if the file is missing, has another size or hash, or does not hold exactly the network's
    weights.
    """
    data = read_weights(path, sha256, size)
    try:
        state_dict = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        network = FastInception(state_dict) if computation == "fast" else ReferenceInception(state_dict)
    except (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError("inception", str(path), f"It does not hold the weights of the network: {reason}") from error
    batch_size = 256 if device.type == "cuda" else 16
    network = network.to(device).eval()
    return Extractor("inception-2015", sha256, INCEPTION_DIMENSION, network, device, batch_size, network.logits)


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """True fp32, whatever the caller has switched on: no autocast, no TF32 or bf16 in convolutions or matrix products."""
    products = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            if device.type != "cuda":
                yield
                return
            with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
                yield
    finally:
        torch.set_float32_matmul_precision(products)
