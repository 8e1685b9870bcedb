"""How often the verdicts of the report are wrong, what they find, and what their intervals cover, by simulation.

    python benchmarks/calibration.py [--replicates 400] [--processes 2] [--out docs/benchmarks]

Invented networks whose true scores are known go through the code that judges stores (tests/analysis/calibration.py has the
cases). Three tables: false decisions where the truth is a tie or exactly at a threshold, for 1, 2, 3 and 5 training seeds;
decisions where networks differ by a known number of standard deviations over seeds; coverage of the intervals. Writes
calibration-<hardware>-<date>.md.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: the processes share the cores
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from page import footer, hardware, parser, today, write_page
from scipy import stats

from aesweep.analysis.claims import latent_sizes
from aesweep.analysis.data.smooth_optimum import smooth_optimum
from aesweep.analysis.power import ALPHA, welch_power
from aesweep.analysis.statistics import Estimate, Sample, Settings, contrast, lowest_difference, trend
from tests.analysis.calibration import CLAIM_CASES, DAE, RULES, SIZES, VAE, Case, at_128, pair, wrong_verdicts
from tests.analysis.simulated import IMAGE_SE, draw

SEEDS, SEED_SDS = (1, 2, 3, 5), (0.5, 1.0)
DIFFERENCES = (0, 1, 2, 3, 5, 8)  # in standard deviations of one score over seeds and images
CHUNK = 20
Job = tuple[str, int, float, int, int]  # kind, seeds, seed sd, replicates, number of the chunk
SHAPES: dict[str, Callable[[float], float]] = {
    "parabola": lambda octaves: 2 * octaves**2,
    "steeper below": lambda octaves: (5 if octaves < 0 else 2) * octaves**2,
    "sharp bend": lambda octaves: (-10 if octaves < 0 else 6) * octaves,
    "shallow": lambda octaves: 0.5 * octaves**2,
}


def main() -> None:
    """Simulate and write the page."""
    options = parser(__doc__)
    options.add_argument("--replicates", type=int, default=400)
    options.add_argument("--processes", type=int, default=2)
    args = options.parse_args()
    started = time.perf_counter()
    with ProcessPoolExecutor(args.processes) as pool:
        wrong = count(pool, ("rules", "claims"), args.replicates)
        found = count(pool, ("power",), args.replicates)
        covered = count(pool, ("coverage",), args.replicates)
    minutes = (time.perf_counter() - started) / 60
    parts = [false_decisions(wrong, args.replicates), power(found), coverage(covered)]
    name = hardware()
    write_page(args.out, "calibration", name, text(parts, name, minutes))


Counts = dict[tuple[str, int, float], tuple[int, int]]


def count(pool: ProcessPoolExecutor, kinds: tuple[str, ...], replicates: int) -> Counts:
    """(what, seeds, sd) -> how often, of how many. Claims have an eighth of the replicates: they ask many networks."""
    jobs: list[Job] = []
    for kind, seeds, sd in product(kinds, SEEDS, SEED_SDS):
        if kind == "coverage" and seeds == 1:
            continue
        wanted = -(-replicates // 8) if kind == "claims" else replicates
        jobs += [(kind, seeds, sd, min(CHUNK, wanted - done), done) for done in range(0, wanted, CHUNK)]
    total: Counts = {}
    for (_, seeds, sd, *_rest), counts in zip(jobs, pool.map(run, jobs), strict=True):
        for what, (hits, of) in counts.items():
            before = total.get((what, seeds, sd), (0, 0))
            total[what, seeds, sd] = (before[0] + hits, before[1] + of)
    return total


def run(job: Job) -> dict[str, tuple[int, int]]:
    """One chunk of one kind."""
    kind, seeds, sd, replicates, chunk = job
    if kind in ("rules", "claims"):
        cases = RULES if kind == "rules" else CLAIM_CASES
        found = wrong_verdicts(cases, seeds, sd, replicates, chunk)
        return {label(case): (hits, replicates) for case, hits in found.items()}
    random = np.random.default_rng([len(kind), seeds, round(1000 * sd), chunk])
    return dict((simulate_power if kind == "power" else simulate_coverage)(random, seeds, sd, replicates))


def label(case: Case) -> str:
    """Name, truth and what is wrong there."""
    wrong = "" if len(case.wrong) > 1 else f"; wrong: {next(iter(case.wrong))}"
    return f"`{case.name}` | {case.truth}{wrong}"


def simulate_power(
    random: np.random.Generator, seeds: int, sd: float, replicates: int
) -> Iterator[tuple[str, tuple[int, int]]]:
    """How often a difference is found in the right direction, at one size and between best sizes."""
    spread = math.hypot(sd, IMAGE_SE)
    for difference in DIFFERENCES[1:]:
        gap = difference * spread
        hits = {"at one size": 0, "at the best sizes": 0}
        for _ in range(replicates):
            drawn = draw(pair(lambda size: 80.0, lambda size, gap=gap: 80.0 + gap), seeds, random, sd)  # type: ignore[misc]
            a, b = at_128(drawn, DAE, VAE)
            hits["at one size"] += contrast((1.0, a), (-1.0, b)).p_below() <= ALPHA
            hits["at the best sizes"] += latent_sizes.winner_at_best(drawn, "mvg", 128, "dae").outcome == "supported"
        for what, count in hits.items():
            yield f"{what}|{difference}", (count, replicates)


def simulate_coverage(
    random: np.random.Generator, seeds: int, sd: float, replicates: int
) -> Iterator[tuple[str, tuple[int, int]]]:
    """How often an interval holds the truth."""
    spread, places = math.hypot(sd, IMAGE_SE), np.log2(SIZES)
    hits: dict[str, list[int]] = {}

    def holds(what: str, inside: bool) -> None:
        hits.setdefault(what, [0, 0])
        hits[what][0] += inside
        hits[what][1] += 1

    def covers(what: str, found: Estimate, truth: float) -> None:
        holds(what, abs(found.value - truth) <= found.half_width)

    def scores(true: np.ndarray) -> list[Sample]:
        return [Sample(value + random.normal(0, spread, seeds)) for value in true]

    for _ in range(replicates):
        a, b, *others = scores(np.array([80.0, 83.0, 82.0, 81.0]))
        covers("difference of two networks (Welch)", contrast((1.0, a), (-1.0, b)), -3.0)
        covers("slope over four widths", trend([0, 1, 2, 3], [b, *others, a]), -1.0)
        nominal = Sample(np.array([83.0 + random.normal(0, spread)]), spread)
        covers("difference from a printed number with its error", contrast((1.0, a), (-1.0, nominal)), -3.0)
        flat = Settings(scores(np.full(len(SIZES), 80.0))), Settings(scores(np.full(len(SIZES), 83.0)))
        covers("difference of the lowest of eight equal scores (simultaneous)", lowest_difference(*flat), -3.0)
        for shape, curve in SHAPES.items():
            best = random.uniform(places[0] + 1, places[-1] - 1)
            settings = Settings(scores(80 + np.array([curve(place - best) for place in places])))
            found = smooth_optimum(np.array(SIZES), settings)
            holds(f"optimum, Gaussian process, {shape}", found is not None and found.low <= 2**best <= found.high)
            true_best = int(np.argmin([curve(place - best) for place in places]))
            holds(f"sizes as good as the best, {shape}", bool(settings.p_lowest[true_best] > ALPHA))
    return ((what, (inside, of)) for what, (inside, of) in hits.items())


def false_decisions(counts: Counts, replicates: int) -> str:
    """Table of false decisions."""
    lines = ["| rule or claim | truth | " + " | ".join(head(*cell) for cell in cells(SEEDS)) + " |"]
    lines.append("|---|---|" + "---:|" * len(cells(SEEDS)))
    for what in dict.fromkeys(what for what, _, _ in counts):
        lines.append(f"| {what} | " + " | ".join(share(counts[what, *cell]) for cell in cells(SEEDS)) + " |")
    worst = {
        seeds: max((hits / of, what) for (what, n, _), (hits, of) in counts.items() if n == seeds) for seeds in SEEDS
    }
    total = {seeds: [sum(c[i] for (_, n, _), c in counts.items() if n == seeds) for i in (0, 1)] for seeds in SEEDS}
    said = "; ".join(
        f"{seeds} seed{'s' * (seeds > 1)}: {hits / of:.1%} of {of:,} verdicts, at worst {worst[seeds][0]:.1%}"
        for seeds, (hits, of) in total.items()
    )
    too_many = [
        f"{what.split(' | ')[0]} ({seeds} seeds, sd {sd:g}): {hits} of {of}"
        for (what, seeds, sd), (hits, of) in counts.items()
        if hits > (0 if seeds == 1 else stats.binom.ppf(0.999, of, 0.05))
    ]
    verdict = (
        f"Above 5 % beyond Monte Carlo error: {'; '.join(too_many)}."
        if too_many
        else "None is above 5 % beyond Monte Carlo error."
    )
    return f"""## False decisions

