"""How long a plan takes on a cluster, and what it costs there: what `aesweep plan --cluster` prints."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rich.table import Table

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.planned.simulation import LOST_MACHINE_SECONDS, Simulated, Site, Work, simulate
from aesweep.cluster.planned.sizes import OPTION, PlannedCluster, read_cluster
from aesweep.cluster.resources import distinct, evaluation_slots, gpu_share, trial_resources, trial_slots
from aesweep.models.cost import evaluation_seconds
from aesweep.sweep.driver.costs import describe_price
from aesweep.sweep.driver.plan import Plan, PlannedTrial
from aesweep.sweep.spec.execution import ExecutionConfig

START_SECONDS = 2.0
"""From a trial's place to its first step, in an actor that is used again: it reads the images and builds the network."""
DRIVER_SECONDS = 0.05
"""CPU of the driver for each trial (docs/benchmarks/orchestration-*.md)."""
SPOT_RUNS = 10
"""Simulations with machines that die."""
LONGEST = 20
"""Times that a sweep may take longer on machines that die; what takes longer still may never end."""


def _as_listed(made: Plan) -> list[PlannedTrial]:
    wanted = {trial.config.key for trial in made.to_train}
    return [trial for trial in made.trials if trial.config.key in wanted]


LAUNCH = "first seeds first, then the most expensive"
ORDERS: Mapping[str, Callable[[Plan], list[PlannedTrial]]] = {
    LAUNCH: lambda made: made.to_train,
    "the most expensive first": lambda made: sorted(made.to_train, key=lambda trial: -trial.gpu_hours),
    "as the spec lists them": _as_listed,
    "the cheapest first": lambda made: sorted(made.to_train, key=lambda trial: trial.gpu_hours),
}
"""Trials to train by the name of their order; a launch takes `LAUNCH`."""


class ClusterOptions(NamedTuple):
    """What the command line says of a cluster."""

    size: str
    price: float | None
    """What one GPU-hour costs."""
    spot_hours: float | None
    """Mean hours until a machine dies; None for machines that do not."""


def describe_cluster(made: Plan, execution: ExecutionConfig, options: ClusterOptions) -> list[str | Table]:
    """Lines and a table for a plan. Raises `ClusterError` for a size that is none, or on which no trial fits."""
    cluster = _cluster(options.size)
    resources, has_gpu = cluster.resources, cluster.resources.gpus > 0 and execution.device != "cpu"
    if execution.device == "cuda" and not has_gpu:
        remedy = (
            "It has no GPU, and the spec has `device: cuda`: a launch refuses that. Add GPUs, or --set device=auto."
        )
        raise ClusterError(OPTION, options.size, remedy)
    if options.price is not None and not resources.gpus:
        raise ClusterError(
            "--price", options.price, f"It is that of a GPU-hour, and {options.size} has no GPU. Leave it out."
        )
    timing = (execution.checkpoint_seconds, START_SECONDS, DRIVER_SECONDS)
    site = Site(cluster, execution.threads, *timing, execution.max_concurrent)
    how = (execution, has_gpu, made.evaluation.extractor)
    works = {trial.config.key: _work(trial, *how) for trial in made.to_train}
    trained = [_work(trial, *how) for trial in made.to_score]
    if not works:
        alone = simulate([], site, trained=trained)
        lines: list[str | Table] = [f"\nOn {_machines(cluster)}: nothing is left to train."]
        if trained:
            count = f"{len(trained):,} trained trial{'s' * (len(trained) != 1)}"
            lines += [
                f"Scoring {count} takes {_hours(alone.seconds)} hours.",
                *_costs([], trained, site, options, alone),
            ]
        return lines
    slots = [trial_slots(resources, bundle) for bundle in distinct(work.bundle for work in works.values())]
    if not all(slots):
        remedy = f"No machine of it has the CPUs for a trial with `threads: {execution.threads}`. Give larger machines, or fewer threads."
        raise ClusterError(OPTION, options.size, remedy)
    ordered = {name: [works[trial.config.key] for trial in order(made)] for name, order in ORDERS.items()}
    found = {name: simulate(line, site, trained=trained) for name, line in ordered.items()}
    mine = found[LAUNCH]
    devices = resources.gpus if has_gpu else resources.cpus / execution.threads
    scoring = evaluation_slots(resources, execution.threads, has_gpu, training=True)
    at_once = min(max(slots), execution.max_concurrent or max(slots))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("order", "hours", "first look after"):
        table.add_column(heading, justify="left" if heading == "order" else "right")
    for name, one in found.items():
        table.add_row(name, _hours(one.seconds), _hours(one.first_look_seconds))
    lines = [
        f"\nOn {_machines(cluster)}: {at_once:,} trial{'s' * (at_once != 1)} at once and {scoring:,} "
        f"evaluation{'s' * (scoring != 1)} next to them.",
        table,
        f"A launch takes the first order: {'GPUs' if has_gpu else 'CPUs'} compute "
        f"{mine.computing_seconds / mine.seconds / devices:.0%} of the time.",
        *_costs(ordered[LAUNCH], trained, site, options, mine),
    ]
    return lines


