"""Means over seeds of many networks at once: against the statistics module, and against known spreads."""

import warnings
from functools import partial

import numpy as np
import pytest
from scipy import special, stats

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.over_seeds import CLEAR, DOUBTFUL, means_over_seeds, pools
from aesweep.analysis.statistics import Sample


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_the_statistics_module(seed: int) -> None:
    """Also where networks have unequal numbers of seeds, and trials have no value."""
    random = np.random.default_rng(seed)
    network = random.integers(0, 12, 50)
    kind = network % 3
    values = np.where(random.random(50) < 0.2, np.nan, random.normal(network, 1 + 10 * kind))
    found = means_over_seeds(values, network, kind)
    samples = {int(one): values[(network == one) & np.isfinite(values)] for one in np.unique(network)}
    scored = [one for one, sample in samples.items() if len(sample)]
    slow = Settings([Sample(samples[one]) for one in scored], [str(one % 3) for one in scored])
    assert found.index.tolist() == scored
    assert found["mean"].tolist() == pytest.approx(slow.means.tolist())
    assert found["seeds"].tolist() == slow.counts.tolist()
    estimates = [slow.mean_at(place) for place in range(len(scored))]
    assert found["stderr"].tolist() == pytest.approx([one.error for one in estimates])
    assert found["half_width"].tolist() == pytest.approx([one.half_width for one in estimates])


def test_a_model_with_wide_scores_leaves_the_errors_of_another_as_they_are() -> None:
    """The standard deviations over seeds are 1 and 50: each model's intervals show its own."""
    random = np.random.default_rng(2)  # in one of five sweeps whose spreads are equal, Bartlett's test doubts it
    networks, seeds = 400, 4
    network = np.repeat(np.arange(networks), seeds)
    kind = network % 2
    values = random.normal(network, np.where(kind == 1, 50.0, 1.0))
    found = means_over_seeds(values, network, kind)
    for one, deviation in ((0, 1.0), (1, 50.0)):
        part = found[found.index % 2 == one]
        assert part["stderr"].to_numpy() == pytest.approx(deviation / 2, rel=0.1)
        holds = int((abs(part["mean"] - part.index) <= part["half_width"]).sum())
        assert stats.binom.ppf(0.001, len(part), 0.95) <= holds <= stats.binom.ppf(0.999, len(part), 0.95)


SWEEPS = 2000


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    "deviations",
    [(1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 20), (1, 2, 4, 8, 16, 32)],
    ids=["equal", "one has failed", "each twice the one before"],
)
def test_each_networks_interval_covers_whatever_the_spreads_of_the_others(
    deviations: tuple[int, ...], seeds: int
) -> None:
    """Two thousand sweeps of six networks at once, each sweep a kind. One variance for all covered 54 % of the failed network."""
    random = np.random.default_rng(0)
    spread = np.tile(np.array(deviations, dtype=float), SWEEPS)
    network = np.repeat(np.arange(len(spread)), seeds)
    found = means_over_seeds(random.normal(0, spread[network]), network, network // len(deviations))
    covered = (abs(found["mean"]) <= found["half_width"]).to_numpy().reshape(SWEEPS, -1).mean(axis=0)
    assert covered.min() >= 0.92 and covered.max() <= 0.965, covered
    own = special.stdtrit(seeds - 1, 0.975) / np.sqrt(seeds)  # of a network alone, in its standard deviations
    assert np.median(found["half_width"].to_numpy() / spread) < 1.1 * own


def test_where_spreads_differ_a_single_seed_and_seeds_that_agree_exactly_have_no_interval() -> None:
    """Nothing says which of the spreads is theirs."""
    values = np.array([1.0, 1.1, 1.2, 50.0, 90.0, 20.0, 7.0, 8.0, 8.0, 8.0])
    network = np.array([0, 0, 0, 1, 1, 1, 2, 3, 3, 3])
    found = means_over_seeds(values, network, np.zeros(10, dtype=int))
    assert np.isnan(found["half_width"]).tolist() == [False, False, True, True]
    assert found["half_width"][0] == pytest.approx(stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3))


def test_a_number_that_is_the_same_for_all_seeds_of_all_networks_has_no_error() -> None:
    found = means_over_seeds(np.array([3.0, 3.0, 4.0, 4.0]), np.array([0, 0, 1, 1]), np.zeros(4, dtype=int))
    assert found["half_width"].tolist() == [0.0, 0.0]


def test_the_test_of_equal_spreads_is_scipys() -> None:
    """Alike, in proportion or neither, as Bartlett's test of SciPy has it."""
    random, seen = np.random.default_rng(0), set()
    for each in range(80):
        sizes, places = random.integers(2, 6, 4), np.array([10, 20, 60, 200] if each % 2 else [10, 10, 10, 10])
        deviations = places / 10 if each % 2 else random.uniform(1, 3, 4)
        samples = [random.normal(*one) for one in zip(places, deviations, sizes, strict=True)]
        mean, variance = (np.array([measure(s) for s in samples]) for measure in (np.mean, partial(np.var, ddof=1)))
        number, unit = pools(mean, variance, np.array([len(s) - 1 for s in samples]), np.zeros(4, dtype=int))
        alike = stats.bartlett(*samples).pvalue >= DOUBTFUL
        in_proportion = stats.bartlett(*(s / s.mean() for s in samples)).pvalue >= CLEAR
        assert (len({*number}) == 1) == (alike or in_proportion)
        assert (unit == 1).all() if alike or not in_proportion else (unit == mean).all()
        seen.add((alike, in_proportion))
    assert len(seen) == 4


def test_spreads_in_proportion_to_means_that_are_not_all_positive_are_kept_apart() -> None:
    values, network = np.array([-3.0, 0.0, 3.0, 60.0, 100.0, 140.0]), np.array([0, 0, 0, 1, 1, 1])
    found = means_over_seeds(values, network, np.zeros(6, dtype=int))
    assert found["stderr"].tolist() == pytest.approx([3 / np.sqrt(3), 40 / np.sqrt(3)])


def test_single_seeds_have_no_interval_and_borrow_none_of_another_kind() -> None:
    values, network = np.array([1.0, 2.0, 5.0, 9.0]), np.array([0, 1, 2, 2])
    apart = means_over_seeds(values, network, np.array([0, 0, 1, 1]))
    assert np.isnan(apart.half_width).tolist() == [True, True, False] and apart["mean"].tolist() == [1.0, 2.0, 7.0]
    together = means_over_seeds(values, network, np.zeros(4, dtype=int))
    assert np.isfinite(together.half_width).all()


def test_numbers_whose_squares_are_no_floats_leave_the_others_their_errors() -> None:
    """p-values, for instance: one network's are 1e-200 in all seeds."""
    in_proportion = np.outer([1e-1, 1e-9, 1e-18], [0.9, 1.0, 1.1]).ravel()
    values = np.concatenate([in_proportion, [1e-200, 1e-200, 1e-200]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = means_over_seeds(values, np.repeat(range(4), 3), np.zeros(12, int))
    assert np.isfinite(found["half_width"].to_numpy()).all()
