"""The feature networks behind the Fréchet distance, by name.

`inception-2015` is the network that FID is defined on (`aesweep.evaluation.networks.inception`); `random-conv-64` stands in where its
weights are absent.
"""

import hashlib
import io
import logging
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from aesweep.evaluation.networks.dinov2 import SIZES, DinoV2
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.inception import (
    INCEPTION_DIMENSION,
    Computation,
    FastInception,
    Inception,
    ReferenceInception,
    torch_fidelity_network,
)
from aesweep.evaluation.networks.random_conv import DIMENSION, RandomConv
from aesweep.evaluation.networks.weights import (
    DINOV2_MODELS,
    INCEPTION_BYTES,
    INCEPTION_SHA256,
    RANDOM_CONV_SHA256,
    find_dinov2,
    inception_path,
    read_weights,
    require_extractor,
)
from aesweep.models.errors import InputError
from aesweep.models.plugins.plugin import function

log = logging.getLogger(__name__)

TOLERANCE = 5e-6
"""How far Inception's features from tensor cores may be from fp32's, |difference| / |features|. On an H200 some 1e-6, and 2.5e-5
where Triton let the tensor cores add all terms."""


def load_extractor(name: str, data_dir: Path, device: torch.device) -> Extractor:
    """The extractor `name` on `device`, its weights checked.

    Raises `InputError` for an unknown name or wrong weights.
    """
    found: Extractor = function(require_extractor(name).load)(data_dir, device)
    return replace(found, name=name)  # a plug-in may build on a network that has another name


def load_random_conv(_: Path, device: torch.device) -> Extractor:
    """`random-conv-64`."""
    network = RandomConv().to(device).eval()
    batch_size = 1024 if device.type == "cuda" else 256
    return Extractor("random-conv-64", RANDOM_CONV_SHA256, DIMENSION, network, device, batch_size)


def load_inception_2015(data_dir: Path, device: torch.device) -> Extractor:
    """`inception-2015`, from the data folder."""
    return load_inception(inception_path(data_dir), device=device)


def load_inception(
    path: Path,
    sha256: str = INCEPTION_SHA256,
    size: int = INCEPTION_BYTES,
    *,
    device: torch.device,
    computation: Computation | None = None,
) -> Extractor:
    """The Inception network from a weights file of this SHA-256 and size (bytes).

    `computation` None takes the fastest that is right on this device.

    Raises `InputError` if the file is missing, has another size or hash, or does not hold exactly the network's
    weights.
    """
    data = read_weights(path, sha256, size)

    def load(computation: Computation) -> Extractor:
        weights = _network("inception", path, data, torch_fidelity_network)
        network = build_inception(computation, weights, device)
        batch_size = 256 if device.type == "cuda" else 16
        return Extractor("inception-2015", sha256, INCEPTION_DIMENSION, network, device, batch_size, network.logits)

    if computation is not None:
        return load(computation)
    if device.type != "cuda":
        return load("fast")
    reference = load("reference")
    return checked("tensor-cores", load, reference) if _has_tensor_cores(device) else reference


def checked(computation: Computation, load: Callable[[Computation], Extractor], reference: Extractor) -> Extractor:
    """Inception by `computation`, with `reference` for numbers that it cannot hold; `reference` itself where it is not right.

    Raises `torch.OutOfMemoryError`, and whatever CUDA raises where the device works no more.
    """
    try:
        # Triton compiles for this GPU, with the C compiler of this machine, into a folder of this user: much can fail.
        found = load(computation)
        error = _difference(found, reference)
    except torch.OutOfMemoryError:
        raise
    except Exception as failure:
        if reference.device.type == "cuda":
            torch.cuda.synchronize(reference.device)
        reason = f"{type(failure).__name__}: {_reason(failure)}"
    else:
        if error <= TOLERANCE:
            return replace(found, fallback=reference)
        reason = f"features are off by {error:.1e}"
    log.warning("Inception continues with cuDNN's fp32, a third as fast, as %s failed (%s)", computation, reason)
    return reference


def _has_tensor_cores(device: torch.device) -> bool:
    """Whether the kernels of `aesweep.evaluation.networks.tensor_cores` are meant for this GPU: NVIDIA's of 2020 (Ampere) and later."""
    nvidia = torch.version.cuda is not None and torch.cuda.get_device_capability(device) >= (8, 0)
    return nvidia and find_spec("triton") is not None


def _difference(found: Extractor, expected: Extractor) -> float:
    """|found - expected| / |expected| of the features of some pictures, noise and smooth ones."""
    noise = torch.rand(8, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    ramps = torch.linspace(0, 1, 32)[:, None, None] * noise[:, :1, :1]
    pictures = (torch.cat([noise, ramps.expand_as(noise)]) * 255).to(torch.uint8)
    ours, theirs = found.features(pictures), expected.features(pictures)
    return float((ours - theirs).norm() / theirs.norm())


def load_dinov2(name: str, data_dir: Path, device: torch.device) -> Extractor:
    """A DINOv2 network, from the data folder."""
    path, model = find_dinov2(name, data_dir), DINOV2_MODELS[name]
    data = path.read_bytes()
    network = _network("extractor", path, data, partial(DinoV2, model)).to(device).eval()
    batch_size = 256 if device.type == "cuda" else 16
    return Extractor(name, hashlib.sha256(data).hexdigest(), SIZES[model][0], network, device, batch_size)


load_dinov2_s, load_dinov2_b, load_dinov2_l = (partial(load_dinov2, name) for name in DINOV2_MODELS)


def _network(field: str, path: Path, data: bytes, build: Callable[[dict[str, torch.Tensor]], Any]) -> Any:
    """What `build` makes of the tensors of a weights file, of which nothing is run. Raises `InputError` for others."""
    try:
        return build(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError, KeyError) as error:
        remedy = f"It does not hold the weights of the network: {_reason(error)}"
        raise InputError(field, str(path), remedy) from error


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def build_inception(computation: Computation, weights: Any, device: torch.device) -> Inception:
    """The network on `device`, in eval mode; `weights`, of `torch_fidelity_network`, becomes part of it.

    Raises `ImportError` for tensor cores where Triton is not installed.
    """
    if computation == "tensor-cores":
        from aesweep.evaluation.networks.tensor_cores import TensorCoreInception  # here, since it needs Triton

        return TensorCoreInception(weights, device).to(device).eval()
    network = ReferenceInception(weights) if computation == "reference" else FastInception(weights)
    return network.to(device).eval()
