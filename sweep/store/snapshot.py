"""A storage whose trials were listed once: what is there and in which version, answered from memory.

Planning asks some ten questions per trial. On an object store each one is a request of tens of milliseconds, and one
listing answers all of them with a page per thousand files. What is read or written still goes to the storage itself.
Made for one plan, one status or one fold, and then thrown away: it does not see what others write meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import BinaryIO

from aesweep.sweep.store.storage import FOLDER, Item, LogFile, Result, Storage

LISTED = "trials"
DEPTH = 3  # trials/<key>/scores/<id>.json; what is inside attempts/<id>/ is not needed


class Snapshot:
    """`storage`, with its folder `trials/` as it was when this was made."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.root = storage.root
        self.folder = storage.folder
        self.look_seconds = storage.look_seconds
        self.keeps_files_whole = storage.keeps_files_whole
        self._versions = storage.listing(LISTED, DEPTH)
        self._names: dict[str, set[str]] = defaultdict(set)
        for name in self._versions:
            self._add_name(name)

    def exists(self, name: str) -> bool:
        """As listed."""
        if self._is_listed(name):
            return name in self._versions or name in self._names
        return self._storage.exists(name)

    def version(self, name: str) -> str | None:
        """As listed."""
        if self._is_listed(name):
            version = self._versions.get(name)
            return None if version == FOLDER else version
        return self._storage.version(name)

    def names(self, name: str) -> list[str]:
        """As listed."""
        if self._is_listed(f"{name}/-"):
            return sorted(self._names.get(name, ()))
        return self._storage.names(name)

    def write(self, name: str, data: bytes) -> None:
        """Written through."""
        self._storage.write(name, data)
        self._look_again(name)

    def commit(self, name: str, data: bytes) -> bool:
        """Written through."""
        won = self._storage.commit(name, data)
        self._look_again(name)
        return won

    def make_folder(self, name: str) -> None:
        """Made at once."""
        self._storage.make_folder(name)
        if self._is_listed(name):
            self._versions[name] = FOLDER
            self._add_name(name)

    def remove(self, name: str) -> None:
        """Removed at once."""
        self._storage.remove(name)
        self._look_again(name)

    def remove_folder(self, name: str) -> None:
        """Removed at once."""
        self._storage.remove_folder(name)
        for below in [n for n in self._versions if n == name or n.startswith(f"{name}/")]:
            self._forget(below)

    def set_aside(self, name: str) -> str:
        """Renamed at once."""
        aside = self._storage.set_aside(name)
        self._look_again(name)
        self._look_again(aside)
        return aside

    def place(self, name: str = "") -> str:
        """As the storage says."""
        return self._storage.place(name)

    def read(self, name: str) -> bytes | None:
        """As it is now."""
        return self._storage.read(name)

    def open(self, name: str) -> BinaryIO | None:
        """As it is now."""
        return self._storage.open(name)

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        """As it is now."""
        return self._storage.listing(folder, depth)

    def temporary(self) -> list[str]:
        """Temporary files are not listed."""
        return self._storage.temporary()

    def remove_temporary(self) -> None:
        """Temporary files are not listed."""
        self._storage.remove_temporary()

    def log_file(self, name: str) -> LogFile:
        """Logs are not listed."""
        return self._storage.log_file(name)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """As the storage does."""
        return self._storage.map(function, items)

    def _is_listed(self, name: str) -> bool:
        words = name.split("/")
        return words[0] == LISTED and len(words) <= 1 + DEPTH

    def _add_name(self, name: str) -> None:
        while name != LISTED:
            folder, _, last = name.rpartition("/")
            self._names[folder].add(last)
            name = folder

    def _look_again(self, name: str) -> None:
        if not self._is_listed(name):
            return
        version = self._storage.version(name)
        if version is not None:
            self._versions[name] = version
            self._add_name(name)
        else:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._versions.pop(name, None)
        folder, _, last = name.rpartition("/")
        self._names[folder].discard(last)