def _costs(
    line: Sequence[Work], trained: Sequence[Work], site: Site, options: ClusterOptions, undisturbed: Simulated
) -> list[str]:
    """What it costs in money, and that machines die, as far as that is asked."""
    lines = []
    if options.price is not None:
        gpus = site.cluster.resources.gpus
        lines.append(describe_price(undisturbed.seconds / 3600 * gpus, options.price))
    if options.spot_hours is not None:
        lines.append(_spot(line, trained, site, options.spot_hours, undisturbed.seconds))
    return lines


def _cluster(size: str) -> PlannedCluster:
    if size != "auto":
        return read_cluster(size)
    from aesweep.cluster.connect import connect  # Ray from here on
    from aesweep.cluster.resources import cluster_resources

    with connect(size):
        resources = cluster_resources()
    return PlannedCluster(resources, (1.0,) * len(resources.nodes))


def _work(trial: PlannedTrial, execution: ExecutionConfig, has_gpu: bool, extractor: str) -> Work:
    share = (execution.gpu_share or gpu_share(trial.config.filters)) if has_gpu else 0.0
    bundle = trial_resources(execution.threads, share, has_gpu)
    idle = trial.gpu_idle_seconds if has_gpu else 0.0
    computing = 3600 * trial.gpu_hours - idle if has_gpu else 3600 * trial.cpu_hours / execution.threads
    scoring = evaluation_seconds(trial.fit_flops, has_gpu, trial.images_scored, extractor)
    scoring /= 1 if has_gpu else execution.threads
    return Work(bundle, computing, idle, scoring, trial.round, trial.fit_flops)


def _spot(line: Sequence[Work], trained: Sequence[Work], site: Site, hours: float, undisturbed: float) -> str:
    """What it costs that machines die, where a sweep takes `undisturbed` seconds on machines that do not."""
    longest = LONGEST * (undisturbed + LOST_MACHINE_SECONDS)
    dying = replace(site, deaths_per_hour=1 / hours, most_seconds=longest)
    dies = f"If each machine dies once in {hours:g} hours on average and is back after {LOST_MACHINE_SECONDS / 60:.0f} minutes"
    found: list[Simulated] = []
    for seed in range(SPOT_RUNS):
        found.append(simulate(line, dying, seed, trained))
        if found[-1].gave_up:
            return (
                f"{dies}, the sweep is not done after {_hours(longest)} hours, and may never be: too little is kept between "
                f"two deaths. Write checkpoints more often (checkpoint_seconds, now {site.checkpoint_seconds:g})."
            )
    took = [one.seconds for one in found]
    computed = sum(one.computing_seconds for one in found)
    twice = sum(one.lost_computing_seconds for one in found) / computed if computed else 0.0
    return (
        f"{dies}: {_hours(sum(took) / len(took))} hours ({_hours(min(took))} to {_hours(max(took))} in {SPOT_RUNS} simulations), and "
        f"{twice:.1%} of the training is done twice, since a trial resumes from its last checkpoint."
    )


def _machines(cluster: PlannedCluster) -> str:
    """Such as `4 machines with 8 GPUs and 128 CPUs each`."""
    kinds = Counter((node.gpus, node.cpus) for node in cluster.resources.nodes)
    said = []
    for (gpus, cpus), count in kinds.items():
        has = f"{gpus:g} GPU{'s' * (gpus != 1)} and {cpus:g} CPUs" if gpus else f"{cpus:g} CPUs"
        said.append(f"{count:,} machine{'s' * (count != 1)} with {has}{' each' * (count != 1)}")
    return ", ".join(said)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g}"
