"""`plan`, `launch`, `resume`: what would run, run it, run what is missing."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import option
from aesweep.sweep.commands.plan_page import print_plan
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.outcome import STOPPED, address_options, resume_command
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.freezing import own_claims
from aesweep.sweep.launch import launch as run_launch
from aesweep.sweep.spec.images import describe_images, one_per_data_set
from aesweep.sweep.spec.load import change_spec, load_spec
from aesweep.sweep.spec.own_folders import own_spec
from aesweep.sweep.store.store import Store, open_storage, open_store


def plan(
    spec: options.Spec,
    store: Annotated[str | None, option(metavar="DIR", help="Leave out what this store already holds.")] = None,
    overrides: options.Overrides = None,
    only: options.Only = None,
    data: options.Data = None,
    plugins: options.Plugins = None,
    cluster: Annotated[
        str | None,
        option(
            metavar="SIZE", help="Estimate the time on machines such as 4x8xH200, or on the running cluster (auto)."
        ),
    ] = None,
    price: Annotated[
        float | None,
        option(
            min=0.0, metavar="N", help="Price of one GPU-hour, on the GPUs of --cluster or, without it, on an H200."
        ),
    ] = None,
    spot_hours: Annotated[
        float | None, option(min=0.01, metavar="H", help="Mean hours until a machine dies, with --cluster.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what a launch would run, what it costs and what is already done. Starts nothing.

    Example:  aesweep plan paper-cifar10 --set seeds=0..4 --cluster 4x8xH200 --price 2.50
    """
    for name, value in (("--cluster", cluster), ("--price", price), ("--spot-hours", spot_hours)):
        if as_json and value is not None:
            raise InputError(name, value, "JSON holds the trials alone. Leave out --json, or this.")
    if cluster is None and spot_hours is not None:
        raise InputError("--spot-hours", spot_hours, "Say which machines die: add --cluster 4x8xH200.")
    loaded = load_spec(spec, overrides or [], data)
    evaluation = loaded.evaluation_config(require_weights=False)
    own = own_claims(loaded.claims)
    opened = open_store(store).only_looking() if store is not None and not _is_empty(store) else None
    made = make_plan(loaded, opened, evaluation, only=only or [])
    if as_json:
        typer.echo(json.dumps([trial.to_json() for trial in made.trials], indent=1))
        return
    data_sets = one_per_data_set(trial.config for trial in made.trials)
    about = [*filter(None, [loaded.lone_seed]), *describe_images(data_sets, loaded.execution)]
    if own is not None:
        about.append(f"Claims: {len(own.claims)} of yours, in {one_line(own.file)}")
    on_cluster: Sequence[str | Table] = ()
    if cluster is not None:
        from aesweep.sweep.commands.planned_cluster import ClusterOptions, describe_cluster

        on_cluster = describe_cluster(made, loaded.execution, ClusterOptions(cluster, price, spot_hours))
    print_plan(loaded, made, about, price if cluster is None else None)
    for line in on_cluster:
        make_console(highlight=False).print(line, markup=False, soft_wrap=True)


def launch(
    spec: options.Spec,
    store: options.StoreOption,
    address: options.Address = "local",
    overrides: options.Overrides = None,
    only: options.Only = None,
    max_concurrent: options.MaxConcurrent = None,
    retry_failed: options.RetryFailed = False,
    add: Annotated[bool, option("--add", help="Allow a spec that shares no trial with this store.")] = False,
    data: options.Data = None,
    track: options.Track = None,
    notify: options.Notify = "",
    also: options.Also = False,
    plugins: options.Plugins = None,
) -> None:
    """Train and score a sweep. Rerunning the command does only the missing work.

    Example:  aesweep launch quickstart --store runs/quickstart
    """
    outcome = run_launch(
        spec,
        store,
        address=address,
        data_dir=data,
        overrides=overrides or [],
        only=only or [],
        max_concurrent=max_concurrent,
        retry_failed=retry_failed,
        add=add,
        track=track or [],
        notify=notify,
        also=also,
    )
    raise typer.Exit(outcome.exit_code)


def resume(
    store: options.StoreArgument,
    retry_failed: options.RetryFailed = False,
    every: options.EverySpec = False,
    only: options.Only = None,
    address: options.Address = "local",
    max_concurrent: options.MaxConcurrent = None,
    overrides: options.Overrides = None,
    data: options.StoredData = None,
    images: options.Images = None,
    track: options.Track = None,
    notify: options.Notify = "",
    also: options.Also = False,
    plugins: options.Plugins = None,
) -> None:
    """Continue the sweep of a store: unfinished trials resume from their last checkpoint.

    With --set, the sweep is extended: --set seeds=0..4 trains the seeds that are missing.

    Example:  aesweep resume runs/quickstart --retry-failed
    """
    if every and only:
        raise InputError(
            "--only", only[0], "With --all, every trial of every spec is wanted. Leave one of the two out."
        )
    opened = open_store(store)
    stored = [own_spec(stored, data, images) for stored in opened.trials.stored_specs(every)]
    specs, code = [change_spec(spec, overrides or []) for spec in stored], 0
    while specs:
        outcome = run_launch(
            specs.pop(0),
            opened.root,
            address=address,
            only=only or [],
            max_concurrent=max_concurrent,
            retry_failed=retry_failed,
            latest=not every,
            track=track or [],
            notify=notify,
            also=also,
        )
        code = max(code, outcome.exit_code)
        if outcome.stop_asked and specs:
            names = one_line(", ".join(spec.name for spec in specs))
            typer.echo(
                f"Not begun: {names}. Continue with: {resume_command(store, '--all', *address_options(address))}",
                err=True,
            )
            raise typer.Exit(STOPPED)
    if retry_failed and not every:
        _say_older_failures(opened)
    raise typer.Exit(code)


def _say_older_failures(store: Store) -> None:
    """Failed trials that only older specs ask for are not tried again here."""
    latest = {failed.key for failed in read_status(store).failures}
    older = [f for f in read_status(store, every_spec=True).failures if f.key not in latest and not f.replaced]
    if older:
        count = f"{len(older)} failed trial{'s' * (len(older) > 1)}"
        typer.echo(f"{count} of older specs: try again with {older[0].command}", err=True)


def _is_empty(store: str) -> bool:
    """Whether a launch would make a store there."""
    storage = open_storage(store)
    return storage.version("") is None and not storage.names("")
