"""Files of a store on a local or NFS path, written so that a reader never meets half a file.

Nothing is written in place: bytes go into `.tmp-…` beside the target, reach the disk (fsync), and take their name in one
step. A commit takes its name only if nobody has it yet (a hard link): the first writer wins. A file is exchanged for
another one only while it holds the bytes that were found: all who exchange take turns by a lock (flock) on `store.json`,
which the kernel, or the server of a network file system, gives back when its holder dies. Nothing else is locked.

Nobody relies on a temporary file: a writer whose `.tmp-…` somebody removed writes it again.

Where a file system has no hard links or no locks, a writer that stalls between two calls can replace what another one
wrote meanwhile (docs/store.md).
"""
# ruff: noqa: D102 (`Storage` says what each method does)

import errno
import fcntl
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.storage import (
    FOLDER,
    TEMPORARY,
    Result,
    Storage,
    StorageError,
    inside,
    joined,
    version_of,
)

# A file where a folder should be is what the user mistook, told as bad input; all else (no right to write, a stale NFS
# handle, a bad disk …) is the storage's trouble and no trial's (`StorageError`).
_MISTAKEN = (errno.ENOTDIR, errno.EEXIST)
_ABSENT = (FileNotFoundError, NotADirectoryError)
_FULL = (errno.ENOSPC, errno.EDQUOT)
TRIES = 20  # of a write whose temporary file is removed by others each time


