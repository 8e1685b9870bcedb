"""How sure a difference is: Welch's interval over training seeds; with one seed, what the images alone leave open.

An interval over images says nothing of another training seed, which as a rule moves a score by more; but a difference
that lies within it is none.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Scores:
    """One network's scores, float (S,) with one per training seed, and their standard errors from the images."""

    values: np.ndarray
    errors: np.ndarray | None = None  # float (S,), nan where unknown; None: of all

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> bool:
        """Whether there is a score, and every one is a finite number."""
        return len(self.values) > 0 and bool(np.isfinite(self.values).all())

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.values))

    @property
    def error(self) -> float:
        """Standard error of the mean from the images alone; nan where one is unknown."""
        return math.nan if self.errors is None else float(np.sqrt(np.sum(self.errors**2)) / len(self.values))

    def over(self, divisor: float) -> "Scores":
        """Every score divided by a number."""
        return Scores(self.values / divisor, None if self.errors is None else self.errors / divisor)


@dataclass(frozen=True)
class Comparison:
    """Mean of the first minus mean of the second, with the half-width of its 95 % interval (nan without one)."""

    first: float
    second: float
    half_width: float
    over: Literal["seeds", "images", "nothing"]  # what the interval is over

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second

    @property
    def is_open(self) -> bool:
        """Whether the interval leaves both answers."""
        return self.sign == 0 and self.half_width > 0

    @property
    def alone(self) -> str:
        """What must be said behind an interval that knows nothing of training seeds; "" for others."""
        return " of the images alone" if self.over == "images" else ""

    @property
    def sign(self) -> int:
        """-1 where the first is lower, 1 where it is higher, 0 where the interval holds 0 (or they are equal)."""
        if not math.isnan(self.half_width) and abs(self.difference) <= self.half_width:
            return 0
        return int(np.sign(self.difference))


def compare(first: Scores, second: Scores) -> Comparison | None:
    """Two networks by their scores; None where one has none, or one that is no finite number.

    Welch's t interval (unequal variances) over seeds. A single seed on one side leaves the images: the normal interval of
    two independent errors, none where one is unknown.
    """
    if not first.known or not second.known:
        return None
    if min(len(first), len(second)) > 1:
        return Comparison(first.mean, second.mean, _welch(first.values, second.values), "seeds")
    half = half_interval() * math.hypot(first.error, second.error)
    return Comparison(first.mean, second.mean, half, "nothing" if math.isnan(half) else "images")


def half_interval(freedom: float = math.inf) -> float:
    """Standard errors in half of a 95 % interval: Student's t, which is the normal one, 1.96, for known errors."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))


def _welch(first: np.ndarray, second: np.ndarray) -> float:
    a, b = (float(np.var(values, ddof=1)) / len(values) for values in (first, second))
    if a + b == 0:
        return 0.0
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))  # Welch–Satterthwaite
    return half_interval(freedom) * math.sqrt(a + b)
