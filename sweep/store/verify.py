"""Reads every file of a store that something vouches for, and says which ones are missing or damaged.

A store is read in parts: a launch looks at the files that it needs, and a finished trial needs none. A disk that rots, or a
copy that was cut short, would show years later. So this reads everything once: commits and the files that they name
(SHA-256), specs, frozen claims and tables (SHA-256), configurations (the trial's key is a hash of theirs), references (the
checksums of their arrays) and failures (their shape). Logs, notes of attempts and checkpoints have no recorded hash; they are
counted.

Nothing is changed here. What is read may be set aside or made again meanwhile: files are found missing or damaged only
if the commit that names them is still there afterwards, byte for byte. `repair.py` sets aside what was found.
"""

import io
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, Literal, TypeVar

from aesweep.models.archive import require_sound_zip
from aesweep.models.errors import InputError
from aesweep.sweep.store.frozen_claims import parse_frozen
from aesweep.sweep.store.layout import (
    CHECKPOINT,
    CLAIMS,
    END,
    FOLDED,
    LATEST,
    LAUNCHES,
    LOG,
    MERGES,
    MODEL,
    PUBLISHER,
    START,
    attempt_folder,
    config_name,
    pruned_name,
    spec_name,
    table_name,
    training_name,
)
from aesweep.sweep.store.on_disk import BAD_SECTOR
from aesweep.sweep.store.records.attempts import FailureRecord, PrunedAttempts
from aesweep.sweep.store.records.commits import FileRecord, ScoresRecord, TrainingRecord, Vacancy
from aesweep.sweep.store.records.launches import LatestSpec, LaunchedSpec, LaunchRecord, MergeRecord
from aesweep.sweep.store.records.record import AnyRecord, parse_record
from aesweep.sweep.store.records.whole_store import FoldedTables, Publication
from aesweep.sweep.store.storage import digest_of, file_digest, is_folder, size_of
from aesweep.sweep.store.store import Store

READS = 5  # of a commit or of tables that others replace while their files are read
DEPTH = 9  # of folders below a trial: more than there are
THREADS = 8  # that read and hash
AHEAD = 64  # trials in the threads' queue for each of them

Commit = TypeVar("Commit", TrainingRecord, ScoresRecord)
Work = Literal["train", "score", "measure", "fold", "configure", "launch", "freeze", "none"]
"""What has to be done again: a training, an evaluation, a reference, the tables, a configuration; a spec launched again.

Frozen claims cannot be: their time and what had been seen by then are lost.
"""
Unhashed = Literal["logs and notes", "checkpoints", "files that no commit names"]


@dataclass(frozen=True)
class Finding:
    """A file that is missing or damaged."""

    name: str
    trouble: str
    """A verb and what follows: `is missing`."""
    work: Work
    key: str = ""
    """The trial that it belongs to."""
    is_missing: bool = False
    aside: str = ""
    """The file to set aside so that the work is done again; "" where there is none."""
    stamp: str = ""
    """SHA-256 of its bytes: with other bytes it is another file by now."""


@dataclass
class Verified:
    """What was read and found."""

    trials: int = 0
    files: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    unhashed: Counter[Unhashed] = field(default_factory=Counter)
    """Files that nothing vouches for, by kind."""
    unhashed_bytes: int = 0

    def add(self, other: "Verified") -> None:
        """Add what was found in another part."""
        self.trials += other.trials
        self.files += other.files
        self.bytes += other.bytes
        self.findings += other.findings
        self.unhashed += other.unhashed
        self.unhashed_bytes += other.unhashed_bytes

    def count(self, size: int) -> None:
        """One more file was read."""
        self.files += 1
        self.bytes += size


def verify(store: Store, told: Callable[[Verified, int], None] = lambda verified, all_trials: None) -> Verified:
    """Read everything. `told` hears now and then what was read so far, and how many trials there are."""
    found = Verified()
    folded = store.records.read(FOLDED, FoldedTables)
    commits = set(folded.commits) if folded else set()
    for part in (_specs, _launches, _frozen, _references, _tables):
        with store.storage.pinned():
            found.add(part(store))
        told(found, 0)
    keys = store.trials.known_keys()
    check = partial(verify_trial, store, commits)
    with ThreadPoolExecutor(min(THREADS, 2 * (os.cpu_count() or 1))) as pool:
        for first in range(0, len(keys), AHEAD):
            for one in pool.map(check, keys[first : first + AHEAD]):
                found.add(one)
                told(found, len(keys))
    return found


