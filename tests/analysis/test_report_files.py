"""What of a report is in the page itself: it stays small at any size of sweep."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from aesweep.analysis.page import MOST_ROWS
from aesweep.analysis.report_files import SORTED_BYTES, Writer
from aesweep.analysis.text.text_tables import Heading, TextTable


def test_rows_to_be_sorted_take_bounded_room_in_all_tables_together(tmp_path: Path) -> None:
    (tmp_path / "report/tables").mkdir(parents=True)
    writer = Writer(tmp_path, tmp_path / "report")
    shown = writer.tables([large_table(name, 18_000) for name in ("first", "second", "third")], sortable=True)
    rows = [len(one.data or one.rows) for one in shown]
    assert 18_000 >= rows[0] > rows[1] >= rows[2] == MOST_ROWS
    assert 0.9 * SORTED_BYTES < sum(len(json.dumps(one.data)) for one in shown if one.data) <= SORTED_BYTES
    assert [one.left_out for one in shown] == [18_000 - count for count in rows]  # the page says so
    assert all(len((tmp_path / f"report/tables/{one.name}.csv").read_text().splitlines()) == 18_001 for one in shown)


def large_table(name: str, rows: int) -> TextTable:
    frame = pd.DataFrame({"name": [f"digits-dae-f8-z{i}-{i:012x}" for i in range(rows)], "gmm": np.arange(rows) / 7})
    return TextTable(name, "Trials", "", {"name": Heading("Name"), "gmm": Heading("GMM", "score")}, frame, "hash")
