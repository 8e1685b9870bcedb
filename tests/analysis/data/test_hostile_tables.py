"""A table of some kilobytes that stands for gigabytes is refused before it is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.analysis.data import tables
from aesweep.analysis.data.tables import load_tables
from aesweep.analysis.errors import ReportError
from aesweep.sweep.tables.schemas import schema


def test_a_table_of_more_rows_than_a_sweep_has_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    rows = tables.MOST_ROWS[0] + 1
    columns = {field.name: pa.nulls(rows, field.type) for field in schema("failures")}
    path = tmp_path / "tables/failures.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ReportError, match="10,000,001 rows"):
        load_tables(tmp_path)
