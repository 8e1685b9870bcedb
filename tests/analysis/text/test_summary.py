"""The long tables of the report: every trial, failures, and the headline above them."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from aesweep.analysis import load_tables
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.axes.sweep import sweeps
from aesweep.analysis.data.evaluations import evaluations_of
from aesweep.analysis.data.results import all_results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.text.answers import all_answers
from aesweep.analysis.text.axes_tables import fields_table, networks_table
from aesweep.analysis.text.headline import best_table, warnings
from aesweep.analysis.text.summary import failures, summary
from aesweep.analysis.text.text_tables import TextTable
from tests.analysis.typed import Grid, MakeStore, Rows, present

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")


def _summary(store: Path) -> TextTable:
    tables = load_tables(store)
    return summary(tables, evaluations_of(tables).shown[0])


def test_every_trial_has_one_row_with_its_scores(small_store: Path) -> None:
    table = _summary(small_store)
    scores = load_tables(small_store).scores
    assert len(table.frame) == 8 and table.frame["key"].is_unique
    row = table.frame.iloc[0]
    expected = scores[(scores["key"] == row["key"]) & (scores["source"] == "mvg")]["value"].iloc[0]
    assert row["mvg"] == expected


def test_the_lowest_value_per_width_is_bold_and_nothing_else(make_store: MakeStore, grid: Grid) -> None:
    table = _summary(make_store(grid(model=["dae", "vae"], filters=[16, 32], latent_size=[4, 8, 16], epochs=[2])))
    for name in ("gmm", "mvg", "standard_normal", "reconstruction_test", "test_bce"):
        bold = table.frame[table.bold[name]]
        lowest = table.frame.groupby("filters")[name].min()
        assert bold.set_index("filters")[name].sort_index().tolist() == lowest.tolist()
    assert "mean_image_bce" not in table.bold


def test_a_width_with_one_trial_has_no_lowest_value(make_store: MakeStore, grid: Grid) -> None:
    table = _summary(make_store(grid(model=["dae"], filters=[16], latent_size=[4], epochs=[2])))
    assert not table.bold.to_numpy().any()


def test_data_sets_are_not_ranked_together(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(dataset=["digits", "cifar10"], filters=[16], latent_size=[4, 8], epochs=[2])
    table = _summary(make_store(trials))
    assert table.frame[table.bold["gmm"]]["data"].tolist() == ["cifar10-32", "digits-32"]


def test_unfinished_trials_stand_in_the_summary_without_numbers(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(filters=[16], latent_size=[4, 8, 16], epochs=[2])
    table = _summary(make_store(trials, states={1: "failed", 2: "pending"}))
    assert table.frame["state"].tolist() == ["done", "failed", "pending"]
    assert table.frame["gmm"].notna().tolist() == [True, False, False]


def test_without_scores_the_summary_still_lists_the_training(make_store: MakeStore, grid: Grid) -> None:
    tables = load_tables(make_store(grid(latent_size=[4, 8], epochs=[2]), evaluations=()))
    table = summary(tables, None)
    assert table.name == "summary" and table.frame["test_bce"].notna().all() and "gmm" not in table.headings


def test_failures_give_their_reason_and_the_state_of_today(make_store: MakeStore, grid: Grid) -> None:
    table = failures(load_tables(make_store(grid(latent_size=[4, 8], epochs=[2]), states={1: "failed"})))
    (row,) = table.frame.to_dict("records")
    assert row["reason"] == "NonFiniteLossError: loss is nan at step 150 of epoch 2"
    assert row["state"] == "failed" and row["when"] == "2000-01-01 00:01 UTC"


def test_models_that_learnt_nothing_are_warned_of(make_store: MakeStore, grid: Grid) -> None:
    def as_bad_as_the_mean_image(rows: Rows) -> None:
        rows["trials"][0]["test_bce"] = rows["trials"][0]["mean_image_bce"]

    trials = grid(latent_size=[4, 8], epochs=[2])
    assert _warnings(make_store(trials)) == []
    (warning,) = _warnings(make_store(trials, edit=as_bad_as_the_mean_image))
    assert warning.startswith("1 of 2 trained models")


def test_the_warning_names_what_all_models_that_learnt_nothing_have_in_common(
    make_store: MakeStore, grid: Grid
) -> None:
    trials = grid(model=["vae"], beta=[0.1, 1.0], latent_size=[4, 8], epochs=[2])

    def learn_nothing(keys: list[str]) -> Callable[[Rows], None]:
        def edit(rows: Rows) -> None:
            for row in rows["trials"]:
                if row["key"] in keys:
                    row["test_bce"] = row["mean_image_bce"]

        return edit

    strong = [trial.key for trial in trials if trial.beta == 1]
    (warning,) = _warnings(make_store(trials, edit=learn_nothing(strong), pictures=False))
    assert warning.startswith("2 of 4 trained models, all with beta 1, reconstruct the test images no better")
    three = [*strong, next(trial.key for trial in trials if trial.key not in strong)]
    (warning,) = _warnings(make_store(trials, edit=learn_nothing(three), pictures=False))
    assert warning.startswith("3 of 4 trained models reconstruct the test images no better")


def test_of_a_short_training_the_last_epoch_counts_and_that_is_said(make_store: MakeStore, grid: Grid) -> None:
    """A training of two epochs makes its whole fall in the last one, which is half of the epochs, not a tenth."""

    def edit(rows: Rows) -> None:
        for row in rows["trials"]:
            row["late_improvement"] = 1.0

    (warning,) = _warnings(make_store(grid(latent_size=[4], epochs=[2]), edit=edit, pictures=False))
    assert "came in the last tenth of the epochs, at least one)" in warning


def _warnings(store: Path) -> list[str]:
    tables = load_tables(store)
    return warnings(tables, sweeps(tables, Wishes()))


def test_settings_and_images_that_are_not_the_papers_are_named_with_the_paper_and_under_each_table(
    make_store: MakeStore, grid: Grid
) -> None:
    trials = grid(dataset=["cifar10"], filters=[32], latent_size=[64, 128], epochs=[5], bn_momentum=[0.01])
    tables = load_tables(make_store(trials, evaluations=(FID, FD), pictures=False))
    results = all_results(tables)
    training = "CIFAR-10: not trained as in the paper: epochs 5 (paper: 100)."
    scoring = "CIFAR-10: not scored as in the paper: samples 2,000 (paper: 10,000), real images 297 (paper: 10,000)."
    no_fid = "fd on random-conv-64 features: not FID, not comparable with published values."
    assert [one.named_notices for one in results] == [[training, scoring], [training]]
    fid, fd = evaluations_of(tables).shown
    for make in (best_table, summary):
        assert f"{training} {scoring}" in make(tables, fid, results).caption
        caption = make(tables, fd, results).caption
        assert no_fid in caption and training in caption and scoring not in caption


def test_the_best_table_gives_the_lowest_mean_over_seeds_per_model_and_who_reached_it(
    make_store: MakeStore, grid: Grid
) -> None:
    store = make_store(
        grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8, 16], seed=[0, 1], epochs=[2]), pictures=False
    )
    tables = load_tables(store)
    evaluation = evaluations_of(tables).shown[0]
    best, every = best_table(tables, evaluation).frame, summary(tables, evaluation).frame
    assert len(best) == 2 * 5 and set(best["seeds"]) == {2} and best["half_width"].gt(0).all()
    for row in best.to_dict("records"):
        means = every[every["model"] == row["model"]].groupby("latent_size")[row["score"]].mean()
        assert row["value"] == means.min()
        assert row["network"] == f"f16 z{means.idxmin():.0f}"


def test_one_seed_has_no_interval_in_the_best_table(small_store: Path) -> None:
    tables = load_tables(small_store)
    best = best_table(tables, evaluations_of(tables).shown[0])
    assert set(best.cells()["interval"]) == set(best.cells()["as_good"]) == {"–"}


def test_the_network_of_the_first_answer_is_bold_whatever_the_last_bit_of_its_mean(
    make_store: MakeStore, grid: Grid
) -> None:
    """The mean of three seeds has another last bit in one case of four, by the way in which it is summed up."""
    asked = grid(filters=[16], latent_size=[4, 8, 16], seed=[0, 1, 2], epochs=[1])
    random = np.random.default_rng(0)
    for _ in range(12):
        values = {trial.key: random.normal(40 * np.log2(trial.latent_size), 0.1) for trial in asked}

        def edit(rows: Rows, values: dict[str, float] = values) -> None:
            for row in rows["scores"]:
                row["value"] = values[row["key"]]

        tables = load_tables(make_store(asked, edit=edit, pictures=False, latent_points=0))
        (found,) = sweeps(tables, Wishes())
        assert networks_table(found).bold_cells()["gmm_text"].tolist() == [True, False, False]


def test_networks_whose_spreads_differ_are_not_said_to_share_one_variance(make_store: MakeStore, grid: Grid) -> None:
    asked = grid(filters=[16], latent_size=[4, 8], seed=[0, 1, 2], epochs=[1])
    values = {trial.key: trial.latent_size + trial.seed * (1e-6 if trial.latent_size == 4 else 1.0) for trial in asked}

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = values[row["key"]]

    tables = load_tables(make_store(asked, edit=edit, pictures=False, latent_points=0))
    (found,) = sweeps(tables, Wishes())
    table = networks_table(found)
    first, second = table.frame["gmm_half_width"]
    assert first < 1e-4 * second
    assert "where their spreads are alike" in table.caption


def test_ten_thousand_trials_are_summarised_in_seconds(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(
        grid(model=["dae", "vae"], filters=[16, 32], latent_size=range(1, 26), epochs=[1]), pictures=False
    )
    tables = _repeated(load_tables(store), 100)
    assert len(tables.trials) == tables.trials["key"].nunique() == 10_000
    started = time.process_time()
    table = summary(tables, evaluations_of(tables).shown[0])
    found = sweeps(tables, Wishes())
    all_answers(tables, found)
    networks_table(found[0])
    fields_table(found[0])
    best_table(tables, evaluations_of(tables).shown[0])
    assert time.process_time() - started < 6.0
    assert np.isfinite(table.frame["gmm"]).all() and table.bold["gmm"].any()


def _repeated(tables: Tables, times: int) -> Tables:
    """The same trials under `times` seeds."""
    copies = {}
    for name in ("trials", "scores"):
        frame = getattr(tables, name)
        copies[name] = pd.concat([frame.assign(key=f"{i:04d}" + frame["key"]) for i in range(times)], ignore_index=True)
    return replace(tables, **copies)


def test_field_by_field_says_that_settings_with_a_single_seed_are_left_out(make_store: MakeStore, grid: Grid) -> None:
    """Three sizes have both models, and the table says two."""
    several = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8], seed=[0, 1], epochs=[1])
    single = grid(model=["dae", "vae"], filters=[8], latent_size=[16], epochs=[1])
    captions = []
    for trials in (several, [*several, *single]):
        (sweep,) = sweeps(load_tables(make_store(trials, pictures=False, latent_points=0)), Wishes())
        table = present(fields_table(sweep))
        captions.append(table.caption)
        assert table.frame.loc[table.frame["field"] == "model", "settings"].tolist() == [2, 2]
    left_out = "Settings in which a value has a single seed are left out where other settings have several."
    assert [left_out in caption for caption in captions] == [False, True]


def test_tables_of_networks_say_that_those_with_fewer_seeds_do_not_compete(make_store: MakeStore, grid: Grid) -> None:
    """The lowest mean, or the one in bold, may be above that of a network with one or two seeds."""
    several = grid(filters=[8], latent_size=[4, 8], seed=[0, 1, 2], epochs=[1])
    captions = []
    for trials in (several, [*several, *grid(filters=[8], latent_size=[16], seed=[0, 1], epochs=[1])]):
        tables = load_tables(make_store(trials, pictures=False, latent_points=0))
        table = best_table(tables, evaluations_of(tables).shown[0])
        captions += [table.caption, networks_table(sweeps(tables, Wishes())[0]).caption]
        assert "z16" not in set(table.frame["network"])
    words = "Networks with fewer than 3 seeds, and fewer than most, do not compete."
    assert [words in caption for caption in captions] == [False, False, True, True]
