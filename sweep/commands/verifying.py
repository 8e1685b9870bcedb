"""`verify`: read everything that a store keeps, and say what is missing or damaged."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import option
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.outcome import resume_command
from aesweep.sweep.driver.plan import count_trials
from aesweep.sweep.driver.status import LastVerify, trial_name
from aesweep.sweep.store.layout import VERIFIED
from aesweep.sweep.store.records.whole_store import FindingRecord, VerifiedRecord
from aesweep.sweep.store.repair import repair as run_repair
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.store.verify import Finding, Verified, Work
from aesweep.sweep.store.verify import verify as run_verify
from aesweep.sweep.version import aesweep_version

MOST_KEPT = 1000  # findings in `verified.json`
NEXT: dict[Work, str] = {
    "train": "to be trained again",
    "score": "to be scored again",
    "measure": "to be measured again",
    "fold": "the tables are to be made again",
    "configure": "to be written again from the spec",
    "launch": "launch that spec again",
    "freeze": "verdicts that it made confirmatory are exploratory now",
    "none": "nothing depends on it",
}


def verify(
    store: options.StoreArgument,
    repair: Annotated[
        bool, option("--repair", help="Set aside what is damaged, so that the next launch recreates it.")
    ] = False,
) -> None:
    """Read all results of a store, compare their checksums, and say what is missing or damaged.

    Without --repair no result is changed. Exit code 0: all is well; 1: something is missing or damaged.

    Example:  aesweep verify runs/quickstart
    """
    opened, started = open_store(store).only_looking(), time.monotonic()
    with _progress() as told:
        found = run_verify(opened, told)
    for line in _lines(opened, found):
        typer.echo(line)
    kept = _repair(open_store(store), found.findings) if repair and found.findings else []
    for name in kept:
        typer.echo(f"Kept as {opened.storage.place(name)}")
    _remember(opened, found, time.monotonic() - started, repair)
    if found.findings and not repair:
        typer.echo(f"Set aside what is damaged with: aesweep verify {shlex.quote(store)} --repair")
    elif found.findings:
        typer.echo(f"Do the work again with: {resume_command(store)}")
    raise typer.Exit(1 if found.findings else 0)


def _repair(store: Store, findings: list[Finding]) -> list[str]:
    from aesweep.sweep.tables.fold import TableWriter  # pyarrow from here on

    kept = run_repair(store, findings)
    TableWriter(store).publish(force=True)
    return kept


def _remember(store: Store, found: Verified, seconds: float, repaired: bool) -> None:
    """Keep what was found for `status`; two lines where the store may only be read."""
    missing, damaged = _sums(found)
    record = VerifiedRecord(
        time=datetime.now(UTC).isoformat(),
        aesweep=aesweep_version(),
        seconds=seconds,
        trials=found.trials,
        files=found.files,
        bytes=found.bytes,
        missing=missing,
        damaged=damaged,
        repaired=repaired,
        findings=tuple(FindingRecord(name=one.name, trouble=one.trouble) for one in found.findings[:MOST_KEPT]),
    )
    try:
        store.records.write(VERIFIED, record)
    except (InputError, StorageError) as error:
        typer.echo(f"`aesweep status` will not show this: {error.remedy}", err=True)


def _lines(store: Store, found: Verified) -> Iterator[str]:
    """What was found, trial by trial, then the sums."""
    for key, findings in groupby(found.findings, key=lambda one: one.key):
        yield f"{trial_name(store, key)}:" if key else "Shared by all trials:"
        yield from (f"  {one_line(one.name)} {one.trouble}; {NEXT[one.work]}" for one in findings)
    size = f"{found.bytes / 1e6:,.1f} MB"
    yield f"Read {found.files:,} files of {count_trials(found.trials)}, {size}: {LastVerify.describe(*_sums(found))}."
    if found.unhashed:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(found.unhashed.items()))
        yield f"Not checked, since no checksum of them is recorded: {kinds}; {found.unhashed_bytes / 1e6:,.1f} MB."


def _sums(found: Verified) -> tuple[int, int]:
    """How many files are missing, and how many damaged."""
    missing = sum(finding.is_missing for finding in found.findings)
    return missing, len(found.findings) - missing


@contextmanager
def _progress() -> Iterator[Callable[[Verified, int], None]]:
    """A bar on a terminal, which goes when everything is read; nothing elsewhere."""
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TextColumn("trials, {task.fields[size]}"))
    console = make_console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None, size="")

        def told(found: Verified, trials: int) -> None:
            progress.update(task, completed=found.trials, total=trials or None, size=f"{found.bytes / 1e6:,.0f} MB")

        yield told
