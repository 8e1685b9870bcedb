"""The tables of a store as pandas frames, with the hash of the bytes they were read from.

A sweep may be running while its report is drawn, so each Parquet file is opened once: the frame and the hash come from
the same bytes, also where the driver replaces the file meanwhile. A store without tables is a store without results
(empty frames); a folder that is no store is an error. `sweep/tables/schemas.py` says which columns there are.

The latents of ten thousand trials are twenty million rows and a figure shows some thousands of them: `LatentPoints`
leaves them in the file until a few trials are asked for.
"""

import hashlib
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from aesweep.analysis.data.trials import describe
from aesweep.analysis.errors import ReportError
from aesweep.sweep.store.beneath import Beneath
from aesweep.sweep.tables.reading import TableInParts, UnsoundTableError
from aesweep.sweep.tables.schemas import ADDED, COLUMNS, RENAMED, TRAINED

STORE_MARKER = "store.json"  # the file that makes a folder a store
HASH_DIGITS = 12
MOST_ROWS = (10_000_000, 2_000_000_000)
"""Limits for a table, and for the latents, which are read trial by trial."""
REBUILD = "Make the tables again with `aesweep tables STORE`."

_EPOCHS = ("key", "state", "epoch", "loss")
"""Columns that are read of `epochs`, which has a million rows in a long sweep; the other tables are read with all columns."""
# Numbers may be missing: floats.
_KINDS = {"string": "str", "bool": "bool", "timestamp[us, tz=UTC]": "datetime64[us, UTC]"}
KINDS: dict[str, dict[str, str]] = {
    table: {c.name: _KINDS.get(str(c.type), "float64") for c in columns if table != "epochs" or c.name in _EPOCHS}
    for table, columns in COLUMNS.items()
    if table != "terms"  # no part of the report reads them
}
"""Table -> column -> pandas type in a frame that may hold no rows."""


