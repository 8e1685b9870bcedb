"""An attempt whose files `prune` removed while its driver slept: whatever it meets then, its trial has not failed."""

import shutil
from pathlib import Path

import pytest

from aesweep.sweep.driver.evaluation_pool import EvaluationPool
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.evaluation_job import EvaluationJob, StageFailedError
from aesweep.sweep.store.store import DamagedFileError, Store, open_store
from aesweep.sweep.worker.evaluation_stages import StoredLatents
from aesweep.sweep.worker.remote_stage import run_stage
from aesweep.sweep.worker.trainable import TrialTrainable
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.small_store import DONE, HALF, small_spec


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(small_store, tmp_path / "store")
    return open_store(tmp_path / "store")


def begun(store: Store, data_dir: Path) -> EvaluationJob:
    """An evaluation whose latents are gone."""
    spec = small_spec(data_dir)
    evaluation = spec.evaluation_config()
    attempt = store.attempts.new(DONE.key, "evaluate", evaluation.id)
    return EvaluationJob(store.root, DONE.key, attempt, evaluation, spec.execution)


def test_a_stage_that_misses_them_records_no_failure(store: Store, data_dir: Path) -> None:
    job = begun(store, data_dir)
    encoded = StoredLatents(job.write("latents.npz", b"latents"), "")
    (Path(store.root) / "trials" / DONE.key / "attempts" / job.attempt / "latents.npz").unlink()
    store.attempts.note_pruned(DONE.key, [job.attempt])
    with pytest.raises(DamagedFileError) as found:
        run_stage._function("fit", job, encoded)
    assert not store.attempts.failures(DONE.key)
    pool = EvaluationPool(store, job.evaluation, job.execution, Recovery(store, "driver", 3), run_stage, {})
    assert pool._judge(job, found.value) == ("its files were removed while its driver slept", False)
    assert not store.attempts.failures(DONE.key)


def test_a_stage_that_misses_them_otherwise_has_failed(store: Store, data_dir: Path) -> None:
    job = begun(store, data_dir)
    encoded = StoredLatents(job.write("latents.npz", b"latents"), "")
    (Path(store.root) / "trials" / DONE.key / "attempts" / job.attempt / "latents.npz").unlink()
    with pytest.raises(StageFailedError, match="missing or damaged"):
        run_stage._function("fit", job, encoded)
    assert [f.attempt for f in store.attempts.failures(DONE.key)] == [job.attempt]


def test_a_training_that_misses_them_is_lost_and_has_not_failed(store: Store, data_dir: Path) -> None:
    attempt = TrainingAttempt(store, HALF, small_spec(data_dir).execution)
    store.attempts.note_pruned(HALF.key, [attempt.attempt])
    trial = TrialTrainable.__new__(TrialTrainable)
    trial.key, trial.store = HALF.key, store
    with pytest.raises(FileNotFoundError):
        trial._failed(attempt, FileNotFoundError("checkpoint"))
    assert not store.attempts.failures(HALF.key)
