"""A store written by aesweep 0.1.0 (tests/fixtures/store-0.1.0) is read, resumed, scored and reported as that version did.

The numbers of the old version are in `expected.json`; its verdicts are those of today's rules, since 0.1.0 decided claims by
one training seed. What is read or computed from stored numbers must equal them exactly.
What is trained after the kill equals the undisturbed training bit for bit on a machine like the one that wrote the store
(same processor, torch and precision), and closely elsewhere.
"""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.report import write_report
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.evaluating import evaluate
from aesweep.sweep.launch import launch
from aesweep.sweep.load import load_model
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter
from aesweep.sweep.tables.schemas import ADDED, COLUMNS, RENAMED
from aesweep.sweep.worker.training_attempt import TrainingAttempt

OLD = Path(__file__).parent / "fixtures" / "store-0.1.0"
EXPECTED: dict[str, Any] = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
UNDISTURBED: dict[str, Any] = EXPECTED["undisturbed"]
KILLED: str = UNDISTURBED["key"]
KEPT_EPOCHS = 11
"""Whole epochs that the checkpoint of the killed trial holds."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A copy of the old store."""
    shutil.copytree(OLD / "store", tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture
def spec(data_dir: Path) -> SweepSpec:
    """The old spec, which finds its data in the session's folder."""
    return load_spec(str(OLD / "spec.yaml"), [], data_dir)


def table(root: str | Path, name: str) -> pd.DataFrame:
    """One table of a store."""
    return pd.read_parquet(Path(root) / "tables" / f"{name}.parquet")


def claims_of(report: Path, store: str) -> dict[str, Any]:
    """Verdict and numbers of every claim in a report; commands name the store STORE."""
    (path,) = (report / "tables").glob("claims-*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["claim"]: {"verdict": row["verdict"], "numbers": row["numbers"].replace(store, "STORE")}
            for row in csv.DictReader(file)
        }


def name_now(store: Store, old: str) -> str:
    """What a trial is called now: names of that version did not have words for all fields."""
    name, (words, key) = store.trials.config(old[-12:]).name, (old[:-13], old[-12:])
    assert name.endswith(f"-{key}") and set(words.split("-")) <= set(name.split("-"))
    return name


def damaged_files(store: Store) -> list[Path]:
    """Files that a reader found damaged and renamed."""
    return sorted(path for path in Path(store.root).rglob("*") if "damaged" in path.name)


def test_the_spec_gives_the_old_keys_evaluation_and_states(spec: SweepSpec, store: Store) -> None:
    evaluation = spec.evaluation_config()
    assert evaluation.id == EXPECTED["evaluation"]
    planned = [trial.to_json() for trial in make_plan(spec, store, evaluation).trials]
    found = [{name: trial[name] for name in EXPECTED["plan"][0]} for trial in planned]
    assert found == [{**trial, "name": name_now(store, trial["name"])} for trial in EXPECTED["plan"]]


def test_stored_configurations_still_have_their_keys(store: Store) -> None:
    assert {key: store.trials.config(key).key for key in store.trials.known_keys()} == {
        t["key"]: t["key"] for t in EXPECTED["plan"]
    }


def test_status_says_what_the_old_version_said(store: Store) -> None:
    status = json.loads(json.dumps(read_status(store).to_json()))
    del status["drivers"]  # seen so many seconds ago
    assert status.pop("verified") is None  # that version knew no `aesweep verify`
    assert status.pop("poor") == []  # its tables do not say how the losses fell
    for failure in status["failures"]:
        del failure["command"], failure["replaced"]
    evaluation = status.pop("evaluations")
    assert [(one["id"], one["latest"]) for one in evaluation] == [(EXPECTED["evaluation"], True)]
    assert evaluation[0]["name"].endswith(EXPECTED["evaluation"])
    assert status["tables"].pop("terms") == status["tables"].pop("evaluations") == 0  # tables that came later
    named = [{**one, "name": name_now(store, one["name"])} for one in EXPECTED["status"]["failures"]]
    assert status == {**EXPECTED["status"], "failures": named}


@pytest.mark.parametrize("kept", ["with the old tables", "without tables"])
def test_tables_made_again_are_the_old_ones_row_by_row(store: Store, kept: str) -> None:
    if kept == "without tables":
        shutil.rmtree(Path(store.root) / "tables")
    TableWriter(store).publish(force=True)
    assert table(store.root, "terms").empty
    evaluations = table(store.root, "evaluations")
    assert evaluations["evaluation"].tolist() == [EXPECTED["evaluation"]] and evaluations["first_scored"].isna().all()
    for name in COLUMNS.keys() - {"terms", "evaluations"}:
        new, old = table(store.root, name), table(OLD / "store", name)
        added = {column: new[column].unique().tolist() for column in new.columns.difference(old.columns)}
        assert added.keys() == ADDED.get(name, {}).keys() | RENAMED.get(name, {}).keys()
        for column, value in ADDED.get(name, {}).items():
            assert value is None or added[column] == [value], "None: what the old tables did not know"
        if name == "trials":
            old["name"] = [name_now(store, one) for one in old["name"]]
        pd.testing.assert_frame_equal(new[old.columns], old, check_exact=True)
    scores = table(store.root, "scores")
    assert scores["sampling_seed"].equals(scores["seed"])
    assert scores[["key", "source", "split", "metric", "seed", "value"]].to_numpy().tolist() == EXPECTED["scores"]
    assert damaged_files(store) == []


def test_models_of_the_old_store_load(store: Store) -> None:
    for trial in EXPECTED["plan"]:
        if trial["state"] == "done":
            load_model(store.root, trial["key"])


def test_the_killed_trial_continues_from_its_checkpoint(store: Store, spec: SweepSpec) -> None:
    attempt = TrainingAttempt(store, store.trials.config(KILLED), spec.execution)
    attempt.start()
    assert attempt.resumed_from.startswith("train-0001-")
    assert attempt.epoch == KEPT_EPOCHS
    while attempt.epoch < KEPT_EPOCHS + 2:
        attempt.run_epoch()
    losses = [record.loss for record in attempt.trainer.history]
    assert losses[:-1] == UNDISTURBED["losses"][: KEPT_EPOCHS + 1], "the killed process had done all steps of epoch 12"
    assert losses[-1] == pytest.approx(UNDISTURBED["losses"][KEPT_EPOCHS + 1], rel=1e-3)


def test_the_report_has_the_old_numbers_and_todays_verdicts(store: Store, tmp_path: Path) -> None:
    write_report(store.root, tmp_path / "report", wishes=Wishes(paper=True))
    assert claims_of(tmp_path / "report", store.root) == EXPECTED["claims"]
    (path,) = (tmp_path / "report" / "tables").glob("table-2-*.csv")
    table_2 = pd.read_csv(path)[["model", "score", "ours", "ours_std"]].astype(object)
    assert table_2.where(table_2.notna(), None).to_numpy().tolist() == EXPECTED["table_2"]


@pytest.mark.slow
def test_the_old_sweep_is_finished_scored_further_and_reported(
    store: Store, spec: SweepSpec, ray_cluster: None, tmp_path: Path
) -> None:
    before = {key: store.commits.training(key) for key in store.trials.known_keys()}
    outcome = launch(spec, store.root, console=Console(quiet=True))
    failures = [name_now(store, failure["name"]) for failure in EXPECTED["status"]["failures"]]
    assert [name for name, _ in outcome.failures] == failures
    trial = table(store.root, "trials").set_index("key").loc[KILLED]
    assert trial["state"] == "done"
    commit = store.commits.training(KILLED)
    assert commit is not None
    assert commit.result.resumed_from.startswith("train-0001-")
    losses = [epoch.loss for epoch in commit.history]
    assert losses[:KEPT_EPOCHS] == UNDISTURBED["losses"][:KEPT_EPOCHS]
    same_machine = trial["resumed_with"] == "none"
    assert losses == (UNDISTURBED["losses"] if same_machine else pytest.approx(UNDISTURBED["losses"], rel=1e-2))
    scores = table(store.root, "scores")
    rows = scores[scores["key"] == KILLED][["source", "split", "metric", "seed"]]
    assert rows.to_numpy().tolist() == [row[:-1] for row in UNDISTURBED["scores"]]
    old = scores[scores["key"] != KILLED][["key", "source", "split", "metric", "seed", "value"]]
    assert old.to_numpy().tolist() == EXPECTED["scores"]

    evaluate(store.root, {"metrics": ("reconstruction_error",)}, console=Console(quiet=True))
    added = table(store.root, "scores")
    added = added[added["evaluation"] != EXPECTED["evaluation"]]
    assert set(added["key"]) == {trial["key"] for trial in EXPECTED["plan"] if trial["state"] != "failed"}
    assert {key: store.commits.training(key) for key in before if before[key]} == {k: v for k, v in before.items() if v}

    write_report(store.root, tmp_path / "report", wishes=Wishes(paper=True))
    assert set(claims_of(tmp_path / "report", store.root)) == set(EXPECTED["claims"])
    assert damaged_files(store) == []
