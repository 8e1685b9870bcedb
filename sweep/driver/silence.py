"""Notices attempts that give no sign of life any more, and ends their processes.

Problem: a frozen process (SIGSTOP, a GPU or a file system that does not answer) reports nothing, and its trial "runs" for
ever.
Decision: workers rewrite a small file (sweep/store/beats.py). After a third of `hung_seconds` without a change the driver
says so. After all of it, it writes the attempt's `end.json` and has the process killed by a small task on its machine: a
SIGKILL reaches a stopped process too. What follows is what follows any other death (recovery.py). A worker that was given
a trial and has written no such file yet is silent from then on; a trial that waits for its place is not.
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
from ray._private import state
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.beats import Work, beats, read_beat
from aesweep.sweep.store.layout import PREFIX
from aesweep.sweep.store.store import Store

UNBEGUN = "unbegun"
"""In place of an attempt that has no name yet."""
TRAINING = f"{PREFIX['train']}-"


class Silence:
    """How long each attempt of a driver has given no sign of life."""

    def __init__(self, store: Store, execution: ExecutionConfig, driver: str) -> None:
        self.store, self.driver = store, driver
        self.seconds: dict[Work, float] = {}
        self.hung_seconds = execution.hung_seconds
        self._every = max(execution.beat_seconds / 2, store.storage.look_seconds)
        self._seen: dict[Work, str] = {}
        self._unbegun: dict[str, str] = {}
        """Trial that an actor was given and has not begun -> the actor's id."""
        self._looked = time.monotonic()

    def assigned(self, key: str, actor: str) -> None:
        """A trial was given to an actor that works; the first sign of life of its attempt is to come."""
        self._unbegun[key] = actor
        self._seen.pop((key, UNBEGUN), None)

    def released(self, key: str) -> None:
        """Nobody trains this trial any more."""
        self._unbegun.pop(key, None)

    def look(self) -> tuple[list[Work], list[Work]]:
        """Look, if it is time to: the attempts that have become silent, and those that are silent for too long.

        One that a worker was to begin and has not begun is called `UNBEGUN`.
        """
        now = time.monotonic()
        if now - self._looked < self._every:
            return [], []
        passed, self._looked = min(now - self._looked, 2 * self._every), now
        seen, before = beats(self.store, self.driver), self.seconds
        for key in [key for key, attempt in seen if attempt.startswith(TRAINING)]:
            self._unbegun.pop(key, None)
        seen |= {(key, UNBEGUN): "" for key in self._unbegun}
        self.seconds = {w: before.get(w, 0.0) + passed if v == self._seen.get(w) else 0.0 for w, v in seen.items()}
        self._seen = seen
        third = self.hung_seconds / 3
        begun = [work for work, silent in self.seconds.items() if silent >= third > before.get(work, 0.0)]
        return begun, [work for work, silent in self.seconds.items() if silent >= self.hung_seconds]

    def of(self, key: str) -> float:
        """Seconds since the last sign of life of a trial's training, 0 while it is not remarkable."""
        silent = [s for (k, attempt), s in self.seconds.items() if k == key and attempt.startswith((TRAINING, UNBEGUN))]
        return max((s for s in silent if s >= self.hung_seconds / 3), default=0.0)

    def kill(self, work: Work) -> None:
        """Have the process of an attempt killed. Where that does not succeed, the next look tries again."""
        key, attempt = work
        node, pid = _process_of(self._unbegun.get(key, "")) if attempt == UNBEGUN else self._who_beats(work)
        if node and pid:
            where = NodeAffinitySchedulingStrategy(node, soft=False)
            kill_worker.options(scheduling_strategy=where).remote(pid)

    def _who_beats(self, work: Work) -> tuple[str, int]:
        beat = read_beat(self.store, self.driver, work)
        return (beat.node, beat.pid) if beat is not None else ("", 0)


def _process_of(actor: str) -> tuple[str, int]:
    """Ray node and process of an actor, as Ray's head knows them: a stopped process cannot be asked."""
    found = state.actors(actor) if actor else {}
    return (found["Address"]["NodeID"], found["Pid"]) if found else ("", 0)


@ray.remote(num_cpus=0, max_retries=0)
def kill_worker(pid: int) -> None:
    """Kill a process of this machine, if it is a worker of Ray."""
    with suppress(OSError):
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::"):
            os.kill(pid, signal.SIGKILL)
