"""What a report reads of a store on an object store, copied to this machine.

The copy holds the tables and the pictures that the report shows. A picture never changes once it is written (its
attempt's id is in its path), so a second copy into the same folder fetches only new ones; tables are always fetched.
"""

from collections.abc import Iterable
from pathlib import Path

from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import COLUMNS


def copy_tables(store: Store, folder: Path) -> Path:
    """`store.json` and the tables in `folder`; that folder."""
    _copy(store, folder, [MARK, *(f"tables/{table}.parquet" for table in COLUMNS)])
    return folder


def copy_pictures(store: Store, folder: Path, names: Iterable[str]) -> None:
    """The files of these names that are not there yet. Names come from a table: only those inside `trials/` count."""
    inside = [name for name in names if name.startswith("trials/") and ".." not in name.split("/")]
    _copy(store, folder, [name for name in inside if not (folder / name).exists()])


def _copy(store: Store, folder: Path, names: list[str]) -> None:
    """Each file is written in one step: one that is there is whole, also after a kill or on a disk that became full."""
    copy = LocalStorage(folder)

    def bring(name: str) -> None:
        if (data := store.storage.read(name)) is not None:
            copy.write(name, data)

    store.storage.map(bring, names)
