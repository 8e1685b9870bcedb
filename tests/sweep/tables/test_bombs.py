"""A table of some kilobytes that stands for gigabytes is refused, in little memory, whatever it says of itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.sweep.tables.schemas import schema

MOST_MEGABYTES = 2_000
LOOK = """
import sys
from aesweep.analysis.data.tables import load_tables
from aesweep.analysis.errors import ReportError
try:
    tables = load_tables(sys.argv[1])
    print("read", tables.latents.of(["0" * 12]).shape)
except ReportError as error:
    print(error)
(most,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(most) // 1024)
"""


def written(path: Path, table: str, rows: int, texts: dict[str, pa.Array], **how: object) -> None:
    """A table whose columns are null, and some texts."""
    columns = {field.name: texts.get(field.name, pa.nulls(rows, field.type)) for field in schema(table)}
    pq.write_table(pa.table(columns), path / f"{table}.parquet", compression="zstd", **how)


def repeated(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "int32")), pa.array([text]))


def one_long_text_a_million_times(folder: Path) -> None:
    written(folder, "failures", 200_000, {"message": repeated("x" * 1_000_000, 200_000)})


def one_long_key(folder: Path) -> None:
    written(folder, "latents", 200_000, {"key": repeated("0" * 12 + "x" * 1_000_000, 200_000)}, write_statistics=False)


def many_row_groups_of_it(folder: Path) -> None:
    written(
        folder, "failures", 200, {"message": repeated("x" * 1_000_000, 200)}, row_group_size=1, write_statistics=False
    )


def prefixes_that_texts_share(folder: Path) -> None:
    texts = pa.array(["x" * 1_000_000] * 300)
    how = {"use_dictionary": False, "column_encoding": {"message": "DELTA_BYTE_ARRAY"}}
    written(folder, "failures", 300, {"message": texts}, **how)


def millions_of_nulls(folder: Path) -> None:
    written(folder, "trials", 1_000_000, {})


def one_huge_text(folder: Path) -> None:
    written(folder, "failures", 1, {"message": pa.array(["x" * 150_000_000])}, use_dictionary=False)


def lists_of_lists(folder: Path) -> None:
    many = pa.ListArray.from_arrays(pa.array([0, 50_000_000], pa.int32()), pa.nulls(50_000_000, pa.int8()))
    written(folder, "failures", 1, {"message": many.cast(pa.list_(pa.int8()))})


def ten_thousand_columns(folder: Path) -> None:
    pq.write_table(pa.table({f"x{place}": [0] for place in range(10_000)}), folder / "failures.parquet")


def a_footer_of_half_the_file(folder: Path) -> None:
    (folder / "failures.parquet").write_bytes(b"PAR1" + b"\x15" * 2**25 + (2**25).to_bytes(4, "little") + b"PAR1")


QUICK = [one_long_text_a_million_times, one_long_key, a_footer_of_half_the_file]
OTHERS = [
    many_row_groups_of_it, prefixes_that_texts_share, millions_of_nulls, one_huge_text, lists_of_lists, ten_thousand_columns,
]  # fmt: skip
BOMBS = [*QUICK, *(pytest.param(bomb, marks=pytest.mark.slow) for bomb in OTHERS)]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, bomb: Callable[[Path], None]) -> None:
    (tmp_path / "tables").mkdir()
    bomb(tmp_path / "tables")
    looked = subprocess.run(
        [sys.executable, "-c", LOOK, tmp_path], capture_output=True, text=True, timeout=60, check=True
    )
    *said, megabytes = looked.stdout.splitlines()
    assert int(megabytes) < MOST_MEGABYTES, said
    assert "aesweep tables STORE" in "".join(said), said
