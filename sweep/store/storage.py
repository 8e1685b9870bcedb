"""Files of a store, by relative names with `/`: what every kind of storage does.

A process can be killed between any two instructions, and a reader must never meet half a file. Each kind of storage
keeps that promise in its own way: `sweep/store/on_disk.py` on a path, `sweep/store/on_s3.py` on S3 and its like.
`open_storage` chooses; whoever uses a storage does not know which one it is.
"""

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from aesweep.models.errors import InputError

TEMPORARY = ".tmp-"
ASIDE = ".damaged-"  # between the name of a damaged file and the hash of what it held
SETTLE_SECONDS = 0.5
BLOCK_BYTES = 2**20
FOLDER = "folder"
"""What the version of a folder in a listing begins with; it changes when files in the folder come or go."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class StorageError(OSError):
    """A storage that does not answer, or refuses, after all retries. Printed like an `InputError`: what, and the remedy."""

    def __init__(self, root: str, remedy: str) -> None:
        super().__init__()
        self.field, self.value, self.remedy = "--store", root, remedy

    def __str__(self) -> str:
        return str(InputError(self.field, self.value, self.remedy))

    def __reduce__(self) -> tuple[type["StorageError"], tuple[str, str]]:
        return type(self), (self.value, self.remedy)  # workers send it to the driver


class OtherStoreError(StorageError):
    """At a store's address there is another store, or none. No retry helps: somebody must put the first one back."""


class Storage(Protocol):
    """The files under one root."""

    root: str
    """Address of the root, as `open_storage` takes it: an absolute path or a URI."""
    folder: Path | None
    """The root as a folder of this machine's file system, None where it is none."""
    look_seconds: float
    """How often it is cheap to look whether a file has appeared."""
    keeps_files_whole: bool
    """Whether a file that is there is the one that was written: no power cut and no disk leaves a part of it."""
    identity: bytes | None
    """What `store.json` must hold for anything to change: what the driver found there, or what was found first here."""

    def place(self, name: str = "") -> str:
        """Where a file is, for messages to people."""

    def require_identity(self) -> None:
        """Raise `StorageError` where another store, or none, is at this address; an object store is asked once."""

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none."""

    def open(self, name: str) -> BinaryIO | None:
        """A file to read parts of, None where there is none."""

    def digest(self, name: str, most: int) -> tuple[str, int] | None:
        """SHA-256 and length in bytes of a file, None where there is none; of a longer one than `most`, of its beginning.

        Reads blocks: files may be larger than the memory.
        """
        file = self.open(name)
        if file is None:
            return None
        content, size = hashlib.sha256(), 0
        with file:
            while size <= most and (block := file.read(min(BLOCK_BYTES, most + 1 - size))):
                content.update(block)
                size += len(block)
        return content.hexdigest(), size

    def exists(self, name: str) -> bool:
        """Whether the file or folder is there; "" is the root."""

    def version(self, name: str) -> str | None:
        """A text that changes when the file does and begins with its length (`size_of`), None where there is none."""

    def names(self, name: str) -> list[str]:
        """Sorted names in a folder, temporary files left out; empty where there is no folder."""

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        """Version of every file up to `depth` levels below a folder; folders at that depth too (`is_folder`)."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, replacing what was there."""

    def share(self, name: str, other: str, data: bytes) -> bool:
        """Give a file that holds `data` a second, new name; False where that is not so, or where no file has two names.

        Removing one name leaves the other.
        """
        return False

    def commit(self, name: str, data: bytes) -> bool:
        """Write a file whole unless it exists; False where another writer was first.

        Where nothing does that in one step: look, write, wait a moment and read back who stands there.
        """
        if self.exists(name):
            return False
        self.write(name, data)
        time.sleep(SETTLE_SECONDS)
        return self.read(name) == data

    def make_folder(self, name: str) -> None:
        """Make a folder that `names` and `listing` show before any file is in it."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""

    def remove_folder(self, name: str) -> None:
        """Remove a folder with everything in it, if it is there."""

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        """Exchange the content `found` of a file for `data` (None: remove it); False where it holds other bytes.

        One step for everybody else. Where nothing does that: look and write.
        """
        if self.read(name) != found:
            return False
        if data is None:
            self.remove(name)
        else:
            self.write(name, data)
        return True

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        """Put all that `file` holds in the place of a file whose SHA-256 is `found` (None: of none), as `replace` does.

        False where another file is there.
        """
        file.seek(0)
        data, there = file.read(), self.read(name)
        if found is None or there is None:
            return found is None and self.commit(name, data)
        return digest_of([there]) == found and self.replace(name, there, data)

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Inside the `with` block this thread reads and writes one and the same store: the one that was here first.

        On a path another store, or none, can be in its place for a moment, between two looks that belong together.
        """
        yield

    def set_aside(self, name: str, found: bytes, left: bytes | None = None) -> str | None:
        """Keep what was found damaged under another name and leave `left` in its place (None: nothing).

        Gives that name, or None where the file holds other bytes by now: somebody else was faster.
        """
        if self.read(name) != found:
            return None
        aside = aside_name(name, found)
        self.write(aside, found)
        return aside if self.replace(name, found, left) else None

    def temporary(self) -> list[str]:
        """Names of the files that killed writers left, and of those that are being written."""

    def append(self, name: str, text: str) -> bool:
        """Add to the end of a text file; False where a file can only be written whole."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """`function` of every item, several at once where each one waits for a network."""
        return [function(item) for item in items]


class LogFile:
    """A new text file that grows by lines: at once on a path, also before a SIGKILL; on an object store with `publish`."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name, self._kept = storage, name, ""

    def add(self, text: str) -> None:
        """One more line."""
        if not self._storage.append(self._name, f"{text}\n"):
            self._kept += f"{text}\n"

    def publish(self) -> None:
        """Make all lines visible to others, where they are not yet."""
        if self._kept:
            self._storage.write(self._name, self._kept.encode())


