"""Files of a store on a local or NFS path, written so that a reader never meets half a file.

Nothing is written in place: bytes go into `.tmp-…` beside the target, reach the disk (fsync), and take their name in one
step. A commit takes its name only if nobody has it yet: the first writer wins, and two drivers on one store can never
replace each other's results. Where a file system has no hard links, they can when one stalls between two calls.
"""

import errno
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from aesweep.models.errors import InputError
from aesweep.sweep.store.storage import (
    FOLDER,
    TEMPORARY,
    Item,
    LogFile,
    Result,
    Storage,
    StorageError,
    aside_name,
    inside,
    joined,
    version_of,
)

# A file where a folder should be is what the user mistook, told as bad input; all else (no right to write, a stale NFS
# handle, a bad disk …) is the storage's trouble and no trial's (`StorageError`).
_MISTAKEN = (errno.ENOTDIR, errno.EEXIST)
_ABSENT = (FileNotFoundError, NotADirectoryError)
SETTLE_SECONDS = 0.5
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
        self._folder = Path(root)
        self.root = str(root)

    def path(self, name: str) -> Path:
        """The file's place. Raises ValueError for a name that would leave the root."""
        return self._folder / inside(name)

    @override
    def place(self, name: str = "") -> str:
        return str(self.path(name))

    @override
    def read(self, name: str) -> bytes | None:
        with self._refusals("read"):
            try:
                return self.path(name).read_bytes()
            except _ABSENT:
                return None

    @override
    def open(self, name: str) -> BinaryIO | None:
        with self._refusals("read"):
            try:
                return self.path(name).open("rb")
            except _ABSENT:
                return None

    @override
    def exists(self, name: str) -> bool:
        return self._stat(name) is not None

    @override
    def version(self, name: str) -> str | None:
        found = self._stat(name)
        return _version(found) if found is not None and stat.S_ISREG(found.st_mode) else None

    @override
    def names(self, name: str) -> list[str]:
        with self._refusals("read"):
            try:
                return sorted(n for n in os.listdir(self.path(name)) if not n.startswith(TEMPORARY))
            except _ABSENT:
                return []

    @override
    def listing(self, folder: str, depth: int) -> dict[str, str]:
        with self._refusals("read"):
            return dict(_scan(self.path(folder), folder, depth))

    @override
    def write(self, name: str, data: bytes) -> None:
        with self._refusals():
            temporary = self._write_aside(name, data)
            try:
                os.replace(temporary, self.path(name))
            except OSError:
                _remove_if_possible(temporary)
                raise
            _sync_folder(self.path(name).parent)

    @override
    def commit(self, name: str, data: bytes) -> bool:
        with self._refusals():
            return self._commit(name, data)

    def _commit(self, name: str, data: bytes) -> bool:
        temporary = self._write_aside(name, data)
        try:
            os.link(temporary, self.path(name))
        except FileExistsError:
            return False
        except OSError as error:  # file systems without hard links: some of FUSE, SMB, exFAT
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            return self._commit_without_links(temporary, name, data)
        finally:
            _remove_if_possible(temporary)
        _sync_folder(self.path(name).parent)
        return True

    def _commit_without_links(self, temporary: Path, name: str, data: bytes) -> bool:
        """Look, write, wait a moment and read back who stands there: as on an object store (on_s3.py)."""
        if self.exists(name):
            return False
        os.replace(temporary, self.path(name))
        _sync_folder(self.path(name).parent)
        time.sleep(SETTLE_SECONDS)
        return self.read(name) == data

    @override
    def make_folder(self, name: str) -> None:
        with self._refusals():
            self._require_mark(name)
            self.path(name).mkdir(parents=True, exist_ok=True)

    @override
    def remove(self, name: str) -> None:
        with self._refusals():
            self.path(name).unlink(missing_ok=True)

    @override
    def remove_folder(self, name: str) -> None:
        with self._refusals(), suppress(FileNotFoundError):
            shutil.rmtree(self.path(name))

    @override
    def set_aside(self, name: str) -> str:
        aside = aside_name(name)
        try:
            os.replace(self.path(name), self.path(aside))
        except FileNotFoundError:  # another process was faster
            raise
        except OSError as error:
            raise self._refused(error) from error
        return aside

    @override
    def temporary(self) -> list[str]:
        with self._refusals("read"):
            return sorted(str(file.relative_to(self._folder)) for file in self._folder.rglob(f"{TEMPORARY}*"))

    @override
    def remove_temporary(self) -> None:
        for name in self.temporary():
            self.remove(name)

    @override
    def log_file(self, name: str) -> LogFile:
        return _AppendedLog(self, name)

    @override
    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        return [function(item) for item in items]

    def add_line(self, name: str, line: str) -> None:
        """One more line at the end of a text file."""
        with self._refusals(), open(self.path(name), "a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _write_aside(self, name: str, data: bytes) -> Path:
        self._require_mark(name)
        target = self.path(name)
        temporary = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}")
        target.parent.mkdir(parents=True, exist_ok=True)
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
        if self._mark not in ("", name) and not self.exists(self._mark):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.place(self._mark))

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


class _AppendedLog(LogFile):
    """A log on a path: every line is there at once, also after a SIGKILL."""

    def __init__(self, storage: LocalStorage, name: str) -> None:
        self._storage, self._name = storage, name

    def add(self, line: str) -> None:
        self._storage.add_line(self._name, line)

    def publish(self) -> None:
        """Nothing is left to do."""


def _version(found: os.stat_result) -> str:
    return version_of(found.st_size, found.st_mtime_ns)


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
                yield joined(name, entry.name), _version(entry.stat())
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


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse it; the rename itself is still atomic
        pass
    finally:
        os.close(descriptor)
