"""The sign of life of an attempt, as its worker gives it.

A training beats where it trains, after its steps: so that a GPU that hangs is told from one that computes. What may take long
without a step (loading data, the stages of an evaluation) beats from a thread, as long as the working thread uses the
processor: one that only waits, for a file or a lock, gives no sign of life.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import ray

from aesweep.cluster.scoped import in_background
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.beats import beat_name
from aesweep.sweep.store.records.attempts import BeatRecord, StartRecord
from aesweep.sweep.store.store import Store


class Pulse:
    """Signs of life of one attempt; gives none where no driver waits for them."""

    def __init__(self, store: Store, execution: ExecutionConfig, driver: str, key: str, attempt: str) -> None:
        self._store, self._every = store, execution.beat_seconds
        self._name = beat_name(driver, key, attempt) if driver.endswith(".json") else ""
        node = ray.get_runtime_context().get_node_id() if self._name and ray.is_initialized() else ""
        self._record = BeatRecord(node=node, pid=os.getpid())
        self._last = 0.0
        self.beat()

    def beat(self) -> None:
        """Give a sign of life, if the last one is old enough."""
        now = time.monotonic()
        if self._name and (not self._last or now - self._last >= self._every):
            self._store.records.write(self._name, self._record)
            self._last = now

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """Signs of life while this thread works inside the `with` block, whatever it does."""
        clock = time.pthread_getcpuclockid(threading.get_ident())
        used = time.clock_gettime(clock)

        def beat_in_time(ended: threading.Event) -> None:
            nonlocal used
            while not ended.wait(self._every):
                before, used = used, time.clock_gettime(clock)
                with suppress(OSError):  # the work itself meets the store's trouble, and tells it
                    if used > before:
                        self.beat()

        with in_background(beat_in_time):
            yield

    def end(self) -> None:
        """Nobody works on the attempt any more."""
        if self._name:
            self._store.storage.remove(self._name)


@dataclass(frozen=True)
class BegunAttempt:
    """An attempt at training that has a name and a sign of life. It begins before torch is loaded, which takes seconds."""

    name: str
    start: StartRecord
    pulse: Pulse


def begin_training(store: Store, execution: ExecutionConfig, driver: str, key: str) -> BegunAttempt:
    """Begin an attempt at training a trial."""
    name, start = store.attempts.new(key, "train"), new_start(driver)
    store.attempts.write_start(key, name, start)
    return BegunAttempt(name, start, Pulse(store, execution, driver, key, name))
