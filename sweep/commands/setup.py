"""`fetch`, `doctor`, `render`, `wait`: prepare and check the machines that a sweep will run on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from aesweep.cluster.capacity import allowed_cpus
from aesweep.models.data.datasets import default_data_dir
from aesweep.models.errors import InputError
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.console import make_console
from aesweep.sweep.spec.execution import absolute

if TYPE_CHECKING:
    from aesweep.cluster.doctor import Check

Fetchable = Literal["cifar10", "celeba", "inception"]


def fetch(
    what: Annotated[
        Fetchable, argument(metavar="WHAT", help="cifar10, celeba or inception (weights of the FID network).")
    ],
    to: Annotated[Path | None, option(metavar="DIR", help=f"Shared folder. {options.DATA_DEFAULT}")] = None,
) -> None:
    """Download and prepare data or weights before a sweep, to storage that all machines see.

    Example:  aesweep fetch cifar10 --to /shared/aesweep-data
    """
    folder = _folder("--to", to)
    from aesweep.evaluation.networks.weights import fetch_inception  # torch from here on
    from aesweep.models.data.fetch import fetch_celeba, fetch_cifar10

    fetchers: dict[str, Any] = {"cifar10": fetch_cifar10, "celeba": fetch_celeba, "inception": fetch_inception}
    fetchers[what](folder, **({} if what == "inception" else {"threads": allowed_cpus()}))
    typer.echo(f"{what} is ready. Use it with --data {folder} or AESWEEP_DATA={folder}")


def doctor(
    address: options.Address = "local",
    store: Annotated[str | None, option(metavar="DIR", help="Also check this store's folder.")] = None,
    data: options.Data = None,
) -> None:
    """Show what works here: GPUs, precision, data, weights, storage, Ray. Exit code 1 if something must be fixed.

    Example:  aesweep doctor --store /shared/runs
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "check", "found", "remedy"):
        table.add_column(heading, overflow="fold")
    marks = {"ok": "[green]ok[/green]", "warn": "[yellow]warn[/yellow]", "fail": "[red]fail[/red]"}
    checks = _checks(address, store, data)
    for check in checks:
        table.add_row(marks[check.status], check.name, Text(check.found), Text(check.remedy))
    make_console().print(table)
    raise typer.Exit(1 if any(check.status == "fail" for check in checks) else 0)


def _checks(address: str, store: str | None, data: Path | None) -> list["Check"]:
    try:
        folder: Path | InputError = _folder("--data", data)
    except InputError as error:
        if data is not None:
            raise
        folder = error  # there is no home to look in: a finding, as any other
    from aesweep.sweep.commands.checks import all_checks  # torch and Ray from here on

    return all_checks(address, store, folder)


def render(
    kind: Annotated[
        str | None, argument(metavar="KIND", help="Kind of file; without it, all kinds are listed.")
    ] = None,
    values: Annotated[list[str] | None, argument(metavar="NAME=VALUE", help="Values to fill in.")] = None,
) -> None:
    """Print a file that starts a sweep on a cluster: Slurm, Kubernetes, `ray up`, Docker.

    Example:  aesweep render slurm nodes=4 store=/shared/runs/paper data=/shared/data > paper.sbatch
    """
    from aesweep.cluster import render as cluster_files

    if kind is None:
        typer.echo(cluster_files.describe_kinds())
    else:
        typer.echo(cluster_files.render(kind, **cluster_files.parse_values(values or [])), nl=False)


def wait(
    machines: Annotated[
        list[str],
        argument(metavar="MACHINES", help="Number of machines besides the head node, host names, or gpus=COUNT."),
    ],
) -> None:
    """Wait until machines or GPUs have joined the Ray cluster that this machine belongs to.

    Example:  aesweep wait gpus=8
    """
    from aesweep.cluster.wait import wait as wait_for

    wait_for(machines)


def _folder(option: str, given: Path | None) -> Path:
    return default_data_dir() if given is None else Path(absolute(given, option))
