"""A table of the report as LaTeX for a plain article: booktabs rules, numbers aligned and with their errors by siunitx.

A column of numbers is an `S` column: `54.10 ± 0.13` is written `54.10(13)`, which siunitx prints as 54.10 ± 0.13. A long table is
a `longtable`, since a `table` cannot break over pages. The first line says which packages the preamble needs.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

MOST_LINES = 40
"""Rows of a table on one page."""
MANY_COLUMNS = 6
"""Tables with more columns are set in a smaller font."""
_BOLD = r"\bfseries "
_LONG = 40
"""Columns with longer text break it into lines."""
_NUMBER = re.compile(r"([+−-]?)(\d[\d,]*)(\.\d+)?(?: ± (\d[\d,]*(?:\.\d+)?))?")
_CHARACTERS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}
_CHARACTERS |= {
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
}
_CHARACTERS |= {"β": r"$\beta$", "σ": r"$\sigma$", "≤": r"$\leq$", "∞": r"$\infty$", "é": r"\'e"}
_CHARACTERS |= {"Σ": r"$\Sigma$", "½": r"$^{1/2}$", "‖": r"$\|$"} | {c: f"$^{i}$" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_CHARACTERS |= {"“": "``", "”": "''", "’": "'", "…": r"\ldots{}"}
_CHARACTERS |= {character: "\\" + character for character in "&%$#_{}"}


class Column(NamedTuple):
    """One column: its head and cells as shown, which cells are bold, and whether it is right-aligned."""

    head: str
    cells: Sequence[str]
    bold: Sequence[bool]
    is_right: bool


class _Number(NamedTuple):
    """A number as siunitx reads it, and the digits before and after its point and of its error."""

    text: str
    before: int
    after: int
    error: int


def escape(text: str) -> str:
    """Escape a text so that LaTeX prints it unchanged."""
    return " ".join("".join(_CHARACTERS.get(character, character) for character in text).split())


def latex_table(columns: Sequence[Column], caption: str, label: str) -> str:
    r"""The environment, ready for `\input`."""
    made = [_column(column) for column in columns]
    count = max((len(column.cells) for column in columns), default=0)
    align = "".join(spec for spec, _, _ in made)
    head = " & ".join(head for _, head, _ in made) + r" \\"
    rows = [" & ".join(row) + r" \\" for row in zip(*(cells for _, _, cells in made), strict=True)]
    size = [r"\footnotesize", r"\setlength{\tabcolsep}{4pt}"] if len(columns) > MANY_COLUMNS else []
    title = [rf"\caption{{{escape(caption)}}}\label{{tab:{label}}}"]
    if count > MOST_LINES:
        packages, top = "booktabs,longtable,siunitx", [r"\toprule", head, r"\midrule"]
        begin = [r"\begingroup", *size, rf"\begin{{longtable}}{{{align}}}", title[0] + r" \\", *top, r"\endfirsthead"]
        lines = [*begin, *top, r"\endhead", *rows, r"\bottomrule", r"\end{longtable}", r"\endgroup"]
    else:
        packages = "booktabs,siunitx"
        begin = [r"\begin{table}", r"\centering", *title, *size, rf"\begin{{tabular}}{{{align}}}"]
        lines = [*begin, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join([rf"% preamble: \usepackage{{{packages}}}", *lines, ""])


def _column(column: Column) -> tuple[str, str, list[str]]:
    """Alignment, head and cells of one column."""
    numbers = [_number(cell) for cell in column.cells] if column.is_right else []
    known = [number for number in numbers if number]
    if known and all(
        number or not any(map(str.isdigit, cell)) for number, cell in zip(numbers, column.cells, strict=True)
    ):
        cells = [
            f"{_BOLD if bold else ''}{number.text}" if number else f"{{{escape(cell)}}}"
            for number, cell, bold in zip(numbers, column.cells, column.bold, strict=True)
        ]
        return _s_column(known), f"{{{escape(column.head)}}}", cells
    cells = [rf"\textbf{{{escape(c)}}}" if b else escape(c) for c, b in zip(column.cells, column.bold, strict=True)]
    longest = max(map(len, column.cells), default=0)
    align = r"p{0.3\linewidth}" if longest > _LONG else ("r" if column.is_right else "l")
    return align, escape(column.head), cells


def _s_column(numbers: Sequence[_Number]) -> str:
    """An S column that has room for the widest of these numbers."""
    before, after, error = (max(number[i] for number in numbers) for i in (1, 2, 3))
    sign = "-" if any(number.text.startswith("-") for number in numbers) else ""
    form = f"{sign}{before}.{after}" + (f"({error})" if error else "")
    return f"S[table-format={form},separate-uncertainty=true,detect-weight=true]"


def _number(cell: str) -> _Number | None:
    """The number in a cell, with its error in units of the last digit; None if the cell is not a number."""
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return None
    sign, whole, fraction, error = found.groups()
    places = len(fraction or ".") - 1
    text = f"{'-' if sign in ('-', '−') else ''}{whole.replace(',', '')}{fraction or ''}"
    before = len(whole.replace(",", ""))
    if error is None:
        return _Number(text, before, places, 0)
    digits = error.replace(",", "").partition(".")
    if len(digits[2]) != places:
        return None
    uncertain = (digits[0] + digits[2]).lstrip("0") or "0"
    return _Number(f"{text}({uncertain})", before, places, len(uncertain))
