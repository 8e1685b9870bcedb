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
from aesweep.cluster.user import complete_environment
from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import one_line
from aesweep.models.plugins.files import PACKAGE, loaded_files
from aesweep.models.plugins.registry import require
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.alone import require_alone
from aesweep.sweep.driver.costs import describe_addition
from aesweep.sweep.driver.deaths import record_deaths
from aesweep.sweep.driver.outcome import Outcome, explain, outcome_of, resume_command, say_nothing_to_do
from aesweep.sweep.driver.plan import Plan, PlannedTrial, make_plan
from aesweep.sweep.driver.progress import Progress, ProgressView, describe_counts, describe_seconds
from aesweep.sweep.driver.short_schedules import short_schedules
from aesweep.sweep.driver.stopping import StopRequest
from aesweep.sweep.driver.trackers import Trackers
from aesweep.sweep.freezing import freeze, own_claims, report_command
from aesweep.sweep.notifying import Notifier
from aesweep.sweep.provenance import this_machine, write_launch
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.images import check_images, check_labels, one_per_data_set, prepare_images
from aesweep.sweep.spec.load import change_spec, load_spec, overridden_data_dir
from aesweep.sweep.spec.own_folders import own_spec, remember
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.drivers import ProgressFile, living_drivers, remove_stale
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.store import Store, open_storage, open_store
from aesweep.sweep.tables.evaluation_names import named_evaluation

if TYPE_CHECKING:
    from ray.tune import Callback

    from aesweep.sweep.driver.driver import Driver

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
    _check_data(data_sets, spec.execution, evaluation)
    remember(spec.execution)
    opened = open_store(store).snapshot() if open_storage(store).exists(MARK) else None
    if opened is not None and not add:
        opened.trials.require_shared(spec)
    plan = _sound_plan(spec, opened, evaluation, retry_failed, only)
    if opened is not None and plan.is_done:
        opened.trials.record(spec, evaluation.id, latest)
        if _fold_tables(opened, console):  # that reads every commit, and may have set one aside
            plan = _sound_plan(spec, opened, evaluation, retry_failed, only)
    if opened is not None and plan.is_done:
        return say_nothing_to_do(plan, console, resume_command(opened.root))
    require_alone(opened, also)
    require_sound_environment(address)
    prepare_images(data_sets, spec.execution, console)
    opened = open_store(store, create=True, identity=opened.storage.identity if opened else None)
    _ask(console, *short_schedules(plan.to_train))

    def record() -> None:
        opened.trials.record(spec, evaluation.id, latest)
        freeze(opened, spec, evaluation.id, own)

    work = partial(_run_rounds, spec, opened, plan, address, trackers, only, console, record)
    outcome = notifier.watch(opened, spec, console, work)
    explain(outcome, console, resume_command(opened.root))
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
    record: Callable[[], None],
) -> Outcome:
    """Do the work of a plan, and again where files turn out to be damaged; how that ended."""
    for left in reversed(range(ROUNDS)):
        again = resume_command(store.root)
        outcome, plan = _run(spec, store, plan, address, trackers, only, console, again, record)
        if plan.is_done or outcome.interrupted or not left:
            break
        console.print("Work is left that was lost or whose files are damaged: it is done again.", highlight=False)
    return outcome


def _ask(console: Console, *lines: str) -> None:
    """Ask about what was probably meant otherwise; the launch goes on."""
    for line in filter(None, lines):
        console.print(f"[yellow]{escape(line)}[/yellow]", highlight=False, soft_wrap=True)


def _check_data(configs: Sequence[TrialConfig], execution: ExecutionConfig, evaluation: EvaluationConfig) -> None:
    """Raise `InputError` for images, or labels that the feature network learns from, that are not on this machine."""
    check_images(configs, execution)
    if evaluation.needs_features:
        check_labels(configs, execution, evaluation.extractor)


