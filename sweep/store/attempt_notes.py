"""What an attempt notes of itself: when it starts (`start.json`) and how it ended without a commit (`end.json`)."""

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from aesweep.sweep.store.layout import attempt_folder
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Stage, Store

CHECKPOINT = "checkpoint.pt"


START = "start.json"


END = "end.json"


How = Literal["died", "machine died", "preempted", "stopped", "out of memory"]
"""How an attempt ended without a record of its own."""


def write_start(store: Store, key: str, attempt: str, driver: str, **place: Any) -> None:
    """The attempt begins, or knows its `place`: the epoch and step that it goes on from."""
    about = {"driver": driver, "node": socket.gethostname(), "pid": os.getpid(), "time": datetime.now(UTC).isoformat()}
    store.write_file(key, attempt, START, to_json_bytes({**about, **place}))


def write_end(store: Store, key: str, attempt: str, how: How, reason: str = "", share: float = 0.0) -> None:
    """The attempt ended without commit and without failure; `share` is the part of a GPU that it held."""
    about = {"how": how, "reason": reason, "share": share, "time": datetime.now(UTC).isoformat()}
    store.write_file(key, attempt, END, to_json_bytes(about))


def read_start(store: Store, key: str, attempt: str) -> dict[str, Any]:
    """What the attempt wrote when it began; empty where that is missing or damaged."""
    return store.read_json(f"{attempt_folder(key, attempt)}/{START}", _is_start) or {}


def read_end(store: Store, key: str, attempt: str) -> dict[str, Any]:
    """How the attempt ended; empty for one that runs, has a record of its own, or died with its driver."""
    return store.read_json(f"{attempt_folder(key, attempt)}/{END}", _is_end) or {}


def newest_of(store: Store, key: str, driver: str, stage: Stage, evaluation: str = "") -> str | None:
    """The newest attempt that this driver started."""
    attempts = reversed(store.attempts(key, stage, evaluation))
    return next((a for a in attempts if read_start(store, key, a).get("driver") == driver), None)


def memory_lacked(store: Store, key: str, stage: Stage = "train", evaluation: str = "") -> tuple[float, bool]:
    """Largest share of a GPU that was too small for the trial (0: none was, or an evaluation's, which is never larger), and
    whether that was since its last failure, so that the next lack of memory is one.
    """
    attempts = store.attempts(key, stage, evaluation)
    ends = {attempt: read_end(store, key, attempt) for attempt in attempts}
    lacked = {attempt: end["share"] for attempt, end in ends.items() if end.get("how") == "out of memory"}
    if not lacked:
        return 0.0, False
    return max(lacked.values()), any(a in lacked for a in _since_last_failure(store, key, stage, evaluation))


def _since_last_failure(store: Store, key: str, stage: Stage, evaluation: str = "") -> Iterable[str]:
    """Attempts, newest first, down to the last one that has a failure record (left out)."""
    failed = {failure["attempt"] for failure in store.failures(key)}
    for attempt in reversed(store.attempts(key, stage, evaluation)):
        if attempt in failed:
            return
        yield attempt


def _is_start(value: dict[str, Any]) -> bool:
    return all(isinstance(value.get(name), str) for name in ("driver", "node"))


def _is_end(value: dict[str, Any]) -> bool:
    return value.get("how") in get_args(How) and isinstance(value.get("reason"), str) and _is_share(value.get("share"))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
