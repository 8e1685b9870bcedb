"""How often the verdicts of the report are wrong, what they find, and what their intervals cover, by simulation.

    python benchmarks/calibration.py [--replicates 400] [--processes 2] [--out docs/benchmarks]

Invented networks whose true scores are known go through the code that judges stores (tests/analysis/calibration.py has the
cases). The tables: false decisions where the truth is a tie or exactly at a threshold, for 1, 2, 3 and 5 training seeds;
decisions of every rule where networks differ by a known number of standard deviations; power curves beside the power that
`plan` says; coverage of the intervals, of comparisons over several settings, and of means where spreads differ. Writes
calibration-<hardware>-<date>.md.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: the processes share the cores
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from calibration_parts import means, paired
from page import footer, hardware, in_processes, parser, today, write_page
from scipy import special, stats

from aesweep.analysis.best_setting import Settings, lowest_difference
from aesweep.analysis.data.smooth_optimum import smooth_optimum
from aesweep.analysis.power import ALPHA, welch_power
from aesweep.analysis.statistics import Estimate, Sample, contrast, trend
from tests.analysis.calibration import CLAIM_CASES, NOISES, RULES, SIZES, SPREAD, Case, outcomes
from tests.analysis.simulated import IMAGE_SE, REFERENCE_SE

SEEDS, MORE_SEEDS = (1, 2, 3, 5), (2, 3, 5, 10)
FOUND_AT = (2.0, 4.0, 6.0)  # differences at which every rule is asked
CURVE_AT = (1.0, 2.0, 3.0, 5.0, 8.0)  # differences of the power curves
CURVES = ("lower", "winner_at_best")
CHUNK = 20


class Job(NamedTuple):
    """One chunk of replicates of some cases."""

    kind: str  # rules, claims, found, curves or coverage
    seeds: int
    noise: str
    difference: float
    replicates: int
    chunk: int


class Rate(NamedTuple):
    """How often, of how many."""

    hits: int
    of: int

    def __str__(self) -> str:
        return f"{self.hits / self.of:.1%}" if self.hits else "0"

    def plus(self, hits: int, of: int) -> "Rate":
        """With some more."""
        return Rate(self.hits + hits, self.of + of)


Cell = tuple[str, str, int, str, float]  # kind, what, seeds, noise, difference
Rates = dict[Cell, Rate]
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
    started, rates = time.perf_counter(), Rates()
    jobs = list(plan(args.replicates))
    for job, counted in zip(jobs, in_processes(run, jobs, args.processes), strict=True):
        for (kind, what), (hits, of) in counted.items():
            cell = kind, what, job.seeds, job.noise, job.difference
            rates[cell] = rates.get(cell, Rate(0, 0)).plus(hits, of)
    name, minutes = hardware(), (time.perf_counter() - started) / 60
    write_page(args.out, "calibration", name, text(rates, args.replicates, name, minutes))


def plan(replicates: int) -> Iterator[Job]:
    """Everything to simulate. What one seed does is certain, so it is asked a few times; claims ask many networks."""
    few = math.ceil(replicates / 4)
    cells = [("rules", n, noise, 0.0, replicates if n > 1 else CHUNK) for n in SEEDS for noise in NOISES]
    cells += [("curves", n, "equal", d, replicates) for n in MORE_SEEDS for d in CURVE_AT]
    cells += [("found", n, "equal", d, few) for n in MORE_SEEDS for d in FOUND_AT]
    cells += [("coverage", n, "equal", 0.0, replicates) for n in MORE_SEEDS]
    cells += [("claims", n, noise, 0.0, few if n > 1 else CHUNK) for n in SEEDS for noise in NOISES]
    for kind, seeds, noise, difference, wanted in cells:
        for done in range(0, wanted, CHUNK):
            yield Job(kind, seeds, noise, difference, min(CHUNK, wanted - done), done)


def run(job: Job) -> dict[tuple[str, str], tuple[int, int]]:
    """(kind, what) -> hits and how many, of one chunk."""
    if job.kind == "coverage":
        random = np.random.default_rng([job.seeds, job.chunk])
        return {("coverage", what): count for what, count in simulate_coverage(random, job.seeds, job.replicates)}
    cases: Iterable[Case] = {"rules": RULES, "claims": CLAIM_CASES}.get(
        job.kind, [case for case in RULES if case.right]
    )
    if job.kind == "curves":
        cases = [case for case in cases if case.name in CURVES]
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    found = outcomes(cases, job.seeds, job.noise, job.replicates, job.chunk, job.difference)
    for case, counts in found.items():
        wrong = sum(counts.get(outcome, 0) for outcome in case.wrong_at(job.difference))
        counted["wrong", label(case)] = wrong, job.replicates
        if job.difference:
            counted["right", label(case)] = counts.get(case.right, 0), job.replicates
    return {(f"{job.kind} {kind}", what): count for (kind, what), count in counted.items()}


def label(case: Case) -> str:
    """Name and truth, and the verdict that is right at a difference."""
    only = "" if len(case.wrong) > 1 else f"; wrong: {next(iter(case.wrong))}"
    return f"`{case.name}` | {case.truth}{only} | {case.right or '–'}"


def simulate_coverage(
    random: np.random.Generator, seeds: int, replicates: int
) -> Iterator[tuple[str, tuple[int, int]]]:
    """How often an interval holds the truth."""
    places = np.log2(SIZES)
    hits: dict[str, list[int]] = {}

    def holds(what: str, inside: bool) -> None:
        hits.setdefault(what, [0, 0])
        hits[what][0] += inside
        hits[what][1] += 1

    def covers(what: str, found: Estimate, truth: float) -> None:
        holds(what, abs(found.value - truth) <= found.half_width)

    def scores(true: np.ndarray) -> list[Sample]:
        return [Sample(value + random.normal(0, SPREAD, seeds)) for value in true]

    for _ in range(replicates):
        a, b, *others = scores(np.array([80.0, 83.0, 82.0, 81.0]))
        covers("difference of two networks (Welch)", contrast((1.0, a), (-1.0, b)), -3.0)
        covers("slope over four widths", trend([0, 1, 2, 3], [b, *others, a]), -1.0)
        nominal = Sample(np.array([83.0 + random.normal(0, SPREAD)]), SPREAD)
        covers("difference from a printed number with its error", contrast((1.0, a), (-1.0, nominal)), -3.0)
        flat = Settings(scores(np.full(len(SIZES), 80.0))), Settings(scores(np.full(len(SIZES), 83.0)))
        covers("difference of the lowest of eight equal scores (simultaneous)", lowest_difference(*flat), -3.0)
        for shape, curve in SHAPES.items():
            best = random.uniform(places[0] + 1, places[-1] - 1)
            settings = Settings(scores(80 + np.array([curve(place - best) for place in places])))
            found = smooth_optimum(np.array(SIZES), settings)
            if found is not None:
                holds(f"optimum, Gaussian process, {shape}", found.low <= 2**best <= found.high)
            true_best = int(np.argmin([curve(place - best) for place in places]))
            holds(f"sizes as good as the best, {shape}", bool(settings.p_lowest[true_best] > ALPHA))
    return ((what, (inside, of)) for what, (inside, of) in hits.items())


def table(rates: Rates, kind: str, heads: str, columns: list[tuple[int, str, float]], names: list[str]) -> str:
    """One row for each thing of a kind, one column for each (seeds, noise, difference)."""
    lines = [f"| {heads} | {' | '.join(names)} |"]
    lines.append("|" + "---|" * (heads.count("|") + 1) + "---:|" * len(names))
    for what in dict.fromkeys(what for k, what, *_ in rates if k == kind):
        found = [rates.get((kind, what, *column)) for column in columns]
        lines.append(f"| {what} | " + " | ".join("–" if rate is None else str(rate) for rate in found) + " |")
    return "\n".join(lines)


def error(rate: float, replicates: int) -> str:
    """Monte Carlo standard error of a rate."""
    return f"{math.sqrt(rate * (1 - rate) / replicates):.1%}"


def most(replicates: int) -> str:
    """What a rate of 5 % exceeds by chance once in a thousand times."""
    return f"{stats.binom.ppf(0.999, replicates, 0.05) / replicates:.1%}"


def false_decisions(rates: Rates, replicates: int) -> str:
    """Tables of false decisions."""
    columns = [(n, noise, 0.0) for n in SEEDS for noise in NOISES]
    names = [f"{n} seed{'s' * (n > 1)}, {noise}" for n, noise, _ in columns]
    wrong = {cell: rate for cell, rate in rates.items() if cell[0] in ("rules wrong", "claims wrong")}
    said = []
    for seeds in SEEDS:
        own = {cell: rate for cell, rate in wrong.items() if cell[2] == seeds}
        hits, of = sum(rate.hits for rate in own.values()), sum(rate.of for rate in own.values())
        worst = max(rate.hits / rate.of for rate in own.values())
        said.append(
            f"* {seeds} seed{'s' * (seeds > 1)}: {hits / of:.1%} of {of:,} verdicts are wrong, of the worst row {worst:.1%}"
        )
    beyond = [
        f"{what.split(' | ')[0]} ({seeds} seeds, {noise}: {rate.hits} of {rate.of})"
        for (_, what, seeds, noise, _), rate in wrong.items()
        if rate.hits > (0 if seeds == 1 else stats.binom.ppf(0.999, rate.of, 0.05))
    ]
    verdict = f"Beyond it: {'; '.join(beyond)}." if beyond else "No row is beyond it."
    few = math.ceil(replicates / 4)
    return f"""## False decisions

