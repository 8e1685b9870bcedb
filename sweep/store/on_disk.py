"""Files of a store on a local or NFS path, written so that a reader never meets half a file.

Nothing is written in place: bytes go into `.tmp-…` beside the target, reach the disk (fsync), and take their name in one
step. A commit takes its name only if nobody has it yet (a hard link): the first writer wins. A file is exchanged for
another one only while it holds the bytes that were found: all who exchange take turns by a lock (flock) on `store.json`,
which the kernel, or the server of a network file system, gives back when its holder dies. Nothing else is locked.

Nobody relies on a temporary file: a writer whose `.tmp-…` somebody removed writes it again. No link inside the folder is
followed, and what is no regular file reads as an empty, damaged one (beneath.py).

Where a file system has no hard links or no locks, a writer that stalls between two calls can replace what another one
wrote meanwhile (docs/store.md).
"""
# ruff: noqa: D102 (`Storage` says what each method does)

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from aesweep.cluster.temporary import FULL
from aesweep.models.errors import InputError
from aesweep.sweep.store.beneath import TRIES, Beneath, Check, again, most_bytes, read_at, size_of_file, sync, write_new
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.storage import (
    FOLDER,
    TEMPORARY,
    Result,
    Storage,
    StorageError,
    aside_name,
    digest_of,
    same_identity,
    sha256_of,
    version_of,
)

DEEPEST = 8  # levels of folders: more than there are
BAD_SECTOR = "unreadable"  # in place of the SHA-256 of a file that the disk does not give back

# A file where a folder should be is what the user mistook, told as bad input; all else (no right to write, a stale NFS
# handle, a bad disk …) is the storage's trouble and no trial's (`StorageError`).
_MISTAKEN = (errno.ENOTDIR, errno.EEXIST)
_ABSENT = (FileNotFoundError, NotADirectoryError)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)  # some of FUSE, SMB, exFAT

Take = Callable[[int, str, str], bool]
"""Gives a temporary file its name, both in the open folder; False where it does not."""


