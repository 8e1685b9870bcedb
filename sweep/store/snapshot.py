"""A storage whose trials were listed once: what is there and in which version, answered from memory.

Planning asks some ten questions per trial. On an object store each one is a request of tens of milliseconds, and one
listing answers all of them with a page per thousand files. What is read or written still goes to the storage itself.
Made for one plan, one status or one fold, and then thrown away: it does not see what others write meanwhile.
"""
# ruff: noqa: D102 (`Storage` says what each method does)

from collections import defaultdict
from typing import BinaryIO

from aesweep.sweep.store.storage import FOLDER, Storage, is_folder

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
        self.identity = storage.identity
        self.place, self.read, self.open, self.map = storage.place, storage.read, storage.open, storage.map
        self.listing, self.temporary, self.append = storage.listing, storage.temporary, storage.append
        self.digest, self.require_identity, self.pinned = storage.digest, storage.require_identity, storage.pinned
        self._versions = storage.listing(LISTED, DEPTH)
        self._names: dict[str, set[str]] = defaultdict(set)
        for name in self._versions:
            self._add_name(name)

    def exists(self, name: str) -> bool:
        if self._is_listed(name):
            return name in self._versions or name in self._names
        return self._storage.exists(name)

    def version(self, name: str) -> str | None:
        version = self._versions.get(name)
        if version is None and not self._is_listed(name):
            return self._storage.version(name)
        return None if version is None or is_folder(version) else version

    def folder_version(self, name: str) -> str | None:
        """A text that changes when files come into a listed folder or go; None where there is no such folder."""
        version = self._versions.get(name)
        return version if version is not None and is_folder(version) else None

    def names(self, name: str) -> list[str]:
        found = self._names.get(name)
        if found is None and not self._is_listed(f"{name}/-"):
            return self._storage.names(name)
        return sorted(found or ())

    def write(self, name: str, data: bytes) -> None:
        self._storage.write(name, data)
        self._look_again(name)

    def share(self, name: str, other: str, data: bytes) -> bool:
        shared = self._storage.share(name, other, data)
        self._look_again(name)
        return shared

    def commit(self, name: str, data: bytes) -> bool:
        won = self._storage.commit(name, data)
        self._look_again(name)
        return won

    def make_folder(self, name: str) -> None:
        self._storage.make_folder(name)
        if self._is_listed(name):
            self._versions[name] = FOLDER
            self._add_name(name)

    def remove(self, name: str) -> None:
        self._storage.remove(name)
        self._look_again(name)

    def remove_folder(self, name: str) -> None:
        self._storage.remove_folder(name)
        for below in [n for n in self._versions if n == name or n.startswith(f"{name}/")]:
            self._forget(below)
        for below in [n for n in self._names if n == name or n.startswith(f"{name}/")]:
            del self._names[below]

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        replaced = self._storage.replace(name, found, data)
        self._look_again(name)
        return replaced

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        exchanged = self._storage.exchange(name, found, file)
        self._look_again(name)
        return exchanged

    def set_aside(self, name: str, found: bytes, left: bytes | None = None) -> str | None:
        aside = self._storage.set_aside(name, found, left)
        self._look_again(name)
        if aside is not None:
            self._look_again(aside)
        return aside

    def _is_listed(self, name: str) -> bool:
        return (name == LISTED or name.startswith(f"{LISTED}/")) and name.count("/") <= DEPTH

    def _add_name(self, name: str) -> None:
        while name != LISTED:
            folder, _, last = name.rpartition("/")
            beside = self._names[folder]
            is_known = bool(beside)  # a folder that holds something is in its own folder already
            beside.add(last)
            if is_known:
                return
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
