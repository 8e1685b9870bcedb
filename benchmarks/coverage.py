"""Do intervals of plus and minus 1.96 standard errors cover what they are intervals of?

Images are drawn again and again from populations whose distances are known: Gaussian features, and features of real pictures
(`random-conv-64` on CIFAR-10 images and on two blurred copies of them, which stand for the samples of two models). Each row of
the page is one score or one difference of two scores, with the share of the intervals that cover its estimand, and the ratio
of the mean standard error to the spread that it estimates.

    python benchmarks/coverage.py --images ../shared/data/cifar10-jpeg.parquet [--replicates 400] [--processes 2]
"""

import argparse
import io
import math
import os
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: the processes share the cores
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from page import footer, hardware, in_processes, parser, today, write_page

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import (
    as_text,
    difference_error,
    influences,
    shared_parts,
)
from aesweep.evaluation.metrics.frechet_infinity import both_sides_extrapolated, extrapolated_distance
from aesweep.evaluation.metrics.kernel_distance import kernel_distance

Draw = Callable[[int, np.random.Generator], np.ndarray]
"""Number of images, generator -> features (n, D)."""
CHUNK = 20  # draws of one job
Z = 1.96
"""Half the width of a 95 % interval, in standard errors."""


class Populations(NamedTuple):
    """Real images and the samples of two models, with the distances between the populations themselves."""

    name: str
    real: Draw
    models: tuple[Draw, Draw]
    frechet: tuple[float, float]
    kernel: tuple[float | None, float | None] = (None, None)
    """None where it is not known."""


