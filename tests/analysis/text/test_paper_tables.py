"""Tables 2 and 3 of a store: ours beside the paper's where that is right, and complete where the store is partial."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.text.paper_tables import table_2, table_3
from aesweep.analysis.text.text_tables import TextTable, to_csv, to_latex, to_markdown
from aesweep.models.config import TrialConfig
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.sweep.spec.presets import CIFAR10
from tests.analysis.typed import Grid, MakeStore, Rows, present

FID = ("f" * 12, "fid", "inception-2015")


def _results(make_store: MakeStore, trials: Iterable[TrialConfig], **more: Any) -> Results:
    return all_results(load_tables(make_store(trials, pictures=False, latent_points=0, **more)))[0]


def _lines(table: TextTable, whose: str) -> pd.DataFrame:
    return table.frame[table.frame["whose"] == whose]


def test_ours_the_papers_and_the_difference_stand_below_each_other(make_store: MakeStore) -> None:
    def known(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 90.0

    found = _results(make_store, [replace(CIFAR10, filters=64, latent_size=128)], evaluations=(FID,), edit=known)
    table = present(table_2(found))
    place = table.frame.index[table.frame["filters"] == "64"][0]
    ours, paper, difference = table.frame.loc[place : place + 2].to_dict("records")
    assert (ours["whose"], ours["gmm"], ours["seeds"]) == ("ours", "90.00", "1")
    assert (paper["whose"], paper["gmm"], paper["gmm_bold"]) == ("paper", "77.36", True)
    assert (difference["whose"], difference["gmm"]) == ("difference", "+12.64")


def test_a_rival_that_was_trained_here_has_our_line_and_the_quoted_one(make_store: MakeStore) -> None:
    trained = [replace(CIFAR10, model=model, filters=128, latent_size=128) for model in OBJECTIVES.built_in]

    def known(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 90.0

    table = present(table_2(_results(make_store, trained, evaluations=(FID,), edit=known)))
    frame = table.frame[table.frame["filters"].isin(["128", ""])]
    start = frame.index[frame["model"] == "WAE-MMD"][0]
    ours, paper, difference = table.frame.loc[start : start + 2].to_dict("records")
    assert [line["whose"] for line in (ours, paper, difference)] == ["ours", "paper", "difference"]
    assert (ours["gmm"], paper["gmm"], difference["gmm"]) == ("90.00", "93.53", "-3.53")
    for objective in OBJECTIVES.built_in.values():  # also those that the paper does not have
        lines = frame[(frame["model"] == objective.title) & (frame["whose"] == "ours")]
        assert lines["gmm"].str.startswith("90.").tolist() == [True], objective.name
    rae_l2 = table.frame.loc[frame.index[frame["model"] == "RAE-L2"][0] + 1]
    assert (rae_l2["whose"], rae_l2["mvg"]) == ("paper", "80.80")  # what the paper prints as RAE
    assert "Its RAE is RAE-L2." in table.caption and "other networks" in table.caption


def test_a_rival_that_was_not_trained_has_the_quoted_line_alone(make_store: MakeStore) -> None:
    found = _results(make_store, [replace(CIFAR10, filters=128, latent_size=128)], evaluations=(FID,))
    frame = present(table_2(found)).frame
    assert frame.loc[frame["model"].isin(["WAE", "RAE", "EAE"]), "whose"].tolist() == ["paper"] * 3


def test_cells_that_are_not_there_are_dashes_beside_the_papers(make_store: MakeStore) -> None:
    found = _results(make_store, [replace(CIFAR10, filters=64, latent_size=128)], evaluations=(FID,))
    for table, cells in ((table_2(found), 5), (table_3(found), 4)):
        empty = _lines(present(table), "ours")
        assert (empty == "–").sum(axis=1).max() >= cells
        assert not (_lines(present(table), "paper").filter(regex="^(mvg|gmm)$") == "").any(axis=None)


def test_seeds_give_a_spread_and_are_counted(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[8], seed=[0, 1, 2], epochs=[2])
    table = present(table_2(_results(make_store, trials)))
    row = table.frame.iloc[0]
    assert row["seeds"] == "3" and " ± " in row["gmm"]
    numbers = present(table.tidy)
    tidy = numbers[(numbers["model"] == "dae") & (numbers["score"] == "gmm")].iloc[0]
    assert tidy["seeds"] == 3 and tidy["ours_std"] > 0


def test_distances_that_are_no_fid_stand_alone(make_store: MakeStore) -> None:
    table = present(table_2(_results(make_store, [replace(CIFAR10, filters=f, latent_size=128) for f in (32, 64)])))
    assert set(table.frame["whose"]) == {"ours"} and "whose" not in table.headings
    assert present(table.tidy)["printed"].isna().all() and "not FID" in table.caption


def test_table_3_names_the_scores_that_a_size_is_best_in(make_store: MakeStore, grid: Grid) -> None:
    best = {"standard_normal": 4, "mvg": 8, "gmm": 16}
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8, 16], epochs=[2])
    size = {trial.key: trial.latent_size for trial in trials}

    def known(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = 10.0 + abs(size[row["key"]] - best.get(row["source"], 4))

    frame = present(table_3(_results(make_store, trials, edit=known))).frame
    rows = frame[["model", "latent_size", "best_in"]].to_numpy().tolist()
    daes = [["DAE", "8", "MVG"], ["DAE", "16", "GMM"]]  # N(0, I) is not what a DAE is chosen for
    assert rows == [*daes, ["VAE", "4", "N(0, I)"], ["VAE", "8", "MVG"], ["VAE", "16", "GMM"]]


def test_the_three_forms_hold_the_hash_and_the_csv_the_numbers(make_store: MakeStore, grid: Grid) -> None:
    table = present(
        table_2(_results(make_store, grid(model=["dae", "vae"], filters=[16], latent_size=[8], epochs=[2])))
    )
    assert table.data_hash in to_markdown(table) and table.data_hash in to_latex(table)
    line = to_csv(table).splitlines()[0]
    assert {"ours", "published", "difference", "seeds", "bold", "data_hash"} <= set(line.split(","))


def test_a_score_that_no_trial_has_is_a_dash(make_store: MakeStore, grid: Grid) -> None:
    def no_gmm(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["source"] == "gmm":
                row |= {"value": None, "note": "deadline"}

    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], epochs=[2])
    found = _results(make_store, trials, edit=no_gmm)
    assert set(present(table_2(found)).frame["gmm"]) == {"–"}
    assert not present(table_3(found)).frame["best_in"].str.contains("GMM").any()
