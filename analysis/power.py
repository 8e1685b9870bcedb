"""What a number of training seeds can show: the difference that Welch's test finds, in standard deviations over seeds.

Two networks with equal spreads s and n seeds each. The share u that one of the two estimated variances has of their sum is
Beta((n-1)/2, (n-1)/2) and independent of the sum, and given u the test statistic is a noncentral t with 2(n-1) degrees of
freedom whose critical value comes from Welch's. The power is therefore an integral over u, exact except for its quadrature.
Light, so that `plan` can say it: neither pandas nor `scipy.stats` nor `scipy.optimize`.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

ALPHA = 0.025
"""Largest p-value, one-sided, that decides: "not 0" at 95 %."""
POWER = 0.8
"""Share of repetitions in which a true difference should be found."""
_NODES = 60
_HALVINGS = 40
"""Bisection steps in the search for a difference; they narrow the interval to a millionth of a millionth."""


def welch_power(difference: float, seeds: int) -> float:
    """Chance that a true difference, in standard deviations over seeds, is found by `seeds` of either network."""
    if seeds < 2:
        return 0.0
    freedom, half = 2 * (seeds - 1), (seeds - 1) / 2
    nodes, weights = _quadrature(half)
    share = (1 + nodes) / 2
    critical = special.stdtrit((seeds - 1) / (share**2 + (1 - share) ** 2), 1 - ALPHA)
    below = special.nctdtr(freedom, difference * math.sqrt(seeds / 2), critical)
    return float(np.sum(weights * (1 - below)) / np.sum(weights))


@lru_cache(maxsize=64)
def _quadrature(half: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (-1, 1) and weights for the density of Beta(half, half), up to a factor."""
    nodes, weights = special.roots_jacobi(_NODES, half - 1, half - 1)
    return nodes, weights


@lru_cache(maxsize=64)
def detectable_difference(seeds: int) -> float:
    """True difference, in standard deviations over seeds, that is found in `POWER` of repetitions; inf for one seed."""
    if seeds < 2:
        return math.inf
    most = 15 * math.sqrt(2 / seeds)  # two seeds need 10.4; beyond that the distribution function underflows
    least = 0.0
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        least, most = (middle, most) if welch_power(middle, seeds) < POWER else (least, middle)
    return most
