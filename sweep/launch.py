"""From a spec and a store to a finished sweep; running it again does what is missing.

Everything that can be checked without Ray and torch is checked first and the work is counted, so that bad input and
"nothing to do" are answered at once. Only then is the driver imported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from aesweep.cluster.address import check_address
from aesweep.cluster.environment import require_sound_environment
from aesweep.models.errors import one_line
from aesweep.models.plugins.registry import require
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.alone import require_alone
from aesweep.sweep.driver.outcome import (
    Outcome,
    address_options,
    explain,
    only_options,
    resume_command,
    say_nothing_to_do,
)
from aesweep.sweep.driver.plan import Plan
from aesweep.sweep.driver.short_schedules import short_schedules
from aesweep.sweep.driver.trackers import Trackers
from aesweep.sweep.freezing import freeze, own_claims, report_command
from aesweep.sweep.notifying import Notifier
from aesweep.sweep.running import check_data, fold_tables, run_plan, sound_plan
from aesweep.sweep.spec.images import one_per_data_set, prepare_images
from aesweep.sweep.spec.load import change_spec, load_spec
from aesweep.sweep.spec.own_folders import remember
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.store import Store, open_storage, open_store

if TYPE_CHECKING:
    from ray.tune import Callback

ROUNDS = 3  # a launch does work again whose files turn out to be damaged; a disk that damages every file ends it


def launch(
    spec: SweepSpec | Mapping[str, Any] | str | Path,
    store: str | Path,
    *,
    address: str = "local",
    data_dir: str | Path | None = None,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    max_concurrent: int | None = None,
    retry_failed: bool = False,
    add: bool = False,
    also: bool = False,
    latest: bool = True,
    callbacks: Sequence["Callback"] = (),
    track: Sequence[str] = (),
    notify: str = "",
    console: Console | None = None,
) -> Outcome:
    """Train and score what `spec` asks for and `store` does not hold yet.

    Args:
        spec: A preset's name, a YAML file, a dict with the sections of one, or a `SweepSpec`.
        store: A folder or an address such as `s3://bucket/folder`; made where there is none.
        address: `local`, `auto` or HOST:PORT of a Ray cluster.
        data_dir: Folder of data sets and weights; by default the one that the spec names.
        overrides: `FIELD=VALUE`, as `--set` takes them.
        only: Blocks of the spec, or the beginnings of keys or names, of the trials that are wanted; all without any.
        max_concurrent: Maximum number of trials that train at once.
        retry_failed: Whether trials that failed are tried again.
        add: Whether a spec may share no trial with the store.
        also: Whether another driver may be at work on the store.
        latest: Whether the store speaks of this spec as its latest from now on (`resume --all` may be cut off after an
            older one).
        callbacks: Ray Tune callbacks, such as those of W&B.
        track: Trackers by name, as `--track` takes them.
        notify: A command or a URL that is told how a launch that had work to do ended (notifying.py).
        console: Where progress is printed; standard error by default.

    Returns:
        The states of the trials, and the exit code of the command.

    Raises:
        InputError: Something in these cannot be used; nothing has run then.
    """
    console = console or make_console(stderr=True)
    check_address(address)
    trackers = Trackers(callbacks, track)
    trackers.require_installed()
    notifier = Notifier(notify)
    words = (overrides, data_dir or None)
    spec = change_spec(spec, *words) if isinstance(spec, SweepSpec) else load_spec(spec, *words)
    if max_concurrent is not None:
        spec = replace(spec, execution=replace(spec.execution, max_concurrent=max_concurrent))
    require(spec.plugin_versions)
    evaluation = spec.evaluation_config()
    _ask(console, spec.lone_seed)
    own = own_claims(spec.claims)
    data_sets = one_per_data_set(config for config, _ in spec.trials)
    check_data(data_sets, spec.execution, evaluation)
    remember(spec.execution)
    opened = open_store(store).snapshot() if open_storage(store).exists(MARK) else None
    if opened is not None and not add:
        opened.trials.require_shared(spec)
    plan = sound_plan(spec, opened, evaluation, retry_failed, only)
    if opened is not None and plan.is_done:
        opened.trials.record(spec, evaluation.id, latest)
        if fold_tables(opened, console):  # that reads every commit, and may have set one aside
            plan = sound_plan(spec, opened, evaluation, retry_failed, only)
    options = [*([] if latest else ["--all"]), *only_options(only), *address_options(address)]
    if opened is not None and plan.is_done:
        return say_nothing_to_do(plan, console, resume_command(opened.root, *options))
    require_alone(opened, also)
    require_sound_environment(address)
    prepare_images(data_sets, spec.execution, console)
    opened = open_store(store, create=True, identity=opened.storage.identity if opened else None)
    _ask(console, *short_schedules(plan.to_train))

    def record() -> None:
        opened.trials.record(spec, evaluation.id, latest)
        freeze(opened, spec, evaluation.id, own)

    again = resume_command(opened.root, *options)
    work = partial(_run_rounds, spec, opened, plan, address, trackers, only, console, again, record)
    outcome = notifier.watch(opened, spec, console, again, work)
    explain(outcome, console, again)
    if own is not None or not outcome.exit_code:
        what = "Draw the report with" if own is None else "Judge your claims with"
        told = one_line(f"{what}: {report_command(opened.root, own)}")
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return outcome


def _run_rounds(
    spec: SweepSpec,
    store: Store,
    plan: Plan,
    address: str,
    trackers: Trackers,
    only: Sequence[str],
    console: Console,
    again: str,
    record: Callable[[], None],
) -> Outcome:
    """Do the work of a plan, and again where files turn out to be damaged; how that ended."""
    for left in reversed(range(ROUNDS)):
        outcome, plan = run_plan(spec, store, plan, address, trackers, only, console, again, record)
        if plan.is_done or outcome.interrupted or not left:
            break
        console.print("Work is left that was lost or whose files are damaged: it is done again.", highlight=False)
    return outcome


def _ask(console: Console, *lines: str) -> None:
    """Print what was probably not meant, in yellow; the launch continues."""
    for line in filter(None, lines):
        console.print(f"[yellow]{escape(line)}[/yellow]", highlight=False, soft_wrap=True)