def _sound_plan(
    spec: SweepSpec, store: Store | None, evaluation: EvaluationConfig, retry_failed: bool, only: Sequence[str]
) -> Plan:
    """The work, after a look at what went wrong before.

    Trials that died too often have failed, and trained ones whose weights are missing or cut short are trained again. So are
    finished ones that lost files, but only with `retry_failed`: their numbers are there, and the files may only be elsewhere.
    """
    if store is not None:
        keys = [config.key for config, _ in spec.trials]
        record_deaths(store, keys, evaluation.id, spec.execution.max_process_deaths)
    plan = make_plan(spec, store, evaluation, retry_failed=retry_failed, only=only)
    if store is not None and retry_failed:
        lost = store.snapshot().commits.set_lost_aside
        failed = [trial.config.key for trial in plan.trials if trial.state == "failed"]
        if any(store.storage.map(partial(lost, evaluation=evaluation.id), failed)):
            plan = make_plan(spec, store, evaluation, retry_failed=retry_failed, only=only)
    if store is not None and not all(store.storage.map(store.commits.has_model, [t.config.key for t in plan.to_score])):
        return make_plan(spec, store, evaluation, retry_failed=retry_failed, only=only)
    return plan


def _clean_up(store: Store, console: Console, mine: str = "") -> None:
    """Remove what killed drivers left behind, unless another one than `mine` is at work: then say so."""
    remove_stale(store)
    others = [driver for driver in living_drivers(store) if driver.file != mine]
    for driver in others:
        console.print(
            f"[yellow]Another driver works on this store[/yellow] ({escape(one_line(driver.said.host))}, process {driver.said.pid}). "
            "Nothing can be mixed up, but the two may do the same work.",
            highlight=False,
            soft_wrap=True,
        )
    if not others:
        store.storage.map(store.storage.remove, store.storage.temporary())


def _fold_tables(store: Store, console: Console) -> bool:
    """Fold the tables if a driver died before it could; whether that was so."""
    from aesweep.sweep.tables.fold import TableWriter, remember_commits, tables_are_current  # pyarrow from here on

    store = store.snapshot()
    if tables_are_current(store):
        remember_commits(store)
        return False
    _clean_up(store, console)
    TableWriter(store).publish(force=True)
    console.print(f"Tables rebuilt: {store.storage.place('tables')}", highlight=False, markup=False)
    return True


def _run(
    spec: SweepSpec,
    store: Store,
    plan: Plan,
    address: str,
    trackers: Trackers,
    only: Sequence[str],
    console: Console,
    again: str,
    record: Callable[[], None] = lambda: None,
) -> tuple[Outcome, Plan]:
    """Do the work of a plan; how that ended, and the plan of what is left (without what failed).

    `again` is the command that goes on where Ray dies. `record` writes the spec and what will judge it, as soon as others
    can see this driver (`prune` takes nothing of one that it sees) and before anything is trained or scored.
    """
    progress = Progress.of(plan)
    view, file = ProgressView(progress, console), ProgressFile(store)
    stop = StopRequest(store, file.name)

    def work() -> None:
        complete_environment()
        from aesweep.cluster.connect import connect  # Ray and torch from here on
        from aesweep.sweep.driver.driver import Driver
        from aesweep.sweep.driver.tune_adapter import train
        from aesweep.sweep.worker.every_machine import machines_of_cluster
        from aesweep.sweep.worker.plugins_here import require_on_workers
        from aesweep.sweep.worker.remote_stage import run_stage
        from aesweep.sweep.worker.trainable import TrialTrainable

        file.write(progress.record(), force=True)
        file.keep_fresh()
        record()
        _clean_up(store, console, file.driver)
        if stop.asked:
            return
        callbacks, folder, lines = trackers.begin(store, spec.name)
        for line in lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        shipped = {f"{PACKAGE}/{file.module}.py": file.source for file in loaded_files()}
        with connect(address, after_death=f"Continue with: {again}", more_code=shipped) as ours, view:
            require_on_workers(spec.plugin_versions)
            machines = [this_machine()] if ours.started_here else machines_of_cluster()
            write_launch(store, file.launch, spec.hash, plan.evaluation.id, machines)
            driver = Driver(store, plan, run_stage, spec.execution, view, file, stop, ours, callbacks, folder)
            ours.watch.last_act = partial(_leave, driver, view, file)
            driver.run(partial(train, trainable=TrialTrainable))

    with stop.listening():  # from the first word on: signals that come while Ray is loaded are requests as well
        console.print(
            f"{spec.name}: {len(plan.to_train)} trials to train, {len(plan.to_train) + len(plan.to_score)} to score "
            f"({plan.evaluation.extractor}), {plan.counts()['done']} done before. Starting Ray …",
            highlight=False,
            markup=False,
        )
        try:
            work()
        except KeyboardInterrupt:
            if not stop.at_once:
                raise
        finally:
            file.remove()
        after = make_plan(spec, store, plan.evaluation, only=only)
        outcome = outcome_of(after, interrupted=stop.asked and not after.is_done, stop_asked=stop.asked)
        elapsed = describe_seconds(view.elapsed())
        console.print(
            f"{describe_counts(outcome.counts)} after {elapsed}. Tables: {store.storage.place('tables')}",
            highlight=False,
            markup=False,
        )
    return outcome, after