def frame_of(table: str, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows with exactly the columns of a table, those that they lack filled with nulls; without rows an empty frame."""
    frame = pd.DataFrame() if rows is None else rows
    return frame.reindex(columns=list(KINDS[table])).astype(KINDS[table])


class LatentPoints:
    """The latents table, read trial by trial from the file that was opened when the tables were loaded."""

    def __init__(self, table: TableInParts | None = None, path: Path | None = None) -> None:
        self._table, self._path = table, path
        self._moments: dict[str, tuple[float, ...]] = {}

    def of(self, keys: Iterable[str]) -> pd.DataFrame:
        """The rows of these trials, in the order of the file."""
        wanted = sorted(set(keys))
        if self._table is None or not wanted:
            return frame_of("latents")
        columns, among = list(KINDS["latents"]), pa.array(wanted)
        try:
            groups = self._table.groups(columns, wanted)
            found = [group.filter(pc.is_in(group["key"], value_set=among)) for group in groups]
        except UnsoundTableError as error:
            raise ReportError("table", self._path, f"{error} {REBUILD}") from error
        return shown_frame(pa.concat_tables(found)) if found else frame_of("latents")

    def moments(self, keys: Iterable[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Means and standard deviations over the training images of these trials: index `key`, columns `z_a` and `z_b`.

        Over all points of a trial that has none of training images. Every claim is judged under every reading, so each trial
        is read once.
        """
        asked = sorted(set(keys))
        if missing := [key for key in asked if key not in self._moments]:
            found = self.of(missing)
            of_training = found["split"].eq("train")
            without = ~of_training.groupby(found["key"]).transform("any")
            points = found[of_training | without].groupby("key")[["z_a", "z_b"]]
            both = pd.concat([points.mean(), points.std()], axis=1)
            self._moments |= dict.fromkeys(missing, ())
            self._moments |= {str(row[0]): row[1:] for row in both.itertuples(name=None)}
        known = {key: self._moments[key] for key in asked if self._moments[key]}
        table = np.array(list(known.values()), dtype=float).reshape(len(known), 4)
        index = pd.Index(list(known), name="key", dtype="str")
        means, deviations = (pd.DataFrame(part, index, ["z_a", "z_b"]) for part in (table[:, :2], table[:, 2:]))
        return means, deviations


@dataclass(frozen=True, eq=False)  # one object per store that was read: functions may remember what they made of it
class Tables:
    """The tables of one store. Each frame has the columns of `KINDS`; missing tables are empty frames."""

    root: Path
    trials: pd.DataFrame = field(default_factory=lambda: frame_of("trials"))
    epochs: pd.DataFrame = field(default_factory=lambda: frame_of("epochs"))
    scores: pd.DataFrame = field(default_factory=lambda: frame_of("scores"))
    evaluations: pd.DataFrame = field(default_factory=lambda: frame_of("evaluations"))
    latents: LatentPoints = field(default_factory=LatentPoints)
    failures: pd.DataFrame = field(default_factory=lambda: frame_of("failures"))
    data_hash: str = "none"
    """The first 12 digits that `cd STORE/tables; sha256sum *.parquet | sha256sum` prints; "none" without tables."""
    address: str = ""  # what a person calls the store, where `root` is a copy of one: its URI

    @property
    def store(self) -> str:
        r"""The store's name in texts and commands; a byte that is not UTF-8 is written as `\xe9`."""
        return self.address or os.fsencode(self.root).decode(errors="backslashreplace")

    @property
    def quoted(self) -> str:
        """The store's name as a shell takes it."""
        return shlex.quote(self.store)

    @cached_property
    def described(self) -> pd.DataFrame:
        """The trials with the columns of `aesweep.analysis.data.trials.describe`; copy before you change it."""
        return describe(self.trials)

    @cached_property
    def last_failures(self) -> pd.DataFrame:
        """The newest failure of each trial that has one; copy before you change it."""
        return self.failures.sort_values("time", kind="stable").drop_duplicates("key", keep="last")


def load_tables(store: str | Path, address: str = "") -> Tables:
    """Read `STORE/tables/*.parquet`; `address` is the URI of the store that `store` is a copy of.

    A store that does not exist yet, or has no tables, gives empty frames. Raises `ReportError` for a folder that is no
    store, a file, and a table that cannot be read or lacks a column.
    """
    root = Path(store).expanduser().absolute()
    _check_is_store(root)
    digest, read = hashlib.sha256(), {}
    for table in sorted(COLUMNS):
        path = root / "tables" / f"{table}.parquet"
        try:
            file = Beneath(root).open(f"tables/{table}.parquet")
        except (FileNotFoundError, NotADirectoryError):
            continue
        digest.update(f"{_sha256(file)}  {table}.parquet\n".encode())
        if table in KINDS:
            read[table] = _read(path, table, file)
        else:
            file.close()
    return Tables(root, **read, data_hash=digest.hexdigest()[:HASH_DIGITS] if read else "none", address=address)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it asks for a method less
    file.seek(0)
    return digest


def _read(path: Path, table: str, file: BinaryIO) -> Any:
    """The frame of a table, or for the latents the open file."""
    try:
        found = TableInParts(table, file)
        if found.rows > MOST_ROWS[table == "latents"]:
            raise UnsoundTableError(f"It claims to hold {found.rows:,} rows, more than any sweep has.")
        before = ADDED.get(table, {}).items()
        added = {name: np.nan if value is None else value for name, value in before if name not in found.names}
        renamed = {new: old for new, old in RENAMED.get(table, {}).items() if new not in found.names}
        lacking = [name for name in KINDS[table] if not {name, renamed.get(name)} & {*found.names, *added}]
        if lacking:
            raise UnsoundTableError(f"It lacks the column {lacking[0]!r}.")
        if table == "latents":
            return LatentPoints(found, path)
        with file:
            columns = [name for name in KINDS[table] if name not in {*added, *renamed}]
            rows = found.read(columns)
            if table == "epochs" and "state" in columns:  # those of unfinished trainings are no results
                rows = rows.filter(pc.equal(rows["state"], TRAINED))
            frame = shown_frame(rows).assign(**added)
            return frame.assign(**{new: frame[old] for new, old in renamed.items()})[list(KINDS[table])]
    except (OSError, UnsoundTableError) as error:
        raise ReportError("table", path, f"{error} {REBUILD}") from error


def shown_frame(table: pa.Table) -> pd.DataFrame:
    """What `pd.read_parquet` gives, with texts that are safe to show."""
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    for name in frame.select_dtypes(["object", "string"]).columns:
        written = {v: safe for v in frame[name].unique() if isinstance(v, str) and (safe := _shown(v)) != v}
        if written:
            frame[name] = frame[name].replace(written)
    return frame


def _shown(text: str) -> str:
    """The text as it may be shown: what a terminal, an editor or a browser takes for a command is written as an escape."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def _check_is_store(root: Path) -> None:
    if root.is_file():
        raise ReportError("STORE", root, "That is a file. Give the folder that `aesweep launch --store` wrote to.")
    if not root.is_dir() or (root / STORE_MARKER).is_file() or (root / "tables").is_dir():
        return
    if any(not entry.name.startswith(".") for entry in root.iterdir() if entry.name != "report"):
        remedy = "The folder holds other files and no store. Give the folder that `aesweep launch` wrote."
        raise ReportError("STORE", root, remedy)
