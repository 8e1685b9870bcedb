"""Reading the JSON records of a store, and when a commit counts.

A commit is read before it counts, and read once: whoever folded it into the tables left its version (size and time) in
`FOLDED`, and as long as the file is of that version a plan takes it for whole. One that was cut short or changed has
another version, is read, set aside with a warning, and its work is done again.

Commits that are newer than the last fold, all of them in a store that was never folded, are read by the next fold in any
case. A plan of many trials does not read them in full before that: on a path their seal tells whether they are as they
were written, and an object of an object store is whole or not there at all. The same goes for commits that have another
time and the same length: those of a copied store.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from aesweep.sweep.store.layout import FOLDED, MARK
from aesweep.sweep.store.open_storage import open_storage
from aesweep.sweep.store.records import has_sound_seal, parse_record
from aesweep.sweep.store.snapshot import ListedStorage
from aesweep.sweep.store.storage import Storage, StorageError, have_same_size

Check = Callable[[dict[str, Any]], bool]
log = logging.getLogger(__name__)


class StoredRecords:
    """The JSON files of one store at a path or URI."""

    def __init__(self, root: str | Path, storage: Storage | None = None) -> None:
        self.storage = storage or open_storage(root, MARK)
        self.root = self.storage.root
        self._whole: dict[str, str] = {}
        """Versions of commits that were read and found whole."""
        self._only_looks = False

    def only_looking(self) -> Self:
        """The store for those who change nothing in it: what is damaged counts as missing and keeps its name."""
        store = type(self)(self.root, self.storage)
        store._only_looks = True
        return store

    def listed(self) -> Self:
        """The store with its trials listed now, for many questions at once; not for longer than those take."""
        if isinstance(self.storage, ListedStorage):
            return self
        store = type(self)(self.root, ListedStorage(self.storage))
        store._whole = self._whole  # shared: what is known to be whole stays known
        store._only_looks = self._only_looks
        for name, version in folded_commits(self).items():
            store._whole.setdefault(name, version)
        return store

    def read_json(self, name: str, check: Check | None = None) -> dict[str, Any] | None:
        """A JSON object of the store, None where it is missing or damaged (not a record, or refused by `check`)."""
        data = self.storage.read(name)
        if data is None:
            return None
        value = parse_record(data)
        if value is None or (check is not None and not check(value)):
            log.warning("%s is damaged; it counts as missing", self.storage.place(name))
            return None
        return value

    def whole_commits(self) -> dict[str, str]:
        """Versions of all commits that were read, found whole, and are still there: for `FOLDED`."""
        return {name: version for name, version in self._whole.items() if self.storage.version(name) == version}

    def is_as_folded(self, name: str) -> bool:
        """Whether a commit is missing, or of a version that was read and found whole."""
        return self._whole.get(name) == self.storage.version(name)

    def read_commit(self, name: str, check: Check) -> dict[str, Any] | None:
        """A commit, or None; one that cannot be read is set aside, so that its work is done and committed anew."""
        version = self.storage.version(name) if isinstance(self.storage, ListedStorage) else None
        data = self.storage.read(name)
        if data is None:
            return None
        value = parse_record(data)
        if value is None or not check(value):
            self.set_aside(name)
            return None
        if version is not None:
            self._whole[name] = version
        return value

    def has_commit(self, name: str, check: Check) -> bool:
        """Whether `read_commit` gives one, as far as can be said without reading what a fold reads anyway."""
        version = self.storage.version(name)
        if version is None:
            return False
        known = self._whole.get(name)
        if known == version:
            return True
        alike = known is None or have_same_size(known, version)
        if not (alike and isinstance(self.storage, ListedStorage) and self._seems_whole(name)):
            return self.read_commit(name, check) is not None
        if known is not None:  # a copy: remembered as what it is a copy of
            self._whole[name] = version
        return True

    def set_aside(self, name: str) -> None:
        """Keep a damaged file under another name; another process may have been faster."""
        if self._only_looks:
            log.warning("%s is damaged; it counts as missing", self.storage.place(name))
            return
        try:
            aside = self.storage.set_aside(name)
        except FileNotFoundError:
            return
        except OSError as error:  # a store that may only be read: said each time, and not counted
            why = error.remedy if isinstance(error, StorageError) else error
            log.warning("%s is damaged, and cannot be set aside: %s", self.storage.place(name), why)
            return
        log.warning("%s is damaged; kept as %s, its work will be done again", self.storage.place(name), aside)

    def _seems_whole(self, name: str) -> bool:
        """Whether a commit that no fold has read may count until one does."""
        if self.storage.keeps_files_whole:
            return True
        data = self.storage.read(name)
        return data is not None and has_sound_seal(data)


def folded_commits(store: StoredRecords) -> dict[str, str]:
    """Versions of the commits that the tables were made from."""
    known = (store.read_json(FOLDED) or {}).get("commits")
    return {n: v for n, v in known.items() if isinstance(v, str)} if isinstance(known, dict) else {}
