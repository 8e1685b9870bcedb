"""What the driver costs and how well it packs: trials of known length on pretended GPUs, and the simulation of the same sweep.

    python benchmarks/orchestration.py [--trials 1000] [--cluster 1x4xH200:24,1x4xA100:24] [--seconds 4] [--profile FILE]
    python benchmarks/orchestration.py --trials 60 --seconds 2 --steady        # the same in a minute, without the changes

A real driver, Ray Tune, evaluation pool and store on a real Ray cluster of one raylet per machine, whose GPUs do not exist. A
training and an evaluation only wait, each for a length that is known before, and commit a small result; on a slower type of GPU
the part of a training that computes takes longer. Another machine like the first one joins after a quarter of the time, and the
second machine is killed after half of it. Measured: CPU and memory of the driver, how many places were used, and how long a
trained trial waited until it was scored. `aesweep plan --cluster` simulates the same sweep before it runs.
Writes orchestration-<hardware>-<date>.md.
"""

import argparse
import cProfile
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import ray
from page import footer, hardware, parser, ray_cluster, today, write_page
from ray.cluster_utils import Cluster

from aesweep.cluster.connect import connect, set_environment
from aesweep.cluster.planned.simulation import Simulated, Site, Work, simulate
from aesweep.cluster.planned.sizes import PlannedCluster, read_cluster
from aesweep.cluster.resources import Resources, gpu_share, trial_resources
from aesweep.cluster.scoped import in_background
from aesweep.models.config import TrialConfig
from aesweep.sweep.commands.planned_cluster import DRIVER_SECONDS
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.driver import Driver
from aesweep.sweep.driver.machines import LOOK_EVERY_SECONDS
from aesweep.sweep.driver.plan import Plan, make_plan
from aesweep.sweep.driver.progress import Progress, ProgressView
from aesweep.sweep.driver.stopping import StopRequest
from aesweep.sweep.driver.tune_adapter import train
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.layout import MODEL
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker.pulse import begin_training
from aesweep.sweep.worker.trainable import TrialTrainable
from tests.records import RESULT

WIDTHS = (8, 32, 64, 128)  # three of them share a GPU
SHORTEST, LONGEST = 0.4, 1.6  # of the mean length
SCORING = 0.2  # of the mean length of a training
COMPUTING = 0.5
"""Of a trial's share: so much of its training is shorter on a faster GPU, and no GPU gets more work than it can do."""
SPEED = "gpu-speed"
"""Label of a raylet: how fast its GPUs are against an H200."""


@dataclass(frozen=True)
class Lengths:
    """Seconds of each trial's training on an H200, computing and idle, and of any evaluation."""

    training: Mapping[str, tuple[float, float]]
    scoring: float


@dataclass(frozen=True)
class Changes:
    """When another machine joins, the last one of the cluster, and when the second one is killed; None: never."""

    joins: float | None
    leaves: float | None

    def of(self, site: Site) -> Site:
        """The same changes in a simulation. A driver looks at its machines now and then, so on average it sees one half that late."""
        last = len(site.cluster.resources.nodes) - 1
        joins = {} if self.joins is None else {last: self.joins + LOOK_EVERY_SECONDS / 2}
        return replace(site, joins=joins, leaves={} if self.leaves is None else {1: self.leaves})


class Waiting(TrialTrainable):
    """Trains nothing: waits as long as the trial is long, and commits."""

    lengths: Mapping[str, tuple[float, float]] = {}

    def step(self) -> dict[str, object]:
        """Everything in one step."""
        begun = begin_training(self.store, self.execution, self.driver, self.key)
        computing, idle = self.lengths[self.key]
        time.sleep(computing / speed_here() + idle)
        files = {MODEL: self.store.attempts.write_file(self.key, begun.name, MODEL, b"weights")}
        commit = TrainingRecord(attempt=begun.name, config={}, execution={}, files=files, history=(), result=RESULT)
        self.store.commits.commit_training(self.key, commit)
        begun.pulse.end()
        return {"done": True, "outcome": "trained", "epoch": 1, "loss": 0.5, "images_per_second": 1.0}


def speed_here() -> float:
    """How fast the GPUs of this worker's machine are against an H200."""
    here = ray.get_runtime_context().get_node_id()
    return next(float(node["Labels"][SPEED]) for node in ray.nodes() if node["NodeID"] == here)


def waiting_stage(seconds: float) -> Any:
    """The remote function of an evaluation's stages, the last of which waits and commits."""

    @ray.remote(max_retries=0)
    def stage(name: str, job: EvaluationJob, *inputs: Any) -> Any:
        if name == "references":
            return None, None
        if name != "score":
            return None
        time.sleep(seconds)
        training = job.store.commits.training(job.key)
        assert training is not None
        words = {"id": job.evaluation.id, "attempt": job.attempt, "evaluation": job.evaluation.to_json()}
        model = training.files[MODEL].sha256
        commit = ScoresRecord(**words, model=model, files={}, rows=(), latents=(), aesweep_version="")  # type: ignore[arg-type]
        return job.store.commits.commit_scores(job.key, job.evaluation.id, commit)

    return stage


