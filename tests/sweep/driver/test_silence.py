"""Attempts that give no sign of life, and a Ray that dies: said so, ended, and nothing that they do later counts."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import RayActorError

from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.deaths import deaths
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.driver.silence import Silence
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.beats import Work, beats
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker.pulse import Pulse
from aesweep.sweep.worker.training_attempt import CHECKPOINT, TrainingAttempt
from tests.sweep.conftest import start_cli, wait_for_file
from tests.waiting import wait_until

TRIAL = TrialConfig(filters=4, latent_size=3, epochs=1, batch_size=256)
DRIVER = "host-1-abcdef.json"
SPEC = """
name: hung
data: {dataset: digits}
blocks:
  - {model: dae, latent_size: 2, filters: 4, epochs: 400, batch_size: 32}
evaluation: {extractor: random-conv-64, samples: 200, reference_size: 200}
execution: {checkpoint_seconds: 1, hung_seconds: 20}
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


@pytest.fixture
def execution(data_dir: Path) -> ExecutionConfig:
    return ExecutionConfig(data_dir=str(data_dir), checkpoint_seconds=1000, hung_seconds=0.5)


def begun(store: Store) -> str:
    attempt = store.attempts.new(TRIAL.key, "train")
    store.attempts.write_start(TRIAL.key, attempt, new_start(DRIVER))
    return attempt


def test_who_stays_silent_is_named_and_then_counts_as_hung_and_who_beats_does_not(
    store: Store, execution: ExecutionConfig
) -> None:
    silent, beating = begun(store), begun(store)
    Pulse(store, execution, DRIVER, TRIAL.key, silent)
    alive = Pulse(store, execution, DRIVER, TRIAL.key, beating)
    look = Silence(store, execution, DRIVER)
    named: list[Work] = []

    def hung() -> list[Work]:
        begun, hung = look.look()
        named.extend(begun)
        return hung

    with alive.steadily():
        assert wait_until(hung, 30, "an attempt is hung") == [(TRIAL.key, silent)]
    assert named == [(TRIAL.key, silent)]
    assert look.of(TRIAL.key) >= execution.hung_seconds
    alive.end()
    assert list(beats(store, DRIVER)) == [(TRIAL.key, silent)]
    assert beats(store, "host-2-abcdef.json") == {}


def test_a_stage_that_only_waits_for_a_file_becomes_silent(
    store: Store, execution: ExecutionConfig, tmp_path: Path
) -> None:
    """A file server that does not answer: here a pipe that nobody writes to, until the stage was noticed."""
    os.mkfifo(tmp_path / "slow")
    work = (TRIAL.key, begun(store))
    look, noticed = Silence(store, execution, DRIVER), []

    def answer_once_noticed() -> None:
        noticed.extend(wait_until(lambda: look.look()[1], 30, "the attempt is hung"))
        (tmp_path / "slow").write_bytes(b"late")

    with ThreadPoolExecutor(1) as pool, Pulse(store, execution, DRIVER, *work).steadily():
        answer = pool.submit(answer_once_noticed)
        assert (tmp_path / "slow").read_bytes() == b"late"
    answer.result()
    assert noticed == [work]


def test_a_hung_attempt_is_tried_again_and_counts_as_one_whose_machine_died(
    store: Store, execution: ExecutionConfig
) -> None:
    attempt = begun(store)
    Pulse(store, execution, DRIVER, TRIAL.key, attempt)
    recovery = Recovery(store, DRIVER, max_process_deaths=3)
    recovery.end_hung((TRIAL.key, attempt), 900.0)
    verdict = recovery.after_training(TRIAL.key, RuntimeError("killed by signal 9"))
    assert verdict.again
    assert verdict.why == "no sign of life for 15 min"
    assert store.attempts.of(TRIAL.key, "train") == [attempt]
    found = deaths(store, TRIAL.key, "train")
    assert (found.alone, found.together) == (0, 1)
    assert beats(store, DRIVER) == {}


def started_worker() -> Any:
    """An actor; its class is inside, so that it goes to the worker by value, which has no tests."""

    class Worker:
        def is_there(self) -> bool:
            return True

        def stop(self) -> None:
            os.kill(os.getpid(), signal.SIGSTOP)

    actor: Any = ray.remote(num_cpus=0)
    worker = actor(Worker).remote()
    assert ray.get(worker.is_there.remote())
    return worker


