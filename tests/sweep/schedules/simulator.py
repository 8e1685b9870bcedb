"""Several processes on one store in memory, in any order of their storage calls; each order is replayed by its number.

The processes are threads that hand on a baton: exactly one runs, and at each call of its storage the schedule decides who
goes on. So the code is the real one, and an order is nothing but a list of choices, which a generator seeded with the
schedule's number makes. A process may also crash before a call, or lose the answer to a call that happened.
"""

import io
import random
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from aesweep.sweep.store.storage import FOLDER, Storage, StorageError, joined

SECONDS = 60.0
Process = Callable[[Storage], object]


class CrashError(BaseException):
    """The process ends here, whatever it was about to do."""


class Schedule:
    """One order of the steps of some processes."""

    def __init__(self, number: int, crashes: float = 0.0, losses: float = 0.0, switches: float = 0.5) -> None:
        """`crashes`, `losses`: chance that a call is the last one of its process, or that its answer is lost."""
        self.random = random.Random(number)
        self.crashes, self.losses, self.switches = crashes, losses, switches
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.versions: dict[str, int] = {}
        self.steps = 0
        self.trace: list[str] = []
        self.after_step: Callable[[str], None] = lambda who: None
        self.errors: list[BaseException] = []
        self._batons: dict[str, threading.Semaphore] = {}
        self._running: list[str] = []
        self._done = threading.Semaphore(0)

    def run(self, processes: dict[str, Process]) -> None:
        """Run them to their ends; raises the first error that is neither a crash nor a storage's."""
        self._batons = {name: threading.Semaphore(0) for name in processes}
        self._running = list(processes)
        threads = [threading.Thread(target=self._live, args=item, daemon=True) for item in processes.items()]
        for thread in threads:
            thread.start()
        self._batons[self.random.choice(self._running)].release()
        assert self._done.acquire(timeout=SECONDS), self.trace
        for thread in threads:
            thread.join(SECONDS)
        if self.errors:
            raise self.errors[0]

    def _live(self, name: str, process: Process) -> None:
        self._batons[name].acquire()
        try:
            process(MemoryStorage(self, name))
        except (CrashError, StorageError):
            self.trace.append(f"{name}: ended")
        except BaseException as error:
            self.errors.append(error)
        self._running.remove(name)
        if self._running:
            self._batons[self.random.choice(self._running)].release()
        else:
            self._done.release()

    def step(self, who: str, what: str) -> None:
        """A call is about to happen: maybe another process goes first, or this one ends."""
        if len(self._running) > 1 and self.random.random() < self.switches:
            chosen = self.random.choice(self._running)
            if chosen != who:
                self._batons[chosen].release()
                self._batons[who].acquire()
        self.steps += 1
        self.trace.append(f"{who}: {what}")
        if self.crashes and self.random.random() < self.crashes:
            raise CrashError

    def happened(self, who: str) -> None:
        """A call changed something."""
        self.after_step(who)
        if self.losses and self.random.random() < self.losses:
            raise StorageError("memory", "The answer was lost.")


class MemoryStorage(Storage):
    """What one process sees of the files; every call is one step, the removal of a folder one for each file."""

    look_seconds = 1.0
    keeps_files_whole = False

    def __init__(self, schedule: Schedule, who: str) -> None:
        self.schedule, self.who = schedule, who
        self.root = "memory"
        self.folder: Path | None = None
        self.files = schedule.files

    def place(self, name: str = "") -> str:
        return name

    def read(self, name: str) -> bytes | None:
        self._step("read", name)
        return self.files.get(name)

    def open(self, name: str) -> BinaryIO | None:
        data = self.read(name)
        return None if data is None else io.BytesIO(data)

    def exists(self, name: str) -> bool:
        self._step("exists", name)
        return name in self.files or name in self._all_folders()

    def version(self, name: str) -> str | None:
        self._step("version", name)
        return self._version(name)

    def names(self, name: str) -> list[str]:
        self._step("names", name)
        start = f"{name}/" if name else ""
        below = [path[len(start) :] for path in (*self.files, *self._all_folders()) if path.startswith(start)]
        return sorted({path.partition("/")[0] for path in below if path})

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        self._step("listing", folder)
        found: dict[str, str] = {}
        for path in (*self.files, *self._all_folders()):
            if path.startswith(f"{folder}/"):
                words = path[len(folder) + 1 :].split("/")
                name = joined(folder, "/".join(words[:depth]))
                if len(words) > depth or (len(words) == depth and path not in self.files):
                    found.setdefault(name, FOLDER)
                elif path in self.files:
                    found[name] = self._version(path) or ""
        return found

    def write(self, name: str, data: bytes) -> None:
        self._step("write", name)
        self._put(name, data)

    def commit(self, name: str, data: bytes) -> bool:
        self._step("commit", name)
        if name in self.files:
            return False
        self._put(name, data)
        return True

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        self._step("replace", name)
        if self.files.get(name) != found:
            return False
        self._put(name, data)
        return True

    def make_folder(self, name: str) -> None:
        self._step("make_folder", name)
        self.schedule.folders.add(name)

    def remove(self, name: str) -> None:
        self._step("remove", name)
        self._put(name, None)

    def remove_folder(self, name: str) -> None:
        for path in sorted(path for path in self.files if path.startswith(f"{name}/")):
            self.remove(path)
        self._step("remove_folder", name)
        self.schedule.folders.discard(name)

    def temporary(self) -> list[str]:
        return []

    def append(self, name: str, text: str) -> bool:
        return False

    def _put(self, name: str, data: bytes | None) -> None:
        if data is None:
            self.files.pop(name, None)
        else:
            self.files[name] = data
            self.schedule.versions[name] = self.schedule.steps
        self.schedule.happened(self.who)

    def _version(self, name: str) -> str | None:
        data = self.files.get(name)
        return None if data is None else f"{len(data)}-{self.schedule.versions.get(name, 0)}"

    def _all_folders(self) -> set[str]:
        found = set(self.schedule.folders)
        for path in [*self.files, *self.schedule.folders]:
            while path := path.rpartition("/")[0]:
                found.add(path)
        return found

    def _step(self, call: str, name: str) -> None:
        self.schedule.step(self.who, f"{call} {name}")


def seeded_uuids(schedule: Schedule) -> Callable[[], uuid.UUID]:
    """`uuid.uuid4` of a schedule, so that the same number gives the same names."""
    numbers: Any = random.Random(schedule.random.random())
    return lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