@dataclass(frozen=True)
class Measured:
    """What the real driver did."""

    seconds: float
    cpu: float
    megabytes: float
    waits: list[float]
    """Seconds from a trial's training to the beginning of its evaluation."""
    done: int
    lost: int
    """Trainings that were begun and lost with their machine."""


def main() -> None:
    """Simulate, run, and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--cluster", default="1x4xH200:24,1x4xA100:24", help="raylets, as in `aesweep plan --cluster`")
    options.add_argument("--seconds", type=float, default=4.0, help="mean length of a training")
    options.add_argument("--steady", action="store_true", help="no machine joins or leaves")
    options.add_argument("--profile", type=Path, help="file for what cProfile says of the driver, which it slows down")
    args = options.parse_args()
    cluster = read_cluster(args.cluster)
    with tempfile.TemporaryDirectory(prefix="or-", dir="/tmp") as folder:
        store = open_store(Path(folder, "store"), create=True)
        plan, spec = planned(store, args.trials, folder)
        lengths = drawn(plan, args.seconds)
        works = works_of(plan, lengths)
        steady = simulate(works, site_of(cluster)).seconds
        changes = Changes(None, None) if args.steady else Changes(steady / 4, steady / 2)
        grown = cluster if args.steady else with_another(cluster)
        predicted = simulate(works, changes.of(site_of(grown)))
        measured = run(store, plan, spec.execution, lengths, cluster, changes, Path(folder), args.profile)
    write_page(
        args.out,
        "orchestration-steady" if args.steady else "orchestration",
        hardware(),
        page(args, changes, predicted, measured, lengths),
    )


def site_of(cluster: PlannedCluster) -> Site:
    """What the plan assumes of a cluster, for trials without checkpoints."""
    return Site(cluster, checkpoint_seconds=1e9, driver_seconds=DRIVER_SECONDS)


def with_another(cluster: PlannedCluster) -> PlannedCluster:
    """The cluster, and once more its first machine."""
    nodes = cluster.resources.nodes
    return PlannedCluster(
        Resources.of((*nodes, replace(nodes[0], name="joined"))), (*cluster.speeds, cluster.speeds[0])
    )


def drawn(plan: Plan, mean: float) -> Lengths:
    """Lengths of all trials, drawn once: the same in the simulation and in the workers."""
    chance, training = random.Random(0), {}
    for trial in plan.to_train:
        seconds = mean * chance.uniform(SHORTEST, LONGEST)
        computing = seconds * COMPUTING * gpu_share(trial.config.filters)
        training[trial.config.key] = computing, seconds - computing
    return Lengths(training, SCORING * mean)


def planned(store: Store, count: int, folder: str) -> tuple[Plan, SweepSpec]:
    """A plan of `count` trials, and its spec."""
    trials = tuple(TrialConfig(filters=WIDTHS[i % len(WIDTHS)], latent_size=8, seed=i) for i in range(count))
    execution = ExecutionConfig(data_dir=folder)
    spec = SweepSpec(name="waiting", blocks=(Block("all", trials),), extractor="random-conv-64", execution=execution)
    evaluation = spec.evaluation_config()
    store.trials.record(spec, evaluation.id, latest=True)
    return make_plan(spec, store, evaluation), spec


def works_of(plan: Plan, lengths: Lengths) -> list[Work]:
    """The trials of a plan for the simulation."""
    return [
        Work(
            trial_resources(1, gpu_share(trial.config.filters), has_gpu=True),
            *lengths.training[trial.config.key],
            scoring=lengths.scoring,
            round=trial.round,
            fit_cost=trial.fit_flops,
        )
        for trial in plan.to_train
    ]


def run(
    store: Store,
    plan: Plan,
    execution: ExecutionConfig,
    lengths: Lengths,
    cluster: PlannedCluster,
    changes: Changes,
    folder: Path,
    profile: Path | None,
) -> Measured:
    """The real thing. Raylets have folders of their own in `folder`: one that ends removes the code that others there use."""
    set_environment()
    first, *more = [machine(cluster, number, folder) for number in range(len(cluster.speeds))]
    raylets = ray_cluster(**first)
    others = [raylets.add_node(**one) for one in more]
    another = {**first, "temp_dir": str(folder / "joined")}
    console = make_console(stderr=True)
    progress, file = Progress.of(plan), ProgressFile(store)
    view, stop = ProgressView(progress, console), StopRequest(store, file.name)
    trainable = type("Waiting", (Waiting,), {"lengths": dict(lengths.training)})
    profiler = cProfile.Profile() if profile else None
    try:
        with stop.listening(), connect(raylets.address) as ray_here, view:
            driver = Driver(store, plan, waiting_stage(lengths.scoring), execution, view, file, stop, ray_here)
            with in_background(partial(change, raylets, another, others, changes)):
                started, cpu = time.monotonic(), time.process_time()
                work: Callable[[], None] = partial(driver.run, partial(train, trainable=trainable))
                if profiler:
                    profiler.runcall(work)
                else:
                    work()
                seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    finally:
        file.remove()
        raylets.shutdown()
    if profiler and profile:
        profiler.dump_stats(profile)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    keys = [trial.config.key for trial in plan.trials]
    done = sum(store.commits.has_scores(key, plan.evaluation.id) for key in keys)
    lost = sum(len(store.attempts.of(key, "train")) for key in keys) - sum(map(store.commits.has_training, keys))
    return Measured(seconds, cpu, megabytes, waits(store, plan), done, lost)


def machine(cluster: PlannedCluster, number: int, folder: Path) -> dict[str, Any]:
    """What starts a raylet of this size."""
    node = cluster.resources.nodes[number]
    labels = {SPEED: f"{cluster.speeds[number]:.4f}"}
    own = str(folder / f"m{number}")
    return {"num_cpus": int(node.cpus), "num_gpus": int(node.gpus), "labels": labels, "temp_dir": own}


def change(
    raylets: Cluster, another: Mapping[str, Any], others: list[Any], changes: Changes, ended: threading.Event
) -> None:
    """Let another machine join, as an operator would, and kill one without notice."""
    if changes.joins is None or changes.leaves is None or ended.wait(changes.joins):
        return
    begun = time.monotonic()
    labels = ",".join(f"{name}={value}" for name, value in another["labels"].items())
    words = ["start", "--block", f"--address={raylets.address}", f"--labels={labels}"]
    words += [f"--{name.replace('_', '-')}={another[name]}" for name in ("num_cpus", "num_gpus", "temp_dir")]
    with open(os.devnull, "w") as nothing:
        joined = subprocess.Popen([sys.executable, "-m", "ray.scripts.scripts", *words], stdout=nothing, stderr=nothing)
    try:
        if not ended.wait(max(0.0, changes.leaves - changes.joins - (time.monotonic() - begun))):
            raylets.remove_node(others[0], allow_graceful=False)
        ended.wait()
    finally:
        joined.terminate()
        joined.wait()


def waits(store: Store, plan: Plan) -> list[float]:
    """Seconds that each trained trial waited, by the times of its files."""
    found = []
    for trial in plan.trials:
        key, folder = trial.config.key, Path(store.root, "trials", trial.config.key)
        attempts = store.attempts.of(key, "evaluate")
        begun = min((folder / "attempts" / name / "start.json").stat().st_mtime for name in attempts)
        found.append(max(0.0, begun - (folder / "train.json").stat().st_mtime))
    return found


def page(args: argparse.Namespace, changes: Changes, predicted: Simulated, measured: Measured, lengths: Lengths) -> str:
    """The Markdown page."""
    off = predicted.seconds / measured.seconds - 1
    waited = measured.waits
    late = f"95 % {statistics.quantiles(waited, n=20)[-1]:.1f} s, longest {max(waited):.1f} s"
    changed = "No machine joins or leaves."
    if changes.joins is not None:
        joins, leaves = f"{changes.joins:.0f} s", f"{changes.leaves:.0f} s"
        changed = f"Another machine like the first one joins after {joins}; the second one is killed after {leaves}."
    return f"""# Orchestration, {hardware()} ({os.cpu_count()} CPUs for everything), {today()}

{args.trials:,} trials of {SHORTEST * args.seconds:g} to {LONGEST * args.seconds:g} s (on an H200) that only wait, a quarter of them with a
whole GPU and the others three on one; evaluations of {lengths.scoring:g} s. Ray's cluster is `{args.cluster}`, one raylet per machine, with
GPUs that do not exist. {changed}
All processes of Ray, the driver and the trials share this machine, so the driver gets less of it than on a cluster. The load average
was {os.getloadavg()[0]:.1f} at the end.

| what | measured | simulated |
|---|---|---|
| trials trained and scored | {measured.done:,} of {args.trials:,} | |
| trainings lost with a machine and done again | {measured.lost} | |
| seconds from first to last | {measured.seconds:.0f} | {predicted.seconds:.0f} ({off:+.0%}) |
| CPU of the driver per trial | {measured.cpu / args.trials * 1000:.0f} ms | |
| largest memory of the driver | {measured.megabytes:.0f} MB | |
| wait of a trained trial for its evaluation | median {statistics.median(waited):.1f} s, {late} | |

{footer("ray")}
"""


if __name__ == "__main__":
    main()
