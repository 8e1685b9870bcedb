"""What a number of seeds can show, against Welch's test on simulated scores."""

import math

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis.power import POWER, detectable_difference, welch_power


@pytest.mark.parametrize(("seeds", "difference"), [(2, 10.4), (3, 3.5), (5, 2.1), (10, 1.3)])
def test_the_difference_that_is_found_in_four_of_five_cases(seeds: int, difference: float) -> None:
    random = np.random.default_rng(seeds)
    found = detectable_difference(seeds)
    assert found == pytest.approx(difference, abs=0.05)
    first, second = random.normal(0, 1, (40_000, seeds)), random.normal(found, 1, (40_000, seeds))
    power = float(np.mean(stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue < 0.05))
    assert power == pytest.approx(POWER, abs=4 * math.sqrt(0.16 / 40_000))


def test_one_seed_shows_nothing_and_no_difference_is_rarely_found() -> None:
    assert detectable_difference(1) == math.inf and welch_power(1000.0, 1) == 0.0
    assert 0.01 < welch_power(0.0, 2) < welch_power(0.0, 3) < welch_power(0.0, 100) < 0.025  # Welch is cautious


def test_many_networks_of_many_seeds_are_no_trouble() -> None:
    assert detectable_difference(100) == pytest.approx(0.398, abs=0.001)
