"""Temporary folders that do not outlive their process for long, also when that is killed.

Problem: nobody removes the temporary folder of a process that ended by SIGKILL.
Decision: a folder's owner holds a lock (flock) on it, which the kernel gives up with the process, and whoever makes a folder
of the same kind first removes those that nobody holds. A process id would say less: another container may share the folder
for temporary files, and not the ids.
Consequence: what a killed driver left is gone with the next launch on that machine.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_own: set[Path] = set()


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """A folder `aesweep-<kind>-…` for temporary files, removed at the end of the `with` block."""
    prefix = f"aesweep-{kind}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_if_abandoned(left)
    folder, lock = _locked(prefix)
    _own.add(folder)
    try:
        yield folder
    finally:
        _own.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_own_folders() -> None:
    """Remove the folders of this process, which is about to end without leaving its `with` blocks."""
    for folder in list(_own):
        shutil.rmtree(folder, ignore_errors=True)


def _locked(prefix: str) -> tuple[Path, int]:
    """A new folder and the lock on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process found it before it was locked
            return folder, lock
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):  # it is gone by now, belongs to another user, or its owner lives (BlockingIOError)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
