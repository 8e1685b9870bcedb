"""Temporary folders of our own (mode 0700) that do not outlive their process for long, also when that is killed.

Problem: nobody removes the temporary folder of a process that ended by SIGKILL, and a full one surfaces anywhere: in a
copy, in Ray's start, in Tune's loop, in a worker.
Decision: a folder's owner holds a lock (flock) on it, which the kernel gives up with the process, and whoever makes a folder
of the same kind first removes those that nobody holds. A process id would say less: another container may share the folder
for temporary files, and not the ids. An error that ends the use of a folder which has no room left is told as that.
Consequence: what a killed driver left is gone with the next launch on that machine, and a full folder is two lines.
"""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.temporary import FULL, find_folder, remedy_for, why_unusable

LEFT_BYTES = 2**20  # less than this is no room: what Ray and Tune write at once is smaller
AGAIN = "and run the same command again: the sweep resumes"
_held: list[Path] = []


class NoRoomError(ClusterError):
    """A temporary folder that filled up, or can no longer be written to, while it was in use."""


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """A folder `aesweep-<kind>-…` for temporary files, removed at the end of the `with` block.

    Raises `ClusterError` where none can be made, and `NoRoomError` in place of an error that came of too little room.
    """
    parent, prefix = find_folder(), f"aesweep-{kind}-"
    for left in parent.glob(f"{prefix}*"):
        _remove_if_abandoned(left)
    folder, lock = _locked(parent, prefix)
    _held.append(folder)
    try:
        yield folder
    except Exception as error:  # looked at before the folder is removed, which makes room
        explained = hasattr(error, "remedy") and not isinstance(error, ClusterError)
        if not explained and (full := full_folder()):
            raise full from error
        raise
    finally:
        _held.remove(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_own_folders() -> None:
    """Remove the folders of this process, which is about to end without leaving its `with` blocks."""
    for folder in list(_held):
        shutil.rmtree(folder, ignore_errors=True)


def full_folder() -> NoRoomError | None:
    """The error of a temporary folder of this process that has no room left; None where all have."""
    for folder in _held:
        if folder.exists() and (why := why_unusable(folder, LEFT_BYTES)):  # one that is gone was removed on the way out
            return NoRoomError(
                "temporary folder", str(folder.parent), f"{why}. {remedy_for(why, folder.parent)}, {AGAIN}."
            )
    return None


def no_room_in_worker(error: BaseException) -> NoRoomError | None:
    """The error to raise in a worker where `error` came of a full disk, whatever it was raised after; else None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in FULL:
            place = str(cause.filename or tempfile.gettempdir())
            remedy = f"It has no room left on {socket.gethostname()} ({cause.strerror}). Make room there, {AGAIN}."
            return NoRoomError("temporary folder", place, remedy)
        cause = cause.__cause__ or cause.__context__
    return None


def _locked(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder and the lock on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # another process took it for an abandoned one, and was faster
            continue
        with suppress(OSError):  # a file system without locks: nobody can remove the folder of a living process there
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process found it before it was locked
            return folder, lock
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):  # it is gone by now, belongs to another user, or its owner lives (BlockingIOError)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(lock).st_uid == os.geteuid():  # root could remove a neighbour's, who may exchange what is in it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
