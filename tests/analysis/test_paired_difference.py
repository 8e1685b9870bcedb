"""Two models over their common settings: against scipy, and by simulation of how often a tie is decided."""

import math

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.statistics import Estimate, PairedDifference, Sample, paired_difference

RANDOM = np.random.default_rng(11)


def pairs(settings: int, seeds: int, shift: float = 0.0, spread: float = 0.0) -> PairedDifference:
    """Scores with a standard deviation of 1 over seeds; the true differences scatter by `spread` about `shift`."""
    true = shift + spread * RANDOM.standard_normal(settings)
    first = [Sample(t + RANDOM.standard_normal(seeds)) for t in true]
    return paired_difference(first, [Sample(RANDOM.standard_normal(seeds)) for _ in true])


def test_the_setting_is_the_unit_and_not_the_seed() -> None:
    first, second = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(6, 3))
    found = paired_difference([Sample(row) for row in first], [Sample(row) for row in second])
    t = stats.ttest_rel(first.mean(axis=1), second.mean(axis=1))
    assert found.settings == 6 and found.estimate.freedom == 5
    assert found.p_of_no_difference() == pytest.approx(t.pvalue)
    assert found.estimate.half_width == pytest.approx(np.diff(t.confidence_interval(0.95))[0] / 2)
    assert found.lower == (first.mean(axis=1) < second.mean(axis=1)).sum()


def test_one_common_setting_is_welchs_test_over_its_seeds() -> None:
    a, b = RANDOM.normal(size=3), RANDOM.normal(size=4)
    found = paired_difference([Sample(a)], [Sample(b)])
    assert found.p_of_no_difference() == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


def test_in_two_or_three_settings_the_noise_of_their_seeds_is_what_counts() -> None:
    """Seen on three learning rates of two models: "32 lower (389 lower to 325 higher)", though all seeds agreed."""
    first = [Sample(np.array([27.0, 30.0, 33.0])), Sample(np.array([30.0, 33.0, 36.0]))]
    second = [Sample(np.array([70.0, 76.0, 82.0])), Sample(np.array([45.0, 51.0, 57.0]))]
    found = paired_difference(first, second)
    assert found.estimate.value == pytest.approx(-32) and found.settings_needed() is None
    error = math.sqrt((9 + 36 + 9 + 36) / 3) / 2
    freedom = ((9 + 36) * 2) ** 2 / (2 * (9**2 + 36**2) / 2)
    assert found.estimate.half_width == pytest.approx(error * stats.t.ppf(0.975, freedom))
    assert found.has_few_settings and not pairs(4, 3).has_few_settings


@pytest.mark.parametrize("settings", [1, 3, 10])
def test_one_seed_decides_nothing(settings: int) -> None:
    found = pairs(settings, 1, shift=100)
    assert math.isnan(found.estimate.half_width) and found.p_of_no_difference() == 1.0
    assert found.seeds_needed() is None and found.settings_needed() is None


@pytest.mark.parametrize(("settings", "seeds"), [(1, 3), (2, 2), (3, 3), (4, 3), (6, 3), (20, 2)])
def test_a_tie_is_decided_in_one_of_twenty_sweeps(settings: int, seeds: int) -> None:
    wrong = sum(pairs(settings, seeds).p_of_no_difference() <= 0.05 for _ in range(300))
    assert wrong <= stats.binom.ppf(0.999, 300, 0.05)


def test_models_that_win_here_and_there_are_not_called_different_by_their_seeds() -> None:
    """Two hundred trainings, but a difference that depends on the setting has ten values."""
    wrong = sum(pairs(10, 20, spread=5).p_of_no_difference() <= 0.05 for _ in range(200))
    assert wrong <= stats.binom.ppf(0.999, 200, 0.05)


def test_more_seeds_help_against_noise_and_only_more_settings_against_what_depends_on_the_setting() -> None:
    estimate = Estimate(-1.0, 0.5, 7, 2)
    noisy, uneven = (PairedDifference(estimate, settings=8, lower=6, noise=noise) for noise in (0.25, 0.0001))
    assert 2 < (noisy.seeds_needed() or 0) < 10 and (noisy.settings_needed() or 0) > 8
    assert uneven.seeds_needed() is None and uneven.settings_needed() == noisy.settings_needed()


@pytest.mark.parametrize("t", [0.3, 0.9, 1.7, 2.3])
@pytest.mark.parametrize("settings", [4, 5, 8])
def test_the_settings_needed_are_the_first_count_with_enough_power(settings: int, t: float) -> None:
    found = PairedDifference(Estimate(t, 1.0, settings - 1, 2), settings, lower=0, noise=0.0).settings_needed()
    counts = range(settings + 1, 1001)
    powers = (stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, t * math.sqrt(n / settings)) for n in counts)
    assert found == next(n for n, power in zip(counts, powers, strict=True) if power >= 0.8)


