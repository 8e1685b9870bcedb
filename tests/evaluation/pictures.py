"""Pictures to measure; also used by benchmarks/inception_features.py."""

import torch


def smooth_pictures(n: int, seed: int) -> torch.Tensor:
    """Random colours that change smoothly, uint8 (n, 32, 32, 3): their features differ much more than those of noise."""
    colours = torch.rand(n, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(colours, size=(32, 32), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
