"""The report of a store: verdicts, figures, tables and pictures on one self-contained page.

`index.html` holds its figures and pictures as base64, so it can be mailed as one file; the same figures (PNG, PDF)
and tables (Markdown, LaTeX, CSV) lie beside it. Every file is written aside and renamed, the page last: a reader
never meets half a report. A second run replaces the first, and removes the files that it wrote and this one does not
(`files.json`).
"""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aesweep.analysis.claims.claims_table import Judgement, claims_table, judge
from aesweep.analysis.claims.own import OwnClaims
from aesweep.analysis.claims.sensitivity import sensitivity_table
from aesweep.analysis.claims.standing import missing_own, with_standing
from aesweep.analysis.data.evaluations import evaluations_of
from aesweep.analysis.data.provenance import provenance
from aesweep.analysis.data.published import slips
from aesweep.analysis.data.readings import readings
from aesweep.analysis.data.results import Results, all_results, results_without_distances
from aesweep.analysis.data.tables import Tables, load_tables
from aesweep.analysis.errors import ReportError
from aesweep.analysis.figures import (
    FURTHER_FIGURES,
    NETWORK_FIGURES,
    PAPER_FIGURES,
    SMOOTHNESS_FIGURES,
    TRAINING_FIGURES,
    Drawing,
)
from aesweep.analysis.figures.latents import figure_a, latent_panels
from aesweep.analysis.figures.mixtures import mixtures
from aesweep.analysis.figures.samples import interpolations, sample_grids
from aesweep.analysis.figures.samples import shown_folders as sampled_folders
from aesweep.analysis.figures.winner import winner, winner_folder
from aesweep.analysis.frozen import Frozen
from aesweep.analysis.page import ShownFigure, ShownTable, environment, show_figure, show_table
from aesweep.analysis.pictures import PICTURES, sample_pictures, shown_folders
from aesweep.analysis.text.answers import Answers, all_answers, progress
from aesweep.analysis.text.gaps import gaps
from aesweep.analysis.text.headline import best_table, warnings
from aesweep.analysis.text.other_scores import other_tables
from aesweep.analysis.text.paper_tables import table_1, table_2, table_3
from aesweep.analysis.text.printed_scores import printed_in_the_text
from aesweep.analysis.text.summary import failures, summary
from aesweep.analysis.text.text_tables import FORMS, TextTable
from aesweep.sweep.store.beneath import Beneath, write_new

PAGE = "index.html"
MANIFEST = "files.json"
PARTS = ("figures", "tables")
TRIES = 20  # of a file whose temporary file is removed by others each time
_FILE_NAME = re.compile(r"((figures|tables)/)?[A-Za-z0-9][A-Za-z0-9_.,()+=~-]{0,199}")


def write_report(
    store: str | Path,
    out: str | Path,
    *,
    address: str = "",
    spec: str = "SPEC",
    fetch: Callable[[set[str]], None] | None = None,
    frozen: Sequence[Frozen] | None = None,
    own: OwnClaims | None = None,
) -> Path:
    """Draw the report of a store into the folder `out`; the path of its `index.html`.

    Where `store` is a copy of a store without its pictures, `address` is that one's URI, and `fetch` is called once with
    the names of the picture files that the report shows. `spec` is what the sweep is launched by, for the commands that the
    report suggests. `own` are the user's claims. `frozen` is what the store froze: the report says which verdicts are
    confirmatory (None: it says nothing of that).

    A partial store gives a partial report, an empty or missing one a page that says so. Raises `ReportError` for a
    folder that is no store, a damaged table, and a place that cannot be written to.
    """
    tables = load_tables(store, address)
    folder = Path(out).expanduser().absolute()
    writer = _writer(tables, folder)
    results = all_results(tables)
    shown = evaluations_of(tables).shown
    judged = [*results, *results_without_distances(tables)]
    data_sets = _data_sets(judged)
    answers = all_answers(tables, spec)
    first = _first_of_each(answers)
    if fetch is not None:
        folders = shown_folders(tables).union(*map(sampled_folders, data_sets), *map(winner_folder, first))
        fetch({f"{place}/{name}" for place in folders for name in PICTURES})
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            sweeps=sorted(tables.trials["sweep"].dropna().unique())[:4],
            empty=tables.trials.empty,
            data_hash=tables.data_hash,
            nothing="" if len(tables.trials) else _nothing(tables),
            answers=answers,
            progress=progress(tables),
            winners=writer.figures(winner(tables, one) for one in first),
            warnings=warnings(tables, judged),
            judgements=[writer.judgement(one) for one in _judgements(tables, judged, frozen, own)],
            missing_own=missing_own(frozen or (), own, address or str(tables.root)),
            figures=writer.figures(_each(PAPER_FIGURES, results)),
            latents=writer.figures(draw(tables, one) for one in data_sets for draw in (figure_a, latent_panels)),
            further=writer.figures(
                [
                    *_each(FURTHER_FIGURES, results),
                    *(mixtures(tables, one) for one in results),
                    *_each(NETWORK_FIGURES, data_sets),
                    *_each(SMOOTHNESS_FIGURES, judged),
                ]
            ),
            papers=writer.tables([table_1(tables), *_paper_tables(results)]),
            slips=slips() if any(one.beside_published for one in results) else [],
            bests=writer.tables(best_table(tables, evaluation, results) for evaluation in shown),
            summaries=writer.tables([summary(tables, one, results) for one in shown] or [summary(tables, None)]),
            other_scores=writer.tables(other_tables(tables)),
            grids=writer.figures(draw(tables, one) for one in data_sets for draw in (sample_grids, interpolations)),
            pictures=sample_pictures(tables, folder),
            training=writer.figures(drawing for draw in TRAINING_FIGURES for drawing in draw(tables)),
            failures=writer.table(failures(tables)),
            missing=writer.table(gaps(tables, results)),
            provenance=provenance(tables),
        )
    )
    writer.finish(tables.data_hash, page)
    return folder / PAGE