{chr(10).join(said)}

At most 5 % is claimed. A rate of 5 % has a Monte Carlo standard error of {error(0.05, replicates)} in the {replicates}
replicates of a rule and of {error(0.05, few)} in the {few} of a claim. One in a thousand such cells shows more than
{most(replicates)} or {most(few)} by chance. {verdict}
With one seed every p-value is 1, so {CHUNK} replicates show it.

Spreads over seeds are equal, or 1 to 3 between the networks compared. Most rows are far below 5 %: tests with two or three
seeds estimate the spread from few scores and are cautious, and a best size or a range counts as often as there are sizes to
pick from.

{table(rates, "rules wrong", "rule | truth | right at a difference", columns, names)}

{welch_text()}

Claims, as the report judges them; all of their networks are equal, or exactly at a threshold.

{table(rates, "claims wrong", "claim | truth | right at a difference", columns, names)}"""


WELCH: dict[str, list[float]] = {
    "two networks": [1, -1],
    "two networks, one times 1.5": [1.5, -1],
    "falls of two networks, one times 1.5": [1, -1, -1.5, 1.5],
    "slope over four widths": [-0.3, -0.1, 0.1, 0.3],
    "averages over eight sizes": [w for _ in range(8) for w in (1 / 8, -1 / 8)],
}
"""Weights of the contrasts that the rules test; spreads over seeds alternate between equal ones, or 1 to 3."""
WELCH_REPLICATES = 40_000


def welch_text() -> str:
    """Table of the false decisions of `contrast` itself, the replicates at once."""
    random = np.random.default_rng(0)
    lines = ["| contrast | " + " | ".join(f"{n} seeds, {noise}" for n, noise in product(MORE_SEEDS, NOISES)) + " |"]
    lines.append("|---|" + "---:|" * len(MORE_SEEDS) * len(NOISES))
    for name, weights in WELCH.items():
        rates = [welch_rate(np.array(weights), n, sds, random) for n, sds in product(MORE_SEEDS, NOISES.values())]
        lines.append(f"| {name} | " + " | ".join(f"{rate:.1%}" for rate in rates) + " |")
    return f"""Most rules test a contrast of means by Welch. Its own rate is known more exactly, from {WELCH_REPLICATES:,} replicates
