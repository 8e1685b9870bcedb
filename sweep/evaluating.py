"""Scoring trained trials of a store with other settings, without training any."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from aesweep.cluster.address import check_address
from aesweep.cluster.environment import require_sound_environment
from aesweep.models.plugins.registry import require
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.alone import require_alone
from aesweep.sweep.driver.costs import describe_addition
from aesweep.sweep.driver.outcome import Outcome, explain, outcome_of, resume_command, say_nothing_to_do
from aesweep.sweep.driver.plan import Plan, PlannedTrial, make_plan
from aesweep.sweep.driver.trackers import Trackers
from aesweep.sweep.freezing import freeze
from aesweep.sweep.running import check_data, fold_tables, run_plan, sound_plan
from aesweep.sweep.spec.images import one_per_data_set, prepare_images
from aesweep.sweep.spec.load import change_spec, overridden_data_dir
from aesweep.sweep.spec.own_folders import own_spec, remember
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.evaluation_names import named_evaluation


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
    spec's `evaluation` or `execution`; `changes` come on top of them. The scores get their
    own evaluation id and are added to the tables. `data_dir` and `images` replace folders that only
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
            found = sound_plan(spec, opened, evaluation, retry_failed, only)
        kept = tuple(trial for trial in found.trials if trial.config.key in trained)
        now = opened.snapshot()
        return replace(found, trials=kept), [trial for trial in kept if not now.commits.has_training(trial.config.key)]

    plan, lost = what_is_left()
    if not plan.to_score and not dry_run and fold_tables(opened, console):
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
    check_data(configs, spec.execution, evaluation)
    remember(spec.execution)
    require_sound_environment(address)
    prepare_images(configs, spec.execution, console)
    record = partial(freeze, opened, spec, evaluation.id)
    outcome, _ = run_plan(
        spec, opened, to_score, address, Trackers(), [t.config.key for t in plan.trials], console, again, record
    )
    explain(outcome, console, again)
    return outcome
