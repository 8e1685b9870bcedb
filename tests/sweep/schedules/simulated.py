"""The storages of the product over a `World`: the code is theirs, the system below them is simulated.

`LocalStorage` gets another `Beneath` and other system calls, `ObjectStorage` another file system and another client. Each
call of these is one step of the process that makes it.
"""

import errno
import io
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from pyarrow import fs

from aesweep.sweep.store import attempts, drivers, on_disk, on_s3, storage
from aesweep.sweep.store.beneath import Beneath, read_at, sync, write_new
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.on_s3 import ObjectStorage
from aesweep.sweep.store.storage import Storage
from aesweep.sweep.tables import fold, row_counts
from tests.sweep.schedules.world import Answer, Handle, tag_of

DAY = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("trials", "scores", "evaluations")
"""Three of the tables: all are published in the same way. The last is made of the others."""
LOST = ("lost",)
"""The answer to a request that was done, and whose answer did not arrive."""
Do = Callable[..., Answer]
"""Makes a step of the process that runs."""


def _raise(number: Answer, name: str) -> None:
    if isinstance(number, int):
        raise OSError(number, os.strerror(number), name)


class Folder:
    """An open folder of the simulated disk, as system calls get it."""

    def __init__(self, do: Do, handle: Handle) -> None:
        self.do, self.handle = do, handle
        self.renamed: set[str] = set()