class Coverage(NamedTuple):
    """One score or difference over many draws."""

    populations: str
    score: str
    estimand: str
    n: int
    m: int
    covered: float
    ratio: float
    """Mean standard error over the standard deviation of the values."""
    replicates: int

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of `covered`, from the number of replicates."""
        return math.sqrt(max(self.covered * (1 - self.covered), 1 / self.replicates) / self.replicates)


Scores = dict[str, tuple[float, float]]
"""Name of a score -> its value and standard error."""


def draws(populations: Populations, n: int, m: int, replicates: int, seed: int = 0) -> list[Scores]:
    """The scores of `n` samples of each model and `m` real images, drawn `replicates` times."""
    generator = np.random.default_rng(seed)
    return [dict(_scores(populations, n, m, generator, i)) for i in range(replicates)]


def coverage(populations: Populations, n: int, m: int, drawn: list[Scores]) -> list[Coverage]:
    """Coverage of every interval over these draws."""
    replicates, truths = len(drawn), _truths(populations)
    rows = []
    for (score, own), truth in truths.items():
        values, errors = np.array([draw[score] for draw in drawn]).T
        target = values.mean() if truth is None else truth
        covered = float((np.abs(values - target) <= Z * errors).mean())
        ratio = float(errors.mean() / values.std(ddof=1))
        rows.append(Coverage(populations.name, score, own, n, m, covered, ratio, replicates))
    return rows


def _truths(populations: Populations) -> dict[tuple[str, str], float | None]:
    """(score, its estimand in words) -> the estimand; None for the mean over the draws."""
    a, b = populations.frechet
    own = "mean over both sets"
    found: dict[tuple[str, str], float | None] = {("FD", own): None, ("FD difference, exact", own): None}
    found |= {("FD difference, from the table", own): None, ("FD∞, samples", own): None}
    found |= {("FD∞, both", "the populations' distance"): a}
    found |= {("FD∞ difference, from the table", "the populations' difference"): b - a}
    first, second = populations.kernel
    found |= {("KD", own if first is None else "the populations' distance"): first}
    difference = None if first is None or second is None else second - first
    found |= {
        ("KD difference, from the table", own if difference is None else "the populations' difference"): difference
    }
    return found


def _scores(
    populations: Populations, n: int, m: int, generator: np.random.Generator, seed: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name, value and standard error of each score of one draw."""
    real = torch.from_numpy(populations.real(m, generator))
    samples = [torch.from_numpy(model(n, generator)) for model in populations.models]
    reference, *statistics = (FeatureStatistics.of(features) for features in (real, *samples))
    values = [frechet_distance(found, reference) for found in statistics]
    first, second = (
        influences(features, found, reference, real) for features, found in zip(samples, statistics, strict=True)
    )
    yield "FD", (values[0], first.error)
    yield "FD difference, exact", (values[1] - values[0], difference_error(first, second))
    parts = [np.array(as_text(shared_parts(i.reference_M)).split(), dtype=float) for i in (first, second)]
    shared = 2 * float(parts[0] @ parts[1])
    yield "FD difference, from the table", (values[1] - values[0], _less(shared, first.error, second.error))
    yield "FD∞, samples", extrapolated_distance(samples[0], reference, real, seed)
    both = [both_sides_extrapolated(features, reference, real, seed) for features in samples]
    yield "FD∞, both", both[0]
    yield "FD∞ difference, from the table", (both[1][0] - both[0][0], _less(shared, both[0][1], both[1][1]))
    kernel = [kernel_distance(features, real, 20, min(n, m) // 4, seed) for features in samples]
    errors = [math.nan if error is None else error for _, error in kernel]
    yield "KD", (kernel[0][0], errors[0])
    yield "KD difference, from the table", (kernel[1][0] - kernel[0][0], _less(0.0, *errors))


def _less(shared: float, *errors: float) -> float:
    """Standard error of a difference, as docs/tables.md says."""
    return math.sqrt(max(sum(error**2 for error in errors) - shared, 0.0))


def gaussian(dimension: int, equal: bool = False) -> Populations:
    """Gaussian features whose variances fall like 1 / i; the models are shifted and shrunk by a little.

    `equal`: the first model is right, so that its true distances are 0.
    """
    scale_D = 1 / np.sqrt(np.arange(1, dimension + 1))
    models = [(0.0, 1.0) if equal else (0.05, 0.95), (0.05, 0.9)]

    def draw(shift: float, shrink: float) -> Draw:
        return lambda n, generator: shift * scale_D + shrink * scale_D * generator.standard_normal((n, dimension))

    true = [float(((shift**2 + (1 - shrink) ** 2) * scale_D**2).sum()) for shift, shrink in models]
    name = f"Gaussian, D = {dimension}" + (", a perfect model" if equal else "")
    first, second = (draw(*model) for model in models)
    return Populations(name, draw(0.0, 1.0), (first, second), (true[0], true[1]), (0.0 if equal else None, None))


def real_features(images: np.ndarray) -> Populations:
    """`random-conv-64` features of pictures uint8 (N, 32, 32, 3) and of two blurred copies; drawn with replacement.

    A picture's copy is drawn independently of it, as a sample is of the real images.
    """
    pools = [_features(images), _features(_blurred(images, 0.6)), _features(_blurred(images, 0.8))]
    real, *models = (FeatureStatistics.of(torch.from_numpy(pool)) for pool in pools)
    first, second = (frechet_distance(model, real) for model in models)
    kernel = [_whole_mmd(pools[0], pool) for pool in pools[1:]]
    draws = [_with_replacement(pool) for pool in pools]
    return Populations(
        "random-conv-64 on CIFAR-10", draws[0], (draws[1], draws[2]), (first, second), (kernel[0], kernel[1])
    )


def _with_replacement(pool: np.ndarray) -> Draw:
    return lambda n, generator: pool[generator.integers(len(pool), size=n)]


def _features(images: np.ndarray) -> np.ndarray:
    from aesweep.evaluation.networks.extractors import load_extractor

    extractor = load_extractor("random-conv-64", Path("/nowhere"), torch.device("cpu"))
    parts = [extractor.features(images[first : first + 500]) for first in range(0, len(images), 500)]
    return torch.cat(parts).double().numpy()


def _blurred(images: np.ndarray, radius: float) -> np.ndarray:
    from PIL import Image, ImageFilter

    blur = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images])