{said}. {verdict} A rate of 5 % has a standard error
of {math.sqrt(0.0475 / replicates):.1%} in the {replicates} replicates of a rule, and of {math.sqrt(0.38 / replicates):.1%}
in those of a claim, an eighth as many.

{chr(10).join(lines)}"""


def power(counts: Counts) -> str:
    """Table of decisions for known differences, and the exact power of Welch's test."""
    lines = [
        "| comparison | seeds | " + " | ".join(f"{d} sd" for d in DIFFERENCES[1:]) + " |",
        "|---|---:|" + "---:|" * 5,
    ]
    for where, seeds in product(("at one size", "at the best sizes"), SEEDS):
        found = [[counts[f"{where}|{d}", seeds, sd] for sd in SEED_SDS] for d in DIFFERENCES[1:]]
        rates = [sum(hits for hits, _ in one) / sum(of for _, of in one) for one in found]
        lines.append(f"| {where} | {seeds} | " + " | ".join(f"{rate:.0%}" for rate in rates) + " |")
    for seeds in SEEDS:
        exact = [f"{welch_power(d, seeds):.0%}" for d in DIFFERENCES[1:]]
        lines.append(f"| at one size, exact | {seeds} | " + " | ".join(exact) + " |")
    return f"""## What is found

Share of replicates in which the better network is found, by the true difference in standard deviations of one score. At the
best sizes: eight equal scores of each network, the lowest compared.

{chr(10).join(lines)}"""


