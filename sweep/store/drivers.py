"""What a running driver says of itself, so that `status` works from any machine: a small file, replaced often.

A file older than `STALE_SECONDS` means that its driver is gone; its trials count as pending. A driver may be busy with one
thing for longer (the first fold of many trials, the last tables), so a thread of its own replaces the file meanwhile.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from aesweep.models.errors import InputError
from aesweep.sweep.store.records.launches import DriverRecord, LaunchProgress, RunningTrial
from aesweep.sweep.store.store import Store

STALE_SECONDS = 60.0
WRITE_EVERY_SECONDS = 5.0


@dataclass
class ProgressFile:
    """The progress file of this process."""

    store: Store
    name: str = field(
        default_factory=lambda: f"progress/{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}.json"
    )
    _written: float = 0.0
    _said: LaunchProgress = field(default_factory=lambda: LaunchProgress(running={}))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def driver(self) -> str:
        """The driver's name, as attempts record it."""
        return self.name.removeprefix("progress/")

    @property
    def launch(self) -> str:
        """The name of the launch, as commits record it."""
        return launch_of(self.driver)

    def write(self, progress: LaunchProgress, force: bool = False) -> None:
        """Replace the file if it is older than `WRITE_EVERY_SECONDS`."""
        with self._lock:
            self._said = progress
            if force or time.monotonic() - self._written >= WRITE_EVERY_SECONDS:
                self.store.records.write(self.name, _this_driver(progress))
                self._written = time.monotonic()

    def keep_fresh(self) -> None:
        """From now on until `remove` the file is replaced in time also while nobody calls `write`."""
        self._thread = threading.Thread(target=self._replace_in_time, daemon=True)
        self._thread.start()

    def _replace_in_time(self) -> None:
        while not self._ended.wait(WRITE_EVERY_SECONDS):
            with suppress(InputError, OSError):  # the driver meets the store's trouble itself, and tells it
                self.write(self._said)

    def remove(self) -> None:
        """The driver has ended in order."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self.store.storage.remove(self.name)
        for name in self.store.storage.names("progress"):
            if name.startswith(f"{self.driver.removesuffix('.json')}--"):  # signs of life of its workers (beats.py)
                self.store.storage.remove(f"progress/{name}")


@dataclass(frozen=True)
class Driver:
    """A driver as its progress file shows it."""

    file: str
    """Name of the file, which names the driver in the notes of its attempts."""
    said: DriverRecord
    age: float
    """Seconds since the file was written."""
    alive: bool
    """Whether the driver counts as at work."""


def drivers(store: Store) -> list[Driver]:
    """Every driver that has a progress file."""
    found = []
    for name in (n for n in store.storage.names("progress") if n.endswith(".json")):
        said = store.records.read(f"progress/{name}", DriverRecord)
        if said is None:
            continue
        age = abs(time.time() - said.time)  # a time to come is no better: such a driver would live for ever
        found.append(Driver(name, said, age, alive=age <= STALE_SECONDS and not _is_dead(said)))
    return found


def living_drivers(store: Store) -> list[Driver]:
    """The drivers at work."""
    return [driver for driver in drivers(store) if driver.alive]


def require_no_driver(store: Store) -> None:
    """Raise `InputError` while a driver works on the store: it may be writing just the files that are to be removed."""
    for driver in living_drivers(store):
        who = f"{driver.said.host}, process {driver.said.pid}"
        raise InputError("STORE", store.root, f"A driver works on it ({who}). `aesweep stop STORE --wait` ends it.")


def living_names(store: Store) -> set[str]:
    """Names of the drivers at work, as `start.json` has them."""
    return {driver.file for driver in living_drivers(store)}


def running_trials(living: Iterable[Driver]) -> dict[str, RunningTrial]:
    """Trials that these drivers train now, by key."""
    return {key: trial for driver in living for key, trial in driver.said.running.items()}


def remove_stale(store: Store) -> None:
    """Remove the files of drivers that are gone, with requests to them, and those that cannot be read."""
    names = store.storage.names("progress")
    alive = living_names(store)  # looked at after the names: who begins meanwhile is not among these
    for name in names:
        stem, _, kind = name.rpartition(".")
        driver = f"{stem.rsplit('--', 2)[0] if kind == 'alive' else stem}.json"
        if name.endswith((".json", ".stop", ".alive")) and driver not in alive:
            store.storage.remove(f"progress/{name}")


def launch_of(driver: str) -> str:
    """The name of a driver's launch; "" for work without a driver."""
    return "" if driver == "none" else driver.removesuffix(".json")


def _this_driver(progress: LaunchProgress) -> DriverRecord:
    boot, namespace = _where()
    return DriverRecord(
        **dict(progress),
        host=socket.gethostname(),
        pid=os.getpid(),
        time=time.time(),
        boot=boot,
        pid_namespace=namespace,
    )


def _is_dead(said: DriverRecord) -> bool:
    """Whether the driver ran on this host, its process id means the same here, and its process is gone."""
    if said.host != socket.gethostname() or (said.boot, said.pid_namespace) != _where():
        return False
    try:
        os.kill(said.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@cache
def _where() -> tuple[str, str]:
    """Where a process id means something: one start of one machine, and one namespace (a container has its own).

    Two containers may have the same host name. Empty texts where the system does not say.
    """
    boot, namespace = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    return boot, namespace
