"""The statistics of the verdicts: against scipy and against cases by hand. How often they are wrong: test_calibration.py."""

import math

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis.best_setting import Settings, lowest_difference, p_of_being_smaller
from aesweep.analysis.claims.verdicts import holds, together
from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import Sample, contrast, equivalence, holm, trend, within

A, B = np.array([1.0, 2.0, 4.0]), np.array([2.5, 3.0])


def test_a_difference_of_two_means_is_welchs() -> None:
    welch = stats.ttest_ind(A, B, equal_var=False)
    interval = welch.confidence_interval(0.95)
    found = contrast((1.0, Sample(A)), (-1.0, Sample(B)))
    assert found.value == pytest.approx(A.mean() - B.mean())
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)
    assert 2 * min(found.p_below(), found.p_above()) == pytest.approx(welch.pvalue)


def test_seeds_that_agree_better_than_each_is_known_do_so_by_luck() -> None:
    alike = np.array([1.0, 1.0, 1.0])
    found = contrast((1.0, Sample(alike, noise=0.3)), (-1.0, Sample(alike + 0.1, noise=0.3)))
    assert found.error == pytest.approx(0.3 * math.sqrt(2 / 3))
    assert found.p_below() > 0.3 > 0 == contrast((1.0, Sample(alike)), (-1.0, Sample(alike + 0.1))).p_below()
    assert contrast((1.0, Sample(A, noise=0.3))).error == contrast((1.0, Sample(A))).error  # their own spread is larger
    assert math.isnan(contrast((1.0, Sample(alike[:1], noise=0.3))).error)  # one seed has no spread


def test_one_mean_against_a_number_is_the_one_sample_t_test() -> None:
    found = contrast((1.0, Sample(A)))
    assert found.p_above(1.5) == pytest.approx(stats.ttest_1samp(A, 1.5, alternative="greater").pvalue)
    assert found.p_below(1.5) == pytest.approx(stats.ttest_1samp(A, 1.5, alternative="less").pvalue)


def test_a_printed_number_adds_its_nominal_error() -> None:
    found = contrast((1.0, Sample(A)), (-1.0, Sample(np.array([9.0]), nominal=2.0)))
    assert found.error == pytest.approx(math.sqrt(A.var(ddof=1) / 3 + 4))
    printed = contrast((1.0, Sample(np.array([5.0]), 1.0)), (-1.0, Sample(np.array([9.0]), 1.0)))
    assert printed.half_width == pytest.approx(1.959964 * math.sqrt(2))


@pytest.mark.parametrize("other", [A, np.array([9.0])])
def test_one_seed_has_no_interval_and_decides_nothing(other: np.ndarray) -> None:
    found = contrast((1.0, Sample(np.array([1000.0]))), (-1.0, Sample(other)))
    assert math.isnan(found.half_width) and found.p_below() == found.p_above() == 1.0 and found.seeds == 1


def test_the_slope_over_widths_is_that_of_least_squares() -> None:
    samples = [Sample(np.array([y - 0.1, y + 0.1])) for y in (9.0, 8.0, 8.7, 10.6)]
    assert trend([5, 6, 7, 8], samples).value == pytest.approx(
        stats.linregress([5, 6, 7, 8], [9.0, 8.0, 8.7, 10.6]).slope
    )


def test_little_must_be_shown_and_so_must_much() -> None:
    base = Sample(np.array([79.9, 80.0, 80.1]))
    for shift, sure in ((1, (True, False)), (10, (False, True)), (4, (False, False))):
        found = equivalence(Sample(base.values + shift), base, 0.05)
        assert tuple(p <= 0.025 for p in found) == sure
    loud = Sample(np.array([70.0, 80.0, 90.0]))
    assert min(equivalence(loud, loud, 0.05)) > 0.025


def test_holm_stops_at_the_first_that_may_be_chance() -> None:
    assert holm([0.001, 0.02, 0.5]) == [True, False, False]  # 0.003, then 0.04
    assert holm([0.02]) == [True]
    assert holm([0.012, 0.008, 0.02]) == [True, True, True]
    assert holm([]) == []


def test_the_lowest_of_several_counts_as_often_as_there_were_to_pick_from() -> None:
    first = Settings([Sample(np.array([5.0, 5.2])), Sample(np.array([6.0, 6.4])), Sample(np.array([7.0, 7.1]))])
    second = Settings([Sample(np.array([6.0, 6.1])), Sample(np.array([8.0, 8.4])), Sample(np.array([9.0, 9.2]))])
    found = lowest_difference(first, second)
    variance = (0.02 + 0.08 + 0.005) / 3  # pooled, three degrees of freedom
    other = (0.005 + 0.08 + 0.02) / 3
    assert found.value == pytest.approx(5.1 - 6.05)
    assert found.error == pytest.approx(math.sqrt(variance / 2 + other / 2))
    assert found.freedom == pytest.approx(3 * (0.105 / 3 + 0.105 / 3) ** 2 / (2 * (0.105 / 3) ** 2))
    assert (found.among, found.seeds) == (3, 2)
    assert found.p_below() == pytest.approx(3 * stats.t.cdf(found.value / found.error, 6))


def test_places_of_two_minima_are_told_apart_where_every_other_pair_is_excluded() -> None:
    smaller = np.array([[False, True], [False, False]])  # sizes 4 and 8 against 4 and 8
    assert p_of_being_smaller(np.array([1.0, 0.001]), np.array([0.002, 1.0]), smaller) == (0.004, 1.0)
    assert p_of_being_smaller(np.array([1.0, 1.0]), np.array([1.0, 1.0]), smaller) == (1.0, 1.0)


def test_an_estimate_says_how_many_seeds_would_settle_it() -> None:
    random = np.random.default_rng(3)
    found = contrast((1.0, Sample(np.array([0.0, 1.0, 2.0]))), (-1.0, Sample(np.array([1.5, 2.5, 3.5]))))
    seeds = found.seeds_needed()
    assert seeds is not None and 6 < seeds < 14
    a, b = random.normal(0, 1, (4000, seeds)), random.normal(1.5, 1, (4000, seeds))
    power = (stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < 0.05).mean()
    assert 0.78 < power < 0.92  # the fewest that reach 80 %


def test_a_sentence_is_contradicted_by_one_fact_and_supported_by_all() -> None:
    assert together([holds(True, "a"), holds(True, "b")]).outcome == "supported"
    assert together([holds(True, "a"), holds(False, "b")]).outcome == "contradicted"
    assert together([]).outcome == "not enough data"


@pytest.mark.parametrize(
    ("mean", "margin", "so"), [(1.0, 3.0, True), (-1.0, 3.0, True), (9.0, 3.0, False), (3.0, 3.0, None)]
)
def test_within_a_margin_is_two_one_sided_tests(mean: float, margin: float, so: bool | None) -> None:
    values = mean + np.array([-0.1, 0.0, 0.1])
    p_for, p_against = within(Sample(values), margin)
    high = stats.ttest_1samp(values, margin, alternative="less").pvalue
    low = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    assert p_for == pytest.approx(max(high, low))
    assert (p_for <= ALPHA, p_against <= ALPHA) == (so is True, so is False)
    assert within(Sample(values[:1]), margin) == (1.0, 1.0)
