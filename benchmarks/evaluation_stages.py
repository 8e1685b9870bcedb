"""What one evaluation of a trial costs, stage by stage and metric by metric: a section of benchmarks/evaluation.py.

    python benchmarks/evaluation_stages.py [--device cuda] [--quick]

An autoencoder with random weights on random pictures: scores mean nothing here, seconds do. The latents are of random
weights too, so EM needs fewer iterations than on a trained trial; mixture_fit.py measures what one iteration costs.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from page import parser, random_inception

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.gaussianity import gaussianity_stage
from aesweep.evaluation.metrics.heldout import heldout_stage
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_extractor
from aesweep.evaluation.priors.fitting import FitSettings
from aesweep.evaluation.priors.mixture import fit_device
from aesweep.evaluation.score import distance_stage, encode_stage, fit_stage, reference_stage, sample_stage
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import SPLITS
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.precision import choose_precision

METRICS = ("frechet", "gaussianity", "kid", "prdc", "frechet_infinity", "reconstruction_error", "heldout_likelihood")


def section(device: str, quick: bool) -> str:
    """Markdown: one table per extractor."""
    parts = ["## Cost of one trial by stage"]
    for extractor in filter(None, (_random_conv(device), _random_inception(device))):
        few = extractor.name == "inception-2015" and (quick or device == "cpu")
        images, samples = (200, 100) if few else (10_000, 2000 if quick else 10_000)
        parts.append(_table(extractor, torch.device(device), images, samples))
    return "\n\n".join(parts)


def _table(extractor: Extractor, device: torch.device, images: int, samples: int) -> str:
    seconds, by_metric = _run(extractor, device, images, samples)
    total = sum(seconds.values())
    rows = [f"| {name} | {value:.2f} | {value / total:.0%} |" for name, value in seconds.items()]
    metrics = [f"| {name} | {value:.2f} | |" for name, value in by_metric.items()]
    head = (
        f"`{extractor.name}`, CIFAR-10 network (f=16, z=64), {images:,} images per split, {samples:,} samples of each of "
        f"three priors, device {device.type}, {torch.get_num_threads()} threads."
    )
    table = ["| stage | seconds | share |", "|---|---|---|", *rows, f"| all | {total:.2f} | |"]
    inner = ["| metric | seconds of its rows | |", "|---|---|---|", *metrics]
    return "\n".join(
        [head, "", *table, "", "Within them, as the column `seconds` of the scores table says:", "", *inner]
    )


def _run(
    extractor: Extractor, device: torch.device, images: int, samples: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds by stage, and by metric."""
    trial = TrialConfig(dataset="cifar10", filters=16, latent_size=64, image_size=32)
    evaluation = EvaluationConfig(
        extractor=extractor.name,
        extractor_sha256=extractor.sha256,
        samples=samples,
        reference_size=images,
        metrics=METRICS,
    )
    generator = np.random.default_rng(0)
    train, test = (generator.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8) for _ in SPLITS)
    data, model = ImageSet(train, test), build_autoencoder(trial)
    precision, threads = choose_precision(trial.precision, device), torch.get_num_threads()
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        _wait(device)
        started = time.perf_counter()
        found = work()
        _wait(device)
        seconds[name] = time.perf_counter() - started
        return found

    warm = np.zeros((2 * extractor.batch_size, 32, 32, 3), np.uint8)  # cuDNN's choice of kernels belongs to no stage
    extractor.features(warm)
    references = {split: reference_stage(evaluation, data, split, extractor) for split in SPLITS}
    settings = FitSettings(threads=threads, device=fit_device(device))
    fits_alone = replace(evaluation, metrics=("frechet",))
    latents = timed("encode", lambda: encode_stage(trial, evaluation, model, data, device, precision))
    priors = timed("fit priors", lambda: fit_stage(fits_alone, latents, settings).priors)
    sampled = timed(
        "sample, decode, features and their scores",
        lambda: sample_stage(trial, evaluation, model, latents, priors, data, extractor, references, device, precision),
    )
    rows = timed("Fréchet distances", lambda: distance_stage(evaluation, sampled, references))
    rows += timed("Gaussianity", lambda: gaussianity_stage(evaluation, latents, priors, threads))
    rows += timed("held-out likelihood", lambda: heldout_stage(evaluation, latents, priors, settings))
    by_metric: dict[str, float] = defaultdict(float)
    for row in rows:
        by_metric[row.metric.removesuffix("_null").removesuffix("_p")] += row.seconds
    return seconds, {name: value for name, value in by_metric.items() if value >= 0.005}


def _random_conv(device: str) -> Extractor:
    return load_extractor("random-conv-64", Path("/nowhere"), torch.device(device))


def _random_inception(device: str) -> Extractor | None:
    """The Inception network with random weights; None where torch-fidelity is missing."""
    if find_spec("torch_fidelity") is None:
        return None
    with random_inception(torch.device(device)) as (_, load):
        return load()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    options = parser(__doc__, writes_page=False)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--quick", action="store_true", help="a tenth of the work")
    arguments = options.parse_args()
    print(section(arguments.device, arguments.quick))
