"""What a store holds that nobody needs any more, and its removal.

Readers follow commits alone, so every other file of an attempt could go; but two things must stay. An unfinished trial
goes on from its newest checkpoint, and the attempts after that one tell how often it died or that it failed
(attempts.py). So an attempt goes whole when its work was committed by another or was taken further, and the newest ones
of unfinished work lose at most what cannot be resumed: the latents, priors and pictures of an evaluation.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from models.errors import InputError
from sweep.attempts import CHECKPOINT, END, START
from sweep.progress_file import drivers
from sweep.store import Store

Kind = Literal["abandoned attempts", "leftover checkpoints", "temporary files", "progress files", "damaged files"]


@dataclass(frozen=True)
class Leftover:
    """One file, or a whole folder of an attempt, that nobody needs."""

    kind: Kind
    name: str
    files: int
    bytes: int
    is_folder: bool = False


def prune(store: Store, *, damaged: bool = False, dry_run: bool = False) -> list[Leftover]:
    """Remove what nobody needs, or with `dry_run` only find it; with `damaged` also files that were set aside.

    Raises `InputError` while a driver works on the store: it may be writing just these files.
    """
    for driver in drivers(store):
        if driver["alive"]:
            who = f"{driver['host']}, process {driver['pid']}"
            raise InputError("STORE", store.root, f"A driver works on it ({who}). `aesweep stop STORE --wait` ends it.")
    found = list(leftovers(store, damaged))
    if not dry_run:
        for leftover in found:
            if leftover.is_folder:
                store.storage.remove_folder(leftover.name)
            else:
                store.storage.remove(leftover.name)
    return found


def leftovers(store: Store, damaged: bool = False) -> Iterator[Leftover]:
    """Everything that `prune` removes."""
    for key in store.trial_keys():
        yield from _of_training(store, key)
        yield from _of_evaluations(store, key)
    for name in store.storage.temporary():
        yield _file(store, "temporary files", name)
    for name in store.storage.names("progress"):
        yield _file(store, "progress files", f"progress/{name}")
    if damaged:
        for name in (n for folder in store.storage.names("") for n in _files_below(store, folder)):
            if ".damaged-" in name.rpartition("/")[2]:
                yield _file(store, "damaged files", name)


def _of_training(store: Store, key: str) -> Iterator[Leftover]:
    """Attempts that another one finished or took further."""
    attempts, commit = store.attempts(key, "train"), store.training(key)
    if commit is not None:
        for attempt in attempts:
            name = f"trials/{key}/attempts/{attempt}"
            if attempt != commit["attempt"]:
                yield _folder(store, name)
            elif CHECKPOINT in store.storage.names(name):
                yield _file(store, "leftover checkpoints", f"{name}/{CHECKPOINT}")
        return
    place = len(attempts)
    for attempt in reversed(attempts):
        place -= 1
        if _has_sound_checkpoint(store, f"trials/{key}/attempts/{attempt}/{CHECKPOINT}"):
            yield from (_folder(store, f"trials/{key}/attempts/{older}") for older in attempts[:place])
            return


def _of_evaluations(store: Store, key: str) -> Iterator[Leftover]:
    """Attempts that are not the committed ones; of evaluations without a commit, their files alone."""
    committed = {e: commit["attempt"] for e in store.scored(key) if (commit := store.scores(key, e)) is not None}
    for attempt in store.attempts(key, "evaluate"):
        name, evaluation = f"trials/{key}/attempts/{attempt}", attempt.split("-")[2]
        if attempt == committed.get(evaluation):
            continue
        if evaluation in committed:
            yield _folder(store, name)
            continue
        for file in _files_below(store, name):
            if file.rpartition("/")[2] not in (START, END):
                yield _file(store, "abandoned attempts", file)


def _has_sound_checkpoint(store: Store, name: str) -> bool:
    """Whether a trial can go on from this file, as far as its checksums tell: an older one must stay otherwise."""
    data = store.storage.read(name)
    if data is None:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError):
        return False


def _files_below(store: Store, folder: str) -> list[str]:
    return sorted(store.storage.listing(folder, depth=8))


def _folder(store: Store, name: str) -> Leftover:
    sizes = [_size(store, file) for file in _files_below(store, name)]
    return Leftover("abandoned attempts", name, len(sizes), sum(sizes), is_folder=True)


def _file(store: Store, kind: Kind, name: str) -> Leftover:
    return Leftover(kind, name, 1, _size(store, name))


def _size(store: Store, name: str) -> int:
    file = store.storage.open(name)
    if file is None:  # it has gone meanwhile
        return 0
    with file:
        return file.seek(0, os.SEEK_END)