def verify_trial(store: Store, commits: set[str], key: str) -> Verified:
    """Everything of one trial; `commits` are those that the tables were made from."""
    with store.storage.pinned():
        return _verify_trial(store, commits, key)


def _verify_trial(store: Store, commits: set[str], key: str) -> Verified:
    found, named = Verified(trials=1), set[str]()
    _configuration(store, key, found)
    training = _commit(store, training_name(key), TrainingRecord, key, commits, found, named)
    folder = f"trials/{key}/scores"
    there = {f"{folder}/{name}" for name in store.storage.names(folder) if name.endswith(".json")}
    for name in sorted(there | {name for name in commits if name.startswith(f"{folder}/")}):
        scores = _commit(store, name, ScoresRecord, key, commits, found, named)
        if scores and training and MODEL in training.files and scores.model != training.files[MODEL].sha256:
            found.findings += _of_other_weights(store, name, key)
    for name in store.storage.names(f"trials/{key}/failures"):
        if name.endswith(".json"):
            _record(store, f"trials/{key}/failures/{name}", FailureRecord, found, "none", key)
    _record(store, pruned_name(key), PrunedAttempts, found, "none", key)
    _count_unhashed(store, key, named, found)
    return found


def _commit(
    store: Store, name: str, kind: type[Commit], key: str, commits: set[str], found: Verified, named: set[str]
) -> Commit | None:
    """A commit with the files that it names; None where it is none, or is damaged."""
    work: Work = "train" if kind is TrainingRecord else "score"
    for _ in range(READS):
        data = store.storage.read(name)
        if data is None:
            if name in commits:  # else nobody got so far yet
                found.findings.append(Finding(name, "is missing", work, key, is_missing=True))
            return None
        if parse_record(Vacancy, data) is not None:
            return None
        commit, files = parse_record(kind, data), Verified()
        files.count(len(data))
        if commit is None:
            files.findings.append(_found(name, "is damaged", work, key, data))
        else:
            stamp = digest_of([data])
            for file, record in commit.files.items():
                path = f"{attempt_folder(key, commit.attempt)}/{file}"
                trouble = _file_trouble(store, path, record, files)
                if trouble:
                    missing = trouble == "is missing"
                    files.findings.append(Finding(path, trouble, work, key, missing, name, stamp))
        if not files.findings or store.storage.read(name) == data:
            found.add(files)
            if commit is not None:
                named.update(f"{attempt_folder(key, commit.attempt)}/{file}" for file in commit.files)
            return commit
    return None  # others replace it all the time: what they write, they have just read or written


def _file_trouble(store: Store, name: str, record: FileRecord, found: Verified) -> str:
    """What is wrong with a file that a commit names, "" where nothing is."""
    try:
        read = store.storage.digest(name, record.bytes)
    except ValueError:  # a name that leads out of the store, or that no file can have
        return "is no name of a file in the store"
    if read is None:
        return "is missing"
    sha256, size = read
    found.count(size)
    if size > record.bytes:
        return f"is longer than the committed {record.bytes:,} bytes"
    if size < record.bytes:
        return f"has {size:,} of {record.bytes:,} bytes"
    return "" if sha256 == record.sha256 else "has changed: its SHA-256 is not the committed one"


def _of_other_weights(store: Store, name: str, key: str) -> list[Finding]:
    """Scores of other weights than the trial has, if they are that still: read in the order of whoever uses them."""
    data = store.storage.read(name)
    scores = parse_record(ScoresRecord, data) if data is not None else None
    training = store.storage.read(training_name(key))
    commit = parse_record(TrainingRecord, training) if training is not None else None
    weights = commit.files.get(MODEL) if commit else None
    if data is None or scores is None or weights is None or scores.model == weights.sha256:
        return []
    return [_found(name, "is of other weights than the trial has", "score", key, data)]


def _found(name: str, trouble: str, work: Work, key: str, data: bytes) -> Finding:
    """A file to be set aside itself: it holds `data`."""
    return Finding(name, trouble, work, key, aside=name, stamp=digest_of([data]))


def _record(
    store: Store, name: str, kind: type[AnyRecord], found: Verified, work: Work, key: str = "", must: bool = False
) -> AnyRecord | None:
    """A JSON file with a seal of its own, or a shape; with `must` it has to be there."""
    data = store.storage.read(name)
    if data is None:
        if must:
            found.findings.append(Finding(name, "is missing", work, key, is_missing=True))
        return None
    found.count(len(data))
    record = parse_record(kind, data)
    if record is None:
        found.findings.append(_found(name, "is damaged", work, key, data))
    return record


