"""DINOv2's class tokens as features (Oquab et al. 2023), which Stein et al. 2023 found to rank pictures as people do.

The network is Meta's own code, a folder as `torch.hub` keeps it, and its weights a file beside it; both lie in the data folder
(`weights.dinov2_code`, `weights.dinov2_path`) and nothing is ever downloaded. Pictures are prepared as torch-fidelity's
`FeatureExtractorDinoV2` does, so that its numbers compare: TensorFlow 1's resize to 224 pixels, ImageNet's colours. Distances
of these features are called `fd`.
"""

import os
import warnings
from pathlib import Path

import torch
from torch import nn

from evaluation.inception import resize_like_tensorflow1

INPUT_SIDE = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, in [0, 1]
DIMENSIONS = {"dinov2_vits14": 384, "dinov2_vitb14": 768, "dinov2_vitl14": 1024}


class DinoV2(nn.Module):
    """uint8 images (N, 3, H, W) -> float32 features (N, D), by `network`: float32 (N, 3, 224, 224) -> (N, D)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.float().requires_grad_(False)
        self.register_buffer("mean", _per_channel(MEAN), persistent=False)
        self.register_buffer("deviation", _per_channel(DEVIATION), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = resize_like_tensorflow1(images.contiguous().float(), INPUT_SIDE)
        return self.network((x - self.get_buffer("mean")) / self.get_buffer("deviation"))


def hub_network(code: Path, model: str) -> nn.Module:
    """The network `model`, a name of `DIMENSIONS`, as the code in the folder `code` initialises it; this runs that code."""
    os.environ["XFORMERS_DISABLED"] = "1"  # its kernels give other bits; torch-fidelity does the same
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="xFormers")
        return torch.hub.load(str(code), model, source="local", pretrained=False)


def _per_channel(values: tuple[float, ...]) -> torch.Tensor:
    """(3, 1, 1) float32, in levels of a pixel."""
    return torch.tensor([255 * value for value in values], dtype=torch.float32)[:, None, None]
