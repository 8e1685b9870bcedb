"""The report of a store: answers, figures and tables over the fields that its sweep varies, verdicts, pictures.

`index.html` holds the pictures of its first screens itself. All figures (PNG, PDF), tables (Markdown, LaTeX, CSV) and sample
pictures are files in folders next to it (`report_files.py`), so the page stays small whatever the size of the sweep.

    tables ─► sweeps (axes, layout, ranking) ─► answers, figures and tables of any sweep
           └► results (one schedule, one beta) ─► the paper's figures, tables and claims: a layer on top
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aesweep.analysis.asked_for import draws_paper, first_of_each, is_asked_for
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.axes.sweep import Sweep, sweeps
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
from aesweep.analysis.figures.by_axes import figures_by_axes
from aesweep.analysis.figures.latents import figure_a, latent_panels
from aesweep.analysis.figures.mixtures import mixtures
from aesweep.analysis.figures.samples import interpolations, sample_grids
from aesweep.analysis.figures.samples import shown_folders as sampled_folders
from aesweep.analysis.figures.winner import winner, winner_folder
from aesweep.analysis.frozen import Frozen
from aesweep.analysis.page import environment
from aesweep.analysis.page_files import EXPLORE, PAGE
from aesweep.analysis.pictures import PICTURES, sample_pictures, shown_folders
from aesweep.analysis.report_files import Writer, report_writer
from aesweep.analysis.text.answers import all_answers, progress
from aesweep.analysis.text.axes_tables import fields_table, networks_table
from aesweep.analysis.text.gaps import gaps
from aesweep.analysis.text.headline import best_table, warnings
from aesweep.analysis.text.other_scores import other_tables
from aesweep.analysis.text.paper_tables import table_1, table_2, table_3
from aesweep.analysis.text.printed_scores import printed_in_the_text
from aesweep.analysis.text.summary import failures, summary
from aesweep.analysis.text.text_tables import TextTable


def write_report(
    store: str | Path,
    out: str | Path,
    *,
    address: str = "",
    wishes: Wishes | None = None,
    fetch: Callable[[set[str]], None] | None = None,
    frozen: Sequence[Frozen] | None = None,
    own: OwnClaims | None = None,
) -> Path:
    """Draw the report of a store into the folder `out`; the path of its `index.html`.

    Where `store` is a copy of a store without its pictures, `address` is that one's URI, and `fetch` is called once with
    the names of the picture files that the report shows. `wishes` is what the spec asks of the report. `own` are the
    user's claims. `frozen` is what the store froze: the report says which verdicts are confirmatory. With None, it does not
    say so.

    A partial store gives a partial report, an empty or missing one a page that says so. Raises `ReportError` for a
    folder that is no store, a damaged table, and a place that cannot be written to.
    """
    tables = load_tables(store, address)
    folder = Path(out).expanduser().absolute()
    writer = report_writer(tables, folder)
    wishes = wishes or Wishes()
    found = sweeps(tables, wishes)
    first = first_of_each(found)
    results = all_results(tables)
    judged = [*results, *results_without_distances(tables)]
    if fetch is not None:
        drawn = (one for one in results if draws_paper(one, wishes))
        folders = shown_folders(tables).union(*map(winner_folder, first), *map(sampled_folders, drawn))
        fetch({f"{place}/{name}" for place in folders for name in PICTURES})
    parts = {
        **_first_screen(tables, writer, found, first),
        **_own_axes(tables, writer, found),
        **_measures(tables, writer, results, judged),
        **_paper(tables, writer, results, judged, wishes, frozen, own),
        **_trials(tables, writer, folder, results),
        "missing_own": missing_own(frozen or (), own, address or str(tables.root)),
        "provenance": provenance(tables, price=wishes.price),
        "explore": (folder / EXPLORE).is_file(),
    }
    page = environment().get_template("report.html.j2").render(parts)
    writer.finish(tables.data_hash, page)
    return folder / PAGE


def _first_screen(tables: Tables, writer: Writer, found: list[Sweep], first: list[Sweep]) -> dict[str, Any]:
    """The answers, what must be known to read them, and pictures of the recommended networks."""
    return {
        "sweeps": sorted(tables.trials["sweep"].dropna().unique())[:4],
        "empty": tables.trials.empty,
        "data_hash": tables.data_hash,
        "nothing": "" if len(tables.trials) else _nothing(tables),
        "answers": all_answers(tables, found),
        "progress": progress(tables),
        "winners": writer.figures((winner(tables, one) for one in first), embed=True),
        "warnings": warnings(tables, found),
        "is_scored": bool(len(tables.scores)),
    }


def _own_axes(tables: Tables, writer: Writer, found: list[Sweep]) -> dict[str, Any]:
    """Figures and tables over the fields that vary."""
    return {
        "axes": [
            (
                one,
                writer.figures(figures_by_axes(one), embed=True),
                writer.tables([fields_table(one)]),
                writer.tables([networks_table(one)], sortable=True),
            )
            for one in found
        ]
    }


def _measures(tables: Tables, writer: Writer, results: list[Results], judged: list[Results]) -> dict[str, Any]:
    """What is measured of the networks themselves: latents, Gaussianity, smoothness."""
    data_sets = first_of_each(judged)
    drawings = [
        *(draw(tables, one) for one in data_sets for draw in (figure_a, latent_panels)),
        *_each(NETWORK_FIGURES, data_sets),
        *_each(SMOOTHNESS_FIGURES, judged),
        *(mixtures(tables, one) for one in results),
    ]
    return {"measures": writer.figures(drawings)}


def _paper(
    tables: Tables,
    writer: Writer,
    results: list[Results],
    judged: list[Results],
    wishes: Wishes,
    frozen: Sequence[Frozen] | None,
    own: OwnClaims | None,
) -> dict[str, Any]:
    """The paper's figures, tables and claims, where the data or the spec ask for them."""
    judgements = [one for one in _judgements(tables, judged, frozen, own) if is_asked_for(one, wishes, own)]
    drawn = [one for one in results if draws_paper(one, wishes)]
    evaluations = {one.evaluation for one in drawn}
    return {
        "paper_first": any(one.of_paper for one in drawn),
        "judgements": [writer.judgement(one) for one in judgements],
        "figures": writer.figures([*_each(PAPER_FIGURES, drawn), *_each(FURTHER_FIGURES, drawn)]),
        "papers": writer.tables([*([table_1(tables)] if drawn else []), *_paper_tables(drawn)]),
        "slips": slips() if any(one.beside_published for one in drawn) else [],
        "bests": writer.tables(
            best_table(tables, one, drawn) for one in evaluations_of(tables).shown if one in evaluations
        ),
        "grids": writer.figures(
            draw(tables, one) for one in first_of_each(drawn) for draw in (sample_grids, interpolations)
        ),
        "paper_notices": [notice for one in drawn for notice in one.named_notices],
    }


def _trials(tables: Tables, writer: Writer, folder: Path, results: list[Results]) -> dict[str, Any]:
    """Pictures, every trial, its training, what failed and what is missing."""
    shown = evaluations_of(tables).shown
    every = [summary(tables, one, results) for one in shown] or [summary(tables, None)]
    return {
        "pictures": sample_pictures(tables, folder, writer.picture),
        "summaries": writer.tables(every, sortable=True),
        "other_scores": writer.tables(other_tables(tables), sortable=True),
        "training": writer.figures(drawing for draw in TRAINING_FIGURES for drawing in draw(tables)),
        "failures": writer.table(failures(tables)),
        "missing": writer.table(gaps(tables, results)),
    }


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


def _nothing(tables: Tables) -> str:
    if not tables.root.is_dir():
        return "There is no store here yet."
    return "There are no results yet: this store holds no trials."