def _configuration(store: Store, key: str, found: Verified) -> None:
    """The fields of a trial, whose hash is its key."""
    name = config_name(key)
    data = store.storage.read(name)
    if data is None:
        found.findings.append(Finding(name, "is missing", "configure", key, is_missing=True))
        return
    found.count(len(data))
    try:
        config = store.trials.parse_config(key, data)
    except InputError:  # of a newer aesweep
        return
    if config is None:
        found.findings.append(_found(name, "is damaged", "configure", key, data))


def _specs(store: Store) -> Verified:
    """Every spec that was launched, and which one is the latest."""
    found = Verified()
    latest = _record(store, LATEST, LatestSpec, found, "launch")
    names = {f"sweeps/{name}" for name in store.storage.names("sweeps") if name.endswith(".json")} - {LATEST}
    newest = {spec_name(latest.spec)} if latest else set()
    for name in sorted(names | newest):
        _record(store, name, LaunchedSpec, found, "launch", must=name in newest)
    return found


def _launches(store: Store) -> Verified:
    """The code and the environment of every launch, and what was merged."""
    found = Verified()
    for name in _json_names(store, LAUNCHES):
        _record(store, name, LaunchRecord, found, "none")
    for name in _json_names(store, MERGES):
        _record(store, name, MergeRecord, found, "none")
    return found


def _json_names(store: Store, folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in store.storage.names(folder) if name.endswith(".json")]


def _frozen(store: Store) -> Verified:
    """What launches froze, each under the name of its content."""
    found = Verified()
    for name in (f"{CLAIMS}/{n}" for n in store.storage.names(CLAIMS) if n.endswith(".json")):
        if (data := store.storage.read(name)) is not None:
            found.count(len(data))
            if parse_frozen(name, data) is None:
                found.findings.append(_found(name, "is damaged", "freeze", "", data))
    return found


def _references(store: Store) -> Verified:
    """Statistics and features of real images: zip files with a checksum of each array."""
    found = Verified()
    for name in (f"references/{n}" for n in store.storage.names("references") if n.endswith(".npz")):
        if (file := _opened(store, name)) is None:  # gone meanwhile, or a folder
            continue
        with file:
            stamp, size = _digest(file)
            found.count(size)
            try:
                require_sound_zip(file)
            except ValueError:
                found.findings.append(Finding(name, "is damaged", "measure", "", False, name, stamp))
    return found


def _opened(store: Store, name: str) -> BinaryIO | None:
    """A file to look at in parts: on a path itself, from an object store as it was read, again where that failed."""
    if store.storage.folder is not None:
        return store.storage.open(name)
    data = store.storage.read(name)
    return None if data is None else io.BytesIO(data)


def _digest(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and length; of a file that the disk does not give back, no SHA-256."""
    try:
        return file_digest(file), file.seek(0, io.SEEK_END)
    except OSError:
        return BAD_SECTOR, 0


def _tables(store: Store) -> Verified:
    """The tables, which `folded.json` vouches for. Where others publish meanwhile, once more."""
    for _ in range(READS):
        found, before = Verified(), store.storage.read(PUBLISHER)
        folded = _record(store, FOLDED, FoldedTables, found, "fold")
        _record(store, PUBLISHER, Publication, found, "fold")
        if folded:
            for name, record in folded.files.items():
                path = table_name(name)
                if trouble := _file_trouble(store, path, record, found):
                    found.findings.append(Finding(path, trouble, "fold", is_missing=trouble == "is missing"))
        if not found.findings or store.storage.read(PUBLISHER) == before:
            return found
    return Verified()


def _count_unhashed(store: Store, key: str, named: set[str], found: Verified) -> None:
    """Files of attempts that nothing vouches for. Copies of damaged files are no part of the store any more."""
    with suppress(RecursionError):
        for name, version in store.storage.listing(f"trials/{key}/attempts", DEPTH).items():
            last = name.rpartition("/")[2]
            if is_folder(version) or name in named or ".damaged-" in last:
                continue
            kind: Unhashed = "files that no commit names"
            if last == CHECKPOINT:
                kind = "checkpoints"
            elif last in (START, END, LOG):
                kind = "logs and notes"
            found.unhashed[kind] += 1
            found.unhashed_bytes += size_of(version)
