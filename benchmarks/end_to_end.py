"""From a trained decoder to the FID of its samples, as users meet it: ours against torch-fidelity's `calculate_metrics`.

A section of benchmarks/evaluation.py. Both get the same decoder, draw the same number of latents from N(0, I), decode,
round to uint8, run Inception and compare with the same real pictures. Weights and pictures are random: seconds count here,
not scores. torch-fidelity runs as it comes (batches of 64, and cuDNN's TF32 convolutions where the GPU has them) and with
TF32 off, which is what its numbers are compared with elsewhere; each with and without its cache of the real features.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from page import random_inception

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.reference import CHUNK, measure_reference
from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.networks.reconstruction import decode_latents, to_uint8
from aesweep.models.precision import choose_precision

ROUNDS = 2
TRIAL = TrialConfig(dataset="cifar10", filters=16, latent_size=64, image_size=32)


def section(device: str, quick: bool) -> str:
    """Markdown."""
    title = "## From a decoder to a FID\n\n"
    if find_spec("torch_fidelity") is None:
        return f"{title}Not measured: torch-fidelity is not installed here."
    n = 64 if device == "cpu" else 2500 if quick else 10_000
    seconds = seconds_each(torch.device(device), n)
    ours = seconds["ours"]
    rows = [f"| {name} | {value:.2f} | {value / ours:.2f} |" for name, value in seconds.items()]
    table = ["| method | seconds | times ours |", "|---|---|---|", *rows]
    network = "a CIFAR-10 network (f=16, z=64)"
    head = (
        f"{n:,} samples of {network} against {n:,} real pictures, device {device}; mean of {ROUNDS} alternating runs after a "
        "warm-up. Ours has the real features at hand, as for every trial after a data set's first."
    )
    return "\n".join([title + head, "", *table])


def seconds_each(device: torch.device, n: int) -> dict[str, float]:
    """Seconds of ours and theirs."""
    model = build_autoencoder(TRIAL).to(device).eval()
    real = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    with random_inception(device) as (path, load):
        extractor = load()
        reference = measure_reference(real, np.arange(n), extractor)  # once per data set
        precision = choose_precision(TRIAL.precision, device)

        def ours() -> float:
            z = np.random.default_rng(1).standard_normal((n, TRIAL.latent_size)).astype(np.float32)
            statistics = FeatureStatistics(extractor.dimension)
            for first in range(0, n, CHUNK):
                pictures = decode_latents(model, z[first : first + CHUNK], device, precision)
                statistics.update(extractor.features(pictures))
            return frechet_distance(statistics, reference.statistics)

        cache = path.with_name("cache")
        methods: dict[str, tuple[Callable[[], Any], bool]] = {"ours": (ours, False)}
        for name, tf32, cached in _theirs(device):
            methods[name] = (_fidelity(model, real, path, cache, cached), tf32)
        return _alternating(methods, device)


def _alternating(methods: dict[str, tuple[Callable[[], Any], bool]], device: torch.device) -> dict[str, float]:
    """Mean seconds of each; the first round loads libraries and fills caches, and does not count."""
    seconds = dict.fromkeys(methods, 0.0)
    for turn in range(1 + ROUNDS):
        for name, (method, tf32) in methods.items():
            started = time.perf_counter()
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32):
                method()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name] += (time.perf_counter() - started) / ROUNDS if turn else 0.0
    return seconds


def _theirs(device: torch.device) -> list[tuple[str, bool, bool]]:
    """Name, TF32, cache of the real features."""
    found = [("torch-fidelity, real features cached", False, True), ("torch-fidelity", False, False)]
    if device.type == "cuda":
        found += [
            ("torch-fidelity as it comes, cached, TF32", True, True),
            ("torch-fidelity as it comes, TF32", True, False),
        ]
    return found


def _fidelity(model: Autoencoder, real: np.ndarray, weights: Path, cache: Path, cached: bool) -> Callable[[], Any]:
    from torch_fidelity import GenerativeModelModuleWrapper, calculate_metrics

    class Generator(torch.nn.Module):
        """Latents (n, Z) -> uint8 (n, 3, H, W)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return to_uint8(self.model.decode(z)).permute(0, 3, 1, 2).contiguous()

    class Pictures(torch.utils.data.Dataset[torch.Tensor]):
        """uint8 (3, H, W) each."""

        def __len__(self) -> int:
            return len(real)

        def __getitem__(self, i: int) -> torch.Tensor:
            return torch.from_numpy(real[i]).permute(2, 0, 1)

    def run() -> Any:
        return calculate_metrics(
            input1=GenerativeModelModuleWrapper(Generator(), TRIAL.latent_size, "normal", 0),
            input1_model_num_samples=len(real),
            input2=Pictures(),
            fid=True,
            cuda=next(model.parameters()).is_cuda,
            feature_extractor_weights_path=str(weights),
            cache=cached,
            cache_root=str(cache),
            input2_cache_name="real" if cached else None,
            verbose=False,
        )

    return run


if __name__ == "__main__":
    print(section("cuda" if torch.cuda.is_available() else "cpu", "--quick" in sys.argv))
