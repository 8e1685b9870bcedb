"""What a report reads of a store on an object store, copied to this machine.

The copy holds the tables and the pictures that the report shows. A picture never changes once it is written (its
attempt's id is in its path), so a second copy into the same folder fetches only new ones; tables are always fetched.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.storage import TEMPORARY
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import COLUMNS


def copy_tables(store: Store, folder: Path) -> Path:
    """`store.json` and the tables in `folder`; that folder."""
    store.storage.map(
        lambda name: _copy(store, name, folder), (MARK, *(f"tables/{table}.parquet" for table in COLUMNS))
    )
    return folder


def copy_pictures(store: Store, folder: Path, names: Iterable[str]) -> None:
    """The files of these names that are not there yet. Names come from a table: only those inside `trials/` count."""
    inside = [name for name in names if name.startswith("trials/") and ".." not in name.split("/")]
    store.storage.map(lambda name: _copy(store, name, folder), [n for n in inside if not (folder / n).exists()])


def _copy(store: Store, name: str, folder: Path) -> None:
    """Into place in one step: a file that is there is whole, also after a kill or on a disk that became full."""
    data = store.storage.read(name)
    if data is None:
        return
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{TEMPORARY}{place.name}")
    try:
        aside.write_bytes(data)
        os.replace(aside, place)
    finally:
        aside.unlink(missing_ok=True)
