"""How attempts begin and end, and when a trial whose attempts keep dying is given up.

    attempts/<id>/start.json   written by the attempt: its driver, its machine, and where it went on from
                  end.json     how it ended, where neither a commit nor a failure record says so

Problem: a process can die with its trial (a segmentation fault, memory) or for no fault of it (a lost machine, a killed
driver), and a dead process writes nothing.
Decision: a driver that sees an attempt die writes its `end.json`. An attempt without any end died together with its
driver. Only deaths in a row count, since the last attempt that wrote a checkpoint: whoever gets further, however slowly,
is tried again without limit. `max_process_deaths` deaths of the process alone, or `TOGETHER` times as many in which the
machine or the driver went too, become a failure; announced preemptions, stops and the first lack of GPU memory do not
count.
Consequence: a trial that kills its process costs some attempts, one that kills its machine some more, and a trial whose
driver was killed a few times in its first second is innocent. Both counts live in the store, so that relaunches continue
them; `--retry-failed` begins anew.
"""

import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sweep.layout import attempt_folder
from sweep.progress_file import drivers
from sweep.storage import to_json_bytes
from sweep.store import Stage, Store

CHECKPOINT = "checkpoint.pt"
START = "start.json"
END = "end.json"
TOGETHER = 4  # deaths of machine or driver weigh a quarter: 12 in a row by default

How = Literal["died", "machine died", "preempted", "stopped", "out of memory"]
"""How an attempt ended without a record of its own."""


class ProcessDiedError(RuntimeError):
    """The process of a trial died again and again, and none of its attempts got further."""


@dataclass(frozen=True)
class Deaths:
    """Deaths of one trial's attempts in a row, none of which got further."""

    alone: int = 0
    """The process died, its driver and its machine did not."""
    together: int = 0
    """The machine or the driver went too."""
    nodes: tuple[str, ...] = ()
    reason: str = ""
    """What is known of the newest."""

    @property
    def count(self) -> int:
        """All of them."""
        return self.alone + self.together

    def are_too_many(self, most: int) -> bool:
        """Whether the trial is given up; `most` is `max_process_deaths`."""
        return self.alone >= most or self.count >= TOGETHER * most

    def describe(self) -> str:
        """For instance `its process died 3 times in a row without getting further (on gpu-07; killed by signal 9)`."""
        where = f"on {', '.join(self.nodes)}" if self.nodes else ""
        known = "; ".join(part for part in (where, self.reason) if part)
        times = "once" if self.count == 1 else f"{self.count} times in a row"
        what = f"its process died {times} without getting further" if self.count else "its process died"
        return what + (f" ({known})" if known else "")


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


def deaths(store: Store, key: str, stage: Stage, evaluation: str = "", living: Collection[str] = ()) -> Deaths:
    """Deaths in a row up to now. Attempts of the drivers in `living` that have no end are at work."""
    alone, together, nodes, reason = 0, 0, [], ""
    for attempt in _since_last_failure(store, key, stage, evaluation):
        if CHECKPOINT in store.storage.names(attempt_folder(key, attempt)):
            break
        start, end = read_start(store, key, attempt), read_end(store, key, attempt)
        if end.get("how", "died") not in ("died", "machine died") or (not end and start.get("driver") in living):
            continue
        if end.get("how") == "died":
            alone += 1
        else:
            together += 1
        nodes.append(start.get("node", ""))
        reason = reason or end.get("reason", "" if end else "its driver ended with it")
    return Deaths(alone, together, tuple(sorted(set(filter(None, nodes)))), reason)


def record_deaths(store: Store, keys: Iterable[str], evaluation: str, most: int) -> None:
    """Turn too many deaths into failures, before a launch decides what to run. Done and failed trials are left alone."""
    store, living = store.listed(), living_drivers(store)

    def judge(key: str) -> None:
        stage, which = open_stage(store, key, evaluation)
        if stage is not None and store.open_failure(key, stage, which) is None:
            give_up_if_too_many(store, key, stage, which, most, living)

    store.storage.map(judge, keys)


def open_stage(store: Store, key: str, evaluation: str) -> tuple[Stage | None, str]:
    """The stage that a trial lacks, with its evaluation's id where that is the stage; None for a trial that is done."""
    if not store.has_training(key):
        return "train", ""
    return (None, "") if store.has_scores(key, evaluation) else ("evaluate", evaluation)


def give_up_if_too_many(
    store: Store, key: str, stage: Stage, evaluation: str, most: int, living: Collection[str] = ()
) -> Deaths:
    """Record a failure of the newest attempt where its trial died too often; the deaths."""
    found = deaths(store, key, stage, evaluation, living)
    if found.are_too_many(most):
        newest = store.attempts(key, stage, evaluation)[-1]
        remedy = "Look at the memory and the system log of its machine; see docs/operations.md, When something dies."
        error = ProcessDiedError(f"{found.describe()}. {remedy}")
        store.record_failure(key, newest, stage, error, evaluation, node=", ".join(found.nodes))
    return found


def memory_lacked(store: Store, key: str, stage: Stage = "train", evaluation: str = "") -> tuple[float, bool]:
    """Largest share of a GPU that was too small for the trial (0: none was, or an evaluation's, which is never larger), and
    whether that was since its last failure, so that the next lack of memory is one."""
    attempts = store.attempts(key, stage, evaluation)
    ends = {attempt: read_end(store, key, attempt) for attempt in attempts}
    lacked = {attempt: end["share"] for attempt, end in ends.items() if end.get("how") == "out of memory"}
    if not lacked:
        return 0.0, False
    return max(lacked.values()), any(a in lacked for a in _since_last_failure(store, key, stage, evaluation))


def living_drivers(store: Store) -> set[str]:
    """Names of the drivers at work, as `start.json` has them."""
    return {driver["file"] for driver in drivers(store) if driver["alive"]}


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
