"""The losses of a training that has no commit yet: seen in `epochs`, never taken for results, gone with the commit."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aesweep.analysis.data.tables import load_tables
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.layout import epochs_name
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.worker import training_attempt
from aesweep.sweep.worker.training_attempt import TrainingAttempt

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=4, batch_size=512)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


@pytest.fixture
def attempt(store: Store, data_dir: Path) -> TrainingAttempt:
    begun = TrainingAttempt(store, TRIAL, ExecutionConfig(data_dir=str(data_dir), checkpoint_seconds=1000))
    begun.start()
    return begun


def epochs(store: Store) -> pd.DataFrame:
    """The table, made as a driver makes it."""
    TableWriter(store, anew=False).publish(force=True)
    return pd.read_parquet(Path(store.root) / "tables" / "epochs.parquet")


def test_the_table_has_the_losses_of_a_running_trial_and_says_that_they_are_no_result(
    store: Store, attempt: TrainingAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert epochs(store).empty
    first = attempt.run_epoch()
    assert first is not None
    assert epochs(store)[["key", "state", "epoch", "loss", "test_sample_bce"]].values.tolist() == [
        [TRIAL.key, "unfinished", 1, first.loss, first.test_sample_bce]
    ]
    attempt.run_epoch()
    assert tables_are_current(store), "others see it every half minute, not after every epoch"
    monkeypatch.setattr(training_attempt, "SHOW_EVERY_SECONDS", 0.0)
    attempt.run_epoch()
    assert not tables_are_current(store)
    assert epochs(store)["epoch"].tolist() == [1, 2, 3]
    assert load_tables(store.root).epochs.empty, "a report draws results alone"


def test_a_commit_takes_their_place(store: Store, attempt: TrainingAttempt) -> None:
    attempt.run_epoch()
    epochs(store)
    while not attempt.finished:
        attempt.run_epoch()
    attempt.commit()
    assert not store.storage.exists(epochs_name(TRIAL.key))
    found = epochs(store)
    assert found["state"].tolist() == ["trained"] * 4
    assert found["test_sample_bce"].notna().all()
    assert len(load_tables(store.root).epochs) == 4


def test_what_a_sleeper_writes_after_the_commit_is_not_read_and_is_pruned(
    store: Store, attempt: TrainingAttempt
) -> None:
    while not attempt.finished:
        attempt.run_epoch()
    attempt.commit()
    before = epochs(store)
    lies = [replace(epoch, loss=99.0) for epoch in attempt.trainer.history]
    store.attempts.write_epochs(TRIAL.key, "train-0009-abcdef", lies)
    pd.testing.assert_frame_equal(epochs(store), before)
    assert [one.name for one in prune(store)] == [epochs_name(TRIAL.key)]


@pytest.mark.parametrize("ending", ["fails", "is stopped"])
def test_a_training_that_fails_or_is_stopped_leaves_its_curve(
    store: Store, attempt: TrainingAttempt, ending: str
) -> None:
    attempt.run_epoch()
    attempt.run_epoch()
    attempt.record_failure(ValueError("diverged")) if ending == "fails" else attempt.end("stopped", "asked to")
    found = epochs(store)
    assert found["epoch"].tolist() == [1, 2]
    assert found["state"].tolist() == ["unfinished"] * 2


def test_a_damaged_one_counts_as_missing(store: Store, attempt: TrainingAttempt) -> None:
    attempt.run_epoch()
    data = store.storage.read(epochs_name(TRIAL.key)) or b""
    store.storage.write(epochs_name(TRIAL.key), data.replace(b'"epoch": 1', b'"epoch": 7'))
    assert epochs(store).empty
