"""The page on two stores: `aesweep report A B`."""

from pathlib import Path

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.data.tables import load_tables
from aesweep.analysis.figures.by_axes import figures_by_axes
from aesweep.analysis.page import environment
from aesweep.analysis.page_files import PAGE
from aesweep.analysis.report_files import pair_writer
from aesweep.analysis.side_by_side import Side, data_hash_of, differently_scored, names_of, pairs, sides
from aesweep.analysis.text.pair_tables import pair_answers, pair_table, what_each_has

Store = tuple[str | Path, str]
"""The folder of a store's tables, and what a person calls the store ("" for the folder)."""


def write_pair(first: Store, second: Store, out: str | Path, wishes: Wishes | None = None) -> Path:
    """Write the page on two stores into the folder `out`; the path of its `index.html`.

    Raises `ReportError` as `write_report` does, and for a folder inside one of the stores.
    """
    both = sides(load_tables(*first), load_tables(*second))
    folder = Path(out).expanduser().absolute()
    writer = pair_writer([side.tables.root for side in both], folder)
    found = list(pairs(*both, wishes or Wishes()))
    hashes = data_hash_of(both)
    page = (
        environment()
        .get_template("pair.html.j2")
        .render(
            title=names_of(both),
            data_hash=hashes,
            has=writer.table(what_each_has(*both)),
            not_comparable=[_not_comparable(both[1], one.title) for one in differently_scored(*both)],
            pairs=[
                (
                    pair_answers(pair),
                    writer.figures(figures_by_axes(pair.sweep), embed=True),
                    writer.tables([pair_table(pair)], sortable=True),
                    pair,
                )
                for pair in found
            ],
        )
    )
    writer.finish(hashes, page)
    return folder / PAGE


def _not_comparable(second: Side, title: str) -> str:
    return f"{title}: {second.name} was scored with other settings, so these distances are not compared."
