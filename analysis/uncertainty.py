"""How sure a difference is: Welch's interval over training seeds, where there are seeds."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """Mean of the first minus mean of the second, with the half-width of its 95 % interval (nan without seeds)."""

    first: float
    second: float
    half_width: float
    seeds: int
    """Seeds of the one that has fewer."""

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second

    @property
    def sign(self) -> int:
        """-1 where the first is lower, 1 where it is higher, 0 where the interval holds 0 (or they are equal)."""
        if not math.isnan(self.half_width) and abs(self.difference) <= self.half_width:
            return 0
        return int(np.sign(self.difference))


def compare(first: np.ndarray, second: np.ndarray) -> Comparison | None:
    """Two networks by their scores, one value per training seed; None where one has none.

    Welch's t interval (unequal variances); a single seed on one side gives no interval.
    """
    if not len(first) or not len(second):
        return None
    return Comparison(
        float(np.mean(first)), float(np.mean(second)), _half_width(first, second), min(len(first), len(second))
    )


def _half_width(first: np.ndarray, second: np.ndarray) -> float:
    if min(len(first), len(second)) < 2:
        return math.nan
    a, b = (float(np.var(values, ddof=1)) / len(values) for values in (first, second))
    if a + b == 0:
        return 0.0
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))  # Welch–Satterthwaite
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom) * math.sqrt(a + b))
