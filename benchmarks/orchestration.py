"""What the driver costs and how well it packs: trials of known length on pretended GPUs, and the simulation of the same sweep.

    python benchmarks/orchestration.py [--trials 1000] [--machines 2] [--gpus 4] [--seconds 4] [--out docs/benchmarks]

A real driver, Ray Tune, evaluation pool and store on a real Ray cluster of several raylets, whose GPUs do not exist. A training
and an evaluation only wait, each for a length that is known before, and commit a small result. Measured: CPU and memory of the
driver, how many places were used, and how long a trained trial waited until it was scored. `aesweep plan --cluster` simulates
the same sweep before it runs. Writes orchestration-<hardware>-<date>.md.
"""

import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import ray
from page import footer, hardware, parser, today, write_page
from ray.cluster_utils import Cluster

from aesweep.cluster.connect import connect, set_environment
from aesweep.cluster.planned.simulation import Simulated, Site, Work, simulate
from aesweep.cluster.planned.sizes import PlannedCluster
from aesweep.cluster.resources import Node, Resources, gpu_share, trial_resources
from aesweep.models.config import TrialConfig
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.driver import Driver
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
CPUS = 24  # of a pretended machine
SHORTEST, LONGEST = 0.4, 1.6  # of the mean length
SCORING = 0.2  # of the mean length of a training


@dataclass(frozen=True)
class Lengths:
    """Seconds of each trial's training and of any evaluation."""

    training: Mapping[str, float]
    scoring: float


class Waiting(TrialTrainable):
    """Trains nothing: waits as long as the trial is long, and commits."""

    lengths: Mapping[str, float] = {}

    def step(self) -> dict[str, object]:
        """Everything in one step."""
        begun = begin_training(self.store, self.execution, self.driver, self.key)
        time.sleep(self.lengths[self.key])
        files = {MODEL: self.store.attempts.write_file(self.key, begun.name, MODEL, b"weights")}
        commit = TrainingRecord(attempt=begun.name, config={}, execution={}, files=files, history=(), result=RESULT)
        self.store.commits.commit_training(self.key, commit)
        begun.pulse.end()
        return {"done": True, "outcome": "trained", "epoch": 1, "loss": 0.5, "images_per_second": 1.0}


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


def main() -> None:
    """Simulate, run, and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--machines", type=int, default=2, help="raylets")
    options.add_argument("--gpus", type=int, default=4, help="pretended GPUs of each")
    options.add_argument("--seconds", type=float, default=4.0, help="mean length of a training")
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="or-", dir="/tmp") as folder:
        store = open_store(Path(folder, "store"), create=True)
        plan, spec = planned(store, args.trials, folder)
        chance = random.Random(0)
        mean = args.seconds
        training = {t.config.key: mean * chance.uniform(SHORTEST, LONGEST) for t in plan.to_train}
        lengths = Lengths(training, SCORING * mean)
        nodes = tuple(Node(f"{i}", float(CPUS), float(args.gpus)) for i in range(args.machines))
        predicted = simulated(plan, lengths, PlannedCluster(Resources.of(nodes), (1.0,) * len(nodes)))
        measured = run(store, plan, spec.execution, lengths, args.machines, args.gpus)
    write_page(args.out, "orchestration", hardware(), page(args, predicted, measured, lengths))


def planned(store: Store, count: int, folder: str) -> tuple[Plan, SweepSpec]:
    """A plan of `count` trials, and its spec."""
    trials = tuple(TrialConfig(filters=WIDTHS[i % len(WIDTHS)], latent_size=8, seed=i) for i in range(count))
    execution = ExecutionConfig(data_dir=folder)
    spec = SweepSpec(name="waiting", blocks=(Block("all", trials),), extractor="random-conv-64", execution=execution)
    evaluation = spec.evaluation_config()
    store.trials.record(spec, evaluation.id, latest=True)
    return make_plan(spec, store, evaluation), spec


def simulated(plan: Plan, lengths: Lengths, cluster: PlannedCluster) -> Simulated:
    """The same sweep in the simulation. Trials that only wait do not slow each other down."""
    works = [
        Work(
            trial_resources(1, gpu_share(trial.config.filters), has_gpu=True),
            computing=0.0,
            idle=lengths.training[trial.config.key],
            scoring=lengths.scoring,
            round=trial.round,
            fit_cost=trial.fit_flops,
        )
        for trial in plan.to_train
    ]
    return simulate(works, Site(cluster))


def run(store: Store, plan: Plan, execution: ExecutionConfig, lengths: Lengths, machines: int, gpus: int) -> Measured:
    """The real thing."""
    set_environment()
    node: dict[str, Any] = {"num_cpus": CPUS, "num_gpus": gpus}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    for _ in range(machines - 1):
        cluster.add_node(**node)
    console = make_console(stderr=True)
    progress, file = Progress.of(plan), ProgressFile(store)
    view, stop = ProgressView(progress, console), StopRequest(store, file.name)
    trainable = type("Waiting", (Waiting,), {"lengths": dict(lengths.training)})
    try:
        with stop.listening(), connect(cluster.address) as ray_here, view:
            started, cpu = time.monotonic(), time.process_time()
            stage = waiting_stage(lengths.scoring)
            driver = Driver(store, plan, stage, execution, view, file, stop, ray_here)
            driver.run(partial(train, trainable=trainable))
            seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    finally:
        file.remove()
        cluster.shutdown()
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    done = sum(store.commits.has_scores(t.config.key, plan.evaluation.id) for t in plan.trials)
    return Measured(seconds, cpu, megabytes, waits(store, plan), done)


def waits(store: Store, plan: Plan) -> list[float]:
    """Seconds that each trained trial waited, by the times of its files."""
    found = []
    for trial in plan.trials:
        key, folder = trial.config.key, Path(store.root, "trials", trial.config.key)
        attempts = store.attempts.of(key, "evaluate")
        begun = min((folder / "attempts" / name / "start.json").stat().st_mtime for name in attempts)
        found.append(max(0.0, begun - (folder / "train.json").stat().st_mtime))
    return found


def page(args: Any, predicted: Simulated, measured: Measured, lengths: Lengths) -> str:
    """The Markdown page."""
    off = predicted.seconds / measured.seconds - 1
    waited = measured.waits
    late = f"95 % {statistics.quantiles(waited, n=20)[-1]:.1f} s, longest {max(waited):.1f} s"
    return f"""# Orchestration, {hardware()} ({os.cpu_count()} CPUs for everything), {today()}

{args.trials:,} trials of {SHORTEST * args.seconds:g} to {LONGEST * args.seconds:g} s that only wait, a quarter of them with a whole
GPU and the others three on one; evaluations of {lengths.scoring:g} s. {args.machines} raylets with {args.gpus} GPUs each that do not exist.
All processes of Ray, the driver and the trials share this machine, so the driver gets less of it than on a cluster.

| what | measured | simulated |
|---|---|---|
| trials trained and scored | {measured.done:,} of {args.trials:,} | |
| seconds from first to last | {measured.seconds:.0f} | {predicted.seconds:.0f} ({off:+.0%}) |
| CPU of the driver per trial | {measured.cpu / args.trials * 1000:.0f} ms | |
| largest memory of the driver | {measured.megabytes:.0f} MB | |
| wait of a trained trial for its evaluation | median {statistics.median(waited):.1f} s, {late} | |

{footer("ray")}
"""


if __name__ == "__main__":
    main()
