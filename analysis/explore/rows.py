"""Rows of a few trials from a table that is too large to be kept: opened for each question, so threads share nothing."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from aesweep.analysis.errors import ReportError
from aesweep.sweep.store.beneath import Beneath
from aesweep.sweep.tables.reading import TableInParts, UnsoundTableError


def rows_of(root: Path, table: str, columns: Sequence[str], keys: Collection[str] | None = None) -> pd.DataFrame:
    """Those of `columns` that the table has, of these trials or of all; empty without a table.

    Raises `ReportError` for a table that cannot be read.
    """
    try:
        with Beneath(root).open(f"tables/{table}.parquet") as file:
            found = TableInParts(table, file)
            there = [name for name in columns if name in found.names]
            groups = [_of(group, keys).to_pandas() for group in found.groups(there, keys)]
    except (FileNotFoundError, NotADirectoryError):
        return pd.DataFrame(columns=list(columns))
    except (OSError, UnsoundTableError, pa.ArrowException) as error:
        remedy = f"{error} Make the tables again with `aesweep tables STORE`."
        raise ReportError("table", root / "tables" / f"{table}.parquet", remedy) from error
    return pd.concat(groups, ignore_index=True) if groups else pd.DataFrame(columns=list(columns))


def _of(rows: pa.Table, keys: Collection[str] | None) -> pa.Table:
    return rows if keys is None else rows.filter(pc.is_in(rows["key"], value_set=pa.array(sorted(keys), pa.string())))
