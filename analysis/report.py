"""The report of a store: verdicts, figures, tables and pictures on one self-contained page.

`index.html` holds its figures and pictures as base64, so it can be mailed as one file; the same figures (PNG, PDF) and
tables (Markdown, LaTeX, CSV) are in folders next to it (`report_files.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from aesweep.analysis.claims.claims_table import Judgement, judge
from aesweep.analysis.claims.own import OwnClaims
from aesweep.analysis.claims.standing import missing_own, with_standing
from aesweep.analysis.data.evaluations import evaluations_of
from aesweep.analysis.data.provenance import provenance
from aesweep.analysis.data.published import slips
from aesweep.analysis.data.readings import readings
from aesweep.analysis.data.results import Results, all_results, results_without_distances
from aesweep.analysis.data.tables import Tables, load_tables
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
from aesweep.analysis.page import environment
from aesweep.analysis.pictures import PICTURES, sample_pictures, shown_folders
from aesweep.analysis.report_files import PAGE, report_writer
from aesweep.analysis.text.answers import Answers, all_answers, progress
from aesweep.analysis.text.gaps import gaps
from aesweep.analysis.text.headline import best_table, warnings
from aesweep.analysis.text.other_scores import other_tables
from aesweep.analysis.text.paper_tables import table_1, table_2, table_3
from aesweep.analysis.text.printed_scores import printed_in_the_text
from aesweep.analysis.text.summary import failures, summary
from aesweep.analysis.text.text_tables import TextTable

OfData = TypeVar("OfData", Results, Answers)


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
    writer = report_writer(tables, folder)
    results = all_results(tables)
    shown = evaluations_of(tables).shown
    judged = [*results, *results_without_distances(tables)]
    data_sets = _first_of_each(judged)
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


def _first_of_each(found: list[OfData]) -> list[OfData]:
    """The first results or answers of each data set (FID where there is one), for what is shown once per data set."""
    first = {one.data: one for one in reversed(found)}
    return [first[data] for data in sorted(first)]


def _nothing(tables: Tables) -> str:
    if not tables.root.is_dir():
        return "There is no store here yet."
    return "There are no results yet: this store holds no trials."