class LocalStorage(Storage):
    """A folder on a local or NFS path."""

    look_seconds = 0.5
    keeps_files_whole = False

    def __init__(self, root: str | Path, mark: str = "") -> None:
        """`mark`: a file without which nothing else is written, and that must stay the one which was there first.

        Without it, a folder that was moved away, or whose disk is not mounted any more, would be started again in its
        old place; with another one, another store was put there.
        """
        self._identity: bytes | None = None
        self.folder: Path | None = Path(root)
        self._mark = mark
        self._folder = Path(root)
        self.root = str(root)

    def path(self, name: str) -> Path:
        """The file's place. Raises ValueError for a name that would leave the root."""
        return self._folder / inside(name)

    def place(self, name: str = "") -> str:
        return str(self.path(name))

    def read(self, name: str) -> bytes | None:
        return self._found(self.path(name).read_bytes)

    def open(self, name: str) -> BinaryIO | None:
        return self._found(lambda: self.path(name).open("rb"))

    def exists(self, name: str) -> bool:
        return self._stat(name) is not None

    def version(self, name: str) -> str | None:
        found = self._stat(name)
        is_file = found is not None and stat.S_ISREG(found.st_mode)
        return version_of(found.st_size, found.st_mtime_ns) if found and is_file else None

    def names(self, name: str) -> list[str]:
        found = self._found(lambda: os.listdir(self.path(name))) or []
        return sorted(n for n in found if not n.startswith(TEMPORARY))

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        with self._refusals("read"):
            return dict(_scan(self.path(folder), folder, depth))

    def write(self, name: str, data: bytes) -> None:
        with self._refusals():
            self._publish(name, data, os.replace)

    def commit(self, name: str, data: bytes) -> bool:
        with self._refusals():
            try:
                return self._publish(name, data, _link)
            except OSError as error:  # file systems without hard links: some of FUSE, SMB, exFAT
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                    raise
                return super().commit(name, data)

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        def exchange(temporary: Path, target: Path) -> bool:
            with self._turn():
                if self.read(name) != found:
                    return False
                os.replace(temporary, target)
                return True

        with self._refusals():
            if data is not None:
                return self._publish(name, data, exchange)
            with self._turn():
                same = self.read(name) == found
                if same:
                    self.path(name).unlink()
                return same

    def make_folder(self, name: str) -> None:
        with self._refusals():
            self._require_mark(name)
            _make_folders(self.path(name))

    def remove(self, name: str) -> None:
        with self._refusals():
            self.path(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        with self._refusals(), suppress(FileNotFoundError):
            for left in reversed(range(TRIES)):
                try:
                    shutil.rmtree(self.path(name))
                    return
                except OSError as error:  # an attempt that woke up writes into it
                    if error.errno != errno.ENOTEMPTY or not left:
                        raise

    def temporary(self) -> list[str]:
        with self._refusals("read"):
            return sorted(str(file.relative_to(self._folder)) for file in self._folder.rglob(f"{TEMPORARY}*"))

    def append(self, name: str, text: str) -> bool:
        with self._refusals():
            self._require_mark(name)
            _make_folders(self.path(name).parent)  # `prune` may have taken that of an attempt which slept
            with open(self.path(name), "a", encoding="utf-8") as file:
                file.write(text)
        return True

    def _publish(self, name: str, data: bytes, take: Callable[[Path, Path], bool | None]) -> bool:
        """Write a temporary file and let `take` give it its name; False where `take` says so."""
        for left in reversed(range(TRIES)):
            try:
                return self._publish_once(name, data, take)
            except FileNotFoundError:  # somebody cleaned up, or removed the folder of this attempt
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _publish_once(self, name: str, data: bytes, take: Callable[[Path, Path], bool | None]) -> bool:
        temporary = self._write_aside(name, data)
        try:
            taken = take(temporary, self.path(name)) is not False
        finally:
            _remove_if_possible(temporary)
        if taken:
            _sync_folder(self.path(name).parent)
        return taken

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Inside the `with` block no other process or thread exchanges a file of this store."""
        descriptor = self._open_lock()
        try:
            with suppress(OSError):  # a network file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        mark = self.path(MARK)
        try:
            return os.open(mark, os.O_RDWR | os.O_CLOEXEC)  # NFS gives an exclusive lock to who may write
        except OSError:
            return os.open(mark if mark.exists() else self._folder, os.O_RDONLY | os.O_CLOEXEC)

    def _write_aside(self, name: str, data: bytes) -> Path:
        self._require_mark(name)
        target = self.path(name)
        temporary = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}")
        _make_folders(target.parent)
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            _remove_if_possible(temporary)
            raise
        return temporary

    def _require_mark(self, name: str) -> None:
        if self._mark in ("", name):
            return
        found = self.read(self._mark)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.place(self._mark))
        self._identity = self._identity or found
        if found != self._identity:
            remedy = "Another store is in its place now. Put the first one back and give the same command again."
            raise StorageError(self.root, remedy)

    def _found(self, look: Callable[[], Result]) -> Result | None:
        with self._refusals("read"):
            try:
                return look()
            except _ABSENT:
                return None

    def _stat(self, name: str) -> os.stat_result | None:
        with self._refusals("read"):
            try:
                return self.path(name).stat()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    raise
                return None

    @contextmanager
    def _refusals(self, what: str = "written to") -> Iterator[None]:
        """What the file system refuses inside the `with` block is told in the user's words."""
        try:
            yield
        except StorageError:
            raise
        except OSError as error:
            raise self._refused(error, what) from error

    def _refused(self, error: OSError, what: str = "written to") -> InputError | StorageError:
        if error.errno in _MISTAKEN:
            remedy = f"It cannot be {what} ({error.strerror}). Give a folder you may write to."
            return InputError("--store", self.root, remedy)
        where = f": {error.filename}" if what == "read" and error.filename else ""
        what = f"cannot be {what} ({error.strerror}{where}). Mend that"
        if error.errno in _FULL:
            what = f"has no room left ({error.strerror}). Make room"
        elif error.errno == errno.ENOENT:
            what = "is not there any more. Bring it back, or mount its disk again"
        return StorageError(self.root, f"It {what}, and give the same command again: it goes on from there.")


def _scan(path: Path, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Names and versions below a folder; what vanishes meanwhile is left out."""
    try:
        entries = list(os.scandir(path))
    except _ABSENT:
        return
    for entry in entries:
        if entry.name.startswith(TEMPORARY):
            continue
        if not entry.is_dir():
            try:
                found = entry.stat()
                yield joined(name, entry.name), version_of(found.st_size, found.st_mtime_ns)
            except FileNotFoundError:
                continue
        elif depth > 1:
            yield from _scan(path / entry.name, joined(name, entry.name), depth - 1)
        else:
            yield joined(name, entry.name), FOLDER


def _remove_if_possible(temporary: Path) -> None:
    """Remove a file that nobody reads. Where that is refused too, the next launch does it (`remove_temporary`)."""
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, target: Path) -> bool:
    """Give a file a second name unless that is taken; False where it is."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return temporary.stat().st_nlink > 1  # NFS repeats a request whose answer was lost
    return True


def _make_folders(folder: Path) -> None:
    """Make a folder with those above it, each so that it survives a power cut."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it; the rename itself is still atomic
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
