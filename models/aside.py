"""Folders in which files are made before they get their names, and that do not outlive a killed process for long.

Problem: gigabytes of prepared images stay where a launch is killed before it could rename them, and nobody knows whether
another process, perhaps on another machine, still writes them.
Decision: as for temporary folders (cluster/scratch.py) the owner holds a lock (flock), which the kernel gives up with the
process; here on a file beside the folder, since network file systems lock only what can be written. Whoever makes a folder
in the same place first removes those that nobody holds.
Consequence: what a killed launch left is gone with the next one, and a living process loses nothing. Where a file system has
no locks, nothing is removed.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".tmp-"
LOCK = ".lock"


@contextmanager
def folder_aside(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, which is made where it is missing; removed at the end of the `with` block.

    Raises OSError where none can be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    folder, lock = _locked(parent)
    try:
        folder.mkdir()
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of `folder_aside` in `parent` whose processes have ended."""
    for path in parent.glob(f"{PREFIX}*{LOCK}"):
        with suppress(OSError):  # gone by now, another user's, or its owner lives (BlockingIOError)
            lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path.with_suffix(""))
            finally:
                os.close(lock)


def _locked(parent: Path) -> tuple[Path, int]:
    """The name of a new folder, and the lock that says who owns it."""
    while True:
        folder = parent / f"{PREFIX}{uuid.uuid4().hex[:12]}"
        lock = os.open(_lock(folder), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # without locks nobody else can take it either
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _lock(folder).exists():  # else another process found it before it was locked
            return folder, lock
        os.close(lock)


def _remove(folder: Path) -> None:
    """The lock goes last: what could not be removed is found again."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        _lock(folder).unlink(missing_ok=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{LOCK}")