def _leave(driver: "Driver", view: ProgressView, file: ProgressFile) -> None:
    """What is done where Ray has died and does not give the main thread back."""
    view.__exit__()
    driver.close_attempts()
    file.remove()


def evaluate(
    store: str | Path,
    changes: Mapping[str, object],
    *,
    like: str | None = None,
    extractor: str | None = None,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    address: str = "local",
    retry_failed: bool = False,
    also: bool = False,
    every: bool = False,
    data_dir: str | Path | None = None,
    images: str | Path | None = None,
    dry_run: bool = False,
    console: Console | None = None,
) -> Outcome:
    """Score the trained trials of a store's latest spec (or of all, with `every`) with changed `EvaluationConfig` fields; trains nothing.

    `like` names an evaluation of the store whose settings are taken instead of the spec's. `overrides` are `FIELD=VALUE` of a
    spec's `evaluation` or `execution`; `changes` come on top of them. The scores get an
    evaluation id of their own and stand in the tables beside the others. `data_dir` and `images` replace folders that only
    the store's spec names (own_folders.py). What it adds is printed first; with `dry_run` nothing else happens.
    """
    console = console or make_console(stderr=True)
    check_address(address)
    opened = open_store(store)
    given = data_dir if data_dir is not None else overridden_data_dir(overrides)
    stored = [own_spec(one, given, images) for one in opened.trials.stored_specs(every)]
    latest = stored[-1].with_trials_of(stored[:-1])
    spec = change_spec(latest.scored_like(named_evaluation(opened, like)) if like else latest, overrides, data_dir)
    spec = replace(spec, extractor=extractor or spec.extractor, evaluation={**spec.evaluation, **changes})
    require(spec.plugin_versions)
    evaluation = spec.evaluation_config()
    listed = opened.snapshot()
    trained = {config.key for config, _ in spec.trials if listed.commits.has_training(config.key)}

    def what_is_left() -> tuple[Plan, list[PlannedTrial]]:
        """The trials that were trained when this began, and those of them whose weights turned out to be lost."""
        if dry_run:
            found = make_plan(spec, opened.only_looking(), evaluation, retry_failed=retry_failed, only=only)
        else:
            found = _sound_plan(spec, opened, evaluation, retry_failed, only)
        kept = tuple(trial for trial in found.trials if trial.config.key in trained)
        now = opened.snapshot()
        return replace(found, trials=kept), [trial for trial in kept if not now.commits.has_training(trial.config.key)]

    plan, lost = what_is_left()
    if not plan.to_score and not dry_run and _fold_tables(opened, console):
        plan, lost = what_is_left()  # folding reads every commit, and may have set one aside
    again = "the same command"
    for trial in lost:
        console.print(f"{trial.config.name} has lost its weights.", highlight=False, markup=False, soft_wrap=True)
        again = f"{resume_command(opened.root)}, then the same command"
    to_score = replace(plan, trials=tuple(trial for trial in plan.trials if trial not in lost))
    if to_score.is_done:
        return say_nothing_to_do(plan, console, again)
    for line in describe_addition(to_score, latest.evaluation_config(require_weights=False), spec.execution.threads):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if dry_run:
        return outcome_of(plan, ran=False)
    require_alone(opened, also)
    configs = one_per_data_set(trial.config for trial in to_score.to_score)
    _check_data(configs, spec.execution, evaluation)
    remember(spec.execution)
    require_sound_environment(address)
    prepare_images(configs, spec.execution, console)
    record = partial(freeze, opened, spec, evaluation.id)
    outcome, _ = _run(
        spec, opened, to_score, address, Trackers(), [t.config.key for t in plan.trials], console, again, record
    )
    explain(outcome, console, again)
    return outcome