def test_a_worker_that_hangs_before_its_first_sign_of_life_is_killed_and_its_trial_tried_again(
    store: Store, execution: ExecutionConfig, ray_cluster: None
) -> None:
    look, recovery = Silence(store, execution, DRIVER), Recovery(store, DRIVER, max_process_deaths=3)
    assert look.look() == ([], []), "who waits for a place is not silent"
    worker = started_worker()
    ended = worker.stop.remote()
    look.assigned(TRIAL.key, worker._actor_id.hex())
    (work,) = wait_until(lambda: look.look()[1], 30, "the worker is hung")
    assert look.of(TRIAL.key) >= execution.hung_seconds
    recovery.end_hung(work, 900.0)
    look.kill(work)
    with pytest.raises(RayActorError) as death:
        ray.get(ended, timeout=60)
    look.released(TRIAL.key)
    verdict = recovery.after_training(TRIAL.key, death.value)
    assert (verdict.again, verdict.why) == (True, "no sign of life for 15 min")
    found = deaths(store, TRIAL.key, "train")
    assert (found.alone, found.together) == (0, 1)
    Pulse(store, execution, DRIVER, TRIAL.key, begun(store))
    look.assigned(TRIAL.key, "another")
    wait_until(lambda: look.look()[0], 30, "the attempt is silent")
    assert {attempt for _, attempt in look.seconds} == {store.attempts.of(TRIAL.key, "train")[-1]}, "it has begun"


def test_an_attempt_that_wakes_after_its_end_commits_nothing_and_leaves_the_next_one_alone(
    store: Store, execution: ExecutionConfig
) -> None:
    old = TrainingAttempt(store, TRIAL, execution, driver=DRIVER)
    old.start()
    old.run_epoch()
    Recovery(store, DRIVER, 3).end_hung((TRIAL.key, old.attempt), 900.0)
    new = begun(store)
    store.attempts.write_file(TRIAL.key, new, CHECKPOINT, b"state")
    assert not old.commit()
    assert not store.commits.has_training(TRIAL.key)
    assert CHECKPOINT in store.storage.names(f"trials/{TRIAL.key}/attempts/{new}")


@pytest.mark.slow
@pytest.mark.faults
def test_a_frozen_trial_is_killed_and_goes_on_in_another_process(tmp_path: Path, own_env: dict[str, str]) -> None:
    (tmp_path / "hung.yaml").write_text(SPEC)
    root = tmp_path / "store"
    sweep = start_cli("launch", "hung.yaml", "--store", root, cwd=tmp_path, env=own_env)
    wait_for_file(root, "trials/*/attempts/*/checkpoint.pt", sweep)
    store = open_store(root)
    (key,) = store.trials.known_keys()
    (first,) = store.attempts.of(key, "train")
    start = store.attempts.read_start(key, first)
    assert start is not None
    os.kill(start.pid, signal.SIGSTOP)
    wait_for_file(root, "trials/*/attempts/train-0002-*/checkpoint.pt", sweep)
    second = store.attempts.read_start(key, store.attempts.of(key, "train")[-1])
    end = store.attempts.read_end(key, first)
    assert second is not None and second.resumed_from == first
    assert end is not None and (end.how, end.reason) == ("machine died", "no sign of life for 20 s")
    sweep.send_signal(signal.SIGINT)
    _, said = sweep.communicate(timeout=120)
    assert sweep.returncode == 130, said
    assert "no sign of life" in said


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("process", ["raylet/raylet", "gcs_server", "ray::DashboardAgent"])
def test_a_ray_that_dies_ends_the_command_in_order_and_counts_as_the_machine(
    process: str, tmp_path: Path, own_env: dict[str, str]
) -> None:
    (tmp_path / "hung.yaml").write_text(SPEC)
    root = tmp_path / "store"
    sweep = start_cli("launch", "hung.yaml", "--store", root, cwd=tmp_path, env=own_env)
    wait_for_file(root, "trials/*/attempts/*/checkpoint.pt", sweep)
    os.kill(descendant(sweep.pid, process), signal.SIGKILL)
    _, said = sweep.communicate(timeout=120)
    assert sweep.returncode == 2, said
    first, second = said.splitlines()[-2:]
    assert first.startswith("Ray has died: ")
    assert second == f"Continue with: aesweep resume {root}"
    store = open_store(root)
    (key,) = store.trials.known_keys()
    for attempt in store.attempts.of(key, "train"):  # one without an end died with its driver, which counts the same
        end = store.attempts.read_end(key, attempt)
        assert end is None or end.how == "machine died"
    assert not store.storage.names("progress")


def descendant(pid: int, words: str) -> int:
    """The one process below `pid` whose command line begins with, or runs, `words`."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for child in children:
        title = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode()
        if title.endswith(words) or title.startswith(words):
            return child
    return next((found for child in children if (found := descendant(child, words))), 0)
