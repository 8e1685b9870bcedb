"""Figures, tables and verdicts as the page's template takes them: texts and addresses, nothing to compute."""

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aesweep.analysis.claims.verdicts import Finding
from aesweep.analysis.figures.style import Drawing
from aesweep.analysis.text.text_tables import Heading, TextTable

PIXELS_PER_INCH = 119
MOST_ROWS = 400
"""Rows of one table in the page's markup; the files hold all."""
MOST_SORTED = 20_000
"""Rows of a table that can be sorted and filtered: those beyond the markup's are data for the page's script."""
CHOICES = ("text", "whole", "value")
"""Kinds of columns that a table may be filtered by, if they hold few values."""
TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = (TEMPLATES / "report.js").read_text()


@dataclass(frozen=True)
class ShownFigure:
    """A figure on the page."""

    name: str
    title: str
    caption: str
    source: str  # a data URI, or the path from the page to the file
    width: int  # largest width on the page, CSS pixels: all figures are shown at one scale


class ShownHead(NamedTuple):
    """The head of a column: its text, whether the column is numeric, and whether the table can be filtered by its values."""

    text: str
    is_number: bool
    is_choice: bool


class ShownCell(NamedTuple):
    """One cell of a table on the page."""

    text: str
    bold: bool
    kind: str  # class of the cell: number, key, code, wide or short


@dataclass(frozen=True)
class ShownTable:
    """A table on the page, cells row by row."""

    name: str
    title: str
    caption: str
    heads: list[ShownHead]
    rows: list[list[ShownCell]]
    left_out: int
    sortable: bool = False
    data: list[tuple[list[str], list[int]]] | None = None
    """For the page's script if the markup omits rows: the cells of each row, and which of them are bold."""


MOST = 1e300
"""Numbers up to which an interval is drawn; your claim may give any, also an int that no float can hold."""


class ShownBar(NamedTuple):
    """An interval as a bar: places from left to right, in percent. What decides is in the middle."""

    low: float
    value: float
    high: float
    margin: tuple[float, float]  # ends of the band that counts as little; equal where there is none


def show_intervals(finding: Finding) -> list[ShownBar]:
    """The intervals of a comparison at one scale, with what decides in the middle."""
    found = [one for one in finding.intervals if all(abs(number) < MOST for number in one)]  # not where one is nan
    reach = 1.1 * max((max(abs(value) + half, margin) for value, half, margin in found), default=0.0) or 1.0

    def place(value: float) -> float:
        return round(50 + 50 * value / reach, 2)

    return [
        ShownBar(place(v - half), place(v), place(v + half), (place(-margin), place(margin)))
        for v, half, margin in found
    ]


def show_figure(drawing: Drawing, source: str) -> ShownFigure:
    """A figure whose picture is at `source`."""
    width = round(drawing.figure.get_figwidth() * PIXELS_PER_INCH)
    return ShownFigure(drawing.name, drawing.title, drawing.caption, source, width)


def show_table(table: TextTable, sortable: bool, room: int) -> ShownTable:
    """All rows, or the `MOST_ROWS` with the lowest distances, in the table's order.

    A `sortable` table holds the others as data, as long as those take at most `room` bytes.
    """
    kept = table.frame.index
    if len(kept) > MOST_ROWS:
        ranked = [name for name in ("gmm", "mvg", "test_bce") if name in table.headings][:1]
        order = table.frame.sort_values(ranked, kind="stable").index if ranked else kept
        kept = kept[kept.isin(order[:MOST_ROWS])]
    part = table.only(kept)
    data = _data(table, room) if sortable and len(kept) < len(table.frame) else []
    cells, bold = part.cells().to_numpy().tolist(), part.bold_cells().to_numpy().tolist()
    headings = table.headings.values()
    rows = [
        [ShownCell(text, mark, _kind(h, text)) for text, mark, h in zip(texts, marks, headings, strict=True)]
        for texts, marks in zip(cells, bold, strict=True)
    ]
    heads = [ShownHead(heading.text, not heading.is_text, heading.kind in CHOICES) for heading in headings]
    left_out = len(table.frame) - max(len(data), len(kept))
    more = data if len(data) > len(kept) else None
    return ShownTable(table.name, table.title, table.caption, heads, rows, left_out, sortable, more)


def _data(table: TextTable, room: int) -> list[tuple[list[str], list[int]]]:
    """Cells and bold places of the first `MOST_SORTED` rows, or of those that take `room` bytes."""
    part = table.only(table.frame.index[:MOST_SORTED])
    cells, bold = part.cells().to_numpy().tolist(), part.bold_cells().to_numpy()
    rows = [(row, marks.nonzero()[0].tolist()) for row, marks in zip(cells, bold, strict=True)]
    ends = accumulate(len(json.dumps(row)) + 2 for row in rows)
    return [row for row, end in zip(rows, ends, strict=True) if end <= room]


def _kind(heading: Heading, text: str) -> str:
    if heading.kind == "text":
        return "key" if heading.text == "Key" else ("wide" if len(text) > 40 else "short")
    return "code" if heading.kind == "code" else "number"


def environment() -> Environment:
    """Everything is escaped: names, reasons and notes come from data files. The one script is ours, named by its hash."""
    loader = FileSystemLoader(TEMPLATES)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    made.globals |= {"script": Markup(SCRIPT), "script_hash": f"sha256-{digest}", "show_intervals": show_intervals}
    return made
