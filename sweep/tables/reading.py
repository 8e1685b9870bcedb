"""Reads Parquet files that nobody vouches for, and refuses those that would take too much memory for their length.

Problem: a file of kilobytes can expand to terabytes (a dictionary of one long text and a million references to it, run
lengths, prefixes that texts share), and what it says about its sizes may be wrong.
Decision: a table is read row group by row group, with columns of plain numbers and texts only. Texts stay what they are
in the file, numbers of a dictionary, until the length of all of them is counted. What was read is counted, not only
what was promised.
Consequence: a table takes at most `LARGEST_SMALL_TABLE` plus `MOST_PER_BYTE` times its own length. Where the stated length
of a page is wrong, that one page (Parquet limits it to 2 GB) is decoded before it is counted.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.sweep.tables.schemas import COLUMNS

LARGEST_SMALL_TABLE = 128 * 2**20
"""Bytes that any table may take in memory."""
MOST_PER_BYTE = 100
"""Further bytes in memory for one of the file; ours take up to thirty."""
MOST_FOOTER_BYTES = 16 * 2**20
"""A table of 10,000 row groups has some ten megabytes of them, read whole before anything else."""
MOST_LISTED = 100_000
"""Row groups, and columns."""
TOO_LARGE = "It would take far more memory than a table of its length."
CELL_BYTES = 8  # a number; of a text where it begins and ends


class UnsoundTableError(ValueError):
    """The file is not Parquet, or not a table that is read here; the message says why in one line."""


class TableInParts:
    """A table of the store in an open file. Everything raises `UnsoundTableError` where the file is not sound."""

    def __init__(self, table: str, file: BinaryIO) -> None:
        _require_short_footer(file)
        texts = {column.name for column in COLUMNS[table] if pa.types.is_string(column.type)}
        with _told():
            about = pq.ParquetFile(file, thrift_container_size_limit=MOST_LISTED).metadata
            there = [path for place in range(about.num_columns) if (path := about.schema.column(place).path) in texts]
            self._file = pq.ParquetFile(file, metadata=about, read_dictionary=there)
            self._schema: pa.Schema = self._file.schema_arrow
        self.rows: int = about.num_rows
        self.names: list[str] = self._schema.names
        self._allowed = LARGEST_SMALL_TABLE + MOST_PER_BYTE * file.seek(0, os.SEEK_END)

    def read(self, columns: Sequence[str], only: pc.Expression | None = None) -> pa.Table:
        """Some columns of all rows, or of those `only` that an expression over these columns keeps."""
        groups = self.groups(columns)
        kept = groups if only is None else (group.filter(only) for group in groups)
        return pa.concat_tables([*kept] or [self._empty(columns)])

    def groups(self, columns: Sequence[str], keys: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Some columns of each row group; with `keys` only of those that may hold one of these trials, by their statistics."""
        self._require_plain(columns)
        places = [self.names.index(name) for name in columns]
        left = self._allowed
        for group in range(self._file.num_row_groups):
            with _told():
                about = self._file.metadata.row_group(group)
                if keys is not None and not _may_hold(about.column(self.names.index("key")), keys):
                    continue
                sizes = [about.column(place).total_uncompressed_size for place in places]
                cells = about.num_rows * len(columns) * CELL_BYTES
                if min(0, about.num_rows, *sizes) < 0 or cells + sum(sizes) > left:
                    raise UnsoundTableError(TOO_LARGE)
                found = self._file.read_row_group(group, columns=list(columns), use_threads=False)
                left -= cells + sum(_text_bytes(column) for column in found.columns)
                if left < 0:
                    raise UnsoundTableError(TOO_LARGE)
                yield _as_texts(found)

    def _empty(self, columns: Sequence[str]) -> pa.Table:
        return _as_texts(pa.schema([self._schema.field(name) for name in columns]).empty_table())

    def _require_plain(self, columns: Sequence[str]) -> None:
        """Refuse lists, columns of columns, bytes, and two columns of one name."""
        for name in columns:
            if self.names.count(name) != 1:
                raise UnsoundTableError(f"It has the column {name!r} {self.names.count(name)} times.")
            kind = self._schema.field(name).type
            if not (pa.types.is_primitive(kind) or pa.types.is_null(kind) or _is_text(kind)):
                raise UnsoundTableError(f"Its column {name!r} holds neither numbers nor texts.")


@contextmanager
def _told() -> Iterator[None]:
    """What pyarrow raises inside the `with` block is told in one line."""
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise UnsoundTableError(f"It is damaged ({[*str(error).splitlines(), ''][0]}).") from error


def _require_short_footer(file: BinaryIO) -> None:
    """The footer, and its length, end a Parquet file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 8))
    length = int.from_bytes(file.read(8)[:4], "little")
    file.seek(0)
    if length > MOST_FOOTER_BYTES and size > MOST_FOOTER_BYTES:
        raise UnsoundTableError(f"Its footer has {length:,} bytes, more than any table's.")


def _may_hold(about: pq.ColumnChunkMetaData, keys: Collection[str]) -> bool:
    statistics = about.statistics
    if statistics is None or not statistics.has_min_max or not isinstance(statistics.min, str):
        return True
    return any(statistics.min <= key <= statistics.max for key in keys)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind))


def _text_bytes(column: pa.ChunkedArray) -> int:
    """How long all texts of a column are, were each of them written out."""
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = (pc.take(pc.binary_length(chunk.dictionary), chunk.indices) for chunk in column.chunks)
    return sum(pc.sum(chunk.cast(pa.int64())).as_py() or 0 for chunk in lengths)


def _as_texts(table: pa.Table) -> pa.Table:
    """The same with texts written out."""
    kinds = [pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(kinds, metadata=table.schema.metadata))
