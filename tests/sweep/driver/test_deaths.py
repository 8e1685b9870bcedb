"""When attempts that died make a trial failed, and when it is tried again without limit."""

import os
import signal
from pathlib import Path

import pytest
import ray

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.crash import look_for_crash
from aesweep.sweep.driver.deaths import deaths, give_up_if_too_many, record_deaths
from aesweep.sweep.driver.plan import Plan, make_plan
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.beats import read_beat
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.layout import CHECKPOINT, MODEL
from aesweep.sweep.store.records.attempts import StartRecord
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.store import Stage, Store, open_store
from aesweep.sweep.worker.pulse import Pulse
from tests.records import trained

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
TRAINED = trained()
DRIVER = "a-driver.json"
MOST = 3


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


def attempt(store: Store, how: How | None = None, *, checkpoint: bool = False, stage: Stage = "train") -> str:
    """An attempt that ended so; None: together with its driver."""
    evaluation = EVALUATION.id if stage == "evaluate" else ""
    name = store.attempts.new(TRIAL.key, stage, evaluation)
    store.attempts.write_start(TRIAL.key, name, StartRecord(driver=DRIVER, node="gpu-07"))
    if checkpoint:
        store.attempts.write_file(TRIAL.key, name, CHECKPOINT, b"state")
    if how is not None:
        store.attempts.write_end(TRIAL.key, name, how, "worker process has died", share=0.3)
    return name


def test_an_attempt_whose_commit_was_set_aside_did_not_die(store: Store) -> None:
    name = attempt(store)
    files = {MODEL: store.attempts.write_file(TRIAL.key, name, MODEL, b"weights")}
    assert store.commits.commit_training(TRIAL.key, trained(name, files))
    Path(store.storage.place(f"trials/{TRIAL.key}/attempts/{name}/{MODEL}")).unlink()
    assert not store.commits.has_model(TRIAL.key), "this sets the commit aside"
    assert deaths(store, TRIAL.key, "train").count == 0
    attempt(store)
    assert deaths(store, TRIAL.key, "train").count == 1


def plan_of_launch(store: Store, retry_failed: bool = False) -> Plan:
    """What a launch would do now."""
    data_dir = str(store.storage.root)
    spec = SweepSpec(name="one", blocks=(Block("only", (TRIAL,)),), execution=ExecutionConfig(data_dir=data_dir))
    record_deaths(store, [TRIAL.key], EVALUATION.id, MOST)
    return make_plan(spec, store, EVALUATION, retry_failed=retry_failed)


def test_a_process_that_dies_too_often_makes_its_trial_failed_until_it_is_asked_for(store: Store) -> None:
    for _ in range(MOST - 1):
        attempt(store, "died")
    assert plan_of_launch(store).counts()["pending"] == 1
    attempt(store, "died")
    plan = plan_of_launch(store)
    assert plan.to_train == []
    assert "ProcessDiedError: its process died 3 times in a row" in plan.trials[0].reason
    assert "gpu-07" in plan.trials[0].reason and "worker process has died" in plan.trials[0].reason
    assert len(store.attempts.failures(TRIAL.key)) == 1, "it is recorded once"
    assert len(plan_of_launch(store, retry_failed=True).to_train) == 1

    attempt(store, "died")
    assert plan_of_launch(store).counts()["pending"] == 1, "--retry-failed begins to count anew"


def test_a_death_after_a_checkpoint_is_progress_and_never_counts(store: Store) -> None:
    for _ in range(4 * MOST + 1):
        attempt(store, "died", checkpoint=True)
        attempt(store, "died")
        attempt(store)
    assert plan_of_launch(store).counts()["pending"] == 1


@pytest.mark.parametrize("how", ["preempted", "stopped"])
def test_preemptions_and_stops_never_count(store: Store, how: How) -> None:
    for _ in range(5 * MOST):
        attempt(store, how)
    assert plan_of_launch(store).counts()["pending"] == 1
    assert deaths(store, TRIAL.key, "train").alone == 0


