"""What a running driver says of itself: a small file, replaced every few seconds, so that `status` works from any
machine.

A file older than `STALE_SECONDS` means that its driver is gone; its trials count as pending. A driver may be busy with one
thing for longer (the first fold of many trials, the last tables), so a thread of its own replaces the file meanwhile.
"""

import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from aesweep.models.errors import InputError
from aesweep.sweep.store.records import is_progress
from aesweep.sweep.store.storage import to_json_bytes
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
    _said: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def driver(self) -> str:
        """The driver's name, as attempts record it."""
        return self.name.removeprefix("progress/")

    def write(self, progress: dict[str, Any], force: bool = False) -> None:
        """Replace the file if it is older than `WRITE_EVERY_SECONDS`."""
        with self._lock:
            self._said = progress
            if force or time.monotonic() - self._written >= WRITE_EVERY_SECONDS:
                about = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time(), **_where()}
                self.store.storage.write(self.name, to_json_bytes({**about, **progress}))
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


def drivers(store: Store) -> list[dict[str, Any]]:
    """What every driver said last, with its age in seconds (`age`) and whether it counts as alive (`alive`)."""
    found = []
    for name in (n for n in store.storage.names("progress") if n.endswith(".json")):
        said = store.read_json(f"progress/{name}", is_progress)
        if said is None:
            continue
        age = abs(time.time() - said["time"])  # a time to come is no better: such a driver would live for ever
        found.append({**said, "file": name, "age": age, "alive": age <= STALE_SECONDS and not _is_dead(said)})
    return found


def running_trials(store: Store) -> dict[str, Any]:
    """Trials that a living driver trains now, with their epoch and images per second."""
    return trials_of(drivers(store))


def trials_of(known: list[dict[str, Any]]) -> dict[str, Any]:
    """The same, of drivers that were looked up before."""
    return {key: value for driver in known if driver["alive"] for key, value in driver["running"].items()}


def remove_stale(store: Store) -> None:
    """Remove the files of drivers that are gone, with requests to them, and those that cannot be read."""
    alive = {driver["file"] for driver in drivers(store) if driver["alive"]}
    for name in store.storage.names("progress"):
        if name.endswith((".json", ".stop")) and f"{name.rpartition('.')[0]}.json" not in alive:
            store.storage.remove(f"progress/{name}")


def _is_dead(said: dict[str, Any]) -> bool:
    """Whether the driver ran on this host, its process id means the same here, and its process is gone."""
    if said["host"] != socket.gethostname() or any(said.get(n, here) != here for n, here in _where().items()):
        return False
    try:
        os.kill(said["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@cache
def _where() -> dict[str, str]:
    """Where a process id means something: one namespace (a container has its own) of one start of one machine.

    Two containers may have the same host name. Empty texts where the system does not say; files of an older aesweep have
    none of the two, and are taken for written here.
    """
    boot, namespace = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    return {"boot": boot, "pid_namespace": namespace}