(Monte Carlo standard error {error(0.05, WELCH_REPLICATES)}):

{chr(10).join(lines)}

So it is at most 5 % where networks spread alike, and up to about half a percent more where one spreads three times as much as
the other, at three to five seeds: Welch's approximation of the degrees of freedom."""


def welch_rate(weights: np.ndarray, seeds: int, sds: tuple[float, ...], random: np.random.Generator) -> float:
    """How often a contrast of equal means is decided; a sample of it goes through `contrast`, which must agree."""
    shape = WELCH_REPLICATES, len(weights), seeds
    scores = random.standard_normal(shape) * np.resize(sds, len(weights))[:, None]
    variances = scores.var(axis=2, ddof=1) / seeds * weights**2
    freedom = variances.sum(1) ** 2 / (variances**2 / (seeds - 1)).sum(1)
    p = special.stdtr(freedom, -np.abs(scores.mean(axis=2) @ weights) / np.sqrt(variances.sum(1)))
    for one, found in zip(scores[:CHUNK], p[:CHUNK], strict=True):
        estimate = contrast(*((float(w), Sample(values)) for w, values in zip(weights, one, strict=True)))
        assert math.isclose(min(estimate.p_below(), estimate.p_above()), found, rel_tol=1e-6)
    return float((p <= ALPHA).mean())


