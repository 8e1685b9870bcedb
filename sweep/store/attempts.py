"""The attempts at a trial: the files that each one writes into its own folder, how it began, ended or failed.

Attempts are numbered, not dated: the newest is the one with the highest number, whatever the clocks of the nodes say.
A trial has failed when its newest attempt has a failure record; starting another attempt makes it unfinished again.
"""

import os
import socket
import traceback
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from aesweep.models.errors import InputError
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.store.beneath import MOST_OTHER_BYTES
from aesweep.sweep.store.layout import (
    END,
    PREFIX,
    START,
    Stage,
    attempt_folder,
    attempt_number,
    attempts_of,
    commit_name,
    epochs_name,
    pruned_name,
)
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records.attempts import EndRecord, EpochsRecord, FailureRecord, PrunedAttempts, StartRecord
from aesweep.sweep.store.records.commits import FileRecord, file_record
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.records.record import parse_fields, parse_record
from aesweep.sweep.store.storage import ASIDE

TRACEBACK_LINES = 20
MOST_EPOCHS = 10_000  # of an unfinished training that others see


class DamagedFileError(InputError):
    """A file is not the one that its commit names."""


@dataclass(frozen=True)
class Attempts:
    """`trials/<key>/attempts/<id>/` and `trials/<key>/failures/`."""

    records: Records

    def of(self, key: str, stage: Stage, evaluation: str = "") -> list[str]:
        """Attempts at training a trial, or at one evaluation of it, oldest first; without those that were pruned."""
        return attempts_of(self.records.storage.names(f"trials/{key}/attempts"), stage, evaluation)

    def new(self, key: str, stage: Stage, evaluation: str = "") -> str:
        """Start an attempt: make its folder and return its id, numbered after all attempts so far, pruned ones too."""
        number = 1 + max(map(attempt_number, self._all(key, stage)), default=0)
        words = [PREFIX[stage], f"{number:04d}", *([evaluation] if evaluation else []), uuid.uuid4().hex[:6]]
        attempt = "-".join(words)
        self.records.storage.make_folder(attempt_folder(key, attempt))
        return attempt

    def count(self, key: str, stage: Stage) -> int:
        """How often this stage was begun, attempts that were pruned included."""
        return len(self._all(key, stage))

    def note_pruned(self, key: str, attempts: Iterable[str]) -> None:
        """Remember that these attempts were made; called before their files are removed."""
        name, storage = pruned_name(key), self.records.storage
        while missing := set(attempts) - (before := self.pruned(key)):
            data = PrunedAttempts(attempts=tuple(sorted(before | missing))).to_bytes()
            found = storage.read(name)
            if found is None:
                storage.commit(name, data)
            elif self._pruned_in(found) == before:
                storage.replace(name, found, data)

    def _all(self, key: str, stage: Stage) -> set[str]:
        return {*self.of(key, stage), *attempts_of(self.pruned(key), stage)}

    def _pruned_in(self, data: bytes) -> set[str]:
        """The names in a note; none where that is damaged."""
        pruned = parse_record(PrunedAttempts, data)
        return set(pruned.attempts) if pruned else set()

    def pruned(self, key: str) -> set[str]:
        """Attempts of a trial whose files `prune` removed, or is about to."""
        name = pruned_name(key)
        data = self.records.storage.read(name) if self.records.storage.exists(name) else None
        return self._pruned_in(data) if data is not None else set()

    def write_file(self, key: str, attempt: str, name: str, data: bytes) -> FileRecord:
        """Write one file of an attempt; what its commit will say of it."""
        self.records.storage.write(f"{attempt_folder(key, attempt)}/{name}", data)
        return file_record(data)

    def share_file(self, key: str, attempt: str, name: str, data: bytes, owner: str) -> bool:
        """Give a file of the attempt `owner`, if it holds `data`, to another attempt too; False where that cannot be."""
        mine, other = (f"{attempt_folder(key, one)}/{name}" for one in (attempt, owner))
        return self.records.storage.share(mine, other, data)

    def read_file(
        self, key: str, attempt: str, name: str, record: FileRecord | None, most: int = MOST_OTHER_BYTES
    ) -> bytes:
        """Read one file of an attempt and check it. Raises `DamagedFileError` when it is not the recorded one.

        So does one of more bytes than `most`: whoever writes a file may record it too.
        """
        path = f"{attempt_folder(key, attempt)}/{name}"
        fits = self.records.has_full_length(path, record) and record is not None and record.bytes <= most
        data = self.records.storage.read(path) if fits else None  # another one is not read: it may fill the memory
        if data is None or file_record(data) != record:
            remedy = (
                "It is missing or damaged: its SHA-256 is not the committed one. `aesweep resume STORE` makes it again."
            )
            raise DamagedFileError("file", self.records.storage.place(path), remedy)
        return data

    def write_epochs(self, key: str, attempt: str, history: Iterable[EpochRecord]) -> None:
        """Let others see the epochs of a training that is not committed yet: the last `MOST_EPOCHS` of them."""
        record = EpochsRecord(attempt=attempt, history=tuple(history)[-MOST_EPOCHS:])
        self.records.write(epochs_name(key), record)

    def read_epochs(self, key: str) -> tuple[EpochRecord, ...]:
        """The epochs of a training that is not committed yet, as of some seconds ago. They are no result."""
        if not self.records.storage.exists(epochs_name(key)):
            return ()
        found = self.records.read(epochs_name(key), EpochsRecord)
        return found.history if found else ()

    def remove_epochs(self, key: str) -> None:
        """The training is committed, with its history."""
        self.records.storage.remove(epochs_name(key))

    def write_start(self, key: str, attempt: str, start: StartRecord) -> None:
        """The attempt begins, or knows where it resumes training."""
        self.records.write(f"{attempt_folder(key, attempt)}/{START}", start)

    def write_end(self, key: str, attempt: str, how: How, reason: str = "", share: float = 0.0) -> None:
        """The attempt ended without commit and without failure; `share` is the part of a GPU that it held."""
        end = EndRecord(how=how, reason=reason, share=share, time=datetime.now(UTC).isoformat())
        self.records.write(f"{attempt_folder(key, attempt)}/{END}", end)

    def read_start(self, key: str, attempt: str) -> StartRecord | None:
        """What the attempt wrote when it began; None where that is missing or damaged."""
        return self.records.read(f"{attempt_folder(key, attempt)}/{START}", StartRecord)

    def read_end(self, key: str, attempt: str) -> EndRecord | None:
        """How the attempt ended; None for one that runs, has a record of its own, or died with its driver."""
        return self.records.read(f"{attempt_folder(key, attempt)}/{END}", EndRecord)

    def newest_training(self, key: str, driver: str) -> str | None:
        """The newest attempt at training that this driver started."""
        for attempt in reversed(self.of(key, "train")):
            start = self.read_start(key, attempt)
            if start is not None and start.driver == driver:
                return attempt
        return None

    def memory_lacked(self, key: str, stage: Stage = "train", evaluation: str = "") -> tuple[float, bool]:
        """How much of a GPU was too little for the trial, and whether that was since its last failure.

        The largest share that was too small; 0 where none was, or an evaluation's, which is never larger. A lack of
        memory since the last failure makes the next one a failure.
        """
        ends = {attempt: self.read_end(key, attempt) for attempt in self.of(key, stage, evaluation)}
        lacked = {attempt: end.share for attempt, end in ends.items() if end and end.how == "out of memory"}
        if not lacked:
            return 0.0, False
        return max(lacked.values()), any(a in lacked for a in self.since_last_failure(key, stage, evaluation))

    def since_last_failure(self, key: str, stage: Stage, evaluation: str = "") -> Iterable[str]:
        """Attempts, newest first, down to the last one that has a failure record (left out)."""
        failed = {failure.attempt for failure in self.failures(key)}
        return takewhile(lambda attempt: attempt not in failed, reversed(self.of(key, stage, evaluation)))

    def of_damaged_commits(self, key: str, stage: Stage, evaluation: str = "") -> set[str]:
        """Attempts whose commits were set aside and no longer count; the damaged files are kept (docs/store.md)."""
        folder, _, last = commit_name(key, stage, evaluation).rpartition("/")
        storage = self.records.storage
        kept = [name for name in storage.names(folder) if name.startswith(f"{last}{ASIDE}")]
        found = [parse_fields(storage.read(f"{folder}/{name}") or b"").get("attempt") for name in kept]
        return {attempt for attempt in found if isinstance(attempt, str)}

    def record_failure(
        self, key: str, attempt: str, stage: Stage, error: BaseException, evaluation: str = "", node: str = ""
    ) -> FailureRecord:
        """Record that an attempt failed, with the reason."""
        lines = "".join(traceback.format_exception(error)).splitlines()
        failure = FailureRecord(
            key=key,
            attempt=attempt,
            stage=stage,
            evaluation=evaluation,
            type=type(error).__name__,
            message=str(error).encode(errors="backslashreplace").decode(),  # file names may hold other bytes
            traceback="\n".join(lines[-TRACEBACK_LINES:]).encode(errors="backslashreplace").decode(),
            node=node or socket.gethostname(),
            time=datetime.now(UTC).isoformat(),
        )
        self.write_failure(failure)
        return failure

    def write_failure(self, failure: FailureRecord) -> None:
        """Keep the record of a failure."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}.json"
        self.records.write(f"trials/{failure.key}/failures/{name}", failure)

    def failures(self, key: str) -> list[FailureRecord]:
        """Every recorded failure of a trial, oldest first within each stage."""
        folder = f"trials/{key}/failures"
        names = [f"{folder}/{name}" for name in self.records.storage.names(folder) if name.endswith(".json")]
        return sorted((f for name in names if (f := self.records.read_commit(name, FailureRecord))), key=_order)

    def open_failure(self, key: str, stage: Stage, evaluation: str = "") -> FailureRecord | None:
        """The failure of the newest attempt at this stage, None when that attempt did not fail."""
        attempts = self.of(key, stage, evaluation)
        if not attempts:  # most trials of a plan
            return None
        return next((f for f in reversed(self.failures(key)) if f.attempt == attempts[-1]), None)


def new_start(driver: str, on_this_machine: bool = True) -> StartRecord:
    """The note of an attempt that begins now, in this process or where Ray decides."""
    node, pid = (socket.gethostname(), os.getpid()) if on_this_machine else ("", 0)
    return StartRecord(driver=driver, node=node, pid=pid, time=datetime.now(UTC).isoformat())


def _order(failure: FailureRecord) -> tuple[bool, int, str]:
    """By stage and number of the attempt: clocks jump, and differ between machines."""
    attempt = failure.attempt
    number = attempt_number(attempt) if attempts_of([attempt], "train") or attempts_of([attempt], "evaluate") else 0
    return failure.stage != "train", number, failure.time
