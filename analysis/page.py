"""Figures, tables and verdicts as the page's template takes them: texts and data URIs, nothing to compute."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aesweep.analysis.figures.style import Drawing
from aesweep.analysis.pictures import png_uri
from aesweep.analysis.text.text_tables import Heading, TextTable

PIXELS_PER_INCH = 119
MOST_ROWS = 400
"""Rows of one table on the page; the files hold all."""


@dataclass(frozen=True)
class ShownFigure:
    """A figure on the page."""

    name: str
    title: str
    caption: str
    data_uri: str
    width: int  # largest width on the page, CSS pixels: all figures are shown at one scale


class ShownCell(NamedTuple):
    """One cell of a table on the page."""

    text: str
    bold: bool
    kind: str  # class of the cell: number, key, code, wide or short


@dataclass(frozen=True)
class ShownTable:
    """A table on the page: heads as (text, whether it stands right), cells row by row."""

    name: str
    title: str
    caption: str
    heads: list[tuple[str, bool]]
    rows: list[list[ShownCell]]
    left_out: int


def show_figure(drawing: Drawing, png: bytes) -> ShownFigure:
    """A figure with its PNG inside."""
    width = round(drawing.figure.get_figwidth() * PIXELS_PER_INCH)
    return ShownFigure(drawing.name, drawing.title, drawing.caption, png_uri(png), width)


def show_table(table: TextTable) -> ShownTable:
    """All rows, or the `MOST_ROWS` with the lowest distances, in the table's order."""
    kept = table.frame.index
    if len(kept) > MOST_ROWS:
        ranked = [name for name in ("gmm", "mvg", "test_bce") if name in table.headings][:1]
        order = table.frame.sort_values(ranked, kind="stable").index if ranked else kept
        kept = kept[kept.isin(order[:MOST_ROWS])]
    part = table.only(kept)
    cells, bold = part.cells().to_numpy().tolist(), part.bold_cells().to_numpy().tolist()
    headings = table.headings.values()
    rows = [
        [ShownCell(text, mark, _kind(h, text)) for text, mark, h in zip(texts, marks, headings, strict=True)]
        for texts, marks in zip(cells, bold, strict=True)
    ]
    heads = [(heading.text, not heading.is_text) for heading in headings]
    return ShownTable(table.name, table.title, table.caption, heads, rows, len(table.frame) - len(kept))


def _kind(heading: Heading, text: str) -> str:
    if heading.kind == "text":
        return "key" if heading.text == "Key" else ("wide" if len(text) > 40 else "short")
    return "code" if heading.kind == "code" else "number"


def environment() -> Environment:
    """Everything is escaped: names, reasons and notes come from data files."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
