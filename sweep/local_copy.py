"""What a report reads of a store on an object store, copied to this machine.

The copy holds the tables and the pictures that the report shows. A picture never changes once it is written (its
attempt's id is in its path), so a second copy into the same folder fetches only new ones; tables are always fetched.
"""

from collections.abc import Iterable
from pathlib import Path

from sweep.layout import MARK
from sweep.schemas import COLUMNS
from sweep.store import Store


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
    data = store.storage.read(name)
    if data is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