def _whole_mmd(real: np.ndarray, model: np.ndarray) -> float:
    """MMD^2 of two populations that are these very features."""

    def mean_kernel(x: np.ndarray, y: np.ndarray) -> float:
        parts = [((x[i : i + 1000] @ y.T / x.shape[1] + 1) ** 3).sum() for i in range(0, len(x), 1000)]
        return float(sum(parts)) / (len(x) * len(y))

    return mean_kernel(model, model) + mean_kernel(real, real) - 2 * mean_kernel(real, model)


def cifar10_images(path: Path, count: int) -> np.ndarray:
    """`count` images of `cifar10-jpeg.parquet`, spread over the file."""
    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(path, columns=["jpeg"])
    chosen = np.random.default_rng(0).permutation(len(table))[:count]
    return np.stack(
        [np.asarray(Image.open(io.BytesIO(jpeg), formats=("JPEG",))) for jpeg in table["jpeg"].take(chosen).to_pylist()]
    )


def page(rows: list[Coverage], device: str) -> str:
    """The Markdown page."""
    lines = [
        f"# Coverage of 95 % intervals, {today()}",
        "",
        "Share of the intervals (value plus and minus 1.96 standard errors) that cover their estimand, with its Monte Carlo",
        "error, and the mean standard error as a multiple of the spread that it estimates. docs/tables.md says what a standard",
        "error counts. Both scores of a difference have the same real images; an *exact* standard error of a difference knows the",
        "features of all images, one *from the table* the columns `stderr` and `stderr_shared` of the two scores.",
        "",
        "Intervals of Fréchet distances are rather too wide than too narrow (a standard error is up to 1.2 times the spread), since",
        "they are of the first order: the exact error of a difference shows it too. For a perfect model the first order vanishes, and",
        "they cover 99 %. The standard error of a kernel distance is right on average, but it grows with the distance",
        "itself (a cubic kernel has heavy tails), so that its intervals miss more often on one side and cover 90 to 94 %; of a perfect",
        "model 99 %, since the part of its variance that vanishes there is estimated as 0 or more. The table has no shared part for",
        "kernel distances, so the error of their difference is up to 1.4 times the spread, and its intervals cover 98 % or more.",
        "",
        "| features | score | estimand | samples | real images | covered | stderr / spread |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.populations} | {r.score} | {r.estimand} | {r.n:,} | {r.m:,} "
        f"| {100 * r.covered:.1f} ± {100 * r.monte_carlo_error:.1f} % | {r.ratio:.2f} |"
        for r in rows
    ]
    note = f"{rows[0].replicates} draws each, on {device}."
    return "\n".join([*lines, "", note, "", footer("numpy", "torch"), ""])


_CASES: list[tuple[Populations, int, int]] = []
"""What `main` measures, for the processes that it forks."""


def _draw(job: tuple[int, int]) -> list[Scores]:
    """`CHUNK` draws of the case at a place, by the number of the chunk."""
    place, chunk = job
    torch.set_num_threads(1)
    return draws(*_CASES[place], CHUNK, seed=1000 * place + chunk)


def main() -> None:
    """Measure and write the page."""
    options = parser(__doc__)
    options.add_argument("--images", type=Path, help="cifar10-jpeg.parquet; without it Gaussian features alone")
    options.add_argument("--replicates", type=int, default=400)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--count", type=int, default=20_000, help="images of the real population")
    asked: argparse.Namespace = options.parse_args()
    torch.set_num_threads(1)
    cases = [(gaussian(32), 1000, 1000), (gaussian(32, equal=True), 1000, 1000), (gaussian(128), 1000, 2000)]
    if asked.images:
        real = real_features(cifar10_images(asked.images, asked.count))
        cases += [(real, 1000, 1000), (real, 2000, 1000)]
    _CASES.extend(cases)
    chunks = range(math.ceil(asked.replicates / CHUNK))
    # Forked processes inherit the features.
    found = list(in_processes(_draw, list(product(range(len(cases)), chunks)), asked.processes))
    rows = []
    for place, case in enumerate(cases):
        drawn = [scores for chunk in chunks for scores in found[place * len(chunks) + chunk]]
        rows += coverage(*case, drawn)
    write_page(asked.out, "coverage", hardware(), page(rows, hardware()))


if __name__ == "__main__":
    main()
