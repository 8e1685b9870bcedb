"""Notices attempts that give no sign of life any more, and ends their processes.

Problem: a frozen process (SIGSTOP, a GPU or a file system that does not answer) reports nothing, and its trial "runs" for
ever.
Decision: workers rewrite a small file (sweep/store/beats.py). After a third of `hung_seconds` without a change the driver
says so. After all of it, it writes the attempt's `end.json` and has the process killed by a small task on its machine: a
SIGKILL reaches a stopped process too. What follows is what follows any other death (recovery.py).
Consequence: a silent attempt counts as one whose machine died, since it is seldom the trial's fault. Time is counted between
looks and by this process's clock alone: neither other clocks nor a driver that was suspended make anybody silent. A worker
that wakes all the same finds its `end.json` and commits nothing.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.beats import Work, beats, read_beat
from aesweep.sweep.store.store import Store


class Silence:
    """How long each attempt of a driver has given no sign of life."""

    def __init__(self, store: Store, execution: ExecutionConfig, driver: str) -> None:
        self.store, self.driver = store, driver
        self.seconds: dict[Work, float] = {}
        self.hung_seconds = execution.hung_seconds
        self._every = max(execution.beat_seconds / 2, store.storage.look_seconds)
        self._seen: dict[Work, str] = {}
        self._looked = time.monotonic()

    def look(self) -> tuple[list[Work], list[Work]]:
        """Look, if it is time to: the attempts that have become silent, and those that are silent for too long."""
        now = time.monotonic()
        if now - self._looked < self._every:
            return [], []
        passed, self._looked = min(now - self._looked, 2 * self._every), now
        seen, before = beats(self.store, self.driver), self.seconds
        self.seconds = {w: before.get(w, 0.0) + passed if v == self._seen.get(w) else 0.0 for w, v in seen.items()}
        self._seen = seen
        third = self.hung_seconds / 3
        begun = [work for work, silent in self.seconds.items() if silent >= third > before.get(work, 0.0)]
        return begun, [work for work, silent in self.seconds.items() if silent >= self.hung_seconds]

    def of(self, key: str) -> float:
        """Seconds since the last sign of life of a trial's training, 0 while it is not remarkable."""
        silent = [s for (k, attempt), s in self.seconds.items() if k == key and attempt.startswith("train-")]
        return max((s for s in silent if s >= self.hung_seconds / 3), default=0.0)

    def kill(self, work: Work) -> None:
        """Have the process of an attempt killed. Where that does not succeed, the next look tries again."""
        beat = read_beat(self.store, self.driver, work)
        if beat is not None and beat.node:
            where = NodeAffinitySchedulingStrategy(beat.node, soft=False)
            kill_worker.options(scheduling_strategy=where).remote(beat.pid)


@ray.remote(num_cpus=0, max_retries=0)
def kill_worker(pid: int) -> None:
    """Kill a process of this machine, if it is a worker of Ray."""
    with suppress(OSError):
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::"):
            os.kill(pid, signal.SIGKILL)
