"""What the intervals of means over seeds cover, where the spreads of a model's networks are alike and where they are not.

A section of benchmarks/calibration.py.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from aesweep.analysis.over_seeds import CLEAR, DOUBTFUL, means_over_seeds

Truth = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation over seeds of each network of one model, the best network first."""
TRUTHS: dict[str, Callable[[int], Truth]] = {
    "equal": lambda networks: (np.linspace(10, 30, networks), np.full(networks, 2.0)),
    "from 1 to 3": lambda networks: (np.linspace(10, 30, networks), np.linspace(1, 3, networks)),
    "from 3 to 1": lambda networks: (np.linspace(10, 30, networks), np.linspace(3, 1, networks)),
    "one network has failed: 20 times": lambda networks: (
        np.append(np.linspace(10, 30, networks - 1), 300.0),
        np.append(np.ones(networks - 1), 20.0),
    ),
    "in proportion to scores from 10 to 200": lambda networks: (
        np.geomspace(10, 200, networks),
        np.geomspace(2, 40, networks),
    ),
}
NETWORKS, REPLICATES = (3, 12), 4_000


def section(seeds: Sequence[int]) -> str:
    """Markdown, for these numbers of training seeds."""
    random = np.random.default_rng(0)
    heads = " | ".join(f"{n} seeds: best | all | worst covered | width" for n in seeds)
    lines = [f"| spreads | networks | {heads} |", "|---|---:|" + "---:|" * 4 * len(seeds)]
    for (spreads, truth), networks in product(TRUTHS.items(), NETWORKS):
        cells = [cell for n in seeds for cell in _row(*truth(networks), n, random)]
        lines.append(f"| {spreads} | {networks} | " + " | ".join(cells) + " |")
    return f"""## Means of networks

The 95 % interval of each network's mean, as the report, `explore` and `scores(per="network")` show it: how often it covers for the
best network, for all, and for the one where it does so least; and its median width in standard errors of that network alone, if
they were known (then 1.96). {REPLICATES:,} sweeps each (Monte Carlo standard error {math.sqrt(0.95 * 0.05 / REPLICATES):.1%}). Networks of
one model share their variance unless Bartlett's test doubts at {DOUBTFUL:g} that their spreads are equal; then spreads in proportion to
the means, unless it doubts those at {CLEAR:g}; then each has its own (`analysis/over_seeds.py`). Scores are from 10
to 30 where nothing else is said, and 300 for the network that failed.
Two or three seeds can hardly show that spreads differ: with them, the interval of the network that varies most is too narrow.

{chr(10).join(lines)}"""


def _row(means: np.ndarray, deviations: np.ndarray, seeds: int, random: np.random.Generator) -> list[str]:
    """Coverage and width of all networks of many sweeps at once."""
    spread, true = np.tile(deviations, REPLICATES), np.tile(means, REPLICATES)
    network = np.repeat(np.arange(len(spread)), seeds)
    found = means_over_seeds(random.normal(true[network], spread[network]), network, network // len(deviations))
    covered = ((found["mean"] - true).abs() <= found["half_width"]).to_numpy().reshape(REPLICATES, -1).mean(axis=0)
    width = np.median(found["half_width"].to_numpy() / (spread / math.sqrt(seeds)))
    return [*(f"{share:.0%}" for share in (covered[0], covered.mean(), covered.min())), f"{width:.2f}"]
