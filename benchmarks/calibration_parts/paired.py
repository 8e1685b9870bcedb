"""What the comparisons of the report's first screen decide and cover: two values of a field, and which values may be the best.

A section of benchmarks/calibration.py.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from aesweep.analysis.statistics import FEWEST_SETTINGS, Sample, may_be_lowest, paired_difference

SETTINGS, VALUES, REPLICATES = (1, 2, 3, 4, 6, 12), (2, 4, 8), 2_000
SPREADS = {"equal": (1.0, 1.0), "1 to 3": (0.5, 1.5)}
"""Standard deviations over seeds of two values, which several values take in turn."""


def section(seeds: Sequence[int]) -> str:
    """Markdown, for these numbers of training seeds."""
    random = np.random.default_rng(0)
    return f"""## Comparisons of settings

Two values of a field in the settings that both have (`paired_difference`): how often the 95 % interval of the mean difference
covers it, and so how often "there is a difference" is wrong where there is none. The difference is 3 in every setting, or varies
from setting to setting with a standard deviation of 1. It is asked of exactly the settings that were trained, and, from
{FEWEST_SETTINGS} settings on, of others drawn like them. {REPLICATES:,} replicates each (Monte Carlo standard error
{math.sqrt(0.95 * 0.05 / REPLICATES):.1%}).

{_table("settings | spreads over seeds | difference | asked of", seeds, _differences(seeds, random))}

The best of several values (`may_be_lowest`): how often the set of those that may be the best excludes a value that is as good as
every other. At most 5 % is claimed.

{_table("values | settings | spreads over seeds", seeds, _exclusions(seeds, random))}"""


def _table(heads: str, seeds: Sequence[int], rows: Iterator[tuple[str, list[float]]]) -> str:
    """One column per number of seeds."""
    lines = [f"| {heads} | {' | '.join(f'{n} seeds' for n in seeds)} |"]
    lines.append("|" + "---|" * (heads.count("|") + 1) + "---:|" * len(seeds))
    return "\n".join(lines + [f"| {what} | {' | '.join(f'{rate:.1%}' for rate in rates)} |" for what, rates in rows])


def _differences(seeds: Sequence[int], random: np.random.Generator) -> Iterator[tuple[str, list[float]]]:
    """Name of a row -> coverage for each number of seeds."""
    for settings, (spreads, sds), varies in product(SETTINGS, SPREADS.items(), (0.0, 1.0)):
        if settings == 1 and varies:
            continue  # one setting is one difference
        counted = np.array([_covered(settings, sds, varies, n, random) for n in seeds])
        words = f"{settings} | {spreads} | {'varies' if varies else 'the same'}"
        yield f"{words} | these settings", counted[:, 0].tolist()
        if varies and settings >= FEWEST_SETTINGS:
            yield f"{words} | others like them", counted[:, 1].tolist()


def _covered(
    settings: int, sds: tuple[float, ...], varies: float, seeds: int, random: np.random.Generator
) -> tuple[float, float]:
    """Coverage of the mean difference in exactly these settings, and in the population that they are drawn from."""
    hits = np.zeros(2)
    for _ in range(REPLICATES):
        level, true = 5 * random.standard_normal(settings), 3 + varies * random.standard_normal(settings)
        first, second = _draw([level + true, level], sds, seeds, random)
        found = paired_difference(first, second).estimate
        hits += np.abs(found.value - np.array([true.mean(), 3.0])) <= found.half_width
    return float(hits[0]) / REPLICATES, float(hits[1]) / REPLICATES


def _exclusions(seeds: Sequence[int], random: np.random.Generator) -> Iterator[tuple[str, list[float]]]:
    """Name of a row -> how often the first of equal values is excluded, for each number of seeds."""
    for values, settings, (spreads, sds) in product(VALUES, (1, 6), SPREADS.items()):
        rates = []
        for n in seeds:
            levels = [np.zeros(settings)] * values
            kept = sum(may_be_lowest(_draw(levels, sds, n, random))[0] for _ in range(REPLICATES // 2))
            rates.append(1 - kept / (REPLICATES // 2))
        yield f"{values} | {settings} | {spreads}", rates


def _draw(
    levels: Sequence[np.ndarray], sds: tuple[float, ...], seeds: int, random: np.random.Generator
) -> list[list[Sample]]:
    """Scores of each value in each setting."""
    return [
        [Sample(at + sds[place % len(sds)] * random.standard_normal(seeds)) for at in level]
        for place, level in enumerate(levels)
    ]
