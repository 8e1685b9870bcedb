"""Inception's features, ours beside torch-fidelity's and torchmetrics': how fast, and how near to float64.

A section of benchmarks/evaluation.py. The network's weights are random, which changes no time.
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from page import random_inception

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.networks.inception import (
    CENTRE,
    INPUT_SIDE,
    SCALE,
    layers_of,
    resize_like_tensorflow1,
    torch_fidelity_network,
)
from tests.evaluation.pictures import smooth_pictures

Network = Callable[[torch.Tensor], torch.Tensor]
"""uint8 (n, H, W, 3) -> float32 features (n, 2048)."""
EXACT = 16
"""Pictures that go through float64."""


def section(device: torch.device, pictures: int | None, batch: int | None, repeats: int) -> str:
    """Markdown. `pictures` and `batch` None take what suits the device."""
    title = "## Features of Inception\n\n"
    if find_spec("torch_fidelity") is None:
        return f"{title}Not measured: torch-fidelity, which describes the network for all of them, is not installed here.\n"
    n = pictures or (8192 if device.type == "cuda" else 64)
    networks, batch, truth = load_networks(device, batch)
    sets = smooth_pictures(n, 0).to(device), smooth_pictures(n, 1).to(device).roll(3, dims=1) // 2 + 40
    speeds, found = measured(networks, sets[0], batch, repeats, device)
    expected = truth(sets[0][:EXACT])
    distances = {name: distance(found[name], network(sets[1])) for name, network in networks.items()}
    lines = []
    for name, values in speeds.items():
        speed, base = statistics.median(values), statistics.median(speeds["torch-fidelity"])
        moved = abs(distances[name] / distances["torch-fidelity"] - 1)
        lines.append(
            f"| {name} | {speed:,.2f} | {speed / base:.2f} | {off(found[name], found['torch-fidelity']):.0e} "
            f"| {off(found[name][:EXACT], expected):.0e} | {moved:.0e} |"
        )
    unit = "second" if device.type == "cuda" else "CPU second"
    return f"""{title}{n:,} pictures of 32 x 32 pixels, uint8, on the {device.type} in batches of {batch}; medians of {repeats}
alternating runs. fp32 without TF32, but where a line says that it has it. Errors are the largest difference of the features
against their root mean square: to torch-fidelity's, and to those of the same network in float64 ({EXACT} pictures). The last
column is by how much the Fréchet distance to as many other pictures differs from torch-fidelity's. torchmetrics runs with
`antialias=False`; its default resizes otherwise and gives another FID.

| network | pictures per {unit} | times torch-fidelity | off torch-fidelity | off float64 | distance off |
|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


def load_networks(device: torch.device, batch: int | None) -> tuple[dict[str, Network], int, Network]:
    """All networks by name, the pictures in a batch, and the network in float64."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torchmetrics.image.fid import NoTrainInceptionV3

    with random_inception(device) as (path, load):
        chosen, fast, reference = load(), load(computation="fast"), load(computation="reference")
        theirs = FeatureExtractorInceptionV3("theirs", ["2048"], feature_extractor_weights_path=str(path)).to(device)
        metric = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path), antialias=False).to(device)
        exact = layers_of(torch_fidelity_network(torch.load(path, weights_only=True))).to(device).double()
    batch = batch or chosen.batch_size

    def rival(network: torch.nn.Module, tf32: bool = False) -> Network:
        def features(pictures: torch.Tensor) -> torch.Tensor:
            precise = (
                torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32) if device.type == "cuda" else nullcontext()
            )
            with torch.inference_mode(), precise:
                chunks = (x.permute(0, 3, 1, 2).contiguous() for x in pictures.split(batch))
                return torch.cat([out[0] if isinstance(out := network(x), tuple) else out for x in chunks])

        return features

    @torch.inference_mode()
    def truth(pictures: torch.Tensor) -> torch.Tensor:
        resized = resize_like_tensorflow1(pictures.permute(0, 3, 1, 2).float(), INPUT_SIDE)
        features: torch.Tensor = exact((resized.double() - CENTRE) / SCALE)
        return features.flatten(1)

    networks: dict[str, Network] = {
        "ours": replace(chosen, batch_size=batch).features,
        "ours, reference computation": replace(reference, batch_size=batch).features,
        "torch-fidelity": rival(theirs),
        "torchmetrics": rival(metric),
    }
    if device.type == "cuda":
        networks["ours, folded layers in cuDNN"] = replace(fast, batch_size=batch).features
        networks["torch-fidelity as it comes, TF32 convolutions"] = rival(theirs, tf32=True)
    return networks, batch, truth


def measured(
    networks: dict[str, Network], pictures: torch.Tensor, batch: int, repeats: int, device: torch.device
) -> tuple[dict[str, list[float]], dict[str, torch.Tensor]]:
    """Pictures per second of each network and run, and the features."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    found = {name: network(pictures[:batch]) for name, network in networks.items()}  # warm
    speeds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(repeats):
        for name, network in networks.items():
            started = clock()
            found[name] = network(pictures)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            speeds[name].append(len(pictures) / (clock() - started))
            print(name, f"{speeds[name][-1]:,.2f} pictures per second", flush=True)
    return speeds, found


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference against the root mean square."""
    return float((found - expected).abs().max() / expected.square().mean().sqrt())


def distance(features: torch.Tensor, others: torch.Tensor) -> float:
    """The Fréchet distance of two sets of features (n, D)."""
    return frechet_distance(FeatureStatistics.of(features), FeatureStatistics.of(others))
