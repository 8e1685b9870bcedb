"""The smoothed minimum of a curve: near the true one, within an interval that covers it, and only where it can be known."""

import numpy as np
import pytest

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.data.smooth_optimum import smooth_optimum
from aesweep.analysis.statistics import Sample

SIZES = np.array([16, 32, 64, 128, 256, 512, 1024])


def curve(best: float, steep: float, noise: float, seeds: int = 3, seed: int = 0) -> Settings:
    random = np.random.default_rng(seed)
    true = 80 + steep * (np.log2(SIZES) - np.log2(best)) ** 2
    return Settings([Sample(value + random.normal(0, noise, seeds)) for value in true])


def test_a_minimum_between_two_sizes_is_found_there() -> None:
    found = smooth_optimum(SIZES, curve(90, 5, 0.05))
    assert found is not None
    assert found.size == pytest.approx(90, rel=0.1)
    assert 32 < found.low < 90 < found.high < 256


def test_the_interval_widens_with_the_noise_and_spans_a_flat_curve() -> None:
    quiet, loud, flat = (smooth_optimum(SIZES, curve(90, *how)) for how in ((5, 0.05), (5, 6.0), (0, 1.0)))
    assert quiet and loud and flat
    assert quiet.high / quiet.low < loud.high / loud.low < flat.high / flat.low
    assert flat.low < 32 and flat.high > 512 and flat.high <= 1024


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_interval_covers_the_true_minimum(seeds: int) -> None:
    random, hits = np.random.default_rng(seeds), 0
    for i in range(20):
        best = 2 ** random.uniform(5, 9)
        found = smooth_optimum(SIZES, curve(best, 3, 1.0, seeds, i))
        hits += found is not None and found.low <= best <= found.high
    assert hits >= 17  # of 20; at 90 % fewer come once in eight, and the seeds are fixed


def test_one_seed_few_sizes_and_scores_that_are_not_finite_have_no_smooth_minimum() -> None:
    assert smooth_optimum(SIZES, curve(90, 5, 1.0, seeds=1)) is None
    full = curve(90, 5, 1.0)
    assert smooth_optimum(SIZES[:4], Settings(full.samples[:4])) is None
    assert smooth_optimum(SIZES, Settings([*full.samples[:-1], Sample(np.array([1.0, np.inf]))])) is None


def test_scores_almost_without_noise_at_close_sizes_have_a_smooth_minimum() -> None:
    sizes, random = np.arange(100, 400, 2), np.random.default_rng(0)
    scores = Settings([Sample(80 + 1e-3 * (size - 180) ** 2 + random.normal(0, 1e-9, 3)) for size in sizes])
    found = smooth_optimum(sizes, scores)
    assert found is not None and found.low <= 180 <= found.high and found.size == pytest.approx(180, rel=0.01)


def test_scores_beyond_what_can_be_squared_have_no_smooth_minimum() -> None:
    full = curve(90, 5, 1.0)
    assert smooth_optimum(SIZES, Settings([Sample(1e200 * sample.values) for sample in full.samples])) is None
