"""`explore`: all trials of a store on one interactive page, as a file or served while the sweep runs."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from aesweep.cluster.user import complete_environment
from aesweep.models.errors import InputError
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import option
from aesweep.sweep.commands.results import wishes_of
from aesweep.sweep.store.store import Store, open_store

LOOPBACK = "127.0.0.1"


def explore(
    store: options.StoreArgument,
    out: Annotated[
        Path | None, option(metavar="FILE", help="Where to write it. \\[default: STORE/report/explore.html]")
    ] = None,
    serve: Annotated[bool, option("--serve", help="Serve the page, which follows the sweep, until Ctrl-C.")] = False,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="With --serve: where to listen.")] = LOOPBACK,
    port: Annotated[
        int,
        option(min=0, max=65535, metavar="N", help="With --serve: the port to listen on. \\[default: any free port]"),
    ] = 0,
) -> None:
    """Write an interactive page of all trials: scores with error bars, learning curves, pictures, what failed and why.

    The page is one file, which needs no network. With --serve it follows a running sweep and changes nothing in the store.
    Example:  aesweep explore runs/quickstart --serve
    """
    if serve and out is not None:
        raise InputError("--out", str(out), "A page that is served is not written. Leave out --out or --serve.")
    if not serve and (port or host != LOOPBACK):
        raise InputError(
            "--host, --port", f"{host}:{port}", "They say where --serve listens. Add --serve, or leave them out."
        )
    opened = open_store(store).only_looking()
    complete_environment()
    if serve:
        _serve(opened, host, port)
    else:
        typer.echo(f"Page: {_write(opened, out)}")


def _write(store: Store, out: Path | None) -> Path:
    """Write the page; the path of its file."""
    from aesweep.analysis.axes.layout import Wishes  # pandas from here on
    from aesweep.analysis.data.tables import load_tables
    from aesweep.analysis.explore.curves import curves, points_per_curve
    from aesweep.analysis.explore.document import document
    from aesweep.analysis.explore.page import static_page
    from aesweep.analysis.explore.written import check_place, link_from, parts_of_trials, write_page
    from aesweep.analysis.page_files import EXPLORE, PAGE
    from aesweep.sweep.commands.explore.shown_tables import ShownTables
    from aesweep.sweep.commands.explore.shown_trials import ShownTrials

    here = store.storage.folder
    page = Path(os.path.abspath(out or (here / "report" / EXPLORE if here else Path(f"{store.name}-explore.html"))))
    check_place(page, here)
    with TemporaryDirectory(prefix="aesweep-explore-") as temporary:
        tables = load_tables(ShownTables(store, Path(temporary)).read(), store.root)
        found = document(tables, Wishes(**wishes_of(store).to_json()))
        trials = ShownTrials(store, tables)
        parts = parts_of_trials(found, trials, link_from(page, here) if here else None)
        drawn = curves(tables.root, None, points_per_curve(len(found["keys"])))
        report = PAGE if (page.parent / PAGE).is_file() else ""
        write_page(page, static_page(found, drawn, parts, report), here)
    return page


def _serve(store: Store, host: str, port: int) -> None:
    from aesweep.analysis.axes.layout import Wishes  # pandas from here on
    from aesweep.analysis.explore.page import policy
    from aesweep.analysis.explore.server import Server
    from aesweep.sweep.commands.explore.live_page import LivePage

    with TemporaryDirectory(prefix="aesweep-explore-") as temporary:
        page = LivePage(store, Path(temporary), Wishes(**wishes_of(store).to_json()))
        try:
            server = Server(host, port, page.find, policy(live=True))
        except OSError as error:
            remedy = f"It cannot listen there ({error.strerror}). Give another --port, or an address of this machine."
            raise InputError("--host, --port", f"{host}:{port}", remedy) from error
        with server, suppress(KeyboardInterrupt):
            typer.echo(f"Open {server.url}\nWhoever has this address may read the store. Stop with Ctrl-C.")
            server.serve_forever()
