"""Reading one table trial by trial and writing another, with a few hundred trials in memory at most.

A table is sorted by key, and a row group holds whole trials: the rows of one are never in two groups. So a fold reads an
old file and writes a new one side by side, and whoever wants a few trials reads only their groups (`filters` of pandas
and pyarrow, by the smallest and the largest key of each group).
"""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.sweep.tables.reading import TableInParts
from aesweep.sweep.tables.schemas import COLUMNS, schema

GROUP_ROWS = 200_000
"""A row group ends with the trial that reaches so many rows."""
FEW_TABLES = 64
"""So many tables are joined to one: a table of one row with sixty columns takes forty kilobytes."""


class TableReader:
    """The rows of trials that are asked for in the order of their keys."""

    def __init__(self, name: str, parts: Iterable[pa.Table]) -> None:
        """`parts` of the table, each with whole trials."""
        self._empty = schema(name).empty_table()
        self._trials = _by_trial(part.cast(self._empty.schema) for part in parts)
        self._key, self._rows = next(self._trials, ("", self._empty))

    def rows(self, key: str) -> pa.Table:
        """The rows of this trial; those of earlier ones are passed over."""
        while self._key and self._key < key:
            self._key, self._rows = next(self._trials, ("", self._empty))
        return self._rows if self._key == key else self._empty


def groups_of(name: str, file: BinaryIO | None) -> Iterator[pa.Table]:
    """The row groups of a table's file; none without one."""
    if file is not None:
        yield from TableInParts(name, file).groups([column.name for column in COLUMNS[name]])


def _by_trial(parts: Iterable[pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    for part in parts:
        if part.num_rows:
            runs = pc.run_end_encode(part["key"].combine_chunks())
            ends = runs.run_ends.to_pylist()
            for key, begin, end in zip(runs.values.to_pylist(), [0, *ends], ends, strict=False):
                yield key, part.slice(begin, end - begin)


class TableFile:
    """A table that is written some trials at a time. The same rows of the same publication give the same bytes."""

    def __init__(self, name: str, file: BinaryIO, publication: str = "") -> None:
        self._schema, self._empty, self._rows = schema(name, publication), schema(name).empty_table(), 0
        self._few: list[pa.Table] = []
        self._held: list[pa.Table] = []
        floats = [column.name for column in self._schema if pa.types.is_floating(column.type)]
        others = [column.name for column in self._schema if column.name not in floats]
        # Measured numbers hardly repeat: a dictionary of them costs time, and their bytes by place are a third smaller.
        self._writer = pq.ParquetWriter(
            file, self._schema, compression="zstd", use_dictionary=others, use_byte_stream_split=floats
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write()
        self._writer.close()

    def add(self, rows: pa.Table) -> None:
        """The rows of the next trials, all of each."""
        while self._rows + rows.num_rows >= GROUP_ROWS:
            ends = pc.run_end_encode(rows["key"].combine_chunks()).run_ends.to_pylist() or [0]
            end = next(end for end in ends if self._rows + end >= GROUP_ROWS)
            self._hold(rows.slice(0, end))
            self._write()
            rows = rows.slice(end)
        self._hold(rows)

    def _hold(self, rows: pa.Table) -> None:
        self._few.append(rows)
        self._rows += rows.num_rows
        if len(self._few) >= FEW_TABLES:
            self._join()

    def _join(self) -> None:
        self._held.append(pa.concat_tables([self._empty, *self._few]).combine_chunks())
        self._few = []

    def _write(self) -> None:
        self._join()
        group = pa.concat_tables(self._held).combine_chunks()  # one chunk, however the rows came
        if group.num_rows:
            self._writer.write_table(group, row_group_size=group.num_rows)
        self._held, self._rows = [], 0