def coverage(counts: Counts) -> str:
    """Table of coverage."""
    several = cells(SEEDS[1:])
    lines = ["| interval | " + " | ".join(head(*cell) for cell in several) + " |", "|---|" + "---:|" * len(several)]
    for what in dict.fromkeys(what for what, _, _ in counts):
        lines.append(f"| {what} | " + " | ".join(share(counts[what, *cell]) for cell in several) + " |")
    return f"""## Coverage of 95 % intervals

The Gaussian process is asked for a true minimum between the sizes, one octave or more from the ends of the grid; "sizes as good
as the best" for the size with the lowest true score. Simultaneous intervals cover more than 95 % by design. Intervals of single
distances over images are not simulated here.

{chr(10).join(lines)}"""


def cells(seeds: tuple[int, ...]) -> list[tuple[int, float]]:
    """Columns: seeds and standard deviation over seeds."""
    return list(product(seeds, SEED_SDS))


def head(seeds: int, sd: float) -> str:
    """A column's heading."""
    return f"{seeds} seed{'s' * (seeds > 1)}, sd {sd:g}"


def share(counted: tuple[int, int]) -> str:
    """A rate; 0 as such."""
    return f"{counted[0] / counted[1]:.1%}" if counted[0] else "0"


def text(parts: list[str], name: str, minutes: float) -> str:
    """The Markdown page."""
    body = "\n\n".join(parts)
    return f"""# Calibration of the verdicts, {today()}

Simulated scores: standard deviation over training seeds 0.5 and 1, standard error of one score from its images {IMAGE_SE:g}.
{minutes:.0f} minutes on {name}.

{body}

{footer("numpy", "scipy", "scikit-learn", "pandas")}
"""


if __name__ == "__main__":
    main()