@pytest.mark.parametrize("proportion", [0.0, 0.3], ids=["constant", "in proportion"])
@pytest.mark.parametrize("spread", [{"dae": 1.0, "vae": 1.0}, {"dae": 30.0, "vae": 1.0}], ids=["equal", "unequal"])
@pytest.mark.parametrize("seed", range(5))
def test_the_hardest_rival_of_each_pool_gives_the_p_values_of_all_pairs(
    seed: int, spread: dict[str, float], proportion: float
) -> None:
    """By Welch with the variance of each pool; where both are of one pool, with its degrees of freedom."""
    random = np.random.default_rng(seed)
    models = ["dae"] * 5 + ["vae"] * 7
    means = random.uniform(20, 400, 12)
    scales = [proportion * mean if proportion else spread[model] for mean, model in zip(means, models, strict=True)]
    sizes = random.integers(2, 5, 12)
    samples = [random.normal(*one) for one in zip(proportion * means, scales, sizes, strict=True)]
    found = Settings([Sample(values) for values in samples], models)
    number, unit = found.pools
    groups = {pool: [s / u for s, u, of in zip(samples, unit, number, strict=True) if of == pool] for pool in number}
    freedom = {pool: sum(len(s) - 1 for s in group) for pool, group in groups.items()}
    shared = {pool: sum(np.var(s) * len(s) for s in group) / freedom[pool] for pool, group in groups.items()}

    def p(first: int, second: int) -> float:
        of = number[first], number[second]
        parts = [(unit[i] ** 2 * shared[number[i]] / len(samples[i]), freedom[number[i]]) for i in (first, second)]
        total = sum(part for part, _ in parts)
        df = freedom[of[0]] if of[0] == of[1] else total**2 / sum(part**2 / count for part, count in parts)
        assert found.difference(first, second).error == pytest.approx(math.sqrt(total))
        assert found.difference(first, second).freedom == pytest.approx(df)
        return float(stats.t.sf((samples[first].mean() - samples[second].mean()) / math.sqrt(total), df))

    slow = [min(p(i, j) for j in range(12) if j != i) for i in range(12)]
    assert found._p_lowest == pytest.approx(np.minimum(1.0, 11 * np.array(slow)))
    assert not {*number[:5]} & {*number[5:]}


def test_positive_scores_are_compared_by_their_logarithms_so_that_a_network_that_failed_is_not_as_good() -> None:
    """Seen on learning rates: 820 counted as good as 30, since t is at most the root of 3 over the relative spread."""
    values = [np.array(one) for one in ([30.0, 27.0, 34.0], [33.0, 29.0, 37.0], [560.0, 790.0, 1110.0])]
    found, models = Settings([Sample(one) for one in values], ["dae", "vae", "vae"]), ["dae", "vae", "vae"]
    assert (found.p_lowest > 0.025).tolist() == [True, True, False]
    logs = Settings([Sample(np.log(one) - 10) for one in values], models)
    assert found.p_lowest == pytest.approx(logs.p_lowest)
    assert found.p_lowest == pytest.approx(Settings([Sample(1000 * one) for one in values], models).p_lowest)


def test_settings_of_one_model_are_pooled_where_their_spreads_are_alike_and_not_where_one_has_failed() -> None:
    """The standard deviations over seeds are 1, 1 and 30, or 1, 1 and 1, or in proportion to the means."""
    one = np.array([-1.0, 0.0, 1.0])
    alike, failed, grown = (
        [Sample(mean + deviation * one) for mean, deviation in zip((10, 15, 60), deviations, strict=True)]
        for deviations in ((1, 1, 1), (1, 1, 30), (1, 1.5, 6))
    )
    for place, mean in enumerate((10, 15, 60)):
        expected = mean * 0.1 * stats.t.ppf(0.975, 6) / math.sqrt(3)
        assert Settings(grown).mean_at(place).half_width == pytest.approx(expected)
    assert Settings(alike).mean_at(0).half_width == pytest.approx(stats.t.ppf(0.975, 6) / math.sqrt(3))
    assert Settings(failed).mean_at(0).half_width == pytest.approx(stats.t.ppf(0.975, 2) / math.sqrt(3))
    assert Settings(failed).mean_at(2).half_width == pytest.approx(30 * stats.t.ppf(0.975, 2) / math.sqrt(3))


def test_no_settings_have_no_p_values() -> None:
    """Two networks may have no latent size in common."""
    assert Settings([]).p_lowest.tolist() == []


def test_a_model_without_two_seeds_borrows_no_error_from_another() -> None:
    found = Settings([Sample(np.array([1.0])), Sample(np.array([5.0, 5.1]))], ["dae", "vae"])
    assert math.isnan(found.mean_at(0).half_width) and found.mean_at(1).half_width > 0
    assert found.p_lowest.tolist() == [1.0, 1.0]
