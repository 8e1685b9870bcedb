"""`random-conv-64`: a small convolutional network with fixed random weights, used where Inception is absent.

Random convolutions are known to measure textures and layouts usefully without training. Its 64 features are 16 from
each of four layers: means over the picture for the first three (edges and textures at 1, 2 and 4 pixels, which blur
and noise change) and a random projection of the 4x4 layout of the last. Good for the quickstart, tests and gross
failures. Its distances compare with nothing published and are never called FID.

The weights come from the raw bits of NumPy's PCG64, the one stream that NumPy promises never to change; whole numbers
until the last scaling, so that every machine has the same bits (`weights.RANDOM_CONV_SHA256`).
"""

import hashlib
from functools import cache
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256

SEED = 20_150_512
WIDTHS = (3, 32, 32, 64, 64)  # channels of the image and of the four layers
STRIDES = (1, 2, 2, 2)
FEATURES_PER_LAYER = 16
DIMENSION = FEATURES_PER_LAYER * (len(WIDTHS) - 1)
LAYOUT_SIDE = 4
TEXTURE_SCALE = 10.0  # brings the features of textures to the spread of those of layouts


@cache
def random_conv_weights() -> dict[str, np.ndarray]:
    """Weights by name, float32: `layer1` … `layer4` (out, in, 3, 3), `bias1` … (out,), `layout` (16, 64 * 4 * 4)."""
    bits = np.random.PCG64(SEED)
    weights = {}
    for layer, (channels_in, channels_out) in enumerate(pairwise(WIDTHS), start=1):
        kernel = _integers(bits, (channels_out, channels_in, 3, 3))
        if layer == 1:
            # Half of the first filters see differences only: they respond to edges and noise, not to brightness.
            half = channels_out // 2
            kernel[:half] = 9 * kernel[:half] - kernel[:half].sum(axis=(2, 3), keepdims=True)
            kernel[half:] *= 9
        weights[f"layer{layer}"] = _scaled(kernel, 9 if layer == 1 else 1, channels_in * 9)
        weights[f"bias{layer}"] = (_integers(bits, (channels_out,)) / (1 << 17)).astype(np.float32)  # -1/4 to 1/4
    inputs = WIDTHS[-1] * LAYOUT_SIDE**2
    weights["layout"] = _scaled(_integers(bits, (FEATURES_PER_LAYER, inputs)), 1, inputs)
    return weights


def weights_sha256(weights: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, shapes and little-endian float32 bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}".encode())
        digest.update(weights[name].astype("<f4").tobytes())
    return digest.hexdigest()


class RandomConv(nn.Module):
    """uint8 images (N, 3, H, W) -> float32 features (N, 64); H and W from 8 up.

    Nothing in it depends on other images.
    """

    def __init__(self) -> None:
        super().__init__()
        weights = random_conv_weights()
        if weights_sha256(weights) != RANDOM_CONV_SHA256:
            raise RuntimeError(
                "the weights of random-conv-64 came out differently on this machine; its scores would not compare"
            )
        for name, value in weights.items():
            buffer = torch.from_numpy(value.copy())
            if buffer.ndim == 4:  # twice as fast on a CPU, with images in the same layout
                buffer = buffer.contiguous(memory_format=torch.channels_last)
            self.register_buffer(name, buffer)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> float32 (N, 64)."""
        x = images.float() / 127.5 - 1  # -1 to 1
        features = []
        for layer, stride in enumerate(STRIDES, start=1):
            # Edges repeated: a border of zeros would look like the border of every picture.
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
            x = F.relu(F.conv2d(x, self.get_buffer(f"layer{layer}"), self.get_buffer(f"bias{layer}"), stride))
            if layer < len(STRIDES):
                features.append(TEXTURE_SCALE * x[:, :: x.shape[1] // FEATURES_PER_LAYER].mean(dim=(2, 3)))
        layout = F.adaptive_avg_pool2d(x, LAYOUT_SIDE).flatten(1)
        features.append(TEXTURE_SCALE * F.linear(layout, self.get_buffer("layout")))
        return torch.cat(features, dim=1)


def _integers(bits: np.random.PCG64, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform whole numbers from -2^15 to 2^15 - 1."""
    raw = bits.random_raw(int(np.prod(shape)))
    return (raw >> np.uint64(48)).astype(np.int64).reshape(shape) - (1 << 15)


def _scaled(integers: np.ndarray, factor: int, inputs: int) -> np.ndarray:
    """He et al. 2015: uniform weights of variance 2 / inputs."""
    return np.asarray(integers / (factor * (1 << 15)) * np.sqrt(6.0 / inputs), dtype=np.float32)
