"""What a report reads of a store, as files of this machine: the store's folder itself, or a copy from an object store.

The copy holds the tables and the pictures that they name. A picture never changes once it is written (its attempt's id
is in its path), so a second copy into the same folder fetches only new ones; tables are always fetched.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from sweep.schemas import COLUMNS
from sweep.store import Store


def local_copy(store: Store, folder: Path, pictures: Sequence[str]) -> Path:
    """The folder with `store.json`, the tables and the named pictures of every trial; `folder` is used if none is here."""
    here = store.storage.folder
    if here is not None:
        return here
    for name in ("store.json", *(f"tables/{table}.parquet" for table in COLUMNS)):
        _copy(store, name, folder)
    wanted = [f"{place}/{name}" for place in _picture_folders(folder) for name in pictures]
    store.storage.map(lambda name: _copy(store, name, folder), [n for n in wanted if not (folder / n).exists()])
    return folder


def _copy(store: Store, name: str, folder: Path) -> None:
    data = store.storage.read(name)
    if data is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _picture_folders(folder: Path) -> list[str]:
    """Folders of pictures that the copied trials table names; only names inside the store."""
    places = pq.read_table(folder / "tables" / "trials.parquet", columns=["pictures"])["pictures"].to_pylist()
    return [place for place in places if place and place.startswith("trials/") and ".." not in place.split("/")]
