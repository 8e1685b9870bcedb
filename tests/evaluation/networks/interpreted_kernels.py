"""Runs what `aesweep.evaluation.networks.tensor_cores` does in Triton's interpreter and in float64; prints the errors as JSON.

A program of its own (test_tensor_cores.py starts it): Triton decides when it is imported whether it compiles or interprets.
"""

import json
import os
import sys
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
from torch import nn
from torch.nn import functional as F

from aesweep.evaluation.networks.extractors import build_inception
from aesweep.evaluation.networks.inception import torch_fidelity_network
from aesweep.evaluation.networks.tensor_cores import Halves, SplitConvolution, truncation_loss
from tests.evaluation.networks.random_inception import random_state_dict

CPU = torch.device("cpu")

Sides = int | tuple[int, int]
CONVOLUTIONS: dict[str, tuple[int, int, Sides, int, Sides]] = {
    "3 x 3, stride 2, 3 channels": (3, 32, 3, 2, 0),
    "3 x 3, padded, 48 channels": (48, 24, 3, 1, 1),
    "1 x 7, 32 channels": (32, 64, (1, 7), 1, (0, 3)),
    "1 x 1, 64 channels out of 80": (64, 80, 1, 1, 0),
}


def picture(channels: int, side: int) -> torch.Tensor:
    """float64 (2, C, side, side), what float32 holds."""
    return torch.randn(2, channels, side, side).double().float().double()


def halves(x: torch.Tensor) -> Any:
    """Activations as two halves: torch's functions take them, which their types do not say."""
    return Halves.of(x.permute(0, 2, 3, 1).contiguous())


def error(found: Any, expected: torch.Tensor) -> float:
    """Largest difference against the root mean square."""
    difference = found.float().permute(0, 3, 1, 2).double() - expected
    return float(difference.abs().max() / expected.square().mean().sqrt())


def convolution_errors() -> dict[str, float]:
    found = {}
    for name, (c, o, kernel, stride, padding) in CONVOLUTIONS.items():
        layer, x = nn.Conv2d(c, o, kernel, stride, padding).double(), picture(c, 9)
        found[name] = error(SplitConvolution(layer, 0.0)(halves(x)), F.relu(layer(x)))
    return found


def pool_errors() -> dict[str, float]:
    x = picture(72, 7)
    split = halves(x)
    return {
        "max": error(F.max_pool2d(split, 3, 2), F.max_pool2d(x, 3, 2)),
        "max, padded": error(F.max_pool2d(split, 3, 1, 1), F.max_pool2d(x, 3, 1, 1)),
        "mean": error(
            F.avg_pool2d(split, kernel_size=3, stride=1, padding=1, count_include_pad=False),
            F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False),
        ),
        "mean of all": float((nn.AdaptiveAvgPool2d((1, 1))(split).double() - x.mean((2, 3), keepdim=True)).abs().max()),
        "side by side": error(torch.cat([split, split], 1), torch.cat([x, x], 1)),
    }


def survivors() -> dict[str, bool]:
    """Whether a number that float16 cannot hold, and NaN, are seen afterwards."""
    layer = nn.Conv2d(32, 32, 1).double()
    found = {}
    for name, value in {"too large": 1e5, "not a number": float("nan")}.items():
        x = picture(32, 4).abs()
        x[0, 0, 0, 0] = value
        through = F.max_pool2d(SplitConvolution(layer, 0.0)(halves(x)), 3, 1, 1).float()
        found[name] = bool(through[0, 0, 0].isnan().any()) and bool(through[1].isfinite().all())
    return found


def whole() -> dict[str, float]:
    """The error of one picture's features, against torch's fp32, and what sums lose on a CPU. Takes minutes."""
    state, picture = random_state_dict(), torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    expected = build_inception("reference", torch_fidelity_network(state), CPU)(picture)
    features = build_inception("tensor-cores", torch_fidelity_network(state), CPU)(picture)
    off = float((features - expected).abs().max() / expected.square().mean().sqrt())
    return {"network": off, "loss": truncation_loss(CPU)}


def kernels() -> dict[str, object]:
    return {
        "convolution": convolution_errors(),
        "pool": pool_errors(),
        "survives": survivors(),
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.no_grad():
        print(json.dumps(whole() if "whole" in sys.argv else kernels()))
