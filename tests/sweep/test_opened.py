"""`open_store`: what a notebook sees of a store."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep import load_model, open_store
from aesweep.models.errors import InputError
from aesweep.sweep.tables.schemas import COLUMNS
from tests.small_store import DONE, FAILED, HALF
from tests.test_old_store import OLD


def test_frames_have_the_documented_columns_and_every_trial_and_epoch(small_store: Path) -> None:
    store = open_store(small_store)
    trials, epochs, scores = store.trials(), store.epochs(), store.scores()
    assert trials.columns.tolist() == [column.name for column in COLUMNS["trials"]]
    assert set(trials.key) == {DONE.key, HALF.key, FAILED.key}
    assert {"key", "name"} < {*epochs.columns} and set(epochs.name) == {DONE.name, HALF.name}
    assert set(epochs[epochs.key == HALF.key].state) == {"unfinished"}, "a running training shows its losses"
    assert set(scores.name) == {DONE.name} and scores.evaluation.nunique() == 1
    assert load_model(store, DONE.key).training is False


def test_scores_are_those_of_the_latest_evaluation_unless_another_one_is_asked_for(
    small_store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    shutil.copytree(small_store, folder)
    table = pd.read_parquet(folder / "tables/scores.parquet")
    pd.concat([table.assign(evaluation="0" * 12, value=0.0), table]).to_parquet(folder / "tables/scores.parquet")
    store = open_store(folder)
    latest = table.evaluation.iloc[0]
    assert set(store.scores().evaluation) == set(store.scores("trial").evaluation) == {latest}
    assert set(store.scores(evaluation="0" * 12).evaluation) == {"0" * 12}
    both = store.scores("network", evaluation="all")
    assert both[both.evaluation == "0" * 12]["mean"].eq(0).all() and both.evaluation.nunique() == 2
    with pytest.raises(InputError, match=f"Give one of: 000000000000, {latest}, all"):
        store.scores(evaluation="nothing")


def test_a_store_of_an_older_version_has_todays_columns() -> None:
    store = open_store(OLD / "store")
    assert store.trials().columns.tolist() == [column.name for column in COLUMNS["trials"]]
    assert len(store.scores("network")) and store.epochs().state.eq("trained").all()


def test_what_cannot_be_used_is_said(small_store: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No store is there"):
        open_store(tmp_path)
    shutil.copytree(small_store, tmp_path / "bare", ignore=shutil.ignore_patterns("tables"))
    with pytest.raises(InputError, match="It has no tables yet"):
        open_store(tmp_path / "bare").trials()
    wrong: Any = "seed"
    with pytest.raises(InputError, match="Give row, trial or network"):
        open_store(small_store).scores(per=wrong)
