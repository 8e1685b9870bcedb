"""One attempt at a trial: it resumes exactly, keeps to its own folder and commits once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.training.trainer import NonFiniteLossError
from aesweep.sweep.load import load_model
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker.trainable import TrialTrainable
from aesweep.sweep.worker.training_attempt import CHECKPOINT, TrainingAttempt
from tests.faults import dying
from tests.fresh_process import command_environment

TRIAL = TrialConfig(filters=4, latent_size=3, epochs=2, batch_size=256, noise_std=0.1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


@pytest.fixture
def execution(data_dir: Path) -> ExecutionConfig:
    return ExecutionConfig(data_dir=str(data_dir), checkpoint_seconds=1000)


def train_to_the_end(store: Store, execution: ExecutionConfig) -> TrainingAttempt:
    attempt = TrainingAttempt(store, TRIAL, execution)
    attempt.start()
    while not attempt.finished:
        attempt.run_epoch()
    attempt.commit()
    return attempt


def test_a_trained_model_that_fails_on_test_images_is_a_loss_that_is_not_finite(
    store: Store, execution: ExecutionConfig
) -> None:
    attempt = TrainingAttempt(store, TRIAL, execution)
    attempt.start()
    while not attempt.finished:
        attempt.run_epoch()
    attempt.trainer.model.decoder.last.bias.data.fill_(float("inf"))
    with pytest.raises(NonFiniteLossError, match="cross-entropy of the test images is"):
        attempt.commit()
    assert store.commits.training(TRIAL.key) is None


def test_a_trial_resumed_in_another_attempt_ends_bit_for_bit_the_same(
    store: Store, execution: ExecutionConfig, tmp_path: Path
) -> None:
    first = TrainingAttempt(store, TRIAL, execution)
    first.start()
    first.run_epoch()
    first.checkpoint()
    second = train_to_the_end(store, execution)
    other = open_store(tmp_path / "other", create=True)
    other.trials.write_config(TRIAL)
    train_to_the_end(other, execution)

    resumed, straight = store.commits.training(TRIAL.key), other.commits.training(TRIAL.key)
    assert resumed is not None and straight is not None
    assert resumed.result.resumed_from == first.attempt
    assert resumed.attempt == second.attempt
    assert store.commits.model_bytes(TRIAL.key) == other.commits.model_bytes(TRIAL.key)
    assert [e.loss for e in resumed.history] == [e.loss for e in straight.history]


def test_a_stop_file_ends_the_attempt_inside_an_epoch_with_a_checkpoint(
    store: Store, execution: ExecutionConfig
) -> None:
    store.storage.write("progress/driver.stop", b"")
    attempt = TrainingAttempt(store, TRIAL, execution, stop_file="progress/driver.stop")
    attempt.start()
    attempt._last_look = 0.0
    assert attempt.run_epoch() is None
    assert 0 < attempt.trainer.step < attempt.trainer.steps_per_epoch
    assert CHECKPOINT in store.storage.names(f"trials/{TRIAL.key}/attempts/{attempt.attempt}")
    resumed = TrainingAttempt(store, TRIAL, execution)
    resumed.start()
    assert resumed.trainer.step == attempt.trainer.step


def test_a_damaged_checkpoint_is_named_in_the_log_and_an_older_one_used(
    store: Store, execution: ExecutionConfig
) -> None:
    older = TrainingAttempt(store, TRIAL, execution)
    older.start()
    older.run_epoch()
    older.checkpoint()
    newer = store.attempts.new(TRIAL.key, "train")
    folder = Path(store.root) / f"trials/{TRIAL.key}/attempts"
    whole = (folder / older.attempt / CHECKPOINT).read_bytes()
    (folder / newer / CHECKPOINT).write_bytes(whole[: len(whole) // 2])
    attempt = TrainingAttempt(store, TRIAL, execution)
    attempt.start()
    assert attempt.resumed_from == older.attempt
    assert f"checkpoint of {newer} not used" in (folder / attempt.attempt / "log.txt").read_text()


@pytest.mark.parametrize(
    ("moment", "vacant"),
    [("before */train.json", False), ("inside */train.json", False), ("inside */train.json", True)],
)
def test_killed_before_the_commit_the_next_attempt_goes_on_from_the_last_checkpoint(
    store: Store, execution: ExecutionConfig, moment: str, vacant: bool
) -> None:
    if vacant:  # as where a commit was damaged
        store.commits.close(TRIAL.key, "train")
    code = (
        "import json, sys; from pathlib import Path; from aesweep.sweep.spec.execution import ExecutionConfig\n"
        "from aesweep.sweep.store.store import Store; from aesweep.sweep.worker.training_attempt import TrainingAttempt\n"
        "store = Store(Path(sys.argv[1]))\n"
        "attempt = TrainingAttempt(store, store.trials.config(sys.argv[2]), ExecutionConfig(**json.loads(sys.argv[3])))\n"
        "attempt.start()\n"
        "while not attempt.finished: attempt.run_epoch(); attempt.checkpoint()\n"
        "attempt.commit()\n"
    )
    words = [sys.executable, "-c", code, str(store.root), TRIAL.key, json.dumps(execution.to_json())]
    assert subprocess.run(words, env=command_environment(**dying(moment)), check=False).returncode == -9
    assert store.commits.training(TRIAL.key) is None
    assert len(store.storage.temporary()) == moment.startswith("inside")
    attempt = train_to_the_end(store, execution)
    commit = store.commits.training(TRIAL.key)
    assert commit is not None
    assert commit.attempt == attempt.attempt
    assert commit.result.resumed_from.startswith("train-0001-")
    assert load_model(store, TRIAL.key).training is False


def test_two_attempts_at_once_leave_one_commit_with_the_files_of_one(store: Store, execution: ExecutionConfig) -> None:
    slow = TrainingAttempt(store, TRIAL, execution)
    slow.start()
    fast = train_to_the_end(store, execution)
    while not slow.finished:
        slow.run_epoch()
    assert not slow.commit()
    commit = store.commits.training(TRIAL.key)
    assert commit is not None
    assert commit.attempt == fast.attempt
    shutil.rmtree(Path(store.root) / f"trials/{TRIAL.key}/attempts/{slow.attempt}")
    assert load_model(store, TRIAL.key).training is False


def test_a_committed_trial_keeps_no_checkpoint(store: Store, execution: ExecutionConfig) -> None:
    attempt = TrainingAttempt(store, TRIAL, execution)
    attempt.start()
    attempt.run_epoch()
    attempt.checkpoint()
    train_to_the_end(store, execution)
    for name in store.attempts.of(TRIAL.key, "train"):
        assert CHECKPOINT not in store.storage.names(f"trials/{TRIAL.key}/attempts/{name}")


def test_an_actor_that_ends_records_a_diverged_trial_as_failed_and_any_other_as_stopped(
    store: Store, execution: ExecutionConfig
) -> None:
    """Its last losses are not looked at before the actor is ended: no checkpoint may hold weights that are not numbers."""
    for weight, failures in ((0.0, 0), (float("nan"), 1)):
        actor = TrialTrainable.__new__(TrialTrainable)  # Ray would call `setup` with the same words
        actor.setup({"key": TRIAL.key}, str(store.root), execution.to_json())
        actor.trial_attempt = attempt = TrainingAttempt(store, TRIAL, execution)
        attempt.start()
        attempt.run_epoch()
        attempt.trainer.model.decoder.last.weight.data[0, 0, 0, 0] = weight
        actor.cleanup()
        names = store.storage.names(f"trials/{TRIAL.key}/attempts/{attempt.attempt}")
        assert (CHECKPOINT in names) == (not failures)
        assert len(store.attempts.failures(TRIAL.key)) == failures
        shutil.rmtree(Path(store.root) / f"trials/{TRIAL.key}/attempts/{attempt.attempt}")