@pytest.mark.parametrize(
    "how", ["machine died", "killed", None], ids=["with its machine", "by a kill", "with its driver"]
)
def test_a_death_together_with_others_weighs_a_quarter(store: Store, how: How | None) -> None:
    for _ in range(4 * MOST - 1):
        attempt(store, how)
        assert plan_of_launch(store).counts()["pending"] == 1
    attempt(store, how)
    plan = plan_of_launch(store)
    assert "its process died 12 times in a row" in plan.trials[0].reason


def test_an_attempt_of_a_living_driver_is_no_death(store: Store) -> None:
    file = ProgressFile(store)
    for _ in range(4 * MOST):
        store.attempts.write_start(TRIAL.key, store.attempts.new(TRIAL.key, "train"), new_start(file.driver))
    file.write(LaunchProgress(running={}), force=True)
    assert plan_of_launch(store).counts()["pending"] == 1
    file.remove()
    assert plan_of_launch(store).counts()["failed"] == 1


def test_evaluations_that_die_too_often_are_failed_evaluations(store: Store) -> None:
    store.commits.commit_training(TRIAL.key, TRAINED)
    for _ in range(MOST):
        assert plan_of_launch(store).counts()["trained"] == 1
        attempt(store, "died", stage="evaluate")
    plan = plan_of_launch(store)
    assert plan.counts()["failed"] == 1
    assert plan.trials[0].reason.startswith("evaluation failed: ProcessDiedError")
    assert len(plan_of_launch(store, retry_failed=True).to_score) == 1


def test_too_little_gpu_memory_is_remembered_and_forgiven_once(store: Store) -> None:
    assert store.attempts.memory_lacked(TRIAL.key) == (0.0, False)
    attempt(store, "out of memory")
    assert store.attempts.memory_lacked(TRIAL.key) == (0.3, True)
    failed = attempt(store)
    store.attempts.record_failure(TRIAL.key, failed, "train", MemoryError("no memory"))
    assert store.attempts.memory_lacked(TRIAL.key) == (0.3, False), "--retry-failed may ask for more again"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"how": 3}', b'{"how": "died", "reason": "", "share": "much"}'])
def test_damaged_notes_count_as_missing(store: Store, damage: bytes) -> None:
    name = attempt(store, "died")
    for file in ("start.json", "end.json"):
        store.attempts.write_file(TRIAL.key, name, file, damage)
    found = give_up_if_too_many(store, TRIAL.key, "train", "", MOST)
    assert (found.alone, found.together) == (0, 1)


@ray.remote(num_cpus=0, max_retries=0)
def end_by(number: int, root: str, attempt: str, with_sign_of_life: bool) -> None:
    """A stage of an evaluation whose process gets a signal, before or after it began."""
    if with_sign_of_life:
        Pulse(open_store(root), ExecutionConfig(data_dir=root), DRIVER, TRIAL.key, attempt)
    os.kill(os.getpid(), number)
    signal.pause()


@pytest.mark.parametrize(
    ("number", "has_begun", "how"),
    [
        (signal.SIGSEGV, True, "died"),
        (signal.SIGKILL, True, "killed"),
        (signal.SIGSEGV, False, "killed"),
    ],
    ids=["crashed", "killed", "crashed before this attempt had begun"],
)
def test_a_crash_is_told_from_a_kill(
    number: signal.Signals, has_begun: bool, how: str, store: Store, ray_cluster: None
) -> None:
    recovery = Recovery(store, DRIVER, max_process_deaths=1)
    attempt = store.attempts.new(TRIAL.key, "evaluate", "e" * 12)
    store.attempts.write_start(TRIAL.key, attempt, new_start(DRIVER, on_this_machine=False))
    with pytest.raises(ray.exceptions.WorkerCrashedError) as caught:
        ray.get(end_by.remote(number, str(store.root), attempt, has_begun))
    beat = read_beat(store, DRIVER, (TRIAL.key, attempt))
    if beat is not None:
        asked = look_for_crash.remote(beat.pid)
        assert ray.get(asked) == (how == "died"), "another machine is asked for the same"
    verdict = recovery.after_death(TRIAL.key, attempt, "evaluate", "e" * 12, caught.value)
    end = store.attempts.read_end(TRIAL.key, attempt)
    assert end is not None and end.how == how
    assert verdict.again == (how == "killed"), "one crash is too many here, one kill is not"
