"""Does the metric `gaussianity` hold its level, find what is not Gaussian, and know what a mixture loses?

Sweeps of 270 truly Gaussian trials, each measured and judged as the report does it; data that are not Gaussian; simulated
mixtures on Gaussian latents beside the model of their loss; CPU seconds of a null beside whitening every replicate.

    OMP_NUM_THREADS=1 python benchmarks/gaussianity.py
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
from page import footer, hardware, parser, today, write_page
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.gaussian_null import REPLICATES, gap_null, shape_null
from aesweep.evaluation.metrics.gaussianity import loglikelihood_gap, shape_statistics
from aesweep.evaluation.priors.fitting import fit_prior
from tests.evaluation.metrics.simulated_latents import judged

TRIALS = 270
SIZES = (2, 8, 24, 64)
MIXTURES = (
    (2000, 8, 10),
    (2000, 16, 10),
    (2000, 32, 10),
    (5000, 32, 3),
    (5000, 32, 10),
    (5000, 64, 10),
    (10_000, 32, 10),
)
"""Latents, dimensions, components."""


def gaussian(n: int, d: int, generator: np.random.Generator) -> np.ndarray:
    """Latents of a covariance by chance."""
    return generator.standard_normal((n, d)) @ generator.standard_normal((d, d))


def sweeps(count: int, n: int) -> Iterator[pd.DataFrame]:
    """Sweeps of Gaussian trials of several latent sizes."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield judged({f"{i:03d}": gaussian(n, SIZES[i % len(SIZES)], generator) for i in range(TRIALS)})


def not_gaussian(n: int, d: int) -> dict[str, np.ndarray]:
    """Latents by what is wrong with them."""
    generator = np.random.default_rng(1)
    normal = generator.standard_normal((n, d))
    centres = generator.standard_normal((10, d)) * 4.6 / math.sqrt(2 * d)
    clusters = normal + centres[generator.integers(10, size=n)]
    rotation = np.linalg.qr(generator.standard_normal((d, d)))[0]
    mixed = (generator.laplace(scale=math.sqrt(0.5), size=(n, d)) + normal) / math.sqrt(2)
    return {
        "Gaussian": normal,
        "t(100), independent": generator.standard_t(100, size=(n, d)),
        "t(100), multivariate": normal * np.sqrt(100 / generator.chisquare(100, size=(n, 1))),
        "ten clusters, 4.6 sd apart": clusters,
        "the same, variances falling like 1/i": clusters @ (rotation / np.sqrt(np.arange(1, d + 1))).T,
        "two clusters, 4.6 sd apart": normal + generator.choice([-2.3, 2.3], size=(n, 1)) * rotation[0],
        "half Laplace, half normal": mixed,
    }


def mixture_gaps(repetitions: int) -> Iterator[tuple[int, int, int, str, float, float]]:
    """Simulated gaps: latents, dimensions, components, variances, mean and standard deviation, nats per dimension."""
    generator = np.random.default_rng(2)
    for n, d, components in MIXTURES:
        for words, scales in (("equal", np.ones(d)), ("falling", 1 / np.arange(1, d + 1))):
            gaps = []
            for seed in range(repetitions):
                evaluation = EvaluationConfig(gmm_components=components, prior_seed=seed)
                x_NZ, test_NZ = (generator.standard_normal((rows, d)) * scales for rows in (n, 20_000))
                priors = (fit_prior("gmm", x_NZ, evaluation), fit_prior("mvg", x_NZ, evaluation))
                gaps.append(float(loglikelihood_gap(test_NZ, *priors).mean()))
            yield n, d, components, words, float(np.mean(gaps)), float(np.std(gaps, ddof=1))


def seconds_of_nulls() -> Iterator[tuple[int, int, float, float]]:
    """Latents, dimensions, CPU seconds of the null, and of as many whitened replicates (from one of them)."""
    for n, d in ((10_000, 16), (10_000, 128), (10_000, 768)):
        started = time.process_time()
        shape_null(n, d)
        ours = time.process_time() - started
        x_NZ = np.random.default_rng(0).standard_normal((n, d))
        started = time.process_time()
        shape_statistics(x_NZ)
        yield n, d, ours, REPLICATES * (time.process_time() - started)


def page(asked: argparse.Namespace) -> str:
    """The Markdown page."""
    found = pd.concat(list(sweeps(asked.sweeps, asked.latents)), keys=range(asked.sweeps))
    by_sweep = found.groupby(level=0)[["detected", "far"]].any().mean()
    lines = [
        f"# Gaussianity: level, power, nulls, {today()}",
        "",
        f"{asked.sweeps} sweeps of {TRIALS} Gaussian trials ({asked.latents} latents of {', '.join(map(str, SIZES))} dimensions).",
        "",
        "| | share | Monte Carlo error |",
        "|---|---|---|",
    ]
    shares = {f"sweeps with a trial that is {name}": (share, asked.sweeps) for name, share in by_sweep.items()}
    shares |= {
        f"trials with p < {level}": ((found["p_any"] < level).mean(), len(found)) for level in (0.1, 0.01, 0.001)
    }
    for name, (share, count) in shares.items():
        lines.append(f"| {name} | {100 * share:.2f} % | {100 * math.sqrt(max(share, 1 / count) / count):.2f} % |")
    lines += [
        "",
        "20,000 latents, half of which choose directions; `detected` and `far` as in a sweep of these alone.",
        "",
    ]
    lines += [
        "| latents | d | effect (nats) | stderr | p | detected | far from Gaussian |",
        "|---|---|---|---|---|---|---|",
    ]
    for d in (16, 128, 512):
        for what, row in judged(not_gaussian(20_000, d)).iterrows():
            lines.append(
                f"| {what} | {d} | {row['effect']:.4f} | {row['error']:.4f} | {row['p_any']:.1e} | {row['detected']} | {row['far']} |"
            )
    lines += ["", "What a mixture gains over one Gaussian on Gaussian test latents, nats per dimension.", ""]
    lines += ["| latents | d | components | variances | simulated | model |", "|---|---|---|---|---|---|"]
    for n, d, components, words, mean, deviation in mixture_gaps(3):
        null = gap_null(n, d, components) or (math.nan, math.nan)
        simulated, model = (f"{a:.4f} ± {b:.4f}" for a, b in ((mean, deviation), null))
        lines.append(f"| {n:,} | {d} | {components} | {words} | {simulated} | {model} |")
    lines += [
        "",
        f"CPU seconds of a null of {REPLICATES:,} replicates.",
        "",
        "| latents | d | ours | whitened |",
        "|---|---|---|---|",
    ]
    lines += [f"| {n:,} | {d} | {ours:.1f} | {direct:.0f} |" for n, d, ours, direct in seconds_of_nulls()]
    return "\n".join([*lines, "", f"On {hardware()}.", "", footer("numpy", "scipy", "scikit-learn"), ""])


def main() -> None:
    """Measure and write the page."""
    options = parser(__doc__)
    options.add_argument("--sweeps", type=int, default=100)
    options.add_argument("--latents", type=int, default=300, help="of each Gaussian trial")
    asked: argparse.Namespace = options.parse_args()
    with threadpool_limits(1):
        write_page(asked.out, "gaussianity", hardware(), page(asked))


if __name__ == "__main__":
    main()
