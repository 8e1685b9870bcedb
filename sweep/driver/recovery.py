"""What the driver does about a trial whose process ended before it did: again, with more memory, or not again.

Tune is told to retry without limit; the decision is made here, from what the store says of the trial's attempts
(deaths.py), so that it is the same within one launch and across many.
"""

from dataclasses import dataclass, field

from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    RayActorError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.resources import larger_share
from aesweep.cluster.scratch import NoRoomError, full_folder
from aesweep.cluster.watch import Watch
from aesweep.sweep.driver.crash import crashed
from aesweep.sweep.driver.deaths import give_up_if_too_many
from aesweep.sweep.driver.progress import describe_silence
from aesweep.sweep.driver.silence import UNBEGUN
from aesweep.sweep.store.beats import Work, beat_name, read_beat
from aesweep.sweep.store.drivers import living_names
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.storage import OtherStoreError, StorageError
from aesweep.sweep.store.store import Stage, Store

LONGEST_REASON = 300  # characters
LACK_OF_MEMORY = "low on memory"  # in the words of Ray's memory monitor


@dataclass(frozen=True)
class Verdict:
    """What happens to a trial or an evaluation that was lost."""

    again: bool
    why: str
    gpu_share: float | None = None
    """A larger share of a GPU for the next attempt; None for the same."""


@dataclass
class Recovery:
    """Decides for one driver."""

    store: Store
    driver: str
    """Name of its progress file, as `start.json` has it."""
    max_process_deaths: int
    ray: Watch | None = None
    """Whether Ray itself has died, and its processes with it."""
    _judged: set[str] = field(default_factory=set)
    _hung: dict[str, str] = field(default_factory=dict)
    """Attempts that gave no sign of life for too long, and for how long."""
    _hung_unbegun: dict[str, str] = field(default_factory=dict)
    """The same for trials whose worker hung before it began an attempt."""

    def after_training(self, key: str, error: BaseException | None) -> Verdict:
        """The process of a trial ended, with what Tune knows of it. Raises what `after_death` raises."""
        self._require_store(error)
        attempt = self.store.attempts.newest_training(key, self.driver)
        end = self.store.attempts.read_end(key, attempt) if attempt else None
        if (
            attempt is None
            or attempt in self._judged
            or (end and end.how != "out of memory" and attempt not in self._hung)
        ):
            attempt, end = self.store.attempts.new(key, "train"), None  # it died before it could begin
        self._judged.add(attempt)
        if silent := self._hung_unbegun.pop(key, ""):
            self._hung[attempt] = silent
        failure = self.store.attempts.open_failure(key, "train")
        if failure is not None and failure.attempt == attempt:
            return Verdict(False, failure.reason)
        if end and attempt not in self._hung:
            share = larger_share(end.share)
            return Verdict(True, f"too little GPU memory; it is tried again with {share:g} of a GPU", share)
        return self.after_death(key, attempt, "train", "", error)

    def end_hung(self, work: Work, seconds: float) -> None:
        """Write the end of an attempt that gives no sign of life, once, before its process is killed."""
        key, attempt = work
        if attempt == UNBEGUN:  # there is nothing to end yet, and what its process may still begin dies with it
            self._hung_unbegun[key] = describe_silence(seconds)
            return
        if attempt in self._hung:
            return
        self._hung[attempt] = describe_silence(seconds)
        self.store.attempts.write_end(key, attempt, "machine died", self._hung[attempt])

    def after_death(
        self, key: str, attempt: str, stage: Stage, evaluation: str, error: BaseException | None
    ) -> Verdict:
        """The process of an attempt died: record it, and give the trial up when that happened too often.

        Raises the `StorageError` that ended it, where the store is a folder: that one is full, read-only or gone for all,
        and trials that were begun again and again would fail for no fault of theirs. The same holds for a machine that sees
        another store at this address, or none, for a temporary folder without room (`NoRoomError`) and for a Ray that has
        died (`RayDiedError`).
        """
        self._require_store(error)
        trouble = cause_of(error)
        if full := trouble if isinstance(trouble, NoRoomError) else full_folder():
            raise full from error
        if self.ray is not None:
            self.ray.require()
        hung = self._hung.get(attempt, "")
        how: How = "machine died" if hung else how_it_died(error)
        if how == "died" and (
            _never_began(error)
            or (_ended_unseen(error) and not crashed(read_beat(self.store, self.driver, (key, attempt))))
        ):
            how = "killed"
        self.store.attempts.write_end(key, attempt, how, hung or describe(error))
        self.store.storage.remove(beat_name(self.driver, key, attempt))
        living = living_names(self.store) | {self.driver}
        found = give_up_if_too_many(self.store, key, stage, evaluation, self.max_process_deaths, living)
        if found.are_too_many(self.max_process_deaths):
            return Verdict(False, f"ProcessDiedError: {found.describe()}")
        if hung:
            return Verdict(True, hung)
        machine = {"preempted": "its machine was preempted", "machine died": "its machine died or cannot be reached"}
        return Verdict(True, machine.get(how, found.describe()))

    def _require_store(self, error: BaseException | None) -> None:
        trouble = cause_of(error)
        on_a_path = self.store.storage.folder is not None
        if isinstance(trouble, OtherStoreError) or (isinstance(trouble, StorageError) and on_a_path):
            raise trouble


def how_it_died(error: BaseException | None) -> How:
    """Whether the process died alone, with its machine, or after a notice to the machine.

    Of a process that dies alone its machine's Ray reports the end; where nobody reports, an actor is `unavailable` first.
    """
    if isinstance(error, RayActorError) and (error.preempted or "node was terminated expectedly" in str(error)):
        return "preempted"
    node_died = isinstance(error, RayActorError) and any(
        words in str(error) for words in ("node has died", "node has crashed")
    )
    cut_off = isinstance(cause_of(error), StorageError)  # it could not reach the store
    return (
        "machine died" if node_died or cut_off or isinstance(error, NodeDiedError | ActorUnavailableError) else "died"
    )


def _never_began(error: BaseException | None) -> bool:
    """Whether a process could not begin its work, as without its code: what fails in the work itself has a record."""
    return error is not None and not isinstance(cause_of(error), RayError)


def _ended_unseen(error: BaseException | None) -> bool:
    """Whether Ray knows no more than that the process is gone."""
    return isinstance(error, RayActorError | WorkerCrashedError) and LACK_OF_MEMORY not in str(error)


def describe(error: BaseException | None) -> str:
    """The telling part of Ray's many lines."""
    lines = [line for line in str(error or "").splitlines() if line and not line.startswith(("\t", " "))]
    telling = lines[1:] if isinstance(error, RayActorError) and len(lines) > 1 else lines[-1:]
    if lines and LACK_OF_MEMORY in lines[0]:  # Ray's memory monitor, with pages of counts and advice below
        telling = lines[:1]
    text = " ".join(" ".join(telling).partition("Some common causes")[0].split())
    if error is not None and not isinstance(error, RayError | StorageError | ClusterError):
        text = f"{type(error).__name__}: {text}"  # whatever else a process met before its work began
    return text[:LONGEST_REASON]


def cause_of(error: BaseException | None) -> BaseException | None:
    """What a task raised, or Ray's own error, without the layers that Ray wraps around it."""
    while isinstance(error, RayTaskError) and error.cause is not None:
        error = error.cause
    return error
