"""`diff`, `merge`: two stores with the same trials."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.driver.alone import require_alone
from aesweep.sweep.driver.outcome import STOPPED
from aesweep.sweep.driver.stopping import StopRequest
from aesweep.sweep.pair.comparing import ComparedScore, ComparedTrial, Comparison, Verdict, compare
from aesweep.sweep.pair.merging import Merged, Work, missing_work
from aesweep.sweep.pair.merging import merge as copy_works
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.store import Store, open_store

MOST_SHOWN = 20  # differing scores that are listed

FirstStore = Annotated[str, argument(metavar="A", help="Folder of results, or s3://bucket/folder.")]
SecondStore = Annotated[str, argument(metavar="B", help="The other store.")]


def diff(first: FirstStore, second: SecondStore, as_json: options.AsJson = False) -> None:
    """Compare the trials that two stores have in common: the same bits, or scores within their errors?

    Exit code 0: no score differs by more than its error; 1: some do.

    Example:  aesweep diff runs/here runs/there
    """
    a, b = two_stores(first, second)
    found = compare(a.only_looking(), b.only_looking())
    if as_json:
        trials = [{**asdict(trial), "verdicts": dict(trial.counts)} for trial in found.trials]
        typer.echo(json.dumps({**asdict(found), "trials": trials}, indent=1))
    else:
        _print(found)
    raise typer.Exit(1 if found.differ else 0)


def _print(found: Comparison) -> None:
    for trial in found.trials:
        typer.echo(f"{one_line(trial.name)}: {_describe(trial)}")
    beyond = [(t, s) for t in found.trials for s in t.scores if s.verdict == "beyond errors"]
    for trial, score in beyond[:MOST_SHOWN]:
        typer.echo(f"  {trial.key}  {_score(score)}")
    if len(beyond) > MOST_SHOWN:
        typer.echo(f"  {len(beyond) - MOST_SHOWN:,} more (see --json)")
    total = sum((trial.counts for trial in found.trials), Counter[Verdict]())
    same = sum(trial.same_weights for trial in found.trials)
    typer.echo(
        f"{len(found.trials)} trials in both, {same} with the same weights; only in A: {len(found.only_first)}, "
        f"only in B: {len(found.only_second)}. Scores: {_counts(total)}."
    )
    judged = total["within errors"] + total["beyond errors"]
    if beyond:
        typer.echo(
            f"By chance, about {0.05 * judged:.1f} of {judged} scores that are not equal would differ by more than their errors."
        )


def _describe(trial: ComparedTrial) -> str:
    weights = "the same weights" if trial.same_weights else "other weights"
    lacking = f", {trial.only_one} only in one store" if trial.only_one else ""
    return f"{weights}, scores {_counts(trial.counts)}{lacking}"


def _counts(counts: Mapping[Verdict, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "none in both"


def _score(score: ComparedScore) -> str:
    values = " and ".join(
        "none" if v is None else f"{v:.5g}" + ("" if e is None else f" ± {e:.2g}")
        for v, e in zip(score.values, score.stderrs, strict=True)
    )
    return one_line(f"{score.source} ({score.split}) {score.metric}: {values}")


def merge(
    first: FirstStore,
    second: SecondStore,
    dry_run: Annotated[bool, option("--dry-run", help="Only show what would be copied.")] = False,
    also: options.Also = False,
    plugins: options.Plugins = None,
) -> None:
    """Copy the results of B that A lacks into A, each checked against its hashes. B is only read.

    Exit code 0: all of it is in A; 1: something could not be copied.

    Example:  aesweep merge runs/paper runs/from-the-other-cluster
    """
    a, b = two_stores(first, second)
    b, merged = b.only_looking(), Merged()
    works, is_whole = missing_work(a.only_looking() if dry_run else a, b, merged), True
    if not dry_run and works:
        require_alone(a, also)
        is_whole = _merge(a, b, works, merged)
    trainings = sum(not work.evaluation for work in works) if dry_run else len(merged.trainings)
    evaluations = len(works) - trainings if dry_run else len(merged.evaluations)
    for name, why in merged.left_out:
        typer.echo(f"Left out: {one_line(name)}: {one_line(why)}", err=True)
    verb = "Would copy" if dry_run else "Copied"
    models = f"{trainings} trained model{'s' * (trainings != 1)}"
    typer.echo(f"{verb} {models} and {evaluations} evaluation{'s' * (evaluations != 1)}.")
    if not is_whole:
        typer.echo("Stopped. The same command copies the rest.", err=True)
        raise typer.Exit(STOPPED)
    raise typer.Exit(1 if merged.left_out else 0)


def _merge(store: Store, other: Store, works: list[Work], merged: Merged) -> bool:
    """Copy as a driver does: others see it at work, and its attempts are its own. False where it was stopped."""
    from aesweep.sweep.tables.fold import TableWriter  # pyarrow from here on

    file = ProgressFile(store)
    stop = StopRequest(store, file.name)
    with stop.listening():
        try:
            file.write(LaunchProgress(running={}), force=True)
            file.keep_fresh()

            def told(_: Work) -> bool:
                stop.look()
                return not stop.asked

            is_whole = copy_works(store, other, works, file.driver, merged, told)
            TableWriter(store).publish(force=True)
            return is_whole
        finally:
            file.remove()


def two_stores(first: str, second: str, field: str = "B") -> tuple[Store, Store]:
    """Both stores. Raises `InputError` for the `field` of the second where they are one and the same."""
    a, b = open_store(first), open_store(second)
    folders = [store.storage.folder for store in (a, b)]
    same = all(folders) and Path(str(folders[0])).samefile(str(folders[1]))
    if same or a.root == b.root:
        raise InputError(field, second, "This is the same store twice. Give another one.")
    return a, b
