"""`list`: the trials of a store in one table, filtered and sorted."""

import json
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aesweep.models.errors import InputError, nearest, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import option
from aesweep.sweep.console import WIDE, make_console
from aesweep.sweep.store.layout import table_name
from aesweep.sweep.store.store import Store, open_store

if TYPE_CHECKING:
    from pyarrow.compute import Expression

SOURCES = ("reconstruction", "standard_normal", "mvg", "gmm")
"""Whose Fréchet distances are always columns of the rows; of reconstructions, those of the test images."""
_SHOWN = ("name", "state", "test_bce")
_SHORT = {"test BCE": "BCE", "reconstruction": "recon.", "standard_normal": "N(0, I)"}
"""Headings where there is little room."""
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_FILTER = re.compile(r"([A-Za-z_]\w*)\s*(>=|<=|!=|==|=|>|<)\s*(.*)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e-?\d+)?)")

Row = Mapping[str, Any]


def list_trials(
    store: options.StoreArgument,
    sort: Annotated[
        str | None,
        option(
            metavar="FIELD", help="Sort by this, lowest first: gmm, mvg, test_bce, latent_size, … \\[default: name]"
        ),
    ] = None,
    reverse: Annotated[bool, option("--reverse", help="Highest first.")] = False,
    filters: Annotated[
        list[str] | None,
        option("--filter", metavar="FIELD=VALUE", help="Only these trials: --filter state=done --filter 'filters>=16'"),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the trials of a store with their names, states and scores (Fréchet distances; lower is better).

    Example:  aesweep list runs/quickstart --sort gmm --filter model=dae
    """
    rows, metric, sources = read_rows(open_store(store).only_looking())
    fields = tuple(dict.fromkeys([*_SHOWN, *sources, *SOURCES, *(name for row in rows for name in row)]))
    for words in filters or []:
        keeps = _parse_filter(words, fields)
        rows = [row for row in rows if keeps(row)]
    rows = sort_rows(rows, _known("--sort", sort or "name", fields), reverse)
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], indent=1, default=str))
        return
    console = make_console()
    table = _table(rows, sources, {})
    needed = console.measure(table, options=console.options.update(max_width=WIDE)).maximum
    console.print(table if needed <= console.width else _table(rows, sources, _SHORT))
    count = f"{len(rows):,} trial{'s' * (len(rows) != 1)}"
    console.print(
        f"{count}; distances are {metric}." if metric else f"{count}, none scored.", soft_wrap=True, markup=False
    )


def _table(rows: Sequence[Row], sources: Sequence[str], short: Mapping[str, str]) -> Table:
    """One line per trial; on a terminal that is too narrow names go over two lines, and no number is cut."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("name", overflow="fold")
    table.add_column("state", no_wrap=True)
    for heading in ("test BCE", *sources):
        table.add_column(short.get(heading, heading), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in (*_SHOWN, *sources)))
    return table


def read_rows(store: Store) -> tuple[list[dict[str, Any]], str, tuple[str, ...]]:
    """One row per trial, from the published tables, what its distances are ("" without any), and of which sources they are.

    Distances are means over sampling seeds, of the evaluation that the latest launch asked for: of reconstructions and of
    its priors, the usual ones first. Without any, the usual sources are named.
    """
    trials, latest = _read(store, "trials"), store.trials.latest_evaluation()
    distances: dict[tuple[str, str], list[float]] = defaultdict(list)
    metrics = set()
    for row in _distances(store, latest):
        distances[row["key"], row["source"]].append(row["value"])
        metrics.add(row["metric"])
    found = {source for _, source in distances}
    others = tuple(sorted(found.difference(SOURCES)))
    for row in trials:
        scores = {source: distances.get((row["key"], source)) for source in (*SOURCES, *others)}
        row |= {source: fmean(values) if values else None for source, values in scores.items()}
    told = f"{', '.join(sorted(metrics))} of evaluation {_evaluation_name(store, latest)}" if metrics else ""
    return trials, told, (*(source for source in SOURCES if source in found or not found), *others)


def _distances(store: Store, evaluation: str) -> list[dict[str, Any]]:
    """The rows of the table `scores` that are shown: few of many, so the rest never becomes Python objects."""
    from pyarrow.compute import field

    columns = ["key", "evaluation", "source", "split", "metric", "value"]
    of_training_images = (field("source") == "reconstruction") & (field("split") == "train")
    only = (field("evaluation") == evaluation) & field("metric").isin(["fid", "fd"])
    return _read(store, "scores", columns, only & field("value").is_valid() & ~of_training_images)


def _evaluation_name(store: Store, evaluation: str) -> str:
    if not store.storage.exists(table_name("evaluations")):  # tables of aesweep 0.1
        return evaluation
    names = {row["evaluation"]: row["name"] for row in _read(store, "evaluations", ["evaluation", "name"])}
    return one_line(names.get(evaluation) or evaluation)


def _read(
    store: Store, table: str, columns: Sequence[str] | None = None, only: "Expression | None" = None
) -> list[dict[str, Any]]:
    from aesweep.sweep.tables.published import read_table  # pyarrow from here on

    rows: list[dict[str, Any]] = read_table(store, table, columns, only).to_pylist()
    return rows


def _known(where: str, field: str, fields: Sequence[str]) -> str:
    if field in fields:
        return field
    raise InputError(where, field, f"There is no such field. {nearest(field, fields)}Give one of: {', '.join(fields)}.")


def _parse_filter(words: str, fields: Sequence[str]) -> Callable[[Row], bool]:
    """Whether a row has the value; a row without one has none that compares."""
    found = _FILTER.fullmatch(words)
    if found is None:
        raise InputError("--filter", words, "Give FIELD=VALUE, or another comparison: !=, <, <=, >, >= (in quotes).")
    field, sign, text = _known("--filter", found[1], fields), found[2].replace("==", "="), found[3]

    def keeps(row: Row) -> bool:
        value = row.get(field)
        if not text:  # FIELD= and FIELD!=: without and with a value
            return sign in ("=", "!=") and (value is None) == (sign == "=")
        if value is None:
            return sign == "!="
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _COMPARISONS[sign](value, _number(words, text))
        return _COMPARISONS[sign](str(value).lower() if isinstance(value, bool) else str(value), text)

    return keeps


def _number(words: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError("--filter", words, f"{text!r} is no number, and the field holds numbers.") from None


def sort_rows(rows: list[dict[str, Any]], field: str, reverse: bool) -> list[dict[str, Any]]:
    """By a field, those without a value last; numbers in texts count as numbers, so `z8` comes before `z16`."""
    having = [row for row in rows if row.get(field) is not None]
    having.sort(key=lambda row: _by_numbers(row[field]), reverse=reverse)
    return having + [row for row in rows if row.get(field) is None]


def _by_numbers(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return [float(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(value))]


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else one_line(str(value))
