"""How attempts begin and end, and when a trial whose attempts keep dying is given up.

    attempts/<id>/start.json   written by the attempt: its driver, its machine, and where it went on from
                  end.json     how it ended, where neither a commit nor a failure record says so

Problem: a process can die with its trial (a segmentation fault, memory) or for no fault of it (a lost machine, a killed
driver), and a dead process writes nothing.
Decision: a driver that sees an attempt die writes its `end.json`. An attempt without any end died together with its
driver. Only deaths in a row count, since the last attempt that wrote a checkpoint: whoever gets further, however slowly,
is tried again without limit. `max_process_deaths` crashes of the process (crash.py), or `TOGETHER` times as many ends in which
the machine or the driver went too, somebody killed the process, or it could not begin, become a failure; announced
preemptions, stops and the first lack of GPU memory do not count.
Consequence: a trial that crashes its process costs some attempts, one that takes its machine along some more, and one whose
process or driver was killed a few times in its first second is innocent. Both counts live in the store, so that relaunches
continue them; `--retry-failed` starts the count again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aesweep.sweep.store.drivers import living_names
from aesweep.sweep.store.layout import CHECKPOINT, attempt_folder
from aesweep.sweep.store.store import Stage, Store

TOGETHER = 4  # deaths that are not known to be the trial's own weigh a quarter: 12 in a row by default


class ProcessDiedError(RuntimeError):
    """The process of a trial died again and again, and none of its attempts got further."""


@dataclass(frozen=True)
class Deaths:
    """Deaths of one trial's attempts in a row, none of which got further."""

    alone: int = 0
    """The process crashed, or took too much memory."""
    together: int = 0
    """The machine or the driver went too, somebody killed the process, or it could not begin."""
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


def deaths(store: Store, key: str, stage: Stage, evaluation: str = "", living: Collection[str] = ()) -> Deaths:
    """Deaths in a row up to now. Attempts of the drivers in `living` that have no end are at work."""
    alone, together, nodes, reason = 0, 0, [], ""
    committed = store.attempts.of_damaged_commits(key, stage, evaluation)  # they ended well all the same
    for attempt in store.attempts.since_last_failure(key, stage, evaluation):
        if CHECKPOINT in store.storage.names(attempt_folder(key, attempt)):
            break
        if attempt in committed:
            continue
        start, end = store.attempts.read_start(key, attempt), store.attempts.read_end(key, attempt)
        if end is None and start is not None and start.driver in living:
            continue
        if end is not None and end.how not in ("died", "killed", "machine died"):
            continue
        died_alone = end is not None and end.how == "died"
        alone, together = alone + died_alone, together + (not died_alone)
        nodes.append(start.node if start else "")
        reason = reason or (end.reason if end else "its driver ended with it")
    return Deaths(alone, together, tuple(sorted(set(filter(None, nodes)))), reason)


def record_deaths(store: Store, keys: Iterable[str], evaluation: str, most: int) -> None:
    """Turn too many deaths into failures, before a launch decides what to run. Done and failed trials are left alone."""
    store, living = store.snapshot(), living_names(store)

    def judge(key: str) -> None:
        stage, which = open_stage(store, key, evaluation)
        if stage is not None and store.attempts.open_failure(key, stage, which) is None:
            give_up_if_too_many(store, key, stage, which, most, living)

    store.storage.map(judge, keys)


def open_stage(store: Store, key: str, evaluation: str) -> tuple[Stage | None, str]:
    """The stage that a trial lacks, with its evaluation's id where that is the stage; None for a trial that is done."""
    if not store.commits.has_training(key):
        return "train", ""
    return (None, "") if store.commits.has_scores(key, evaluation) else ("evaluate", evaluation)


def give_up_if_too_many(
    store: Store, key: str, stage: Stage, evaluation: str, most: int, living: Collection[str] = ()
) -> Deaths:
    """Record a failure of the newest attempt where its trial died too often; the deaths."""
    found = deaths(store, key, stage, evaluation, living)
    if found.are_too_many(most):
        newest = store.attempts.of(key, stage, evaluation)[-1]
        remedy = "Look at the memory and the system log of its machine; see docs/operations.md, When something dies."
        error = ProcessDiedError(f"{found.describe()}. {remedy}")
        store.attempts.record_failure(key, newest, stage, error, evaluation, node=", ".join(found.nodes))
    return found