def _judgements(
    tables: Tables, results: list[Results], frozen: Sequence[Frozen] | None, own: OwnClaims | None
) -> Iterator[Judgement]:
    for one in results:
        judgement = judge(one, own.claims if own else (), readings(tables, one))
        yield judgement if frozen is None else with_standing(judgement, frozen, own)


def _each(functions: Iterable[Callable[[Results], Drawing | None]], results: list[Results]) -> Iterator[Drawing | None]:
    """Every figure of one data set under one way of scoring before the next one's."""
    return (draw(one) for one in results for draw in functions)


def _paper_tables(results: list[Results]) -> Iterator[TextTable]:
    """Tables 2 and 3, and what the paper's text prints, for each data set under each way of scoring."""
    made = (make(one) for one in results for make in (table_2, table_3, printed_in_the_text))
    return (table for table in made if table is not None)


def _data_sets(results: list[Results]) -> list[Results]:
    """The first results of each data set (FID where there is one), for what does not depend on the extractor."""
    first = {one.data: one for one in reversed(results)}
    return [first[data] for data in sorted(first)]


def _first_of_each(answers: list[Answers]) -> list[Answers]:
    """The first answers of each data set: their winner is shown."""
    first = {one.data: one for one in reversed(answers)}
    return [first[data] for data in sorted(first)]


def _nothing(tables: Tables) -> str:
    if not tables.root.is_dir():
        return "There is no store here yet."
    return "There are no results yet: this store holds no trials."


class _Writer:
    """Writes figures and tables as they are shown, and remembers their names."""

    def __init__(self, store: Path, folder: Path) -> None:
        """No link inside `store` is followed on the way to `folder`, nor one inside `folder`."""
        base = store if folder.is_relative_to(store) else folder
        self._files, self._below = Beneath(base), folder.relative_to(base).as_posix()
        self.folder = folder
        self.written: list[str] = []

    def figures(self, drawings: Iterable[Drawing | None]) -> list[ShownFigure]:
        """PNG and PDF of every figure that there is; drawn one after the other, so that one is in memory at a time."""
        return [self._figure(drawing) for drawing in drawings if drawing is not None]

    def tables(self, tables: Iterable[TextTable]) -> list[ShownTable]:
        """Every form of each table."""
        return [self.table(table) for table in tables]

    def table(self, table: TextTable) -> ShownTable:
        """Every form of one table."""
        for form, text in FORMS.items():
            self._write(f"tables/{table.name}.{form}", text(table).encode())
        return show_table(table)

    def judgement(self, judgement: Judgement) -> tuple[Judgement, ShownTable, ShownTable | None]:
        """It with the tables of its verdicts, and of those under other readings where there are some."""
        others = sensitivity_table(judgement)
        return judgement, self.table(claims_table(judgement)), self.table(others) if others else None

    def finish(self, data_hash: str, page: str) -> None:
        """Remove what an earlier report left, then write the page."""
        self._remove_stale()
        manifest = {"data": data_hash, "files": sorted(self.written)}
        self._write(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._write(PAGE, page.encode())

    def _figure(self, drawing: Drawing) -> ShownFigure:
        png = drawing.to_bytes("png")
        self._write(f"figures/{drawing.name}.png", png)
        self._write(f"figures/{drawing.name}.pdf", drawing.to_bytes("pdf"))
        return show_figure(drawing, png)

    def make_folders(self) -> None:
        """Make the folder of the report, and those in it."""
        for part in PARTS:
            with self._files.folder(self._name(part), make=True):
                pass

    def _write(self, name: str, data: bytes) -> None:
        """Write aside, then rename. The words of a name may come from a store: those that lead elsewhere are refused."""
        if not _FILE_NAME.fullmatch(name):
            raise ReportError("report", name, "No file of a report can have this name: the store is damaged.")
        for left in reversed(range(TRIES)):
            try:
                self._write_once(name, data)
                break
            except FileNotFoundError:  # a launch that begins removes temporary files, also those of who writes now
                if not left:
                    raise
        self.written.append(name)

    def _write_once(self, name: str, data: bytes) -> None:
        with self._files.parent(self._name(name)) as (folder, last):
            aside = f".tmp-{os.getpid()}-{uuid.uuid4().hex[:6]}"
            try:
                write_new(folder, aside, data)
                os.replace(aside, last, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(aside, dir_fd=folder)

    def _remove_stale(self) -> None:
        """Remove what an earlier report wrote into figures/ and tables/ and this one did not; nothing else is touched."""
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


def _writer(tables: Tables, folder: Path) -> _Writer:
    if folder == tables.root or folder.is_relative_to(tables.root / "tables"):
        remedy = "The store keeps its own files there. Give another folder, such as STORE/report."
        raise ReportError("--out", folder, remedy)
    writer = _Writer(tables.root, folder)
    try:
        writer.make_folders()
    except OSError as error:
        remedy = f"It cannot be made ({error.strerror}: {error.filename}). Give a folder you may write to, without links in it."
        raise ReportError("--out", folder, remedy) from error
    return writer
