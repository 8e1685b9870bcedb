"""The best latent size and how sure it is, against cases worked out by hand."""

from collections.abc import Callable

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.optimum import curve, on_common_sizes, optimum
from aesweep.analysis.data.results import Results, all_results
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


def test_with_one_seed_nothing_says_how_sure_the_best_size_is(results: MakeResults) -> None:
    best = present(
        optimum(results({4: [9], 8: [5], 16: [7], 32: [8]}, dict.fromkeys((4, 8, 16, 32), 0.1)), "gmm", **DAE)
    )
    assert (best.size, best.at_edge, best.seeds, best.known) == (8, False, 1, False)
    assert best.good == best.grid == (4, 8, 16, 32)
    assert best.words == "8 units"


def test_seeds_that_scatter_widen_the_optimum(results: MakeResults) -> None:
    quiet = {4: [9.0, 9.1], 8: [5.0, 5.1], 16: [5.5, 5.6], 32: [8.0, 8.1]}
    loud = {4: [9, 11], 8: [5, 7], 16: [6, 7], 32: [12, 14]}
    found = [present(optimum(results(values), "gmm", **DAE)) for values in (quiet, loud)]
    assert [(one.low, one.high, one.known) for one in found] == [(4, 16, True), (4, 32, True)]
    assert found[1].words == "8 units (as good within the noise: 4, 16)"


def test_a_lucky_single_seed_is_not_the_best_size(results: MakeResults) -> None:
    values = {4: [82.0, 82.5, 81.8], 8: [81.2], 16: [83.0, 83.4, 82.9]}
    assert present(optimum(results(values), "gmm", **DAE)).size == 4


def test_a_fourth_seed_of_other_sizes_does_not_set_the_best_size_aside(results: MakeResults) -> None:
    values = {4: [5.0, 5.1, 5.2], 8: [7.0, 7.1, 7.2, 7.3], 16: [8.0, 8.1, 8.2, 8.3]}
    best = present(optimum(results(values), "gmm", **DAE))
    assert (best.size, best.seeds, best.grid) == (4, 3, (4, 8, 16))


def test_a_best_size_at_the_end_of_the_grid_is_said_to_be_there(results: MakeResults) -> None:
    assert present(optimum(results({4: [9], 8: [5], 16: [4]}), "gmm", **DAE)).at_edge
    assert optimum(results({4: [9]}), "gmm", **(DAE | {"filters": 32})) is None


def test_networks_are_compared_on_the_sizes_that_both_have(results: MakeResults) -> None:
    first = present(curve(results({4: [9, 8], 8: [5, 6], 16: [4, 3]}), "gmm", **DAE))
    second = present(curve(results({8: [5, 6], 16: [4, 3], 32: [1, 1]}), "gmm", **DAE))
    assert [one.sizes.tolist() for one in on_common_sizes(first, second)] == [[8, 16], [8, 16]]
