"""`forget`: remove a trial, an evaluation or a spec from a store for good."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import typer

from aesweep.cluster.capacity import allowed_cpus
from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.driver.status import trial_name
from aesweep.sweep.store.drivers import require_no_driver
from aesweep.sweep.store.removal.forget import (
    Removal,
    remove,
    remove_spec,
    scores_removal,
    spec_removals,
    trial_removal,
)
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.evaluation_names import evaluation_names, matching

MOST_NAMED = 10
"""Trials that are named one by one; the others are counted."""
Kind = Literal["trial", "evaluation", "spec"]
WHAT = "KEY|EVALUATION|SPEC"


def forget(
    store: options.StoreArgument,
    what: Annotated[
        str, argument(metavar=WHAT, help="Its key, id, hash or name, or the beginning of one (`list`, `status`).")
    ],
    yes: Annotated[bool, option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove a trial, all scores of an evaluation, or a spec with the trials and scores that only it asks for.

    It lists what will be removed and asks first. Removed results can only be computed again.

    Example:  aesweep forget runs/quickstart 2ad120 --dry-run
    """
    opened = open_store(store)
    require_no_driver(opened)
    listed = opened.only_looking().snapshot()
    kind, name = _meant(listed, what)
    found = [one for one in _removals(listed, kind, name) if one.files]
    for line in _described(listed, kind, name, found, "Would remove" if dry_run else "Removes"):
        typer.echo(one_line(line))
    if dry_run:
        return
    if not yes:
        _ask()
    for line in _forget(opened, kind, name, found):
        typer.echo(one_line(line))


def _meant(store: Store, word: str) -> tuple[Kind, str]:
    """The kind, and the key, id or hash, that a word means. Raises `InputError` where that is nothing, or several things."""
    keys = store.trials.known_keys()
    named: dict[Kind, dict[str, str]] = {
        "trial": dict(zip(keys, keys, strict=True)),
        "evaluation": evaluation_names(store),
        "spec": {spec_hash: spec.name for spec_hash, spec in store.trials.launched().items()},
    }
    exact = _exactly(named, word)
    if not exact:  # names of trials are read one by one
        names = store.storage.map(lambda key: trial_name(store, key), keys)
        named["trial"] = dict(zip(keys, names, strict=True))
        exact = _exactly(named, word)
    found = exact or [(kind, one) for kind, names in named.items() for one in matching(names, word)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(WHAT, word, "This store holds no trial, evaluation or spec that is called or begins so.")
    some = ", ".join(f"{kind} {one} ({named[kind][one]})" for kind, one in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    raise InputError(WHAT, word, one_line(f"It may be: {some}{more}. Give one of these keys, ids or hashes."))


def _exactly(named: dict[Kind, dict[str, str]], word: str) -> list[tuple[Kind, str]]:
    return [(kind, one) for kind, names in named.items() for one, name in names.items() if word in (one, name)]


def _removals(store: Store, kind: Kind, name: str) -> list[Removal]:
    if kind == "trial":
        return [trial_removal(store, name)]
    if kind == "spec":
        return spec_removals(store, name)
    return store.storage.map(lambda key: scores_removal(store, key, name), store.trials.known_keys())


def _described(store: Store, kind: Kind, name: str, found: Sequence[Removal], verb: str) -> Iterator[str]:
    """What goes, trial by trial, then the sum."""
    evaluations = evaluation_names(store)
    for one in found[:MOST_NAMED]:
        what = f"{trial_name(store, one.key)}"
        what += f", scores of {evaluations.get(one.evaluation, one.evaluation)}" if one.evaluation else ""
        yield f"{what}: {_files(one)}"
    if len(found) > MOST_NAMED:
        yield f"{len(found) - MOST_NAMED:,} more"
    whole = sum(not one.evaluation for one in found)
    parts = [f"the spec {store.trials.launched()[name].name}"] if kind == "spec" else []
    parts += [f"{whole:,} trial{'s' * (whole != 1)}"] if whole or kind == "spec" else []
    parts += [f"scores of {scored:,} trial{'s' * (scored != 1)}"] if (scored := len(found) - whole) else []
    yield f"{verb} {', '.join(parts)}: {_files(*found)}."


def _files(*removals: Removal) -> str:
    count, size = sum(len(one.files) for one in removals), sum(one.bytes for one in removals)
    return f"{count:,} file{'s' * (count != 1)}, {size / 1e6:,.1f} MB"


def _ask() -> None:
    """Raise `typer.Exit` unless somebody agrees."""
    if not sys.stdin.isatty():
        raise InputError("--yes", None, "Nobody can be asked here. Add --yes to remove this.")
    if not typer.confirm("Remove this for good?"):
        typer.echo("Nothing was removed.")
        raise typer.Exit(1)


def _forget(store: Store, kind: Kind, name: str, found: Sequence[Removal]) -> Iterator[str]:
    """Remove it and make the tables again; what is worth knowing afterwards."""
    from aesweep.sweep.tables.fold import TableWriter  # pyarrow from here on

    newer = remove(store, found)
    for one in newer:
        yield f"{trial_name(store, one.key)} was trained or scored again meanwhile, and stays."
    if kind == "spec" and not newer:
        latest = remove_spec(store, name)
        yield from [f"The latest spec is now {latest}."] if latest else []
    TableWriter(store, processes=allowed_cpus()).publish(force=True)
    command, specs = f"aesweep resume {shlex.quote(store.root)}", store.trials.specs()
    asked = [spec for spec in specs if kind == "trial" and name in spec.keys]
    if asked:
        every = "" if asked[-1] is specs[-1] else " --all"
        yield f"The spec {asked[-1].name} still asks for the trial: `{command}{every}` trains it again."
    if kind == "evaluation" and name == store.trials.latest_evaluation():
        yield f"The latest spec still asks for these scores: `{command}` measures them again."
    yield f"Removed. Freed {sum(one.bytes for one in found if one not in newer) / 1e6:,.1f} MB."
