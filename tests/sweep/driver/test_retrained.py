"""A trial that is trained again because its commit was damaged: what its old weights scored never stands beside new ones."""

import hashlib
import logging
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.layout import MODEL, scores_name, training_name
from aesweep.sweep.store.records import sealed_json_bytes
from aesweep.sweep.store.storage import file_record
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables import fold as tables
from aesweep.sweep.tables.fold import TableWriter, table_rows, tables_are_current

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
SPEC = SweepSpec(name="one", blocks=(Block("all", (TRIAL,)),), execution=ExecutionConfig(data_dir="/nowhere"))
ROW = {
    **dict.fromkeys(("source", "split", "metric", "extractor", "reference_split", "note"), "none"),
    "n": 1,
    "n_reference": 0,
    "seed": 0,
    "value": 1.0,
    "stderr": None,
    "seconds": 0.1,
}


def trained(attempt: str, weights: bytes) -> dict[str, Any]:
    return {"attempt": attempt, "files": {MODEL: file_record(weights)}, "history": [], "result": {}}


def scored(weights: bytes | None) -> dict[str, Any]:
    model = {"model": hashlib.sha256(weights).hexdigest()} if weights is not None else {}
    return {"attempt": "score-0001-b", "files": {}, "rows": [ROW], "latents": [], **model}


def state(store: Store) -> str:
    (trial,) = make_plan(SPEC, store, EVALUATION).trials
    return trial.state


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A scored trial whose training commit was found damaged."""
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    opened.trials.write_spec("aaa", {"name": "one", "keys": {TRIAL.key: "all"}, "spec": {}}, EVALUATION.id)
    opened.commits.commit_training(TRIAL.key, trained("train-0001-aaaaaa", b"old"))
    opened.commits.commit_scores(TRIAL.key, EVALUATION.id, scored(b"old"))
    assert state(opened) == "done"
    (tmp_path / "store" / training_name(TRIAL.key)).write_bytes(b"{")
    assert state(opened) == "pending"
    return opened


def test_other_weights_are_scored_anew_and_the_old_scores_are_kept_aside(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"new"))
    assert state(store) == "trained"
    assert "of other weights" in caplog.text and "is damaged" not in caplog.text
    TableWriter(store).publish(force=True)
    assert table_rows(store)["scores"] == 0
    assert store.commits.commit_scores(TRIAL.key, EVALUATION.id, scored(b"new"))
    assert state(store) == "done"


def test_scores_that_do_not_say_whose_they_are_count_as_those_of_other_weights(store: Store) -> None:
    other = "f" * 12
    store.commits.commit_scores(TRIAL.key, other, scored(None))
    store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"old"))
    assert store.commits.scored(TRIAL.key) == [EVALUATION.id]


def test_the_same_weights_keep_their_scores(store: Store) -> None:
    assert store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"old"))
    assert state(store) == "done"


def test_a_training_that_comes_too_late_leaves_the_scores_of_the_first_one(store: Store) -> None:
    store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"old"))
    assert not store.commits.commit_training(TRIAL.key, trained("train-0003-aaaaaa", b"new"))
    assert state(store) == "done"


def test_killed_before_the_new_commit_the_trial_is_trained_and_scored_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str, data: bytes) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store.storage, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"new"))
    assert state(store) == "pending"
    store.storage.write(training_name(TRIAL.key), sealed_json_bytes(trained("train-0003-aaaaaa", b"newer")))
    assert state(store) == "trained"


def rescored(store: Store, value: float) -> None:
    """An evaluation, set aside because a file of it is damaged, is made again with another value and the same length."""
    store.records.set_aside(scores_name(TRIAL.key, EVALUATION.id))
    assert store.commits.commit_scores(TRIAL.key, EVALUATION.id, {**scored(b"old"), "rows": [{**ROW, "value": value}]})


def test_tables_from_before_a_scoring_that_was_made_again_are_not_current(store: Store) -> None:
    store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"old"))
    folder = TableWriter(store)
    folder.publish(force=True)
    assert tables_are_current(store)
    rescored(store, 2.0)
    assert not tables_are_current(store)
    folder.publish(force=True)
    assert tables_are_current(store)
    values = pq.read_table(f"{store.root}/tables/scores.parquet")["value"].to_pylist()
    assert values == [2.0], "a driver that folded the first one folds the second one too"


def test_tables_stay_current_when_nothing_happens(store: Store) -> None:
    TableWriter(store).publish(force=True)
    assert state(store) == "pending"
    assert tables_are_current(open_store(store.root))


def test_a_driver_writes_no_tables_while_nothing_happens(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PUBLISH_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(tables, "SHARE_OF_TIME", math.inf)
    folder, table = TableWriter(store), "tables/trials.parquet"
    folder.publish()
    first = store.storage.version(table)
    folder.publish()
    assert store.storage.version(table) == first
    store.commits.commit_training(TRIAL.key, trained("train-0002-aaaaaa", b"old"))
    folder.publish()
    second = store.storage.version(table)
    assert second != first
    folder.publish(force=True)
    assert store.storage.version(table) != second
