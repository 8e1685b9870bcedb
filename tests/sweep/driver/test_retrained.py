"""A trial that is trained again because its commit was damaged: what its old weights scored never stands beside new ones."""

import hashlib
import logging
import math
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.layout import MODEL, scores_name, training_name
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord, vacancy
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables import fold as tables
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.tables.row_counts import table_rows
from tests.records import scored, trained

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
SPEC = SweepSpec(name="one", blocks=(Block("all", (TRIAL,)),), execution=ExecutionConfig(data_dir="/nowhere"))
ROW = ScoreRow(
    source="mvg", split="test", reference_split="test", metric="fd", n=1, sampling_seed=0, value=1.0, seconds=0.1
)


def committed(store: Store, attempt: str, weights: bytes) -> TrainingRecord:
    """A training that gave these weights, with their file."""
    return trained(attempt, {MODEL: store.attempts.write_file(TRIAL.key, attempt, MODEL, weights)})


def scores_of(weights: bytes | None, row: ScoreRow = ROW) -> ScoresRecord:
    """One score of these weights; None: it does not say of which."""
    return scored("score-0001-b", (row,), hashlib.sha256(weights).hexdigest() if weights is not None else "")


def state(store: Store) -> str:
    (trial,) = make_plan(SPEC, store, EVALUATION).trials
    return trial.state


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A scored trial whose training commit was found damaged."""
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    opened.trials.write_spec(SPEC, EVALUATION.id)
    opened.commits.commit_training(TRIAL.key, committed(opened, "train-0001-aaaaaa", b"old"))
    opened.commits.commit_scores(TRIAL.key, EVALUATION.id, scores_of(b"old"))
    assert state(opened) == "done"
    (tmp_path / "store" / training_name(TRIAL.key)).write_bytes(b"{")
    assert state(opened) == "pending"
    return opened


def test_other_weights_are_scored_anew_and_the_old_scores_are_kept_aside(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"new"))
    assert state(store) == "trained"
    assert "of other weights" in caplog.text and "is damaged" not in caplog.text
    TableWriter(store).publish(force=True)
    assert table_rows(store)["scores"] == 0
    assert store.commits.commit_scores(TRIAL.key, EVALUATION.id, scores_of(b"new"))
    assert state(store) == "done"


def test_scores_that_do_not_say_whose_they_are_count_as_those_of_other_weights(store: Store) -> None:
    other = "f" * 12
    store.commits.commit_scores(TRIAL.key, other, scores_of(None))
    store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"old"))
    assert store.commits.scored(TRIAL.key) == [EVALUATION.id]


def test_the_same_weights_keep_their_scores(store: Store) -> None:
    assert store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"old"))
    assert state(store) == "done"


def test_a_training_that_comes_too_late_leaves_the_scores_of_the_first_one(store: Store) -> None:
    store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"old"))
    assert not store.commits.commit_training(TRIAL.key, committed(store, "train-0003-aaaaaa", b"new"))
    assert state(store) == "done"


def test_killed_after_the_new_commit_the_old_scores_do_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(name: str) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store.storage, "names", die)
        with pytest.raises(KeyboardInterrupt):
            store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"new"))
    assert store.commits.scores(TRIAL.key, EVALUATION.id) is None
    TableWriter(store).publish(force=True)
    assert table_rows(store)["scores"] == 0 and state(store) == "trained"


def rescored(store: Store, value: float) -> None:
    """An evaluation, set aside because a file of it is damaged, is made again with another value and the same length."""
    name = scores_name(TRIAL.key, EVALUATION.id)
    store.records.set_aside(name, store.storage.read(name) or b"", vacancy())
    assert store.commits.commit_scores(TRIAL.key, EVALUATION.id, scores_of(b"old", replace(ROW, value=value)))


def test_tables_from_before_a_scoring_that_was_made_again_are_not_current(store: Store) -> None:
    store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"old"))
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
    store.commits.commit_training(TRIAL.key, committed(store, "train-0002-aaaaaa", b"old"))
    folder.publish()
    second = store.storage.version(table)
    assert second != first
    published = store.storage.read("tables/publisher.json")
    folder.publish(force=True)
    assert store.storage.read("tables/publisher.json") != published
