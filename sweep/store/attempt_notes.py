"""What an attempt notes of itself: when it starts (`start.json`) and how it ended without a commit (`end.json`)."""

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime

from aesweep.sweep.store.layout import attempt_folder
from aesweep.sweep.store.records import EndRecord, How, StartRecord
from aesweep.sweep.store.store import Stage, Store

CHECKPOINT = "checkpoint.pt"
START = "start.json"
END = "end.json"


def new_start(driver: str, on_this_machine: bool = True) -> StartRecord:
    """The note of an attempt that begins now, in this process or where Ray decides."""
    node, pid = (socket.gethostname(), os.getpid()) if on_this_machine else ("", 0)
    return StartRecord(driver=driver, node=node, pid=pid, time=datetime.now(UTC).isoformat())


def write_start(store: Store, key: str, attempt: str, start: StartRecord) -> None:
    """The attempt begins, or knows where it resumes training."""
    store.records.write(f"{attempt_folder(key, attempt)}/{START}", start)


def write_end(store: Store, key: str, attempt: str, how: How, reason: str = "", share: float = 0.0) -> None:
    """The attempt ended without commit and without failure; `share` is the part of a GPU that it held."""
    end = EndRecord(how=how, reason=reason, share=share, time=datetime.now(UTC).isoformat())
    store.records.write(f"{attempt_folder(key, attempt)}/{END}", end)


def read_start(store: Store, key: str, attempt: str) -> StartRecord | None:
    """What the attempt wrote when it began; None where that is missing or damaged."""
    return store.records.read(f"{attempt_folder(key, attempt)}/{START}", StartRecord)


def read_end(store: Store, key: str, attempt: str) -> EndRecord | None:
    """How the attempt ended; None for one that runs, has a record of its own, or died with its driver."""
    return store.records.read(f"{attempt_folder(key, attempt)}/{END}", EndRecord)


def newest_of(store: Store, key: str, driver: str, stage: Stage, evaluation: str = "") -> str | None:
    """The newest attempt that this driver started."""
    for attempt in reversed(store.attempts.of(key, stage, evaluation)):
        start = read_start(store, key, attempt)
        if start is not None and start.driver == driver:
            return attempt
    return None


def memory_lacked(store: Store, key: str, stage: Stage = "train", evaluation: str = "") -> tuple[float, bool]:
    """How much of a GPU was too little for the trial, and whether that was since its last failure.

    The largest share that was too small; 0 where none was, or an evaluation's, which is never larger. A lack of memory
    since the last failure makes the next one a failure.
    """
    ends = {attempt: read_end(store, key, attempt) for attempt in store.attempts.of(key, stage, evaluation)}
    lacked = {attempt: end.share for attempt, end in ends.items() if end and end.how == "out of memory"}
    if not lacked:
        return 0.0, False
    return max(lacked.values()), any(a in lacked for a in since_last_failure(store, key, stage, evaluation))


def since_last_failure(store: Store, key: str, stage: Stage, evaluation: str = "") -> Iterable[str]:
    """Attempts, newest first, down to the last one that has a failure record (left out)."""
    failed = {failure.attempt for failure in store.attempts.failures(key)}
    for attempt in reversed(store.attempts.of(key, stage, evaluation)):
        if attempt in failed:
            return
        yield attempt
