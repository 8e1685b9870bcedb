"""Whether a driver counts as alive: while it is busy, in a container, and when it has gone."""

import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aesweep.sweep.store import drivers as progress_file
from aesweep.sweep.store.drivers import ProgressFile, drivers
from aesweep.sweep.store.records.launches import DriverRecord, LaunchProgress
from aesweep.sweep.store.store import Store, open_store

RUNNING = LaunchProgress(running={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)


def test_a_driver_that_is_busy_with_one_long_thing_counts_as_alive(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not come to write its file, for longer than a file counts; the store gives trouble in between."""
    monkeypatch.setattr(progress_file, "WRITE_EVERY_SECONDS", 0.01)
    file, folder = ProgressFile(store), Path(store.root, "progress")
    file.write(RUNNING, force=True)
    file.keep_fresh()
    first = store.storage.version(file.name)
    wait_until(lambda: store.storage.version(file.name) != first)
    folder.rename(f"{folder}-away")
    folder.write_text("in its place")
    wait_until(lambda: file.driver not in {d.file for d in drivers(store)})
    folder.unlink()
    wait_until(lambda: [d.alive for d in drivers(store)] == [True])
    file.remove()
    assert drivers(store) == []
    assert file._thread is not None and not file._thread.is_alive(), "nobody writes it again"


@pytest.mark.parametrize(
    ("elsewhere", "alive"),
    [({}, False), ({"pid_namespace": "pid:[1]"}, True), ({"boot": "another"}, True), ({"boot": ""}, True)],
)
def test_a_process_id_tells_nothing_in_another_container_or_machine(
    store: Store, elsewhere: dict[str, str], alive: bool
) -> None:
    """Host names of containers may be alike; a driver there is not dead because its number is nobody's here."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    file = ProgressFile(store)
    file.write(RUNNING, force=True)
    said = store.records.read(file.name, DriverRecord)
    assert said is not None
    store.records.write(file.name, said.model_copy(update={"pid": gone.pid, **elsewhere}))
    assert [driver.alive for driver in drivers(store)] == [alive]
