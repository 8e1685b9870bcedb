"""Files of a store on a local or NFS path, written so that a reader never meets half a file.

Nothing is written in place: bytes go into `.tmp-…` beside the target, reach the disk (fsync), and take their name in one
step. A commit takes its name only if nobody has it yet: the first writer wins, and two drivers on one store can never
replace each other's results. Where a file system has no hard links, they can when one stalls between two calls.
No link inside the folder is followed, and what is no regular file reads as an empty, damaged one (beneath.py).
"""
# ruff: noqa: D102 (`Storage` says what each method does)

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from aesweep.models.errors import InputError
from aesweep.sweep.store.beneath import Beneath, size_of_file, write_new
from aesweep.sweep.store.storage import FOLDER, TEMPORARY, Result, Storage, StorageError, aside_name, version_of

DEEPEST = 8  # levels of folders: more than there are

# A file where a folder should be is what the user mistook, told as bad input; all else (no right to write, a stale NFS
# handle, a bad disk …) is the storage's trouble and no trial's (`StorageError`).
_MISTAKEN = (errno.ENOTDIR, errno.EEXIST)
_ABSENT = (FileNotFoundError, NotADirectoryError)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LocalStorage(Storage):
    """A folder on a local or NFS path."""

    look_seconds = 0.5
    keeps_files_whole = False

    def __init__(self, root: str | Path, mark: str = "") -> None:
        """`mark`: a file without which nothing else is written.

        Without it, a folder that was moved away, or whose disk is not mounted any more, would be started again in its
        old place.
        """
        self.folder: Path | None = Path(root)
        self._mark = mark
        self._files = Beneath(root)
        self.root = str(root)

    def place(self, name: str = "") -> str:
        return str(self._files.path(name))

    def read(self, name: str) -> bytes | None:
        return self._found(lambda: self._files.read(name))

    def open(self, name: str) -> BinaryIO | None:
        return self._found(lambda: self._files.open(name))

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
        return {
            name: FOLDER if status is None else version_of(size_of_file(status) or 0, status.st_mtime_ns)
            for name, status in found
            if not _is_temporary(name)
        }

    def write(self, name: str, data: bytes) -> None:
        with self._refusals(), self._written(name, data) as (folder, temporary, last):
            os.replace(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)

    def commit(self, name: str, data: bytes) -> bool:
        with self._refusals(), self._written(name, data) as (folder, temporary, last):
            try:
                os.link(temporary, last, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                return False
            except OSError as error:  # file systems without hard links: some of FUSE, SMB, exFAT
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                    raise
                return super().commit(name, data)
            return True

    def make_folder(self, name: str) -> None:
        with self._refusals():
            self._require_mark(name)
            with self._files.folder(name, make=True):
                pass

    def remove(self, name: str) -> None:
        with self._refusals():
            self._files.remove(name)

    def remove_folder(self, name: str) -> None:
        with self._refusals():
            self._files.remove_folder(name)

    def set_aside(self, name: str) -> str:
        aside = aside_name(name)
        try:
            with self._files.parent(name) as (folder, last):
                os.replace(last, aside.rpartition("/")[2], src_dir_fd=folder, dst_dir_fd=folder)
        except FileNotFoundError:  # another process was faster
            raise
        except OSError as error:
            raise self._refused(error) from error
        return aside

    def temporary(self) -> list[str]:
        with self._refusals("read"):
            found = self._files.walk("", DEEPEST)
            return sorted(name for name, status in found if status is not None and _is_temporary(name))

    def append(self, name: str, text: str) -> bool:
        with self._refusals():
            self._files.append(name, text.encode())
        return True

    @contextmanager
    def _written(self, name: str, data: bytes) -> Iterator[tuple[int, str, str]]:
        """A new file with `data`: descriptor of its folder, its temporary name, and the one that it is to take."""
        self._require_mark(name)
        with self._files.parent(name, make=True) as (folder, last):
            temporary = f"{TEMPORARY}{uuid.uuid4().hex[:12]}"
            try:
                write_new(folder, temporary, data)
                yield folder, temporary, last
            finally:
                with suppress(OSError):  # it has its name, or the next launch removes it (`remove_temporary`)
                    os.unlink(temporary, dir_fd=folder)
            with suppress(OSError):  # some network file systems refuse it; the rename itself is still atomic
                os.fsync(folder)

    def _require_mark(self, name: str) -> None:
        if self._mark not in ("", name) and not self.exists(self._mark):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.place(self._mark))

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
        what = f"cannot be {what} ({error.strerror}{where}). Mend that"
        if error.errno in _FULL:
            what = f"has no room left ({error.strerror}). Make room"
        elif error.errno == errno.ENOENT:
            what = "is not there any more. Bring it back, or mount its disk again"
        return StorageError(self.root, f"It {what}, and give the same command again: it goes on from there.")


def _is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(TEMPORARY)