class LocalStorage(Storage):
    """A folder on a local or NFS path."""

    look_seconds = 0.5
    keeps_files_whole = False

    def __init__(self, root: str | Path, mark: str = "", identity: bytes | None = None) -> None:
        """`mark`: a file without which nothing else is written, and that must keep the content `identity`.

        Without it, a folder that was moved away, or whose disk is not mounted any more, would be started again in its
        old place; with another one, another store was put there. Without `identity`, what is there first counts.
        """
        self.folder: Path | None = Path(root)
        self._mark = mark
        self.identity = identity
        self._files = Beneath(root)
        self.root = str(root)

    def place(self, name: str = "") -> str:
        return str(self._files.path(name))

    def require_identity(self) -> None:
        with self.pinned():
            pass

    @contextmanager
    def pinned(self) -> Iterator[None]:
        if not self._mark:
            yield
            return
        with self._refusals("read"):
            held = ExitStack()
            held.enter_context(self._files.pinned(self._require_mark))
        with held:
            yield

    def read(self, name: str) -> bytes | None:
        found = self._found(lambda: self._files.read(name))
        if name == self._mark:
            self.identity = self.identity or found
        return found

    def open(self, name: str) -> BinaryIO | None:
        return self._found(lambda: self._files.open(name))

    def digest(self, name: str, most: int) -> tuple[str, int] | None:
        with self._refusals("read"):
            try:
                return super().digest(name, most)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return BAD_SECTOR, 0

    def exists(self, name: str) -> bool:
        return self._status(name) is not None

    def version(self, name: str) -> str | None:
        found = self._status(name)
        size = size_of_file(found) if found else None
        return version_of(size, found.st_mtime_ns) if found and size is not None else None

    def names(self, name: str) -> list[str]:
        found = self._found(lambda: self._files.names(name)) or []
        return sorted(n for n in found if not n.startswith(TEMPORARY))

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        found = self._found(lambda: list(self._files.walk(folder, depth))) or []
        return {n: _version(status) for n, status in found if TEMPORARY not in n or not _is_temporary(n)}

    def write(self, name: str, data: bytes) -> None:
        with self._refusals():
            self._publish(name, data, _rename)

    def commit(self, name: str, data: bytes) -> bool:
        with self._refusals():
            try:
                return self._publish(name, data, _link)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return super().commit(name, data)

    def share(self, name: str, other: str, data: bytes) -> bool:
        with self._refusals():
            same = sha256_of(self.digest(other, most_bytes(other))) == digest_of([data])
            return same and self._link(name, other)

    def _link(self, name: str, other: str, waits: bool = True) -> bool:
        """Give a file a second, new name; False where that cannot be."""
        try:
            self._files.link(name, other, self._check(name), waits)
        except OSError as error:
            if error.errno not in (*_NO_LINKS, errno.EEXIST, errno.ENOENT, errno.EXDEV):
                raise
            return False
        return True

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        with self._refusals(), self.pinned():
            return self._replace(name, found, data)

    def _replace(self, name: str, found: bytes, data: bytes | None, waits: bool = True) -> bool:
        def exchange(folder: int, temporary: str, last: str) -> bool:
            with self._files.turn(MARK):
                return self.read(name) == found and _rename(folder, temporary, last)

        if data is not None:
            return self._publish(name, data, exchange, waits)
        with self._files.turn(MARK):
            same = self.read(name) == found
            if same:
                self._files.remove(name, self._check(name))
            return same

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        def take(folder: int, temporary: str, last: str) -> bool:
            with self._files.turn(MARK):
                return sha256_of(self.digest(name, most_bytes(name))) == found and _rename(folder, temporary, last)

        with self._refusals(), self.pinned():
            try:
                return self._publish(name, file, _link if found is None else take)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return super().exchange(name, found, file)

    def set_aside(self, name: str, found: bytes, left: bytes | None = None) -> str | None:
        """A second name instead of a copy, and one wait for the disk, after which it has both names.

        A vacancy that a power cut emptied before that is a damaged file like the one that it replaced.
        """
        with self._refusals(), self.pinned():
            if not found and (aside := self._move_aside(name)):
                return aside if left is None or self.commit(name, left) else None
            if self.read(name) != found:
                return None
            aside = aside_name(name, found)
            self._link(aside, name, waits=left is None)
            if self.read(aside) != found:  # no second names here, or another file was in its place by then
                self.write(aside, found)
            return aside if self._replace(name, found, left, waits=False) else None

    def make_folder(self, name: str) -> None:
        def make() -> None:
            with self._files.folder(name, True, self._check(name)):
                pass

        with self._refusals():
            again(make)

    def remove(self, name: str) -> None:
        with self._refusals():
            self._files.remove(name, self._check(name))

    def remove_folder(self, name: str) -> None:
        with self._refusals():
            for left in reversed(range(TRIES)):
                try:
                    return self._files.remove_folder(name, self._check(name))
                except OSError as error:  # an attempt that woke up writes into it
                    if error.errno != errno.ENOTEMPTY or not left:
                        raise

    def temporary(self) -> list[str]:
        with self._refusals("read"):
            found = self._files.walk("", DEEPEST)
            return sorted(n for n, status in found if size_of_file(status) is not None and _is_temporary(n))

    def append(self, name: str, text: str) -> bool:
        with self._refusals():
            again(lambda: self._files.append(name, text.encode(), self._check(name)))
        return True

    def _move_aside(self, name: str) -> str:
        """Give what only counts as an empty file another name, which is returned; "" where no such thing is there.

        Nobody can copy a folder, a link or an endless file. Nothing but another turn takes its place meanwhile.
        """
        aside = aside_name(name, os.urandom(8))
        with self._refusals(), self._files.turn(MARK):
            return aside if self._files.move_unreadable(name, aside, self._check(name)) else ""

    def _publish(self, name: str, data: bytes | BinaryIO, take: Take, waits: bool = True) -> bool:
        """Write a temporary file and let `take` give it its name; False where it does not.

        `waits` until the disk has the content before it has the name.
        """
        return again(lambda: self._publish_once(name, data, take, waits))

    def _publish_once(self, name: str, data: bytes | BinaryIO, take: Take, waits: bool = True) -> bool:
        temporary = f"{TEMPORARY}{uuid.uuid4().hex[:12]}"
        with self._files.parent(name, True, self._check(name)) as (folder, last):
            try:
                write_new(folder, temporary, data, waits)
                taken = take(folder, temporary, last)
            finally:
                with suppress(OSError):  # it has its name, or the next launch removes it (`remove_temporary`)
                    os.unlink(temporary, dir_fd=folder)
            if taken:
                sync(folder)
        return taken

    def _check(self, name: str) -> Check | None:
        """What looks, before a file of this name changes, whether this is still the store that was here first."""
        return None if self._mark in ("", name) else self._require_mark

    def _require_mark(self, root: int) -> None:
        self.identity = same_identity(self.root, self.identity, read_at(root, self._mark))

    def _found(self, look: Callable[[], Result]) -> Result | None:
        with self._refusals("read"):
            try:
                return look()
            except _ABSENT:
                return None

    def _status(self, name: str) -> os.stat_result | None:
        with self._refusals("read"):
            try:
                return self._files.status(name)
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
        where = f": {error.filename}" if error.filename and (what == "read" or error.filename != self.root) else ""
        if error.errno in _MISTAKEN:
            remedy = (
                f"It cannot be {what} ({error.strerror}{where}). Give a folder you may write to, without links in it."
            )
            return InputError("--store", self.root, remedy)
        where = where if what == "read" else ""
        what = f"cannot be {what} ({error.strerror}{where}). Fix the cause"
        if error.errno in FULL:
            what = f"has no room left ({error.strerror}). Make room"
        elif error.errno == errno.ENOENT:
            what = "is not there any more. Bring it back or mount its disk again"
        return StorageError(self.root, f"It {what} and run the same command again; finished work is kept.")


def _version(status: os.stat_result) -> str:
    size = size_of_file(status)
    return f"{FOLDER}-{status.st_mtime_ns}" if size is None else version_of(size, status.st_mtime_ns)


def _is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(TEMPORARY)


def _rename(folder: int, temporary: str, last: str) -> bool:
    """Give a file another name, whoever has that."""
    os.replace(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _link(folder: int, temporary: str, last: str) -> bool:
    """Give a file a second name unless that is taken; False where it is."""
    try:
        os.link(temporary, last, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return os.stat(temporary, dir_fd=folder).st_nlink > 1  # NFS repeats a request whose answer was lost
    return True
