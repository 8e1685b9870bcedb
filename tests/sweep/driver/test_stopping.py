"""Asking a driver to stop: by signals, and from another process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.driver import stopping
from aesweep.sweep.driver.stopping import StopRequest, ask_drivers_to_stop, wait_for_end
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.drivers import ProgressFile, remove_stale
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.small_store import DONE, small_spec
from tests.sweep.conftest import TINY, run_main
from tests.waiting import wait_until

RUNNING = LaunchProgress(running={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


@pytest.mark.usefixtures("foreground")
@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_the_first_signal_asks_and_the_second_stops_at_once(store: Store, number: signal.Signals) -> None:
    before = [signal.getsignal(n) for n in stopping.SIGNALS]
    request = StopRequest(store, "progress/me.json")
    with request.listening():
        assert not request.look()
        os.kill(os.getpid(), number)
        assert request.asked and not request.grace_is_over
        assert request.look(), "told once"
        assert not request.look()
        assert store.storage.exists(request.file), "trials on other machines look for it"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert request.at_once and request.grace_is_over
    assert not store.storage.exists(request.file)
    assert [signal.getsignal(n) for n in stopping.SIGNALS] == before


def test_a_signal_is_still_a_request_after_ray_or_tune_took_it(store: Store) -> None:
    request = StopRequest(store, "progress/me.json")
    with request.listening():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        request.install()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert request.asked


def test_a_lost_terminal_asks_and_under_nohup_it_does_not(store: Store) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        request = StopRequest(store, "progress/me.json")
        with request.listening():
            request.install()
            os.kill(os.getpid(), signal.SIGHUP)
            assert not request.asked
            os.kill(os.getpid(), signal.SIGTERM)
            assert request.asked
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_process_asks_by_a_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(store.storage, "look_seconds", 0.0)
    file = ProgressFile(store)
    request = StopRequest(store, file.name)
    assert ask_drivers_to_stop(store) == []
    file.write(RUNNING, force=True)
    assert not request.look()
    assert [driver.file for driver in ask_drivers_to_stop(store)] == [file.driver]
    assert request.look() and request.asked
    assert wait_for_end(store, {file.driver}, timeout=0.0) == {file.driver}
    file.remove()
    assert wait_for_end(store, {file.driver}, timeout=0.0) == set()


def test_a_request_to_a_driver_that_is_gone_is_removed(store: Store) -> None:
    file = ProgressFile(store)
    file.write(RUNNING, force=True)
    ask_drivers_to_stop(store)
    remove_stale(store)
    assert len(store.storage.names("progress")) == 2
    file.remove()
    remove_stale(store)
    assert store.storage.names("progress") == []


def test_stop_says_when_nobody_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    assert run_main(monkeypatch, "stop", store.storage.root, "--wait") == 0
    assert "No driver works on" in capsys.readouterr().out


LONG, NEXT = replace(DONE, epochs=20_000), replace(DONE, latent_size=5, epochs=1)


def test_resume_all_begins_no_other_spec_after_a_stop(store: Store, data_dir: Path, ray_cluster: None) -> None:
    record(store, data_dir, LONG)
    record(store, data_dir, NEXT)
    with beside(lambda: ask_drivers_to_stop(store), "a driver that can be asked"):
        ended = run_aesweep("resume", store.storage.root, "--all")
    assert ended.code == 130, ended.err
    assert f"Not begun: latent 5. Continue with: aesweep resume {store.storage.root} --all" in ended.err
    assert not attempts(store, NEXT)


@pytest.mark.slow
def test_resume_all_stops_too_when_the_running_spec_was_done_by_then(
    store: Store, data_dir: Path, ray_cluster: None
) -> None:
    spec = record(store, data_dir, DONE)
    record(store, data_dir, NEXT)
    trained = TrainingAttempt(store, DONE, spec.execution)
    trained.start()
    while not trained.finished:
        trained.run_epoch()
    trained.commit()
    with beside(lambda: len(attempts(store, DONE)) == 2 and signal_me(), "an evaluation, which may end"):
        ended = run_aesweep("resume", store.storage.root, "--all")
    assert ended.code == 130, ended.err
    assert store.storage.names(f"trials/{DONE.key}/scores") and not attempts(store, NEXT)


def record(store: Store, data_dir: Path, trial: TrialConfig) -> SweepSpec:
    """A spec of one trial, as a launch that was killed at once leaves it; it is the latest."""
    spec = replace(small_spec(data_dir), name=f"latent {trial.latent_size}", blocks=(Block("one", (trial,)),))
    store.trials.write_configs([trial])
    store.trials.write_spec(spec, spec.evaluation_config().id)
    return spec


def attempts(store: Store, trial: TrialConfig) -> list[str]:
    return store.storage.names(f"trials/{trial.key}/attempts")


def signal_me() -> bool:
    os.kill(os.getpid(), signal.SIGUSR1)
    return True


@contextmanager
def beside(action: Callable[[], object], what: str) -> Iterator[None]:
    """While the block runs, `action` is tried until it returns something true."""
    thread = threading.Thread(target=wait_until, args=(action, 60, what))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_a_signal_that_comes_while_ray_is_loaded_is_a_request(tmp_path: Path, data_dir: Path) -> None:
    """No Ray is started any more, and the exit code is that of every stopped sweep."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ["launch", "tiny.yaml", "--store", "store", "--data", str(data_dir)]
    with subprocess.Popen(
        [sys.executable, "-m", "aesweep.sweep.cli", *words],
        cwd=tmp_path,
        env=command_environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as launch:
        assert launch.stderr is not None
        while "Starting Ray" not in (line := launch.stderr.readline()):
            assert line, "the launch ended before"
        launch.send_signal(signal.SIGTERM)
        said = launch.stderr.read()
    assert launch.returncode == 130, said
    assert "2 pending" in said and f"aesweep resume {tmp_path}" in said and "Traceback" not in said
    assert list((tmp_path / "store" / "progress").iterdir()) == []
