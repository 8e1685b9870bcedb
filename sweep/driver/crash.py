"""Whether a worker's process crashed by itself, or somebody ended it.

Problem: Ray reports a segmentation fault and a SIGKILL in the same words. A trial that crashes its process will crash the next
one too; one whose process was killed (by a person, a supervisor, the system for lack of memory) may well be innocent.
Decision: whoever crashes says so: Ray's handler of fatal signals writes a line to the worker's log, and Python's a traceback.
So the driver looks into that log, on the worker's machine. Who gave no sign of life yet, and so had not begun, did not crash.
Consequence: a crash counts in full, and every other end of a process a quarter (deaths.py).
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aesweep.sweep.store.records.attempts import BeatRecord

SIGNS = (b"*** SIG", b"Fatal Python error")
WAIT_SECONDS = 5.0  # for the other machine; the driver's loop waits too
LONGEST_LOG = 16 * 2**20  # bytes from its end; a crash stands last


def crashed(beat: BeatRecord | None) -> bool:
    """Whether the process that gave this sign of life has crashed. False too where its machine does not answer."""
    if beat is None or not beat.node:
        return False
    if beat.node == ray.get_runtime_context().get_node_id():
        return says_that_it_crashed(beat.pid)
    where = NodeAffinitySchedulingStrategy(beat.node, soft=False)
    answer = look_for_crash.options(scheduling_strategy=where).remote(beat.pid)
    try:
        return bool(ray.get(answer, timeout=WAIT_SECONDS))
    except ray.exceptions.RayError:  # no answer in time is one too
        ray.cancel(answer, force=True)
        return False


@ray.remote(num_cpus=0, max_retries=0)
def look_for_crash(pid: int) -> bool:
    """The same, asked on the machine of the process."""
    return says_that_it_crashed(pid)


def says_that_it_crashed(pid: int) -> bool:
    """Whether the log of a worker of this machine's Ray ends with a crash."""
    node: Any = ray._private.worker._global_node
    for log in Path(node.get_logs_dir_path()).glob(f"worker-*-{pid}.err"):
        with suppress(OSError), log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LONGEST_LOG))
            words = file.read()
            if any(sign in words for sign in SIGNS):
                return True
    return False
