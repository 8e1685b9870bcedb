"""The published tables of a store, wherever the store is."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.store.layout import table_name
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.reading import TableInParts, UnsoundTableError
from aesweep.sweep.tables.schemas import COLUMNS


def read_table(
    store: Store, table: str, columns: Sequence[str] | None = None, only: pc.Expression | None = None
) -> pa.Table:
    """A table with these columns, or with all that it has and that are documented. Raises `InputError` without a sound one.

    `only` keeps some rows: a table of millions of them then takes little memory.
    """
    file = store.storage.open(table_name(table))
    if file is None:
        raise InputError("STORE", store.root, "It has no tables yet. `aesweep tables STORE` makes them.")
    try:
        with file:
            found = TableInParts(table, file)
            known = [column.name for column in COLUMNS[table] if column.name in found.names]
            return found.read(columns or known, only)
    except (OSError, UnsoundTableError, ValueError) as error:
        remedy = f"{one_line(str(error))} Make the tables again with `aesweep tables STORE`."
        raise InputError("table", store.storage.place(table_name(table)), remedy) from error
