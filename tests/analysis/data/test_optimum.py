"""The best latent size, how sure it is, and differences between seeds, against cases worked out by hand."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aesweep.analysis import load_tables
from aesweep.analysis.data.optimum import on_common_sizes, optimum, sensitivity, sensitivity_errors
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.data.uncertainty import Scores, compare
from tests.analysis.typed import Grid, MakeResults, MakeStore, Rows, present

DAE = {"model": "dae", "filters": 16, "depth": "1", "network": ""}


@pytest.fixture
def results(make_store: MakeStore, grid: Grid) -> Callable[..., Results]:
    def make(values: dict[int, list[float]], errors: dict[int, float] | None = None) -> Results:
        """Latent size -> GMM score per seed, and its standard error."""
        seeds = range(max(map(len, values.values())))
        asked = grid(filters=[16], latent_size=values, seed=seeds, epochs=[2])
        trials = [t for t in asked if t.seed < len(values[t.latent_size])]
        score = {trial.key: values[trial.latent_size][trial.seed] for trial in trials}
        stderr = {trial.key: (errors or {}).get(trial.latent_size) for trial in trials}

        def known(rows: Rows) -> None:
            for row in rows["scores"]:
                row |= {"value": score[row["key"]], "stderr": stderr[row["key"]]}

        store = make_store(trials, pictures=False, latent_points=0, edit=known)
        return all_results(load_tables(store))[0]

    return make


def test_with_one_seed_the_optimum_is_known_to_one_step_of_the_grid(results: MakeResults) -> None:
    best = present(optimum(results({4: [9], 8: [5], 16: [7], 32: [8]}), "gmm", **DAE))
    assert (best.size, best.low, best.high, best.at_edge, best.seeds) == (8, 4, 16, False, 1)


def test_seeds_that_scatter_widen_the_optimum(results: MakeResults) -> None:
    quiet = {4: [9.0, 9.1], 8: [5.0, 5.1], 16: [5.5, 5.6], 32: [8.0, 8.1]}
    loud = {4: [9, 11], 8: [5, 7], 16: [6, 7], 32: [12, 14]}
    assert (
        present(optimum(results(quiet), "gmm", **DAE)).low,
        present(optimum(results(quiet), "gmm", **DAE)).high,
    ) == (4, 16)
    assert (present(optimum(results(loud), "gmm", **DAE)).low, present(optimum(results(loud), "gmm", **DAE)).high) == (
        4,
        32,
    )


def test_with_one_seed_sizes_within_the_errors_of_the_images_are_as_good(results: MakeResults) -> None:
    values = {4: [9], 8: [5], 16: [6.9], 32: [7.1], 64: [5.1]}
    best = present(
        optimum(results(values, {4: 9, 8: 0.6, 16: 0.8, 32: 0.8}), "gmm", **DAE)
    )  # 1.96 * hypot(0.6, 0.8) = 1.96
    assert best.good == (4, 8, 16)  # 64 has no error: nothing says that 0.1 is noise
    assert (best.size, best.low, best.high) == (8, 4, 32)
    assert present(optimum(results(values), "gmm", **DAE)).good == (8,)
    assert present(optimum(results({4: [5], 8: [5], 16: [7]}), "gmm", **DAE)).good == (4, 8)


def test_with_several_seeds_it_is_their_scatter_that_counts(results: MakeResults) -> None:
    loud = {4: [9, 11], 8: [5, 7], 16: [6, 7], 32: [12, 14]}
    assert present(optimum(results(loud, dict.fromkeys(loud, 100.0)), "gmm", **DAE)).good == (8, 16)


def test_a_best_size_at_the_end_of_the_grid_is_said_to_be_there(results: MakeResults) -> None:
    assert present(optimum(results({4: [9], 8: [5], 16: [4]}), "gmm", **DAE)).at_edge
    assert optimum(results({4: [9]}), "gmm", **(DAE | {"filters": 32})) is None


def test_sensitivity_is_how_much_worse_the_worst_size_is(results: MakeResults) -> None:
    found = results({4: [6, 8], 8: [5, 4], 16: [10]})
    by_seed, _ = on_common_sizes(*(found.by_seed("gmm", **DAE),) * 2)
    assert sensitivity(by_seed).tolist() == [(10 - 5) / 5]  # the second seed lacks a size


def test_without_a_complete_seed_the_means_are_compared(results: MakeResults) -> None:
    found = results({4: [6], 8: [5, 4]}).by_seed("gmm", **DAE)
    found.loc[4, 0] = np.nan
    found.loc[4, 1] = 9.0
    found.loc[8, 1] = np.nan
    complete, _ = on_common_sizes(found, found)
    assert complete["mean"].tolist() == [9, 5]


def test_the_interval_of_a_difference_is_welchs() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([2.5, 3.0])
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = present(compare(Scores(a), Scores(b)))
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)
    assert found.sign == 0


def test_one_seed_gives_a_sign_and_no_interval() -> None:
    one, two = Scores(np.array([1.0])), Scores(np.array([2.0, 3.0]))
    found = present(compare(one, two))
    assert found.sign == -1 and math.isnan(found.half_width)
    assert compare(Scores(np.array([])), one) is None


def test_with_one_seed_the_interval_is_that_of_the_images() -> None:
    first, second = Scores(np.array([10.0]), np.array([3.0])), Scores(np.array([20.0]), np.array([4.0]))
    found = present(compare(first, second))
    assert found.over == "images" and found.half_width == pytest.approx(1.959964 * 5) and found.sign == -1
    several = Scores(np.array([14.0, 16.0]), np.array([6.0, 8.0]))  # the error of a mean of two: half of 10
    assert present(compare(several, first)).half_width == pytest.approx(1.959964 * math.hypot(5, 3))
    unknown = Scores(np.array([20.0]), np.array([np.nan]))
    assert present(compare(first, unknown)).over == "nothing"


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_score_that_is_no_number_is_not_compared(value: float) -> None:
    assert compare(Scores(np.array([value, 1.0])), Scores(np.array([value]))) is None


def test_the_error_of_a_sensitivity_is_that_of_its_ends() -> None:
    by_seed = pd.DataFrame({0: [10.0, 5.0, 6.0]}, index=[4, 8, 16])
    errors = pd.DataFrame({0: [0.4, 0.3, 9.0]}, index=[4, 8, 16])
    draws = np.random.default_rng(0).normal(by_seed[0].to_numpy(), [0.4, 0.3, 0.0], (100_000, 3))
    slow = ((draws[:, 0] - draws[:, 1]) / draws[:, 1]).std()
    assert sensitivity_errors(by_seed, errors)[0] == pytest.approx(slow, rel=0.02)