def same_identity(root: str, expected: bytes | None, found: bytes | None) -> bytes:
    """What `store.json` holds, `found`. Raises `OtherStoreError` unless that is `expected` (None: whatever is there)."""
    if found is None:
        remedy = (
            f"It is not there any more, seen from {socket.gethostname()}. Bring it back and run the same command again."
        )
        raise OtherStoreError(root, remedy)
    if expected and found != expected:
        remedy = f"Another store is in its place now, seen from {socket.gethostname()}. "
        raise OtherStoreError(root, f"{remedy}Put the first one back and run the same command again.")
    return found


def joined(folder: str, name: str) -> str:
    """The name of a file in a folder; the root's name is empty."""
    return f"{folder}/{name}" if folder else name


def aside_name(name: str, found: bytes) -> str:
    """The name of a damaged file that is kept: the same for everybody who found these bytes."""
    return f"{name}{ASIDE}{hashlib.sha256(found).hexdigest()[:6]}"


def digest_of(chunks: Iterable[bytes]) -> str:
    """SHA-256 of some bytes in hex digits."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def sha256_of(digest: tuple[str, int] | None) -> str | None:
    """The first part of what `Storage.digest` gives."""
    return digest[0] if digest else None


def file_digest(file: BinaryIO) -> str:
    """SHA-256 of all that an open file holds."""
    file.seek(0)
    return digest_of(iter(partial(file.read, BLOCK_BYTES), b""))


def version_of(size: int, time_ns: int) -> str:
    """A file's version, from its length in bytes and the time of its last change."""
    return f"{size}-{time_ns}"


def size_of(version: str) -> int:
    """The length in bytes of the file that had this version."""
    return int(version.partition("-")[0])


def is_folder(version: str) -> bool:
    """Whether a version in a listing is a folder's."""
    return version.startswith(FOLDER)


def to_json_bytes(value: Mapping[str, object]) -> bytes:
    """JSON for a store: sorted keys, one space of indent, so that a person can read it and diff it."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
