"""`stop`, `prune`: end a sweep from another shell, and remove what a store no longer needs."""

from typing import Annotated

import typer

from sweep.commands import options
from sweep.prune import prune as run_prune
from sweep.status import resume_command
from sweep.stopping import GRACE_SECONDS, ask_drivers_to_stop, wait_for_end
from sweep.store import open_store

WAIT_SECONDS = 4 * GRACE_SECONDS  # the grace, tables of many trials, and the end of Ray


def stop(
    store: options.StoreArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Return when they have ended.")] = False,
) -> None:
    """End the sweep that runs on a store, from any machine: running trials write a checkpoint, then its driver ends.

    Example:  aesweep stop runs/quickstart --wait
    """
    opened = open_store(store)
    asked = ask_drivers_to_stop(opened)
    if not asked:
        typer.echo(f"No driver works on {store}.")
        return
    for driver in asked:
        typer.echo(f"Asked the driver on {driver['host']}, process {driver['pid']}, to stop.")
    if wait and (left := wait_for_end(opened, {driver["file"] for driver in asked}, WAIT_SECONDS)):
        typer.echo(f"{len(left)} of {len(asked)} drivers did not end within {WAIT_SECONDS:.0f} s.", err=True)
        raise typer.Exit(1)
    when = "ended" if wait else f"ends within some {GRACE_SECONDS:.0f} seconds"
    typer.echo(f"The sweep {when}. Go on with: {resume_command(store)}")


def prune(
    store: options.StoreArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    damaged: Annotated[bool, typer.Option("--damaged", help="Also remove damaged files that were set aside.")] = False,
) -> None:
    """Remove what nobody needs any more: abandoned attempts, leftover checkpoints, files of killed processes.

    Results and the newest checkpoint of every unfinished trial stay.

    Example:  aesweep prune runs/quickstart --dry-run
    """
    found = run_prune(open_store(store), damaged=damaged, dry_run=dry_run)
    for kind in dict.fromkeys(leftover.kind for leftover in found):
        mine = [leftover for leftover in found if leftover.kind == kind]
        typer.echo(f"{kind}: {_count(sum(m.files for m in mine))}, {_megabytes(sum(m.bytes for m in mine))}")
    freed = _megabytes(sum(leftover.bytes for leftover in found))
    typer.echo(f"{'Would free' if dry_run else 'Freed'} {freed}.")


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
