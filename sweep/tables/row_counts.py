"""How many rows the published tables have. `status` shows them, so Parquet is read only where `FOLDED` does not say it."""

import logging

from aesweep.sweep.store.layout import TABLES, table_name
from aesweep.sweep.store.records.whole_store import FoldedTables
from aesweep.sweep.store.store import Store

log = logging.getLogger(__name__)


def table_rows(store: Store) -> dict[str, int]:
    """Rows of each published table; 0 where there is none yet, or none that can be read."""
    folded = store.records.folded()
    return {table: _rows(store, table, folded) for table in TABLES}


def _rows(store: Store, table: str, folded: FoldedTables | None) -> int:
    if folded and table in folded.rows and store.records.has_full_length(table_name(table), folded.files.get(table)):
        return folded.rows[table]
    return _rows_in_file(store, table)


def _rows_in_file(store: Store, table: str) -> int:
    from aesweep.sweep.tables.reading import TableInParts, UnsoundTableError  # a tenth of a second: pyarrow

    file = store.storage.open(table_name(table))
    if file is None:
        return 0
    try:
        with file:
            return TableInParts(table, file).rows
    except (OSError, UnsoundTableError):
        log.warning("%s is damaged; `aesweep tables STORE` makes it again", store.storage.place(table_name(table)))
        return 0