def found_text(rates: Rates, replicates: int) -> str:
    """Table of right decisions at known differences."""
    few = math.ceil(replicates / 4)
    columns = [(n, "equal", d) for n in MORE_SEEDS for d in FOUND_AT]
    names = [f"{n} seeds, {d:g} sd" for n, _, d in columns]
    wrong = [rate for cell, rate in rates.items() if cell[0] in ("found wrong", "curves wrong")]
    hits, of = sum(rate.hits for rate in wrong), sum(rate.of for rate in wrong)
    return f"""## What is found

Share of right verdicts, by the true difference in standard deviations of one score: how far one score is below the other, how
deep a minimum is, how much further a range is than the threshold, and so on. {few} replicates each (Monte Carlo standard error
up to {error(0.5, few)}). Wrong verdicts at a difference: {hits} of {of:,} ({hits / of:.2%}).

{table(rates, "found right", "rule | truth at no difference | right", columns, names)}"""


def power_text(rates: Rates, replicates: int) -> str:
    """Power curves beside the exact ones."""
    columns = [(n, "equal", d) for n in MORE_SEEDS for d in CURVE_AT]
    lines = [
        "| comparison | seeds | " + " | ".join(f"{d:g} sd" for d in CURVE_AT) + " | largest gap to the exact power |"
    ]
    lines.append("|---|---:|" + "---:|" * len(CURVE_AT) + "---:|")
    for what in dict.fromkeys(what for kind, what, *_ in rates if kind == "curves right"):
        for n in MORE_SEEDS:
            shares = [r.hits / r.of for c in columns if c[0] == n and (r := rates["curves right", what, *c])]
            gap = max(abs(share - welch_power(d, n)) for share, d in zip(shares, CURVE_AT, strict=True))
            rule, truth, *_ = what.split(" | ")
            shown = f"{gap:.1%}" if rule == "`lower`" else "–"
            lines.append(f"| {rule}, {truth} | {n} | {' | '.join(f'{share:.0%}' for share in shares)} | {shown} |")
    for n in MORE_SEEDS:
        lines.append(f"| exact, one size | {n} | " + " | ".join(f"{welch_power(d, n):.0%}" for d in CURVE_AT) + " | |")
    return f"""## Power

Chance of finding the better of two networks, by the difference in standard deviations of one score, {replicates} replicates
each (Monte Carlo standard error up to {error(0.5, replicates)}). “Exact” is `analysis/power.py`, from which `plan` says what
the seeds of a spec can show; it speaks of two networks at one size (`lower`). The winner at the best of eight sizes pays for
the choice, and gains by the spread that eight sizes estimate together.

{chr(10).join(lines)}"""


def coverage_text(rates: Rates, replicates: int) -> str:
    """Table of coverage."""
    columns = [(n, "equal", 0.0) for n in MORE_SEEDS]
    return f"""## Coverage of 95 % intervals over training seeds

{replicates} replicates each: 95 % has a Monte Carlo standard error of {error(0.95, replicates)}. The Gaussian process is asked for a
true minimum between the sizes, one octave or more from the ends of the grid. How smooth a curve is cannot be told from eight noisy
points, so a grid of kernels is averaged by their evidence (`analysis/data/smooth_optimum.py`). It covers a little more than 95 % where
the curve is smoother than those kernels, and where it is so shallow that the interval spans most of the sizes tried. “Sizes as good as
the best” is asked for the size with the lowest true score; it and the simultaneous interval cover more than 95 % by design (Bonferroni
over the sizes). Intervals of single distances over images: coverage-*.md.

{table(rates, "coverage", "interval", columns, [f"{n} seeds" for n in MORE_SEEDS])}"""


def text(rates: Rates, replicates: int, name: str, minutes: float) -> str:
    """The Markdown page."""
    parts = [part(rates, replicates) for part in (false_decisions, found_text, power_text, coverage_text)]
    body = "\n\n".join([*parts, paired.section(MORE_SEEDS), means.section(MORE_SEEDS)])
    return f"""# Calibration of the verdicts, {today()}

Invented networks with known true scores go through the rules and claims that judge stores. A score has a standard deviation of
1 over training seeds, a standard error of {IMAGE_SE:g} from its own images, and a shift of {REFERENCE_SE:g} that all networks
share, as other real images would give. A verdict speaks of the real images that the evaluation chose: how other real images
would change one network's score more than another's is not in it (docs/tables.md, `stderr_shared`).

A test holds that every rule, every claim that decides by itself and every function of `analysis/statistics.py` and
`analysis/best_setting.py` is among the cases (tests/analysis/test_calibration.py). Claims about counts of parameters have no
noise, and the one on Gaussian latents is held against simulated latents elsewhere. {minutes:.0f} minutes on {name}, shared with other work.

{body}

{footer("numpy", "scipy", "scikit-learn", "pandas")}
"""


if __name__ == "__main__":
    main()
