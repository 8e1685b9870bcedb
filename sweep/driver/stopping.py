"""A request to stop: a signal, or `aesweep stop STORE`.

Signals are SIGINT (Ctrl-C), SIGTERM, SIGUSR1 (Slurm's notice of a preemption) and SIGHUP (the terminal is gone).

Problem: a sweep must be able to end at any moment without losing more than a step, on every machine that trains for it.
Decision: the request is a file next to the driver's progress file. Trials look for it inside the running epoch, write a
checkpoint and end; the driver starts nothing new, waits `GRACE_SECONDS` for them, and folds the tables. A signal sets a
flag alone, since it may interrupt anything; the driver's next turn writes the file. A second signal stops at once.
Consequence: signals and the verb do the same, and `aesweep resume STORE` continues from exactly there.
"""

import signal
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

from aesweep.sweep.store.drivers import Driver, living_drivers, living_names
from aesweep.sweep.store.store import Store

GRACE_SECONDS = 30.0  # for a step and a checkpoint; a preemption notice is seldom shorter
LOOK_EVERY_SECONDS = 1.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


class StopRequest:
    """Whether this driver was asked to stop, and since when."""

    def __init__(self, store: Store, progress_file: str) -> None:
        self.store = store
        self.file = stop_file(progress_file)
        """Name in the store of the file that says so."""
        self.asked = False
        self.at_once = False
        self._told = False
        self._ignored: list[signal.Signals] = []
        self._asked_at = self._looked_at = 0.0

    @property
    def grace_is_over(self) -> bool:
        """Whether those who were asked to end have had their time."""
        return self.at_once or (self.asked and time.monotonic() - self._asked_at > GRACE_SECONDS)

    def look(self) -> bool:
        """Called often by the driver: look for the file, and pass a signal on to the trials. True once, for a new request."""
        now = time.monotonic()
        if not self.asked and now - self._looked_at >= max(LOOK_EVERY_SECONDS, self.store.storage.look_seconds):
            self._looked_at = now
            if self.store.storage.exists(self.file):
                self.ask()
        if not self.asked or self._told:
            return False
        self.store.storage.write(self.file, b"")
        self._told = True
        return True

    def ask(self) -> None:
        """Somebody saw the request, before the driver looked for it."""
        if not self.asked:
            self._asked_at = time.monotonic()
            self.asked = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the `with` block signals are requests. From another thread than the main one only the file is."""
        here = threading.current_thread() is threading.main_thread()
        before = {number: signal.getsignal(number) for number in SIGNALS if here}
        self._ignored = [number for number, handler in before.items() if handler is signal.SIG_IGN]
        self.install()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.store.storage.remove(self.file)

    def install(self) -> None:
        """Take the signals; again after Tune, which takes one for itself."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number not in self._ignored:  # `nohup aesweep …` outlives its terminal
                    signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.at_once = True
            raise KeyboardInterrupt
        self.ask()


def stop_file(progress_file: str) -> str:
    """Name of the file that asks the driver with this progress file to stop."""
    return progress_file.removesuffix(".json") + ".stop"


def ask_drivers_to_stop(store: Store) -> list[Driver]:
    """Ask every living driver of a store to stop; those drivers."""
    alive = living_drivers(store)
    for driver in alive:
        store.storage.write(stop_file(f"progress/{driver.file}"), b"")
    return alive


def wait_for_end(store: Store, files: Collection[str], timeout: float) -> set[str]:
    """Wait until the drivers with these progress files have ended; those that have not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while left := living_names(store) & set(files):
        if time.monotonic() >= deadline:
            return left
        time.sleep(LOOK_EVERY_SECONDS / 2)
    return set()
