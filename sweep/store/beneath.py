"""Files beneath a folder whose content nobody vouches for: reached without following a link, read within limits.

A store may come from a mail or a shared disk. A link in it could lead to any file of the reader, a FIFO never ends, and a
file with holes of a terabyte takes a few bytes of an archive. So each word of a name is opened from the descriptor of the
folder before it, never through a link, and only a regular file of a bearable length is read; anything else in its place
reads as an empty file, which is a damaged one to every reader. The folder itself may be reached through links.
"""

import errno
import fcntl
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, TypeVar

from aesweep.sweep.store.storage import ASIDE

MEGABYTE = 2**20
MOST_BYTES = {".json": 64 * MEGABYTE, ".png": 64 * MEGABYTE, ".stop": MEGABYTE}
"""Length up to which a file is read, by the end of its name; a spec of 100,000 trials has some 20 MB."""
MOST_OTHER_BYTES = 16 * 1024 * MEGABYTE
"""The same for weights, checkpoints, arrays and tables."""
TRIES = 20  # of a write whose temporary file is removed by others each time
Result = TypeVar("Result")
Check = Callable[[int], None]
"""Told the descriptor of the root before anything beneath it changes; raises where it must not."""
_PINNED: ContextVar[dict[Path, int] | None] = ContextVar("pinned", default=None)
"""Descriptors of the roots that this thread holds (`Beneath.pinned`)."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # O_NONBLOCK: a FIFO is opened, and seen to be one


def inside(name: str) -> str:
    """`name` itself. Raises ValueError for a name that would leave the root."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"{name!r} is not a path inside the store")
    return name


def most_bytes(name: str) -> int:
    """Length up to which a file of this name is read; a damaged one that is kept, like the one that it was."""
    return MOST_BYTES.get(os.path.splitext(name.partition(ASIDE)[0])[1], MOST_OTHER_BYTES)


class Beneath:
    """The files beneath one folder. Raises OSError as the system does; a link on the way is no folder."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, name: str) -> Path:
        """The file's place, for messages. Raises ValueError for a name that would leave the root."""
        return self.root / inside(name)

    @contextmanager
    def folder(self, name: str, make: bool = False, check: Check | None = None) -> Iterator[int]:
        """Descriptor of a folder; with `make` it is made where it is missing.

        What `check` has seen is what changes, also where the root is moved away meanwhile.
        """
        words = [word for word in inside(name).split("/") if word]
        with self._named(name):
            if make and check is None:
                _make_root(self.root)
            descriptor = self._open_root()
        try:
            if check is not None:
                with self._named(""):
                    check(descriptor)
            for place, word in enumerate(words):
                with self._named("/".join(words[:place])):
                    inner = _enter(descriptor, word, make)
                descriptor, outer = inner, descriptor
                os.close(outer)
            with self._named(name):
                yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def pinned(self, check: Check) -> Iterator[None]:
        """Inside the `with` block this thread stays with the root that `check` has seen, whatever takes its place."""
        with self.folder("", check=check) as descriptor:
            token = _PINNED.set({**(_PINNED.get() or {}), self.root: descriptor})
            try:
                yield
            finally:
                _PINNED.reset(token)

    def _held(self) -> int | None:
        return (_PINNED.get() or {}).get(self.root)

    def _open_root(self) -> int:
        held = self._held()
        return os.open(self.root, _FOLDER) if held is None else os.dup(held)

    @contextmanager
    def parent(self, name: str, make: bool = False, check: Check | None = None) -> Iterator[tuple[int, str]]:
        """Descriptor of the folder that holds a file, and the last word of the file's name."""
        above, _, last = inside(name).rpartition("/")
        with self.folder(above, make, check) as descriptor:
            yield descriptor, last or "."

    def status(self, name: str) -> os.stat_result:
        """What the system says of a file, folder or link."""
        if not name:  # which may be a file
            held = self._held()
            return os.stat(self.root if held is None else held)
        with self.parent(name) as (folder, last):
            return os.stat(last, dir_fd=folder, follow_symlinks=False)

    def read(self, name: str) -> bytes:
        """The bytes of a file; none where something else is in its place, or one too large to be read."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """The file, open for reading; an empty one where `read` gives no bytes."""
        with self.parent(name) as (folder, last):
            try:
                descriptor = os.open(last, os.O_RDONLY | _FILE, dir_fd=folder)
            except OSError:
                if _is_no_file(os.stat(last, dir_fd=folder, follow_symlinks=False)):  # a link or a socket
                    return io.BytesIO()
                raise
        if _is_readable(name, os.fstat(descriptor)):
            return open(descriptor, "rb")
        os.close(descriptor)
        return io.BytesIO()

    def link(self, name: str, other: str, check: Check | None = None, waits: bool = True) -> None:
        """Give the file `other` a second name, which nobody has yet; `waits` for the disk to have it."""
        with self.parent(other) as (source, last), self.parent(name, True, check) as (folder, new):
            os.link(last, new, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
            if waits:
                sync(folder)

    def walk(self, name: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
        """Every file up to `depth` levels below a folder, and the folders at that depth, with their status.

        What vanishes meanwhile is left out.
        """
        found: list[tuple[str, os.stat_result]] = []
        with self.folder(name) as descriptor:
            _walk(descriptor, f"{name}/" if name else "", depth, found)
        return iter(found)

    def names(self, name: str) -> list[str]:
        """The names in a folder."""
        with self.folder(name) as descriptor:
            return os.listdir(descriptor)

    def append(self, name: str, data: bytes, check: Check | None = None) -> None:
        """Add to the end of a file, which is made where it is missing, and so is its folder."""
        with self.parent(name, make=True, check=check) as (folder, last):
            descriptor = os.open(last, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FILE, 0o666, dir_fd=folder)
            with open(descriptor, "ab") as file:
                file.write(data)

    def remove(self, name: str, check: Check | None = None) -> None:
        """Remove a file, or a link itself, if it is there."""
        with suppress(FileNotFoundError, NotADirectoryError), self.parent(name, check=check) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def remove_folder(self, name: str, check: Check | None = None) -> None:
        """Remove a folder with everything in it, if it is there."""
        with suppress(FileNotFoundError, NotADirectoryError), self.parent(name, check=check) as (folder, last):
            if size_of_file(os.stat(last, dir_fd=folder, follow_symlinks=False)) is not None:
                os.unlink(last, dir_fd=folder)
                return
            try:
                shutil.rmtree(last, dir_fd=folder)
            except RecursionError as error:
                raise OSError(errno.ENAMETOOLONG, "Folders in folders without end", last) from error

    def move_unreadable(self, name: str, to: str, check: Check | None = None) -> bool:
        """Rename what reads as an empty file and is none, in its folder; False where no such thing is there."""
        with suppress(FileNotFoundError, NotADirectoryError), self.parent(name, check=check) as (folder, last):
            if not _is_readable(name, os.stat(last, dir_fd=folder, follow_symlinks=False)):
                os.replace(last, to.rpartition("/")[2], src_dir_fd=folder, dst_dir_fd=folder)
                return True
        return False

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Inside the `with` block no other process or thread has its turn at this file; without it, at the root."""
        with self.folder("") as root:
            descriptor = _open_lock(root, name)
            try:
                with suppress(OSError):  # a network file system without locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        """Errors inside the `with` block name the whole path."""
        try:
            yield
        except OSError as error:
            if isinstance(error.filename, str | bytes | None) and not os.path.isabs(error.filename or ""):
                error.filename = str(self.root / name / os.fsdecode(error.filename or ""))
            raise


