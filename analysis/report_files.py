"""The files of a report: the page, and the folders of its figures and tables.

Every file is written under a temporary name and renamed, the page last, so a reader never sees half a report. A second run
replaces the first, and removes the files that the first wrote and this one does not (`files.json`).
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from aesweep.analysis.claims.claims_table import Judgement, claims_table
from aesweep.analysis.claims.sensitivity import sensitivity_table
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.errors import ReportError
from aesweep.analysis.figures.style import Drawing
from aesweep.analysis.page import ShownFigure, ShownTable, show_figure, show_table
from aesweep.analysis.page_files import PAGE, write_whole
from aesweep.analysis.pictures import png_uri
from aesweep.analysis.text.text_tables import FORMS, TextTable
from aesweep.sweep.store.beneath import Beneath, again

MANIFEST = "files.json"
PARTS = ("figures", "tables", "pictures")
EMBEDDED_BYTES = 2_000_000
"""Limit for the PNG bytes of the first screens that the page itself contains. All others are files in its folder."""
SORTED_BYTES = 1_500_000
"""Limit for the rows that the page holds as data, to be sorted and filtered, of all tables together."""
_FILE_NAME = re.compile(r"((figures|tables|pictures)/)?[A-Za-z0-9][A-Za-z0-9_.,()+=~-]{0,199}")


class Writer:
    """Writes figures and tables as they are shown, and remembers their names."""

    def __init__(self, store: Path, folder: Path) -> None:
        """No link inside `store` is followed on the way to `folder`, nor one inside `folder`."""
        base = store if folder.is_relative_to(store) else folder
        self._files, self._below = Beneath(base), folder.relative_to(base).as_posix()
        self.folder = folder
        self.written: list[str] = []
        self._room, self._room_for_rows = EMBEDDED_BYTES, SORTED_BYTES

    def figures(self, drawings: Iterable[Drawing | None], embed: bool = False) -> list[ShownFigure]:
        """PNG and PDF of every figure that there is; drawn one after the other, so that one is in memory at a time.

        With `embed` the page holds them itself, while there is room.
        """
        return [self._figure(drawing, embed) for drawing in drawings if drawing is not None]

    def picture(self, name: str, png: bytes) -> str:
        """Keep a picture; the path from the page to it."""
        self._write(f"pictures/{name}", png)
        return f"pictures/{name}"

    def tables(self, tables: Iterable[TextTable | None], sortable: bool = False) -> list[ShownTable]:
        """Every form of each table that there is."""
        return [self.table(table, sortable) for table in tables if table is not None]

    def table(self, table: TextTable, sortable: bool = False) -> ShownTable:
        """Every form of one table."""
        for form, text in FORMS.items():
            self._write(f"tables/{table.name}.{form}", text(table).encode())
        shown = show_table(table, sortable, self._room_for_rows)
        self._room_for_rows -= len(json.dumps(shown.data)) if shown.data else 0
        return shown

    def judgement(self, judgement: Judgement) -> tuple[Judgement, ShownTable, ShownTable | None]:
        """The judgement with the table of its verdicts, and the table of verdicts under other readings, if there are any."""
        others = sensitivity_table(judgement)
        return judgement, self.table(claims_table(judgement)), self.table(others) if others else None

    def finish(self, data_hash: str, page: str) -> None:
        """Remove what an earlier report left, then write the page."""
        self._remove_stale()
        manifest = {"data": data_hash, "files": sorted(self.written)}
        self._write(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._write(PAGE, page.encode())

    def _figure(self, drawing: Drawing, embed: bool) -> ShownFigure:
        png = drawing.to_bytes("png")
        self._write(f"figures/{drawing.name}.png", png)
        self._write(f"figures/{drawing.name}.pdf", drawing.to_bytes("pdf"))
        if not embed or len(png) > self._room:
            return show_figure(drawing, f"figures/{drawing.name}.png")
        self._room -= len(png)
        return show_figure(drawing, png_uri(png))

    def make_folders(self) -> None:
        """Make the folder of the report, and those in it."""
        for part in PARTS:
            with self._files.folder(self._name(part), make=True):
                pass

    def _write(self, name: str, data: bytes) -> None:
        """Write under a temporary name, then rename. Names may contain words from a store: any that lead elsewhere are refused."""
        if not _FILE_NAME.fullmatch(name):
            raise ReportError("report", name, "No file of a report can have this name: the store is damaged.")
        again(lambda: write_whole(self._files, self._name(name), data))
        self.written.append(name)

    def _remove_stale(self) -> None:
        """Remove what an earlier report wrote into its folders and this one did not; other files stay."""
        try:
            earlier = json.loads(self._files.read(self._name(MANIFEST)))["files"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return
        for part in PARTS:
            for word in self._files.names(self._name(part)):
                if (name := f"{part}/{word}") in earlier and name not in self.written:
                    self._files.remove(self._name(name))

    def _name(self, name: str) -> str:
        return f"{self._below}/{name}"


def pair_writer(stores: Iterable[Path], folder: Path) -> Writer:
    """The writer of a page on several stores, in a folder outside them. Raises `ReportError` as `report_writer` does."""
    for store in stores:
        if folder.is_relative_to(store):
            raise ReportError("--out", folder, "The page is about two stores. Give a folder outside both.")
    return _opened(Writer(folder, folder), folder)


def report_writer(tables: Tables, folder: Path) -> Writer:
    """The writer of a store's report, its folders made. Raises `ReportError` for a place that cannot be written to."""
    if folder == tables.root or folder.is_relative_to(tables.root / "tables"):
        remedy = "The store keeps its own files there. Give another folder, such as STORE/report."
        raise ReportError("--out", folder, remedy)
    return _opened(Writer(tables.root, folder), folder)


def _opened(writer: Writer, folder: Path) -> Writer:
    try:
        writer.make_folders()
    except OSError as error:
        remedy = f"It cannot be made ({error.strerror}: {error.filename}). Give a folder you may write to, without links in it."
        raise ReportError("--out", folder, remedy) from error
    return writer
