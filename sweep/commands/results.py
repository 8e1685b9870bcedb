"""`status`, `tables`, `report`: look at a sweep."""

import json
import shlex
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from aesweep.cluster.capacity import allowed_cpus
from aesweep.cluster.user import complete_environment
from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import option
from aesweep.sweep.commands.pairs import two_stores
from aesweep.sweep.console import lost_output, make_console
from aesweep.sweep.driver.outcome import resume_command
from aesweep.sweep.driver.progress import describe_counts, describe_losses, describe_seconds, describe_silence
from aesweep.sweep.driver.status import Status, read_status
from aesweep.sweep.driver.stopping import GRACE_SECONDS, ask_drivers_to_stop, wait_for_end
from aesweep.sweep.freezing import frozen_in, own_claims
from aesweep.sweep.spec.report_wishes import ReportWishes
from aesweep.sweep.store.layout import MARK, TABLES, table_name
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.removal.prune import prune as run_prune
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.row_counts import table_rows
from aesweep.sweep.tables.spec_index import SpecIndex

REFRESH_SECONDS = 2.0
MOST_POOR = 5  # trained models with a warning that are named
WAIT_SECONDS = 4 * GRACE_SECONDS  # the grace, tables of many trials, and the end of Ray


def status(
    store: options.StoreArgument,
    watch: Annotated[bool, option("--watch", help="Keep refreshing until Ctrl-C.")] = False,
    as_json: options.AsJson = False,
    every: Annotated[bool, option("--all", help="Include the trials of every spec in the store.")] = False,
) -> None:
    """Show trials by state, time left, and what failed and why. Works from any machine that sees the store.

    Example:  aesweep status runs/quickstart --watch
    """
    if watch and as_json:
        raise InputError("--watch", "--json", "Give one of the two: JSON is printed once.")
    opened = open_store(store).only_looking()
    if as_json:
        typer.echo(json.dumps(read_status(opened, every).to_json(), indent=1))
        return
    console = make_console()
    if not watch:
        console.print(_render(read_status(opened, every), store), soft_wrap=True)  # a command stays on its line
        return
    with Live(console=console, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while lost_output() is None:
            shown = _render(read_status(opened, every), store)
            live.update(shown, refresh=True) if console.is_interactive else console.print(shown, soft_wrap=True)
            time.sleep(REFRESH_SECONDS)


def tables(store: options.StoreArgument) -> None:
    """Rebuild the Parquet tables from the results of the trials.

    Example:  aesweep tables runs/quickstart
    """
    from aesweep.sweep.tables.fold import TableWriter  # pyarrow from here on

    opened = open_store(store)
    TableWriter(opened, processes=allowed_cpus()).publish(force=True)
    for name, rows in table_rows(opened).items():
        typer.echo(f"{opened.storage.place(table_name(name))}  {rows} rows")


def report(
    stores: Annotated[
        list[str],
        options.argument(metavar="STORE", help="Folder of results, or s3://bucket/folder; two for a comparison."),
    ],
    out: Annotated[
        Path | None,
        option(metavar="DIR", help="Where to write it. \\[default: STORE/report, or ./<name>-report]"),
    ] = None,
    claims: Annotated[
        Path | None, option(metavar="FILE", help="Your own claims, a Python file that is run (docs/claims.md).")
    ] = None,
    price: Annotated[
        float | None,
        option(min=0.0, metavar="N", help="Price of one GPU-hour; the report then shows what the training cost."),
    ] = None,
) -> None:
    """Draw figures (PNG, PDF), tables (Markdown, LaTeX, CSV) and a web page from the tables.

    With two stores, the page puts them side by side and compares the settings that both have.

    Example:  aesweep report runs/quickstart
    """
    if len(stores) > 2:
        raise InputError("STORE", " ".join(stores[2:]), "Give one store, or two to put them side by side.")
    if len(stores) == 2:
        if price is not None:
            raise InputError("--price", price, "The cost is in the report of one store. Leave it out.")
        _report_pair(stores, out, claims)
        return
    (store,) = stores
    opened = open_store(store).only_looking()
    own, frozen = own_claims(claims, "--claims"), frozen_in(opened)
    _fold_for_report(opened)
    complete_environment()
    from aesweep.analysis.axes.layout import Wishes  # pandas and matplotlib from here on
    from aesweep.analysis.claims.standing import missing_own
    from aesweep.analysis.report import write_report

    here = opened.storage.folder
    folder = (out or (here / "report" if here else Path(f"{opened.name}-report"))).absolute()
    wishes = Wishes(**wishes_of(opened).to_json(), price=price)
    write = partial(write_report, out=folder, wishes=wishes, frozen=frozen, own=own)
    if here is not None:
        page = write(here)
    else:
        copy = _copy_of_tables(opened, folder / "store")
        page = write(copy, address=opened.root, fetch=partial(copy_pictures, opened, copy))
    typer.echo(f"Report: {page}")
    if said := missing_own(frozen, own, store):
        typer.echo(said, err=True)
    _say_lost(opened)


def _report_pair(stores: list[str], out: Path | None, claims: Path | None) -> None:
    """The page on two stores."""
    if claims is not None:
        raise InputError("--claims", str(claims), "Claims are judged in one store at a time. Leave it out.")
    both = [opened.only_looking() for opened in two_stores(stores[0], stores[1], "STORE")]
    for opened in both:
        _fold_for_report(opened)
    complete_environment()
    from aesweep.analysis.axes.layout import Wishes  # pandas and matplotlib from here on
    from aesweep.analysis.pair_report import write_pair

    folder = (out or Path(f"{both[0].name}-and-{both[1].name}-report")).absolute()
    roots = [o.storage.folder or _copy_of_tables(o, folder / f"store-{i + 1}") for i, o in enumerate(both)]
    wishes = Wishes(**wishes_of(both[0]).to_json())
    page = write_pair((roots[0], both[0].root), (roots[1], both[1].root), folder, wishes)
    typer.echo(f"Report: {page}")


def _copy_of_tables(store: Store, folder: Path) -> Path:
    """A copy of the tables of a store on an object store."""
    _copy(store, folder, [MARK, *map(table_name, TABLES)])
    return folder


def wishes_of(store: Store) -> ReportWishes:
    """What the latest spec asks of its report."""
    with suppress(InputError):  # a spec that cannot be read is no reason to draw no report
        (latest,) = store.trials.stored_specs()
        return latest.report
    return ReportWishes()


def _say_lost(store: Store) -> None:
    """The report's numbers are right also where weights and latents are gone; it should not look as if they were there."""
    listed = store.snapshot()
    index = SpecIndex(listed)
    keys = [key for key in listed.trials.known_keys() if listed.commits.lost_files(key, index.evaluation_of(key))]
    if keys:
        have = "1 finished trial has" if len(keys) == 1 else f"{len(keys)} finished trials have"
        typer.echo(f"{have} lost files: `aesweep status {shlex.quote(store.root)}` says which.", err=True)


def _fold_for_report(store: Store) -> None:
    """Fold the tables where they are behind. Where the store may only be read, older ones are better than none."""
    from aesweep.sweep.tables.fold import TableWriter, tables_are_current, tables_are_whole

    if tables_are_current(store):
        return
    try:
        TableWriter(store, processes=allowed_cpus()).publish(force=True)
    except StorageError as error:
        if not tables_are_whole(store):
            raise
        typer.echo(f"The report is drawn from older tables: new ones cannot be written. {error.remedy}", err=True)


def copy_pictures(store: Store, folder: Path, names: Iterable[str]) -> None:
    """Copy the pictures of these names that are not in `folder` yet; one that was written never changes.

    Names come from a table: only those inside `trials/` count.
    """
    inside = [name for name in names if name.startswith("trials/") and ".." not in name.split("/")]
    _copy(store, folder, [name for name in inside if not (folder / name).exists()])


def _copy(store: Store, folder: Path, names: list[str]) -> None:
    """Each file is written in one step: one that is there is whole, also after a kill or on a disk that became full."""
    copy = LocalStorage(folder)

    def bring(name: str) -> None:
        if (data := store.storage.read(name)) is not None:
            copy.write(name, data)

    store.storage.map(bring, names)


def _render(found: Status, store: str) -> Group:
    lines: list[Text | Table] = [Text(f"{one_line(found.sweep)}: {describe_counts(found.counts)}", style="bold")]
    for driver in found.drivers:
        who = f"driver {one_line(driver.host)}:{driver.pid}"
        if driver.alive:
            lines.append(Text(f"{who} at work, {describe_seconds(found.eta_seconds)} left"))
        else:
            lines.append(Text(f"{who} last seen {describe_seconds(driver.age)} ago", "yellow"))
    if found.running:
        table = Table.grid(Column(), Column(no_wrap=True), padding=(0, 1))  # on 80 columns a name stays whole
        for trial in found.running:
            speed = describe_silence(trial.silent_seconds) or f"{trial.images_per_second:,.0f} images/s"
            epoch = f"epoch {trial.epoch}/{trial.epochs}"
            table.add_row(
                "  running", Text(one_line(trial.name)), epoch, describe_losses(trial.loss, trial.test_loss), speed
            )
        lines.append(table)
    for f in found.failures:
        state, style = ("replaced", "dim") if f.replaced else ("failed  ", "red")
        lines.append(Text(f"  {state} {f.name}  {one_line(f.reason)}", style))
    lines += [Text(f"  lost     {f.name}  {one_line(f.reason)}", "yellow") for f in found.lost]
    lines += [Text(f"  look at  {one_line(p.name)}  {one_line(p.warning)}", "yellow") for p in found.poor[:MOST_POOR]]
    if len(found.poor) > MOST_POOR:
        lines.append(Text(f"  look at  {len(found.poor) - MOST_POOR:,} more (see `status --json`)", "yellow"))
    lines += [
        Text(f"evaluation {one_line(one.name)}: {one.trials:,} scored", "" if one.latest else "dim")
        for one in found.evaluations
    ]
    lines.append(Text("tables: " + ", ".join(f"{name} {rows} rows" for name, rows in found.tables.items()), "dim"))
    at_work = any(driver.alive for driver in found.drivers)
    lines += _verified(found, store, at_work)
    if not at_work and (found.counts["pending"] or found.counts["trained"]):
        lines.append(Text(f"Continue with: {resume_command(store)}"))
    when = ", when the driver has ended," if at_work else ""
    for command in sorted({f.command for f in found.failures if not f.replaced})[:1]:  # the one with --all does both
        lines.append(Text(f"Try the failed ones again{when} with: {command}"))
    if any(f.replaced for f in found.failures):
        lines.append(Text("Replaced: a corrected spec of the same name no longer asks for these failed trials.", "dim"))
    return Group(*lines)


def _verified(found: Status, store: str, at_work: bool) -> list[Text]:
    """When the files were read and compared last, and what was found; whoever has just begun is not asked to."""
    last, command = found.verified, f"aesweep verify {shlex.quote(store)}"
    if last is None:
        return [] if at_work or not found.counts["done"] else [Text(f"files: not verified yet ({command})", "dim")]
    text = f"files: verified on {last.time[:16].replace('T', ' ')}: {last.describe(last.missing, last.damaged)}"
    if not last.missing + last.damaged:
        return [Text(text, "dim")]
    return [Text(f"{text} ({'set aside then' if last.repaired else f'{command} says which'})", "yellow")]


def stop(
    store: options.StoreArgument,
    wait: Annotated[bool, option("--wait", help="Wait until the drivers have ended.")] = False,
) -> None:
    """Stop the sweep that runs on a store, from any machine: running trials write a checkpoint, then the driver ends.

    Example:  aesweep stop runs/quickstart --wait
    """
    opened = open_store(store)
    asked = ask_drivers_to_stop(opened)
    if not asked:
        typer.echo(f"No driver works on {store}.")
        return
    for driver in asked:
        typer.echo(f"Asked the driver on {driver.said.host}, process {driver.said.pid}, to stop.")
    if wait and (left := wait_for_end(opened, {driver.file for driver in asked}, WAIT_SECONDS)):
        typer.echo(f"{len(left)} of {len(asked)} drivers did not end within {WAIT_SECONDS:.0f} s.", err=True)
        raise typer.Exit(1)
    when = "ended" if wait else f"ends within some {GRACE_SECONDS:.0f} seconds"
    typer.echo(f"The sweep {when}. Continue with: {resume_command(store)}")


def prune(
    store: options.StoreArgument,
    dry_run: Annotated[bool, option("--dry-run", help="Only show what would be removed.")] = False,
    damaged: Annotated[bool, option("--damaged", help="Also remove damaged files that were kept.")] = False,
) -> None:
    """Remove what is no longer needed: abandoned attempts, leftover checkpoints, files of killed processes.

    Results and the newest checkpoint of every unfinished trial stay.

    Example:  aesweep prune runs/quickstart --dry-run
    """
    found = run_prune(open_store(store), damaged=damaged, dry_run=dry_run)
    for kind in dict.fromkeys(leftover.kind for leftover in found):
        mine = [leftover for leftover in found if leftover.kind == kind]
        files = sum(leftover.files for leftover in mine)
        typer.echo(f"{kind}: {files} file{'s' * (files != 1)}, {_megabytes(sum(m.bytes for m in mine))}")
    freed = _megabytes(sum(leftover.bytes for leftover in found))
    typer.echo(f"{'Would free' if dry_run else 'Freed'} {freed}.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
