"""The record of a sweep: one folder, in which commits are the truth and everything else can be made again.

Readers follow only commits and check hashes, so files of two attempts never mix. layout.py says what is where, and
records/ what each file holds.
"""

import errno
import re
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import absolute
from aesweep.sweep.store.attempts import Attempts, DamagedFileError
from aesweep.sweep.store.commits import Commits
from aesweep.sweep.store.layout import MARK, STORE_FORMAT, Stage
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records.whole_store import StoreMark
from aesweep.sweep.store.storage import Storage, StorageError
from aesweep.sweep.store.trials import Trials

__all__ = ["STORE_FORMAT", "DamagedFileError", "Stage", "Store", "open_storage", "open_store"]

State = Literal["pending", "running", "trained", "done", "failed"]
STATES: tuple[State, ...] = get_args(State)


class TrialState(NamedTuple):
    """What the store says of a trial."""

    state: State = "pending"
    reason: str = ""
    """Why it failed; "" unless it did."""
    failed_stage: Stage | None = None


DONE = TrialState("done")


class Store:
    """One store at a path or URI. `open_store` checks that it is one."""

    def __init__(
        self,
        root: str | Path,
        storage: Storage | None = None,
        records: Records | None = None,
        identity: bytes | None = None,
    ) -> None:
        """`storage` and `records`: those of this root, where they are open. `identity`: as `open_storage` takes it."""
        self.records = records or Records(storage or open_storage(root, MARK, identity))
        self.storage = self.records.storage
        self.root = self.storage.root
        self.trials = Trials(self.records)
        self.attempts = Attempts(self.records)
        self.commits = Commits(self.records)

    @property
    def name(self) -> str:
        """The last part of its address, to name other folders after it."""
        return self.storage.place().rstrip("/").rpartition("/")[2]

    def snapshot(self) -> "Store":
        """The store with its trials listed now, for many questions at once; not for longer than those take."""
        return Store(self.root, records=self.records.with_snapshot())

    def only_looking(self) -> "Store":
        """The store for those who change nothing in it: what is damaged counts as missing and keeps its name."""
        return Store(self.root, records=replace(self.records, only_looks=True))

    def state(self, key: str, evaluation: str, running: Collection[str]) -> TrialState:
        """The state of a trial, as the records say. `running` are the keys that a driver trains now."""
        if self.commits.has_training(key):
            if self.commits.has_scores(key, evaluation):
                return _failed(lost) if (lost := self.commits.lost_files(key, evaluation)) else DONE
            if failure := self.attempts.open_failure(key, "evaluate", evaluation):
                return TrialState("failed", f"evaluation failed: {failure.reason}", "evaluate")
            return TrialState("trained")
        if failure := self.attempts.open_failure(key, "train"):
            return TrialState("failed", f"training failed: {failure.reason}", "train")
        return TrialState("running" if key in running else "pending")


def _failed(lost: dict[Stage, list[str]]) -> TrialState:
    """The state of a finished trial whose files are lost."""
    names = ", ".join(name for files in lost.values() for name in files)
    return TrialState("failed", f"it was done, but these files are missing or cut short now: {names}", next(iter(lost)))


def open_store(path: str | Path, create: bool = False, identity: bytes | None = None) -> Store:
    """The store at a local path or a URI of an object store.

    With `create` an empty or missing folder becomes a store. Raises `InputError` for a place that is no store, a store
    of a newer format, and a place that cannot be written to; `StorageError` where `identity` (`Storage.identity` of an
    earlier look) is another store's.
    """
    store = Store(path, identity=identity)
    if identity is not None:
        store.storage.require_identity()
    if not store.storage.exists(MARK):
        _make_store(store.storage, create)
    about = store.records.read(MARK, StoreMark)
    if about is None:
        remedy = f'Its store.json is damaged. Write {{"format": {STORE_FORMAT}}} into it; all else is found again.'
        raise InputError("--store", store.root, remedy)
    if about.format != STORE_FORMAT:
        remedy = f"Its format is {about.format!r:.40}; this aesweep reads format {STORE_FORMAT}. Use a newer aesweep."
        raise InputError("--store", store.root, remedy)
    return store


def _make_store(storage: Storage, create: bool) -> None:
    mark = StoreMark(format=STORE_FORMAT, id=uuid.uuid4().hex, created=datetime.now(UTC).isoformat())
    try:
        if not create:
            remedy = "No store is there. `aesweep launch SPEC --store STORE` makes one."
            raise InputError("STORE", storage.root, remedy)
        if storage.names(""):
            remedy = "The folder holds other files and no store. Give a new or an empty folder."
            raise InputError("--store", storage.root, remedy)
        if storage.version("") is not None:
            raise InputError("--store", storage.root, "That is a file. Give a folder, new or empty.")
        storage.commit(MARK, mark.to_bytes())
    except StorageError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in (errno.EACCES, errno.EPERM, errno.ELOOP):
            raise
        remedy = f"It cannot be made ({cause.strerror}). Give a folder you may write to."
        raise InputError("--store", storage.root, remedy) from error


def open_storage(address: str | Path, mark: str = "", identity: bytes | None = None) -> Storage:
    """The storage at a path, or at a URI that pyarrow knows (`s3://bucket/folder`, `gs://…`, `file:///…`).

    `mark` names a file without which nothing else is written: the folder has gone then. Nor is anything written where it
    holds other bytes than `identity`, or, without that, than it held when it was first looked at: another store is there.
    Nothing is read or written yet. Raises `InputError` for a URI that cannot be understood.
    """
    from aesweep.sweep.store.on_disk import LocalStorage

    text = str(address)
    if not text or "\0" in text:
        raise InputError("--store", text, "Give a folder or a URI.")
    if "://" not in text:
        if re.match(r"(s3|gs|gcs|abfss?):/", text):  # what pathlib makes of a URI
            raise InputError("--store", text, "Give a URI as text with two slashes, such as s3://bucket/folder.")
        return LocalStorage(absolute(text, "--store"), mark, identity)
    if text.startswith("file://"):
        path = re.sub(r"^file://(localhost(?=/))?", "", text)
        if not path.startswith("/"):
            raise InputError("--store", text, "Give a path, or file:// and an absolute path: file:///shared/runs.")
        return LocalStorage(absolute(path, "--store"), mark, identity)
    from aesweep.sweep.store.on_s3 import ObjectStorage  # pyarrow.fs only where a URI is given

    return ObjectStorage(text, mark, identity)
