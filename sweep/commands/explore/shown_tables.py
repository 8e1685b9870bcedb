"""A folder with the tables that a page shows: the store's own, a copy of those of an object store, or new ones.

Where no driver works and the published tables lack results, the page would never show these: whoever serves it changes
nothing in the store. So new tables are made in a temporary folder.
"""

import shutil
from pathlib import Path

from aesweep.cluster.capacity import allowed_cpus
from aesweep.sweep.store.drivers import living_drivers
from aesweep.sweep.store.layout import FOLDED, MARK, TABLES, table_name
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.fold import Fold, merged, tables_are_current
from aesweep.sweep.tables.spec_index import SpecIndex


class ShownTables:
    """The tables of a store as of the last `read`."""

    def __init__(self, store: Store, temporary: Path) -> None:
        self._store, self._temporary = store, temporary
        self._first = self.version()
        has_trials = bool(store.trials.known_keys())  # else a copy of the tables alone
        self._lack_results = has_trials and not living_drivers(store) and not tables_are_current(store)

    def version(self) -> str:
        """Changes when a driver, or a command, publishes tables; one question to the storage."""
        return self._store.storage.version(FOLDED) or "none"

    def read(self) -> Path:
        """The folder whose `tables/` holds them now."""
        if self._lack_results and self.version() == self._first:
            return self._make()
        return self._store.storage.folder or self._copy()

    def _make(self) -> Path:
        listed = self._store.snapshot()
        made = merged(listed, SpecIndex(listed), Fold(), listed.trials.known_keys(), set(), "", allowed_cpus())
        folder = self._folder("made")
        for name, file in made.files.items():
            file.seek(0)
            with (folder / table_name(name)).open("wb") as copy:
                shutil.copyfileobj(file, copy)
        made.close()
        return folder

    def _copy(self) -> Path:
        folder = self._folder("copy")
        for name in (MARK, *map(table_name, TABLES)):
            if (data := self._store.storage.read(name)) is not None:
                (folder / name).write_bytes(data)
        return folder

    def _folder(self, name: str) -> Path:
        folder = self._temporary / name
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        return folder
