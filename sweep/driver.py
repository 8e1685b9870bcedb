"""The driver: one Ray Tune run over the trials to train, one evaluation pool beside it, tables folded as results come.

    plan -> Tune (train) -> commit -> pool (score) -> commit
            all the while, in the driver's loop: poll the pool, fold the tables, write the progress file

The driver holds nothing that the store does not: kill it at any moment, and the next launch finds the same missing
work. Tune's own experiment state is scratch in a temporary folder and is never read.
"""

import logging
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ray import tune
from ray.tune import (
    Callback,
    CheckpointConfig,
    FailureConfig,
    PlacementGroupFactory,
    RunConfig,
    TuneConfig,
    Tuner,
)

from cluster.resources import (
    check_feasible,
    cluster_resources,
    evaluation_resources,
    gpu_share,
    trial_resources,
    trial_slots,
)
from sweep.execution import ExecutionConfig
from sweep.pool import EndedEvaluation, EvaluationPool
from sweep.progress import ProgressView
from sweep.progress_file import ProgressFile
from sweep.store import Store
from sweep.summary import score_line
from sweep.tables import TableFolder
from sweep.trainable import TrialTrainable
from sweep.tune_events import StopWith, Watch
from sweep.work import Plan

# Tune logs the traceback of every lost process; the driver says it in one line, and the store keeps the reason.
logging.getLogger("ray.tune").setLevel(logging.CRITICAL)

MAX_PROCESS_DEATHS = 3  # a process that dies (out of memory, lost node) is tried again this often within one launch


class WorkerDiedError(RuntimeError):
    """The process of a trial ended without leaving a record."""


class Driver:
    """Does the work of one plan on the Ray cluster that this process is connected to."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        execution: ExecutionConfig,
        view: ProgressView,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.store = store
        self.plan = plan
        self.execution = execution
        self.view = view
        self.progress = view.progress
        self.callbacks = list(callbacks)
        self.file = ProgressFile(store)
        self.folder = TableFolder(store)
        self.stopping = False
        self.configs = {t.config.key: t.config for t in plan.trials}
        self.resources = cluster_resources()
        self.pool = self._make_pool()

    def __getstate__(self) -> dict[str, Any]:
        """Empty: Tune pickles its callbacks for a `Tuner.restore` that never happens here."""
        return {}

    def run(self) -> None:
        """Train, score and fold until nothing is left or a signal asks to stop."""
        with self._signals():
            try:
                for trial in self.plan.to_score:
                    self.pool.add(trial.config.key)
                if self.plan.to_train:
                    self._train()
                self.pool.limit = max(1, int(self.resources.gpus or self.resources.cpus))
                self.progress.scoring_slots = self.pool.limit
                while not self.pool.is_idle and not self.stopping:
                    self.turn(wait_seconds=0.2)
            finally:
                self.store.storage.remove(self._stop_file)
                self.file.remove()
                self.folder.publish(force=True)

    def turn(self, wait_seconds: float = 0.0) -> None:
        """One turn of the driver's loop; must never block for long."""
        for ended in self.pool.poll(wait_seconds):
            self._evaluation_ended(ended)
        self.progress.scoring = len(self.pool.running)
        self.file.write(self.progress.to_json())
        self.folder.publish()
        self.view.tick()

    def training_ended(self, key: str) -> None:
        """A trial reported its end: score it, or show why it failed."""
        commit = self.store.training(key)
        self.progress.train_ended(key, succeeded=commit is not None)
        name = self.configs[key].name
        if commit is not None:
            self.pool.add(key)
            result = commit["result"]
            self.view.say(
                f"trained  {name}  test BCE {result['test_bce']:.4f} (mean image {result['mean_image_bce']:.4f})"
            )
        else:
            failure = self.store.open_failure(key, "train")
            reason = f"{failure['type']}: {failure['message']}" if failure else "its commit cannot be read"
            self.view.say(f"[red]failed[/red]   {name}  {reason}")

    def training_died(self, key: str, error: str) -> None:
        """Tune gave a trial up: its process died, more often than is tried again."""
        if self.store.open_failure(key, "train") is None:
            attempt = (self.store.attempts(key, "train") or ["none"])[-1]
            self.store.record_failure(key, attempt, "train", WorkerDiedError(error))
        self.training_ended(key)

    def _train(self) -> None:
        keys = [t.config.key for t in self.plan.to_train]
        has_gpu = self.resources.gpus > 0 and self.execution.device != "cpu"
        shares = {k: self.execution.gpu_share or gpu_share(self.configs[k].filters) for k in keys} if has_gpu else {}
        bundles = {k: trial_resources(self.execution.threads, shares.get(k, 0.0), has_gpu) for k in keys}
        for bundle in bundles.values():
            check_feasible(self.resources, bundle)
        slots = max(trial_slots(self.resources, bundle) for bundle in bundles.values())
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots + 4)
        # Ray alone would fill the tenths of CPUs that belong to evaluation (cluster/resources.py).
        most = min(self.execution.max_concurrent or slots, slots)

        trainable: Any = tune.with_parameters(
            TrialTrainable,
            root=str(self.store.root),
            execution=self.execution.to_json(),
            gpu_shares=shares,
            stop_file=str(self.store.storage.path(self._stop_file)),
        )
        trainable = tune.with_resources(trainable, lambda config: PlacementGroupFactory([bundles[config["key"]]]))
        with tempfile.TemporaryDirectory(prefix="aesweep-tune-") as scratch:
            Tuner(
                trainable,
                param_space={"key": tune.grid_search(keys)},
                tune_config=TuneConfig(
                    reuse_actors=True,
                    max_concurrent_trials=most,
                    trial_dirname_creator=lambda trial: str(trial.config["key"]),
                ),
                run_config=RunConfig(
                    name="sweep",
                    storage_path=scratch,
                    stop=StopWith(self),
                    callbacks=[Watch(self), *self.callbacks],
                    failure_config=FailureConfig(max_failures=MAX_PROCESS_DEATHS),
                    checkpoint_config=CheckpointConfig(
                        checkpoint_frequency=0, checkpoint_at_end=False
                    ),  # ours, not Tune's
                    verbose=0,
                ),
            ).fit()

    def _make_pool(self) -> EvaluationPool:
        has_gpu = self.resources.gpus > 0 and self.execution.device != "cpu"
        # One evaluation per GPU, or per two cores, while trials wait for their share of the machine; then all there is.
        self.progress.scoring_slots = max(1, int(self.resources.gpus if has_gpu else self.resources.cpus / 2))
        return EvaluationPool(
            self.store,
            self.plan.evaluation,
            self.execution,
            device_options=evaluation_resources(has_gpu),
            cpu_options=evaluation_resources(False),
            limit=self.progress.scoring_slots,
        )

    def _evaluation_ended(self, ended: EndedEvaluation) -> None:
        self.progress.scores_ended(not ended.reason, ended.seconds)
        name = self.configs[ended.key].name
        if ended.reason:
            self.view.say(f"[red]failed[/red]   {name}  {ended.reason}")
        else:
            commit = self.store.scores(ended.key, self.plan.evaluation.id)
            self.view.say(f"scored   {name}  {score_line(commit['rows'] if commit else [])}")

    @property
    def _stop_file(self) -> str:
        return self.file.name.replace(".json", ".stop")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM stops in order (running epochs leave a checkpoint), the second one at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True
            self.store.storage.write(self._stop_file, b"")
            self.view.say("stopping: running trials write a checkpoint (once more to stop at once)")

        handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
