"""The values of a field that may be the best: how often the truly best one is excluded, and that a clear one stands alone."""

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import Sample, may_be_lowest

RANDOM = np.random.default_rng(3)


def draw(shifts: list[float], settings: int, seeds: int) -> list[list[Sample]]:
    common = 5 * RANDOM.standard_normal(settings)
    return [[Sample(at + shift + RANDOM.standard_normal(seeds)) for at in common] for shift in shifts]


@pytest.mark.parametrize(("values", "settings"), [(2, 6), (4, 6), (3, 1)])
def test_the_best_of_equal_values_is_hardly_ever_excluded(values: int, settings: int) -> None:
    """Any of them is the best; 300 replicates, and a bound that chance passes once in a thousand."""
    excluded = sum(not may_be_lowest(draw([0.0] * values, settings, 3))[0] for _ in range(300))
    assert excluded <= stats.binom.ppf(0.999, 300, ALPHA)


def test_a_clearly_lower_value_stands_alone_and_one_seed_excludes_none() -> None:
    assert may_be_lowest(draw([0.0, -9.0, 0.0], 6, 3)) == [False, True, False]
    assert may_be_lowest(draw([0.0, -9.0, 0.0], 6, 1)) == [True, True, True]
    assert may_be_lowest(draw([0.0], 6, 3)) == [True]
