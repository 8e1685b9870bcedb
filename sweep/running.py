"""Doing the work of a plan: what `launch` and `evaluate` share.

Driver and workers meet here. Ray and torch are imported once there is work to do.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from aesweep.cluster.address import require_answer
from aesweep.cluster.user import complete_environment
from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import one_line
from aesweep.models.plugins.files import PACKAGE, loaded_files
from aesweep.sweep.driver.deaths import record_deaths
from aesweep.sweep.driver.outcome import Outcome, outcome_of
from aesweep.sweep.driver.plan import Plan, count_trials, make_plan
from aesweep.sweep.driver.progress import Progress, ProgressView, describe_counts, describe_seconds
from aesweep.sweep.driver.stopping import StopRequest
from aesweep.sweep.driver.trackers import Trackers
from aesweep.sweep.provenance import this_machine, write_launch
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.images import check_images, check_labels
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.drivers import ProgressFile, living_drivers, remove_stale
from aesweep.sweep.store.store import Store

if TYPE_CHECKING:
    from aesweep.sweep.driver.driver import Driver


def check_data(configs: Sequence[TrialConfig], execution: ExecutionConfig, evaluation: EvaluationConfig) -> None:
    """Raise `InputError` for images, or labels that the feature network learns from, that are not on this machine."""
    check_images(configs, execution)
    if evaluation.needs_features:
        check_labels(configs, execution, evaluation.extractor)


def sound_plan(
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


def clean_up(store: Store, console: Console, mine: str = "") -> None:
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


def fold_tables(store: Store, console: Console) -> bool:
    """Fold the tables if a driver died before it could; whether that was so."""
    from aesweep.sweep.tables.fold import TableWriter, remember_commits, tables_are_current  # pyarrow from here on

    store = store.snapshot()
    if tables_are_current(store):
        remember_commits(store)
        return False
    clean_up(store, console)
    TableWriter(store).publish(force=True)
    console.print(f"Tables rebuilt: {store.storage.place('tables')}", highlight=False, markup=False)
    return True


def run_plan(
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

    `again` is the command that continues the work if Ray dies. `record` writes the spec and what will judge it, as soon as others
    can see this driver (`prune` takes nothing of one that it sees) and before anything is trained or scored.
    """
    progress = Progress.of(plan)
    view, file = ProgressView(progress, console), ProgressFile(store)
    stop = StopRequest(store, file.name)

    def work() -> None:
        complete_environment()
        file.write(progress.record(), force=True)
        file.keep_fresh()
        record()
        clean_up(store, console, file.driver)
        require_answer(address)
        from aesweep.cluster.connect import connect  # Ray and torch from here on, which take seconds
        from aesweep.sweep.driver.driver import Driver
        from aesweep.sweep.driver.tune_adapter import train
        from aesweep.sweep.worker.every_machine import machines_of_cluster
        from aesweep.sweep.worker.plugins_here import require_on_workers
        from aesweep.sweep.worker.remote_stage import run_stage
        from aesweep.sweep.worker.trainable import TrialTrainable

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
            f"{spec.name}: {count_trials(len(plan.to_train))} to train, {len(plan.to_train) + len(plan.to_score)} to score "
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
