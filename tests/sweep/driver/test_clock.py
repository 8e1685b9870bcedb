"""Clocks that jump: nothing is ordered by them, nobody lives for ever by them, and no duration is negative."""

import json
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.store.drivers import ProgressFile, drivers, living_drivers, remove_stale, running_trials
from aesweep.sweep.store.records.launches import DriverRecord, LaunchProgress, RunningTrial
from aesweep.sweep.store.store import Store, open_store
from tests.sweep.conftest import run_cli, start_cli, wait_for_file
from tests.sweep.driver.aftermath import assert_nothing_left_in, assert_same_results

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
HOUR = 3600.0
SOURCE = Path(__file__).with_name("jumping_clock.c")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


def test_the_newest_failure_is_the_one_of_the_newest_attempt_whatever_the_clock_says(store: Store) -> None:
    """The clock was a day ahead when the first attempt failed; else the second failure would be no reason to wait."""
    first = store.attempts.new(TRIAL.key, "train")
    store.attempts.record_failure(TRIAL.key, first, "train", ValueError("first"))
    (path,) = (Path(store.root) / f"trials/{TRIAL.key}/failures").iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "time": "2099-01-01T00:00:00+00:00"}))
    assert store.attempts.failures(TRIAL.key)[-1].message == "first"
    second = store.attempts.new(TRIAL.key, "train")
    assert store.attempts.open_failure(TRIAL.key, "train") is None, "it is being tried again"
    store.attempts.record_failure(TRIAL.key, second, "train", ValueError("second"))
    assert store.attempts.failures(TRIAL.key)[-1].message == "second"
    assert [failure.message for failure in store.attempts.failures(TRIAL.key)] == ["first", "second"]


@pytest.mark.parametrize(("seconds", "alive"), [(-HOUR, False), (-30.0, True), (30.0, True), (HOUR, False)])
def test_a_driver_with_a_time_to_come_does_not_run_for_ever(store: Store, seconds: float, alive: bool) -> None:
    """The driver ran on another machine: for one of this machine, its process would be looked for."""
    running = {TRIAL.key: RunningTrial(name=TRIAL.name, epoch=1, epochs=2, images_per_second=9.0)}
    now = time.time() + seconds
    said = DriverRecord(running=running, host="elsewhere", pid=1, time=now, boot="", pid_namespace="")
    store.records.write("progress/elsewhere.json", said)
    (driver,) = drivers(store)
    assert driver.alive is alive and driver.age >= 0
    assert bool(running_trials(living_drivers(store))) is alive
    remove_stale(store)
    assert bool(store.storage.names("progress")) is alive


def test_a_driver_writes_on_when_the_clock_goes_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long ago it wrote is not asked of the clock on the wall."""
    file = ProgressFile(store)
    file.write(LaunchProgress(running={}), force=True)
    now, later = time.time(), time.monotonic() + 6.0
    monkeypatch.setattr(time, "time", lambda: now - HOUR)
    monkeypatch.setattr(time, "monotonic", lambda: later)
    file.write(LaunchProgress(running={}, eta_seconds=7.0))
    (driver,) = drivers(store)
    assert driver.alive and driver.said.eta_seconds == 7.0


class Clock:
    """The clock on the wall of all commands that get this environment."""

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "jumping_clock.so"
        self.set(0)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(self._file)}

    def set(self, ahead_seconds: float) -> None:
        """Let it jump. Written in place: the processes have the file mapped."""
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", int(ahead_seconds)))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler (cc) to build jumping_clock.c")
def test_a_sweep_whose_clock_jumps_ends_with_the_same_numbers(
    tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """The clocks of the driver, all workers and Ray jump two hours back and a day forward while trials train or are scored."""
    store, clock = tmp_path / "store", Clock(tmp_path)
    process = start_cli("launch", tiny_spec, "--store", store, cwd=tmp_path, env={**own_env, **clock.env})
    try:
        wait_for_file(store, "trials/*/attempts/train-*/checkpoint.pt", process)
        clock.set(-2 * HOUR)
        wait_for_file(store, "trials/*/train.json", process)
        clock.set(24 * HOUR)
        _, said = process.communicate(timeout=250)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert_same_results(store, finished_store)
    trials, epochs, scores = (
        pd.read_parquet(store / f"tables/{name}.parquet") for name in ("trials", "epochs", "scores")
    )
    assert (trials.ended < trials.started).any(), "the clock went back while a trial was trained"
    assert trials.train_seconds.between(0, 600).all() and (trials.images_per_second > 0).all()
    assert epochs.seconds.between(0, 600).all() and scores.seconds.between(0, 600).all()
    assert len(pd.read_parquet(store / "tables/failures.parquet")) == 0
    assert_nothing_left_in(store)
    again = run_cli("launch", tiny_spec, "--store", store, cwd=tmp_path, env=own_env)
    assert again.returncode == 0 and "Nothing to do" in again.stderr, again.stderr
