"""Reading and writing one table trial by trial, with a few hundred trials in memory at most.

A table is sorted by key, and a row group holds whole trials: the rows of one are never in two groups. So a fold reads an
old file and writes a new one side by side, and whoever wants a few trials reads only their groups (`filters` of pandas
and pyarrow, by the smallest and the largest key of each group).
"""

from collections.abc import Iterator
from itertools import groupby
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.sweep.tables.schemas import schema

GROUP_ROWS = 200_000
"""A row group ends with the trial that reaches so many rows."""
FEW_TRIALS = 64
"""The rows of so many trials are joined: a table of one row with sixty columns takes forty kilobytes."""


class TableReader:
    """The rows of trials that are asked for in the order of their keys."""

    def __init__(self, name: str, file: BinaryIO | None) -> None:
        """None reads as a table without rows."""
        self._empty = schema(name).empty_table()
        self._parts = self._trials(file) if file is not None else iter(())
        self._key, self._rows = next(self._parts, ("", self._empty))

    def rows(self, key: str) -> pa.Table:
        """The rows of this trial; those of earlier ones are passed over."""
        while self._key and self._key < key:
            self._key, self._rows = next(self._parts, ("", self._empty))
        return self._rows if self._key == key else self._empty

    def _trials(self, file: BinaryIO) -> Iterator[tuple[str, pa.Table]]:
        for key, parts in groupby(self._slices(file), lambda part: part[0]):
            yield key, pa.concat_tables([rows for _, rows in parts])

    def _slices(self, file: BinaryIO) -> Iterator[tuple[str, pa.Table]]:
        file.seek(0)
        found = pq.ParquetFile(file)
        for number in range(found.num_row_groups):
            group = found.read_row_group(number).cast(self._empty.schema)
            if not group.num_rows:
                continue
            runs = pc.run_end_encode(group["key"].combine_chunks())
            ends = runs.run_ends.to_pylist()
            for key, begin, end in zip(runs.values.to_pylist(), [0, *ends], ends, strict=False):
                yield key, group.slice(begin, end - begin)


class TableFile:
    """A table that is written trial by trial. The same rows of the same publication give the same bytes."""

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
        """The rows of the next trial."""
        self._few.append(rows)
        self._rows += rows.num_rows
        if len(self._few) >= FEW_TRIALS or self._rows >= GROUP_ROWS:
            self._join()
        if self._rows >= GROUP_ROWS:
            self._write()

    def _join(self) -> None:
        self._held.append(pa.concat_tables([self._empty, *self._few]).combine_chunks())
        self._few = []

    def _write(self) -> None:
        self._join()
        group = pa.concat_tables(self._held).combine_chunks()  # one chunk, however the rows came
        if group.num_rows:
            self._writer.write_table(group, row_group_size=group.num_rows)
        self._held, self._rows = [], 0
