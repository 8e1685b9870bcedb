"""The report of a store: figures, tables and one self-contained page.

`index.html` holds its figures and pictures as base64, so it can be mailed as one file; the same figures (PNG, PDF)
and tables (Markdown, LaTeX, CSV) lie beside it. Every file is written aside and renamed, the page last: a reader
never meets half a report. A second run replaces the first, and removes the files that it wrote and this one does not
(`files.json`).
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.errors import ReportError
from analysis.evaluations import evaluations
from analysis.figures import FIGURES, TRAINING_FIGURES, Drawing
from analysis.headline import best_table, sentences, state_counts, warnings
from analysis.pictures import COLUMNS as PICTURE_COLUMNS
from analysis.pictures import sample_pictures
from analysis.provenance import provenance
from analysis.summary import failures, missing, summary
from analysis.tables import Tables, load_tables
from analysis.text_tables import FORMS, TextTable

PAGE = "index.html"
MANIFEST = "files.json"
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
    width: int
    """Largest width on the page, CSS pixels: all figures are shown at one scale."""


@dataclass(frozen=True)
class ShownTable:
    """A table on the page: heads and cells as text, (text, bold) per cell."""

    name: str
    title: str
    caption: str
    heads: list[tuple[str, bool]]
    rows: list[list[tuple[str, bool]]]
    left_out: int


def write_report(store: str | Path, out: str | Path) -> Path:
    """Draw the report of a store into the folder `out`; the path of its `index.html`.

    A partial store gives a partial report, an empty or missing one a page that says so. Raises `ReportError` for a
    folder that is no store, a damaged table, and a place that cannot be written to.
    """
    tables = load_tables(store)
    folder = _output_folder(tables, Path(out).expanduser().absolute())
    written: list[str] = []
    figures = [_write_figures(folder, tables, functions, written) for functions in (FIGURES, TRAINING_FIGURES)]
    shown = evaluations(tables)[0]
    bests = [best_table(tables, evaluation) for evaluation in shown]
    summaries = [summary(tables, evaluation) for evaluation in shown] or [summary(tables, None)]
    lists = {"failures": failures(tables), "missing": missing(tables)}
    for table in [*bests, *summaries, *lists.values()]:
        written += [_write(folder, f"tables/{table.name}.{form}", text(table).encode()) for form, text in FORMS.items()]
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            sweeps=sorted(tables.trials["sweep"].dropna().unique())[:4],
            empty=tables.trials.empty,
            data_hash=tables.data_hash,
            sentences=sentences(tables),
            counts=state_counts(tables),
            warnings=warnings(tables),
            figures=figures[0],
            training=figures[1],
            bests=[_shown(table) for table in bests],
            summaries=[_shown(table) for table in summaries],
            pictures=sample_pictures(tables, folder),
            picture_columns=[heading for _, heading in PICTURE_COLUMNS.values()],
            provenance=provenance(tables),
            **{name: _shown(table) for name, table in lists.items()},
        )
    )
    _remove_stale(folder, written)
    _write(folder, MANIFEST, json.dumps({"data": tables.data_hash, "files": sorted(written)}, indent=1).encode())
    _write(folder, PAGE, page.encode())
    return folder / PAGE


def _write_figures(folder: Path, tables: Tables, functions: tuple, written: list[str]) -> list[ShownFigure]:
    shown = []
    for drawing in (drawing for draw in functions for drawing in draw(tables)):
        png = drawing.to_bytes("png")
        written.append(_write(folder, f"figures/{drawing.name}.png", png))
        written.append(_write(folder, f"figures/{drawing.name}.pdf", drawing.to_bytes("pdf")))
        shown.append(_shown_figure(drawing, png))
    return shown


def _shown_figure(drawing: Drawing, png: bytes) -> ShownFigure:
    uri = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    width = round(drawing.figure.get_figwidth() * PIXELS_PER_INCH)
    return ShownFigure(drawing.name, drawing.title, drawing.caption, uri, width)


def _shown(table: TextTable) -> ShownTable:
    """The table for the page: all rows, or the `MOST_ROWS` with the lowest distances, in the table's order."""
    kept = table.frame.index
    if len(kept) > MOST_ROWS:
        ranked = [name for name in ("gmm", "mvg", "test_bce") if name in table.frame][:1]
        order = table.frame.sort_values(ranked, kind="stable").index if ranked else kept
        kept = kept[kept.isin(order[:MOST_ROWS])]
    part = table.only(kept)
    cells, bold = part.cells().to_numpy().tolist(), part.bold_cells().to_numpy().tolist()
    rows = [list(zip(texts, marks, strict=True)) for texts, marks in zip(cells, bold, strict=True)]
    heads = [(heading.text, heading.kind != "text") for heading in table.headings.values()]
    return ShownTable(table.name, table.title, table.caption, heads, rows, len(table.frame) - len(kept))


def _environment() -> Environment:
    """Everything is escaped: names, reasons and notes come from data files."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _output_folder(tables: Tables, folder: Path) -> Path:
    if folder == tables.root or folder.is_relative_to(tables.root / "tables"):
        raise ReportError(
            "--out", folder, "The store keeps its own files there. Give another folder, such as STORE/report."
        )
    try:
        for part in ("figures", "tables"):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(
            "--out", folder, f"It cannot be made ({error.strerror}). Give a folder you may write to."
        ) from error
    return folder


def _write(folder: Path, name: str, data: bytes) -> str:
    """Write aside, then rename."""
    path = folder / name
    aside = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return name


def _remove_stale(folder: Path, written: list[str]) -> None:
    """Remove what an earlier report wrote into figures/ and tables/ and this one did not; nothing else is touched."""
    try:
        earlier = json.loads((folder / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for part in ("figures", "tables"):
        for path in (folder / part).iterdir():
            name = f"{part}/{path.name}"
            if name in earlier and name not in written:
                path.unlink()
