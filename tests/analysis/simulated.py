"""Results of invented networks whose true scores, seed noise and image noise are known; also used by benchmarks/calibration.py.

A `World` says what is true. Drawing `Results` from it again and again shows how often a claim decides, and how often
that is wrong. Nothing is written: the frame is what `results.all_results` would make of a store.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.data.tables import LatentPoints

FID = Evaluation(
    "simulated", "fid", "inception-2015", "0" * 64, trials=1, samples=10_000, references=10_000, seeds=(0,)
)
SEED_SD, IMAGE_SE = 1.0, 0.25
"""Spread of a score over training seeds, and the standard error of one score from its images, in units of FID."""


@dataclass(frozen=True)
class Network:
    """One curve over latent sizes; `true` gives the expected score at a size."""

    model: str = "dae"
    filters: int = 128
    depth: str = "1"
    network: str = ""
    sizes: tuple[int, ...] = (128,)
    true: Callable[[float], float] = lambda size: 80.0


def draw(
    networks: Iterable[Network],
    seeds: int,
    random: np.random.Generator,
    seed_sd: float = SEED_SD,
    image_se: float = IMAGE_SE,
    data: str = "cifar10-32",
) -> Results:
    """`Results` of one replicate: every network at every size of its own with `seeds` training seeds.

    All scores of a trial share its seed's deviation (a lucky training is lucky under every prior); the noise of images is
    drawn for each.
    """
    rows = [
        (n.model, n.filters, n.depth, n.network, size, seed, n.true(size))
        for n in networks
        for size in n.sizes
        for seed in range(seeds)
    ]
    frame = pd.DataFrame(rows, columns=["model", "filters", "depth", "network", "latent_size", "seed", "true"])
    training = random.normal(0, seed_sd, len(frame))
    for score in SCORES:
        frame[score] = frame["true"] + training + random.normal(0, image_se, len(frame))
        frame[f"{score}_stderr"] = image_se
    frame["key"] = [f"{i:012x}" for i in range(len(frame))]
    frame = frame.assign(
        variant=frame["network"],
        sweep="simulated",
        parameters_encoder=1e6,
        parameters_decoder=1e6,
        test_bce=0.5,
        mean_image_bce=0.6,
    )
    return Results(data, FID, frame, frame, {}, LatentPoints(), "simulated")
