"""From a spec and a store to a finished sweep; running it again does what is missing.

Everything that can be checked without Ray and torch is checked first and the work is counted, so that bad input and
"nothing to do" are answered at once. Only then is the driver imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from cluster.address import check_address
from evaluation.config import EvaluationConfig
from models.config import TrialConfig
from models.datasets import check_source, data_name, is_prepared
from models.errors import InputError, one_line
from sweep.attempts import record_deaths
from sweep.execution import ExecutionConfig
from sweep.failpoints import driver_of_failpoints
from sweep.progress import Progress, ProgressView, describe_counts, describe_seconds
from sweep.progress_file import ProgressFile, drivers, remove_stale
from sweep.spec import SPEC_FORMAT, SweepSpec, change_spec, load_spec
from sweep.stopping import StopRequest
from sweep.store import Store, open_store, store_exists
from sweep.tables import TableFolder, remember_commits, tables_are_current
from sweep.work import Plan, State, data_source, make_plan

if TYPE_CHECKING:
    from ray.tune import Callback

ROUNDS = 3  # a launch does work again whose files turn out to be damaged; a disk that damages every file ends it


@dataclass(frozen=True)
class Outcome:
    """How a launch ended."""

    counts: dict[State, int]
    failures: list[tuple[str, str]]
    """Name and reason of every failed trial."""
    interrupted: bool = False
    ran: bool = True

    @property
    def exit_code(self) -> int:
        """0 all done; 1 some trial failed for good; 130 stopped before the end."""
        if self.interrupted:
            return 130
        return 1 if self.failures else 0


def launch(
    spec: SweepSpec | str,
    store: str | Path,
    *,
    address: str = "local",
    data_dir: str | Path | None = None,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    max_concurrent: int | None = None,
    retry_failed: bool = False,
    add: bool = False,
    callbacks: Sequence["Callback"] = (),
    console: Console | None = None,
) -> Outcome:
    """Train and score what `spec` asks for and `store` does not hold yet.

    `spec` is a preset's name, a YAML file or a `SweepSpec`; `address` is `local`, `auto` or HOST:PORT of a Ray cluster;
    `callbacks` are any Ray Tune callbacks. Raises `InputError` on bad input, before anything runs.
    """
    console = console or Console(stderr=True)
    check_address(address)
    data_dir = data_dir or None
    if isinstance(spec, SweepSpec):
        spec = change_spec(spec, overrides, data_dir)
    else:
        spec = load_spec(str(spec), overrides, data_dir)
    if max_concurrent is not None:
        spec = replace(spec, execution=replace(spec.execution, max_concurrent=max_concurrent))
    evaluation = spec.evaluation_config()
    data_sets = _one_per_data_set([config for config, _ in spec.trials])
    for config in data_sets:
        check_source(config, data_source(config, spec.execution))
    opened = open_store(store).listed() if store_exists(store) else None
    if opened is not None:
        _require_shared_trial(opened, spec, add)
    plan = _sound_plan(spec, opened, evaluation, retry_failed, only)
    if opened is not None and plan.is_done:
        _record(opened, spec, evaluation.id)
        if _fold_tables(opened, console):  # that reads every commit, and may have set one aside
            plan = _sound_plan(spec, opened, evaluation, retry_failed, only)
    if opened is not None and plan.is_done:
        return _say_nothing_to_do(opened, plan, console)
    _prepare_images(data_sets, spec.execution, console)
    opened = open_store(store, create=True)
    _record(opened, spec, evaluation.id)
    for left in reversed(range(ROUNDS)):
        outcome, plan = _run(spec, opened, plan, address, callbacks, only, console)
        if plan.is_done or outcome.interrupted or not left:
            break
        console.print("Work is left that was lost or whose files are damaged: it is done again.", highlight=False)
    _explain(opened, outcome, console)
    return outcome


def _sound_plan(
    spec: SweepSpec, store: Store | None, evaluation: EvaluationConfig, retry_failed: bool, only: Sequence[str]
) -> Plan:
    """The work, after a look at what went wrong before: trials that died too often have failed, and trained ones whose
    weights are missing or cut short are trained again."""
    if store is not None:
        keys = [config.key for config, _ in spec.trials]
        record_deaths(store, keys, evaluation.id, spec.execution.max_process_deaths)
    plan = make_plan(spec, store, evaluation, retry_failed=retry_failed, only=only)
    if store is not None and not all(store.storage.map(store.has_model, [t.config.key for t in plan.to_score])):
        return make_plan(spec, store, evaluation, retry_failed=retry_failed, only=only)
    return plan


def _run(
    spec: SweepSpec,
    store: Store,
    plan: Plan,
    address: str,
    callbacks: Sequence["Callback"],
    only: Sequence[str],
    console: Console,
) -> tuple[Outcome, Plan]:
    """Do the work of a plan; how that ended, and the plan of what is left (without what failed)."""
    console.print(
        f"{spec.name}: {len(plan.to_train)} trials to train, {len(plan.to_train) + len(plan.to_score)} to score "
        f"({plan.evaluation.extractor}), {plan.counts()['done']} done before. Starting Ray …",
        highlight=False,
        markup=False,
    )
    from cluster.connect import connect  # Ray and torch from here on
    from sweep.driver import Driver

    progress = Progress.of(plan)
    _clean_up(store, console)
    view, file = ProgressView(progress, console), ProgressFile(store)
    stop = StopRequest(store, file.name)
    try:
        file.write(progress.to_json(), force=True)
        with stop.listening(), driver_of_failpoints(), connect(address), view:
            Driver(store, plan, spec.execution, view, file, stop, callbacks).run()
    except KeyboardInterrupt:
        if not stop.at_once:
            raise
    finally:
        file.remove()
    after = make_plan(spec, store, plan.evaluation, only=only)
    outcome = _outcome(after, interrupted=stop.asked and not after.is_done)
    elapsed = describe_seconds(view.elapsed())
    console.print(
        f"{describe_counts(outcome.counts)} after {elapsed}. Tables: {store.storage.place('tables')}",
        highlight=False,
        markup=False,
    )
    return outcome, after


def _fold_tables(store: Store, console: Console) -> bool:
    """Fold the tables if a driver died before it could; whether that was so."""
    store = store.listed()
    if tables_are_current(store):
        remember_commits(store)
        return False
    _clean_up(store, console)
    TableFolder(store).publish(force=True)
    console.print(f"Tables folded anew: {store.storage.place('tables')}", highlight=False, markup=False)
    return True


def _say_nothing_to_do(store: Store, plan: Plan, console: Console, *, resumes: bool = True) -> Outcome:
    console.print(f"Nothing to do: {describe_counts(plan.counts())}.", highlight=False)
    outcome = _outcome(plan, ran=False)
    _explain(store, outcome, console, resumes=resumes)
    return outcome


def _explain(store: Store, outcome: Outcome, console: Console, *, resumes: bool = True) -> None:
    """`resumes`: whether `aesweep resume` does the same work; it scores as the stored spec says."""
    for name, reason in outcome.failures:
        console.print(f"[red]failed[/red] {name}: {escape(one_line(reason))}", highlight=False, soft_wrap=True)
    resume = f"with: aesweep resume {escape(store.root)}"
    if outcome.interrupted:
        go_on = resume if resumes else "with the same command."
        console.print(f"Stopped. Go on {go_on}", highlight=False, soft_wrap=True)
    elif outcome.failures:
        again = f"{resume} --retry-failed" if resumes else "with the same command and --retry-failed"
        console.print(f"Try them again {again}", highlight=False, soft_wrap=True)


def _outcome(plan: Plan, interrupted: bool = False, ran: bool = True) -> Outcome:
    failures = [(t.config.name, t.reason) for t in plan.trials if t.state == "failed"]
    return Outcome(plan.counts(), failures, interrupted, ran)


def _one_per_data_set(configs: Sequence[TrialConfig]) -> list[TrialConfig]:
    return list({data_name(config): config for config in configs}.values())


def _prepare_images(configs: Sequence[TrialConfig], execution: ExecutionConfig, console: Console) -> None:
    """Prepare and check each data set now: an unreadable image is told before anything is recorded, and fails no trial."""
    from models.images import load_images

    for config in configs:
        source = data_source(config, execution)
        if not is_prepared(config, source):
            console.print(f"Preparing {data_name(config)} …", highlight=False)
        load_images(config, source, verify=True)


def _require_shared_trial(store: Store, spec: SweepSpec, add: bool) -> None:
    """A spec that has nothing in common with a store was probably meant for another one."""
    known = set(store.trial_keys())
    if known and not add and not known & {config.key for config, _ in spec.trials}:
        raise InputError(
            "--store",
            store.root,
            f"It holds {len(known)} trials and none of them is in {spec.name!r}. Give another folder, or --add.",
        )


def _record(store: Store, spec: SweepSpec, evaluation: str) -> None:
    """The store knows the spec and its trials before the first one starts."""
    about = {
        "format": SPEC_FORMAT,
        "name": spec.name,
        "keys": {c.key: b for c, b in spec.trials},
        "spec": spec.to_json(),
    }
    store.write_configs(config for config, _ in spec.trials)
    store.write_spec(spec.hash, about, evaluation)


def stored_spec(store: Store, every: bool = False) -> list[SweepSpec]:
    """The spec launched last, or every one. Raises `InputError` for a store without any."""
    specs = [SweepSpec.from_json(about["spec"]) for about in store.specs()]
    if len(specs) > 1 and not every and store.latest_spec() is None:
        remedy = "It does not say which spec was launched last. Launch that one again, or go on with --all."
        raise InputError("STORE", store.storage.place("sweeps/latest.json"), remedy)
    if not specs:
        raise InputError(
            "STORE", store.root, "Nothing was launched here yet. `aesweep launch SPEC --store STORE` does."
        )
    return specs if every else specs[-1:]


def _clean_up(store: Store, console: Console) -> None:
    """Remove what killed drivers left behind, unless another one is at work: then say so."""
    remove_stale(store)
    others = [driver for driver in drivers(store) if driver["alive"]]
    for driver in others:
        console.print(
            f"[yellow]Another driver works on this store[/yellow] ({escape(one_line(driver['host']))}, process {driver['pid']}). "
            "Nothing can be mixed up, but the two may do the same work.",
            highlight=False,
            soft_wrap=True,
        )
    if not others:
        store.storage.remove_temporary()


def evaluate(
    store: str | Path,
    changes: dict[str, Any],
    *,
    extractor: str | None = None,
    only: Sequence[str] = (),
    address: str = "local",
    retry_failed: bool = False,
    console: Console | None = None,
) -> Outcome:
    """Score the trained trials of a store's latest spec with changed `EvaluationConfig` fields; trains nothing.

    The scores get an evaluation id of their own and stand in the tables beside the others.
    """
    console = console or Console(stderr=True)
    check_address(address)
    opened = open_store(store)
    spec = stored_spec(opened)[-1]
    spec = replace(spec, extractor=extractor or spec.extractor, evaluation={**spec.evaluation, **changes})
    evaluation = spec.evaluation_config()
    plan = _sound_plan(spec, opened, evaluation, retry_failed, only)
    listed = opened.listed()
    plan = replace(plan, trials=tuple(t for t in plan.trials if listed.has_training(t.config.key)))
    if plan.is_done:
        _fold_tables(opened, console)
        return _say_nothing_to_do(opened, plan, console, resumes=False)
    configs = _one_per_data_set([t.config for t in plan.to_score])
    for config in configs:
        check_source(config, data_source(config, spec.execution))
    _prepare_images(configs, spec.execution, console)
    outcome, _ = _run(spec, opened, plan, address, (), [t.config.key for t in plan.trials], console)
    _explain(opened, outcome, console, resumes=False)
    return outcome