def read_at(folder: int, name: str) -> bytes:
    """The bytes of a regular file in an open folder."""
    with open(os.open(name, os.O_RDONLY | _FILE, dir_fd=folder), "rb") as file:
        return file.read() if _is_readable(name, os.fstat(file.fileno())) else b""


def write_new(folder: int, name: str, data: bytes | BinaryIO, waits: bool = True) -> None:
    """Write a new file into an open folder, bytes or all that another file holds; `waits` until the disk has it."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o666, dir_fd=folder)
    with open(descriptor, "wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            data.seek(0)
            shutil.copyfileobj(data, file, MEGABYTE)
        file.flush()
        if waits:
            os.fsync(file.fileno())


def again(work: Callable[[], Result]) -> Result:
    """`work`, again where somebody removed its temporary file meanwhile, or the folder that it writes to."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError):
            return work()
    return work()


def sync(folder: int) -> None:
    """Make a new name in an open folder survive a power cut."""
    with suppress(OSError):  # some network file systems refuse it; the name itself is given in one step all the same
        os.fsync(folder)


def size_of_file(found: os.stat_result) -> int | None:
    """Length of a file, None for a folder; what is neither counts as an empty file."""
    if stat.S_ISDIR(found.st_mode):
        return None
    return 0 if _is_no_file(found) else found.st_size


def _is_no_file(found: os.stat_result) -> bool:
    return not stat.S_ISREG(found.st_mode)


def _is_readable(name: str, found: os.stat_result) -> bool:
    return not _is_no_file(found) and found.st_size <= most_bytes(name)


def _open_lock(folder: int, name: str) -> int:
    for way in (os.O_RDWR, os.O_RDONLY):  # NFS gives an exclusive lock to who may write
        with suppress(OSError):
            return os.open(name, way | _FILE, dir_fd=folder)
    return os.open(".", _FOLDER, dir_fd=folder)


def _make_root(root: Path) -> None:
    """Make a folder with those above it, which may be links."""
    if root.is_dir():
        return
    _make_root(root.parent)
    root.mkdir(exist_ok=True)
    with suppress(OSError):
        above = os.open(root.parent, _FOLDER)
        try:
            sync(above)
        finally:
            os.close(above)


def _walk(folder: int, above: str, depth: int, found: list[tuple[str, os.stat_result]]) -> None:
    """Add what is in an open folder; `above` is what the names begin with. A large store has 100,000 of them."""
    with os.scandir(folder) as entries:
        here = list(entries)
    for entry in here:
        name = above + entry.name
        try:
            if depth <= 1 or not entry.is_dir(follow_symlinks=False):
                found.append((name, entry.stat(follow_symlinks=False)))
            else:
                below = os.open(entry.name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                try:
                    _walk(below, f"{name}/", depth - 1, found)
                finally:
                    os.close(below)
        except (FileNotFoundError, NotADirectoryError):
            continue


def _enter(folder: int, word: str, make: bool) -> int:
    try:
        return os.open(word, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(word, dir_fd=folder)
        sync(folder)
    return os.open(word, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
