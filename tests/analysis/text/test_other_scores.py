"""Metrics beside the distance: which number stands where, its error, and what is bold."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.text.other_scores import other_scores, other_tables
from tests.analysis.typed import Grid, MakeStore, Rows, present


def _row(
    like: dict[str, Any], metric: str, value: float | None, stderr: float | None = None, **changes: object
) -> dict[str, Any]:
    return {**like, "metric": metric, "value": value, "stderr": stderr, **changes}


@pytest.fixture
def tables(make_store: MakeStore, grid: Grid) -> Tables:
    """Two trials with kernel distances and errors of reconstructions; GMM samples of the first drawn twice."""

    def add(rows: Rows) -> None:
        first, second = dict.fromkeys(row["key"] for row in rows["scores"])
        for key, value in ((first, 0.02), (second, 0.03)):
            like = next(r for r in rows["scores"] if r["key"] == key and r["source"] == "gmm")
            bce = {"source": "reconstruction", "split": "test", "extractor": "none"}
            rows["scores"] += [
                _row(like, "kd", value, 0.003),
                _row(like, "precision", 10 * value),
                _row(like, "recall", None, note="too few images"),
                _row(like, "bce", 10 * value, 0.0001, **bce),
            ]
        like = next(r for r in rows["scores"] if r["key"] == first and r["source"] == "gmm")
        rows["scores"].append(_row(like, "kd", 0.03, 0.004, seed=7))
        both = "samples and reference"
        rows["scores"] += [_row(like, "fd_infinity", 2.0, e, seed=s, stderr_of=both) for s, e in ((0, 0.3), (7, 0.4))]
        rows["scores"] += [_row(like, "inception_score", 2.0, error, seed=s) for s, error in ((0, 0.3), (7, 0.4))]

    found: Tables = load_tables(make_store(grid(filters=[16], latent_size=[4, 8], epochs=[2]), edit=add))
    return found


def test_sampling_seeds_are_averaged_and_their_errors_combined_where_they_are_independent(tables: Tables) -> None:
    found = other_scores(tables).set_index(["key", "metric"])
    first = found.index.get_level_values("key")[0]
    assert found.loc[(first, "kd"), "value"] == pytest.approx(0.025)
    assert found.loc[(first, "kd"), "stderr"] == pytest.approx(math.hypot(0.003, 0.004) / math.sqrt(2))
    assert found.loc[(first, "inception_score"), "stderr"] == pytest.approx(math.hypot(0.3, 0.4) / 2)
    assert found.loc[(first, "fd_infinity"), "stderr"] == pytest.approx(math.hypot(0.3, 0.4) / math.sqrt(2))
    assert math.isnan(found.loc[(first, "precision"), "stderr"])


def test_there_is_a_table_per_extractor_and_one_for_scores_without(tables: Tables) -> None:
    titles = [table.title for table in other_tables(tables)]
    assert titles == ["Other scores on random-conv-64 features", "Other scores"]


def test_numbers_stand_beside_their_error_and_the_best_are_bold(tables: Tables) -> None:
    pictures, errors = other_tables(tables)
    cells, bold = pictures.cells(), pictures.bold_cells()
    assert cells["network"].tolist() == ["DAE f16 z4", "DAE f16 z8"]
    assert cells["source_name"].tolist() == ["GMM", "GMM"]
    assert cells["kd"].tolist() == ["0.0250 ± 0.0035", "0.0300 ± 0.0030"]
    assert bold["kd"].tolist() == [True, False]
    assert bold["precision"].tolist() == [False, True]  # of a share the highest
    assert errors.cells()["source_name"].tolist() == ["Test R", "Test R"]


def test_a_network_has_one_row_with_its_mean_over_training_seeds_and_the_error_of_that(
    make_store: MakeStore, grid: Grid
) -> None:
    values = {(4, 0): 0.2, (4, 1): 0.4, (8, 0): 0.5, (8, 1): 0.7}

    def add(rows: Rows) -> None:
        trials = {row["key"]: (row["latent_size"], row["seed"]) for row in rows["trials"]}
        samples = [row for row in rows["scores"] if row["source"] == "gmm"]
        rows["scores"] += [_row(row, "precision", values[trials[row["key"]]], 0.01) for row in samples]

    tables = load_tables(make_store(grid(filters=[16], latent_size=[4, 8], seed=[0, 1], epochs=[1]), edit=add))
    (table,) = other_tables(tables)
    assert table.cells()["network"].tolist() == ["DAE f16 z4", "DAE f16 z8"]
    # One standard deviation for both networks, 0.1 √2 with two degrees of freedom: 4.303 × 0.1414 / √2.
    assert table.cells()["precision"].tolist() == ["0.30 ± 0.43", "0.60 ± 0.43"]
    assert table.cells()["seeds"].tolist() == ["2", "2"] and table.bold_cells()["precision"].tolist() == [False, True]
    assert "over training seeds" in table.caption and len(present(table.tidy)) == 4


def test_where_networks_have_several_seeds_one_standard_error_is_not_shown_as_an_interval_over_seeds(
    make_store: MakeStore, grid: Grid
) -> None:
    """The VAE has one seed, so no interval over seeds: its standard error over images looked like one."""

    def add(rows: Rows) -> None:
        seeds = {row["key"]: row["seed"] for row in rows["trials"]}
        samples = [row for row in rows["scores"] if row["source"] == "gmm"]
        rows["scores"] += [_row(row, "precision", 0.2 + 0.2 * seeds[row["key"]], 0.01) for row in samples]

    both = grid(filters=[16], latent_size=[4], seed=[0, 1], epochs=[1])
    alone = grid(model=["vae"], filters=[16], latent_size=[4], epochs=[1])
    (table,) = other_tables(load_tables(make_store([*both, *alone], edit=add)))
    assert "± half of a 95 % interval over training seeds, if known." in table.caption
    assert table.cells()["precision"].tolist() == ["0.3 ± 1.3", "0.2000"]


def test_a_metric_without_a_value_has_no_column(tables: Tables) -> None:
    pictures, _ = other_tables(tables)
    assert "recall" not in pictures.headings


@pytest.fixture
def scored_again(make_store: MakeStore, grid: Grid) -> Callable[..., Tables]:
    """`scored_again(first, second)`: KD of GMM samples of two trials under two evaluations, the first one shown."""

    def make(first: list[float | None], second: list[float | None]) -> Tables:
        def add(rows: Rows) -> None:
            for evaluation, values, n in ((SHOWN, first, 10_000), (OTHER, second, 2_000)):
                found = [r for r in rows["scores"] if r["evaluation"] == evaluation and r["source"] == "gmm"]
                for row, value in zip(found, values, strict=True):
                    row["n"] = n
                    rows["scores"].append(_row(row, "kd", value, n=n if value is not None else 0))

        both = tuple((name, "fd", "random-conv-64") for name in (SHOWN, OTHER))
        trials = grid(filters=[16], latent_size=[4, 8], epochs=[2])
        found: Tables = load_tables(make_store(trials, evaluations=both, edit=add))
        return found

    return make


SHOWN, OTHER = "9" * 12, "a" * 12


def test_two_evaluations_of_a_trial_are_never_averaged(scored_again: Callable[..., Tables]) -> None:
    found = other_scores(scored_again([0.02, 0.03], [0.5, 0.6]))
    assert (
        sorted(found["value"]) == [0.02, 0.03] and set(found["evaluation"]) == {SHOWN} and set(found["n"]) == {10_000}
    )


def test_a_null_hides_no_value_of_another_evaluation_and_the_two_are_ranked_apart(
    scored_again: Callable[..., Tables],
) -> None:
    tables = scored_again([None, 0.03], [0.001, 0.6])
    found = other_scores(tables).set_index("evaluation")["value"]
    assert found[OTHER] == 0.001 and found[SHOWN] == 0.03
    (table,) = other_tables(tables)
    assert not table.bold_cells().to_numpy().any()
    assert (
        f"1 value is of another evaluation ({OTHER}: 10 components)" in table.caption
        and "ranked apart" in table.caption
    )


def test_a_store_without_such_scores_has_no_such_table(small_store: Path) -> None:
    assert other_tables(load_tables(small_store)) == []


def test_diagnostics_have_tables_of_their_own_with_their_sources_named(make_store: MakeStore, grid: Grid) -> None:
    def add(rows: Rows) -> None:
        like = next(row for row in rows["scores"] if row["source"] == "gmm")
        alone = {"extractor": "none", "split": "train", "n_reference": 0}
        rows["scores"] += [
            _row(like, "authenticity", 0.7, 0.01),
            _row(like, "authenticity", 0.6, 0.01, source="images"),
            _row(like, "correlation_largest", 1.2, 0.1, source="latents", **alone),
            _row(like, "intrinsic_dimension", 5.0, 0.1, source="images", **alone),
            _row(like, "elbo", -1999.0, 3.0, source="reconstruction", extractor="none"),
            _row(like, "kd", 0.1, 0.01),
        ]

    tables = load_tables(make_store(grid(filters=[16], latent_size=[4], epochs=[1]), edit=add))
    found = {table.name: table for table in other_tables(tables)}
    extractor = "random-conv-64"
    names = [f"other-scores-{extractor}", f"memorisation-{extractor}", "vae-diagnostics", "latent-measures"]
    assert list(found) == names
    nearest = found[f"memorisation-{extractor}"]
    assert nearest.cells()["source_name"].tolist() == ["GMM", "Images"] and "bold" not in nearest.caption
    assert found["latent-measures"].cells()["source_name"].tolist() == ["Latents", "Images"]
    assert "binary images" in found["vae-diagnostics"].caption