class SimulatedBeneath(Beneath):
    """`Beneath` of a path of the world."""

    def __init__(self, do: Do, who: str, mark: bytes) -> None:
        super().__init__("/store")
        self.do, self.who = do, who
        self.mark = mark
        """What `store.json` holds as long as nobody exchanges the store; b"" where somebody may."""
        self.held: Handle | None = None

    @contextmanager
    def pinned(self, check: Any) -> Iterator[None]:
        if self.mark:
            yield
            return
        outer, self.held = self.held, self._root(check)
        try:
            yield
        finally:
            self.held = outer

    def _look(self, what: str, name: str) -> Any:
        """`read`, `stat` or `list`, in the root that is held, or in the one that is there."""
        return self.do(what, name) if self.held is None else self.do(f"{what}_at", self.held, name)

    def _root(self, check: Any) -> Handle:
        root = Handle("ours", "", 0)
        if not self.mark:
            found = self.held or self.do("open", "")
            assert isinstance(found, Handle)
            root = found
            if check is not None:
                check(Folder(self.do, root))
        return root

    @contextmanager
    def folder(self, name: str, make: bool = False, check: Any = None) -> Iterator[Any]:
        root = self._root(check)
        if make and name:
            self.do("make_at", root, name)
        found = self.do("open_at", root, name)
        _raise(found, name)
        assert isinstance(found, Handle)
        yield Folder(self.do, found)

    def status(self, name: str) -> os.stat_result:
        found: Any = self._look("stat", name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "", name)
        status: os.stat_result = _status(*found)
        return status

    def read(self, name: str) -> bytes:
        if name == MARK and self.mark:
            return self.mark
        data: Any = self._look("read", name)
        if data is None:
            raise FileNotFoundError(errno.ENOENT, "", name)
        return bytes(data)

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name))

    def link(self, name: str, other: str, check: Any = None, waits: bool = True) -> None:
        """Within a folder: nothing else is asked of this world."""
        with self.parent(other) as (source, last), self.parent(name, True, check) as (folder, new):
            link(last, new, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)

    def walk(self, name: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
        """A folder is listed in one step with the lengths and times of its files."""
        entries: Any = self._look("list", name)
        if entries is None:
            raise FileNotFoundError(errno.ENOENT, "", name)
        for entry, size, number in entries:
            inner = f"{name}/{entry}" if name else entry
            if size >= 0 or depth <= 1:
                yield inner, _status(size, number)
            else:
                with suppress(FileNotFoundError):
                    yield from self.walk(inner, depth - 1)

    def names(self, name: str) -> list[str]:
        entries: Any = self._look("list", name)
        if entries is None:
            raise FileNotFoundError(errno.ENOENT, "", name)
        return [entry for entry, *_ in entries]

    def append(self, name: str, data: bytes, check: Any = None) -> None:
        folder, _, last = name.rpartition("/")
        with self.folder(folder, True, check) as at:
            _raise(self.do("append", at.handle, last, data), name)

    def remove(self, name: str, check: Any = None) -> None:
        with suppress(FileNotFoundError), self.parent(name, check=check) as (folder, last):
            unlink(last, dir_fd=folder)

    def remove_folder(self, name: str, check: Any = None) -> None:
        with suppress(FileNotFoundError):
            self._remove_folder(self._root(check), name)

    def _remove_folder(self, root: Handle, name: str) -> None:
        entries: Any = self.do("list_at", root, name)
        _raise(errno.ENOENT if entries is None else None, name)
        for entry, size, _ in entries:
            if size < 0:
                self._remove_folder(root, f"{name}/{entry}")
            else:
                found = self.do("open_at", root, name)
                _raise(found, name)
                assert isinstance(found, Handle)
                unlink(entry, dir_fd=Folder(self.do, found))
        _raise(self.do("rmdir_at", root, name), name)

    def move_unreadable(self, name: str, to: str, check: Any = None) -> bool:
        return False  # there is no such thing in the world

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        self.do("lock", self.who)
        try:
            yield
        finally:
            self.do("unlock")


def _status(size: int, number: int) -> Any:
    mode = 0o040755 if size < 0 else 0o100644
    return SimpleNamespace(st_mode=mode, st_size=max(size, 0), st_mtime_ns=number, st_nlink=1)


def unlink(name: str, *, dir_fd: Any) -> None:
    """`os.unlink`."""
    if isinstance(dir_fd, int):
        return os.unlink(name, dir_fd=dir_fd)
    if name in dir_fd.renamed:  # known to be gone
        raise FileNotFoundError(errno.ENOENT, "", name)
    _raise(dir_fd.do("unlink", dir_fd.handle, name), name)


def rename(name: str, last: str, *, src_dir_fd: Any, dst_dir_fd: Any) -> None:
    """`os.replace`."""
    if isinstance(src_dir_fd, int):
        return os.replace(name, last, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
    _raise(src_dir_fd.do("rename", src_dir_fd.handle, name, last), name)
    src_dir_fd.renamed.add(name)


def link(name: str, last: str, *, src_dir_fd: Any, dst_dir_fd: Any, follow_symlinks: bool) -> None:
    """`os.link`."""
    if isinstance(src_dir_fd, int):
        return os.link(name, last, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=follow_symlinks)
    _raise(src_dir_fd.do("link", src_dir_fd.handle, name, last), name)


def stat(name: str, *, dir_fd: Any) -> Any:
    """`os.stat` of a temporary file."""
    return os.stat(name, dir_fd=dir_fd) if isinstance(dir_fd, int) else SimpleNamespace(st_nlink=1)


def content(data: bytes | BinaryIO) -> bytes:
    """The bytes that are to be written, be they in an open file."""
    if isinstance(data, bytes):
        return data
    data.seek(0)
    return data.read()


def create(folder: Any, name: str, data: bytes | BinaryIO, waits: bool = True) -> None:
    """`write_new`."""
    if isinstance(folder, int):
        return write_new(folder, name, data, waits)
    _raise(folder.do("create", folder.handle, name, content(data)), name)


def read_file_at(folder: Any, name: str) -> bytes:
    """`read_at`."""
    if isinstance(folder, int):
        return read_at(folder, name)
    data: Any = folder.do("read_at", folder.handle, name)
    _raise(errno.ENOENT if data is None else None, name)
    return bytes(data)


class SimulatedObjects:
    """The part of a pyarrow file system that `ObjectStorage` uses."""

    def __init__(self, do: Do) -> None:
        self.do = do

    def open_input_file(self, path: str) -> Any:
        data: Any = self.do("get", _name(path))
        if data is None:
            raise FileNotFoundError(errno.ENOENT, "", path)
        return _Input(data)

    def get_file_info(self, what: Any) -> Any:
        if isinstance(what, str):
            found: Any = self.do("head", _name(what))
            return _info(what, *found) if found else fs.FileInfo(what, fs.FileType.NotFound)
        folder = _name(what.base_dir)
        listed: Any = self.do("objects", folder)
        depth = folder.count("/") + bool(folder)
        return [_info(f"bucket/{n}", *rest) for n, *rest in listed if what.recursive or n.count("/") == depth]

    def open_output_stream(self, path: str) -> Any:
        return _Output(self.do, _name(path))

    def create_dir(self, path: str, recursive: bool) -> None:
        self.do("make", _name(path))

    def delete_file(self, path: str) -> None:
        _raise(self.do("delete", _name(path)), path)

    def delete_dir(self, path: str) -> None:
        """Lists the objects, and removes them one after the other."""
        listed: Any = self.do("objects", _name(path))
        for name in [*(name for name, *_ in listed), _name(path)]:
            self.do("delete", name)


class _Input(io.BytesIO):
    def size(self) -> int:
        return len(self.getvalue())


class _Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        return iter(lambda: self.read(size), b"")


class _Output:
    def __init__(self, do: Do, name: str) -> None:
        self.do, self.name, self.data = do, name, b""

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        if self.do("put", self.name, self.data) == LOST:
            raise OSError("AWS Error NETWORK_CONNECTION")


class RefusedError(Exception):
    """As botocore raises it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class SimulatedClient:
    """The part of a botocore client that `ObjectStorage` uses."""

    def __init__(self, do: Do) -> None:
        self.do = do

    def put_object(self, *, Bucket: str, Key: str, Body: Any, IfNoneMatch: str = "", IfMatch: str = "") -> None:
        condition = ("IfNoneMatch", "") if IfNoneMatch else ("IfMatch", IfMatch)
        answer = self.do("put", Key, content(Body), *condition)
        if answer == LOST:
            raise ConnectionError("the answer was lost")
        if isinstance(answer, int):
            raise RefusedError(answer)

    def get_object(self, *, Bucket: str, Key: str) -> Any:
        data: Any = self.do("get", Key)
        if data is None:
            raise RefusedError(404)
        return {"Body": _Body(data), "ContentLength": len(data), "ETag": tag_of(data)}


def _name(path: str) -> str:
    return path.removeprefix("bucket").removeprefix("/")


def _info(path: str, size: int, number: int) -> fs.FileInfo:
    if size < 0:
        return fs.FileInfo(path, fs.FileType.Directory)
    return fs.FileInfo(path, fs.FileType.File, size=size, mtime_ns=number)


class Path(LocalStorage):
    """A `LocalStorage` on the simulated disk."""

    def __init__(self, do: Do, who: str, mark: bytes) -> None:
        super().__init__("/store", MARK)
        self._files = SimulatedBeneath(do, who, mark)


class Objects(ObjectStorage):
    """An `ObjectStorage` of the simulated service."""

    def __init__(self, do: Do, who: str, mark: bytes) -> None:
        self.root, self._base = "s3://bucket", "bucket"
        self._fs: Any = SimulatedObjects(do)
        self.__dict__["_conditional"] = SimulatedClient(do)
        self._mark, self.identity, self._was_asked = "", None, False  # nobody exchanges the store

    def map(self, function: Any, items: Any) -> Any:
        """One after the other: the order of steps is the schedule's."""
        return Storage.map(self, function, items)


STORAGES: dict[str, Callable[[Do, str, bytes], Storage]] = {"path": Path, "S3": Objects}


class Running:
    """The process that runs now: what it asks of the system beside its files goes to it as well."""

    do: Do
    word: Callable[[], uuid.UUID]


RUNNING = Running()


def simulate(patch: pytest.MonkeyPatch) -> None:
    """From now on, until `patch` is undone, storages of `STORAGES` work, and time and chance are the schedule's."""
    calls = SimpleNamespace(replace=rename, link=link, unlink=unlink, stat=stat, strerror=os.strerror)
    patch.setattr(on_disk, "os", calls)
    patch.setattr(on_disk, "write_new", create)
    patch.setattr(on_disk, "read_at", read_file_at)
    patch.setattr(on_disk, "sync", lambda folder: sync(folder) if isinstance(folder, int) else None)
    patch.setattr(uuid, "uuid4", lambda: RUNNING.word())  # noqa: PLW0108 (another word each run)
    clock = SimpleNamespace(time=lambda: float(str(RUNNING.do("time"))), monotonic=lambda: 0.0)
    patch.setattr(drivers, "time", clock)
    for module in (on_s3, storage):
        patch.setattr(module, "time", SimpleNamespace(sleep=lambda seconds: None))
    patch.setattr(attempts, "datetime", SimpleNamespace(now=lambda zone: DAY))
    patch.setattr(fold, "COLUMNS", {name: fold.COLUMNS[name] for name in TABLES})
    patch.setattr(fold, "KEYED", [name for name in fold.KEYED if name in TABLES])
    patch.setattr(row_counts, "TABLES", TABLES)
