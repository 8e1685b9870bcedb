"""A table of the report and its three text forms: Markdown, LaTeX and CSV.

Markdown and LaTeX are for reading: rounded numbers, the lowest ones in bold, a caption with the hash of the data. CSV
is for computing: full precision, machine names, the hash in a column of its own (a comment line would break
`pd.read_csv`).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from aesweep.analysis.text.latex import Column, latex_table

MISSING = "–"
SIGNIFICANT_DIGITS = 4  # as many as the paper prints


@dataclass(frozen=True)
class Heading:
    """One column as it is shown: its head, and how its values are written."""

    text: str
    kind: str = "text"
    """text, code (a command), number (right-aligned text), value (the same with few distinct values), whole, score (four significant
    digits), nats (four decimals)"""

    @property
    def is_text(self) -> bool:
        """Whether the column is left-aligned."""
        return self.kind in ("text", "code")


@dataclass(frozen=True)
class TextTable:
    """A frame with what is needed to show it. `bold` has the frame's index and the columns that may be bold."""

    name: str
    title: str
    caption: str
    headings: dict[str, Heading]
    frame: pd.DataFrame
    data_hash: str
    bold: pd.DataFrame = field(default_factory=pd.DataFrame)
    tidy: pd.DataFrame | None = None
    """What the CSV holds instead of `frame`, if the rows shown are unsuitable for computing."""

    def cells(self) -> pd.DataFrame:
        """The shown columns as text, nulls as a dash; index 0..n-1."""
        written = {name: _written(self.frame[name], heading.kind) for name, heading in self.headings.items()}
        return pd.DataFrame(written).reset_index(drop=True)

    def bold_cells(self) -> pd.DataFrame:
        """Which of `cells()` are bold: bool, the same shape."""
        whole = self.bold.reindex(index=self.frame.index, columns=list(self.headings))
        return whole.eq(True).reset_index(drop=True)

    def only(self, rows: pd.Index) -> "TextTable":
        """The same table with these rows of the frame's index only."""
        return replace(self, frame=self.frame.loc[rows])


def format_score(value: float) -> str:
    """Four significant digits without an exponent where it can be helped: 85.38, 372.3, 0.01234, 12345."""
    if pd.isna(value):
        return MISSING
    if not np.isfinite(value):
        return str(value)
    if value != 0 and abs(value) < 1e-4:
        return f"{value:.2e}"
    before_point = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    if before_point:
        return f"{value:.{max(0, SIGNIFICANT_DIGITS - before_point)}f}"
    return f"{value:#.{SIGNIFICANT_DIGITS}g}"


def with_error(value: float, half_width: float) -> str:
    """A value and half of its interval, both rounded to two digits of the latter: `85.4 ± 1.2`; without one just the value."""
    if pd.isna(half_width):
        return format_score(value)
    if not half_width > 0 or not np.isfinite(half_width):
        return f"{format_score(value)} ± {format_score(half_width)}"
    places = places_of(half_width)
    return f"{value:.{places}f} ± {half_width:.{places}f}"


def counted(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`, `1,200 trials`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def places_of(half_width: float) -> int:
    """Decimals needed for two significant digits of an error; 0 for large ones."""
    return max(0, 1 - int(np.floor(np.log10(half_width)))) if half_width > 0 and np.isfinite(half_width) else 2


def to_markdown(table: TextTable) -> str:
    """A GitHub-flavoured Markdown table with its title and caption."""
    cells = table.cells().apply(lambda column: column.map(_markdown_escape))
    cells = _emphasised(cells, table.bold_cells(), "**", "**")
    head = [_markdown_escape(heading.text) for heading in table.headings.values()]
    rule = ["---" if heading.is_text else "---:" for heading in table.headings.values()]
    lines = ["| " + " | ".join(row) + " |" for row in [head, rule, *cells.to_numpy().tolist()]]
    caption = _markdown_escape(table.caption)
    title = f"# {_markdown_escape(table.title)}"
    return "\n".join([title, "", *lines, "", f"{caption} Data {table.data_hash}.".strip(), ""])


def to_latex(table: TextTable) -> str:
    """A `table` or `longtable` environment for a plain article with booktabs and siunitx."""
    cells, bold = table.cells(), table.bold_cells()
    columns = [
        Column(heading.text, cells[name].tolist(), bold[name].tolist(), not heading.is_text)
        for name, heading in table.headings.items()
    ]
    return latex_table(columns, f"{table.title}. {table.caption} Data {table.data_hash}.", table.name)


def to_csv(table: TextTable) -> str:
    """Every column of the frame (or of `tidy`) at full precision, and `data_hash`."""
    frame = table.frame if table.tidy is None else table.tidy
    frame = frame.assign(data_hash=table.data_hash)
    texts = frame.select_dtypes(["object", "string", "category"]).columns
    return frame.assign(**{name: frame[name].map(_no_formula) for name in texts}).to_csv(index=False)


def _no_formula(value: object) -> object:
    """Text that a spreadsheet would take for a formula, with an apostrophe in front: it may come from anybody's store."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


FORMS = {"md": to_markdown, "tex": to_latex, "csv": to_csv}


def _written(column: pd.Series, kind: str) -> pd.Series:
    if kind == "score":
        return column.map(format_score).astype("str")
    write = {"whole": "{:.0f}".format, "nats": "{:.4f}".format}.get(kind, str)
    return column.map(write).astype("str").where(column.notna(), MISSING).astype("str")


def _emphasised(cells: pd.DataFrame, bold: pd.DataFrame, before: str, after: str) -> pd.DataFrame:
    return cells.where(~bold, before + cells + after) if len(cells) else cells


def _markdown_escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\")
    for character in "|*_`<[":
        escaped = escaped.replace(character, "\\" + character)
    return " ".join(escaped.split())
