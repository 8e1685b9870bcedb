"""The driver: one Ray Tune run over the trials to train, one evaluation pool beside it, tables folded as results come.

    plan -> Tune (train) -> commit -> pool (score) -> commit
            all the while, in the driver's loop: poll the pool, fold the tables, write the progress file

The driver holds nothing that the store does not: kill it at any moment, and the next launch finds the same missing
work. Tune's own experiment state is scratch in a temporary folder and is never read.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ray.tune import Callback
from rich.markup import escape

from aesweep.cluster.connect import Connection
from aesweep.cluster.resources import check_feasible, evaluation_resources, gpu_share, larger_share, trial_resources
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors import mixture
from aesweep.models.config import TrialConfig
from aesweep.models.errors import one_line
from aesweep.sweep.driver.callbacks import GuardedCallback, TrialGenerator
from aesweep.sweep.driver.evaluation_pool import EndedEvaluation, EvaluationPool, Options
from aesweep.sweep.driver.machines import Machines
from aesweep.sweep.driver.outcome import score_line
from aesweep.sweep.driver.plan import Plan
from aesweep.sweep.driver.progress import ProgressView, describe_length, describe_silence
from aesweep.sweep.driver.recovery import Recovery, Verdict
from aesweep.sweep.driver.silence import Silence
from aesweep.sweep.driver.stopping import GRACE_SECONDS, StopRequest
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.fold import TableWriter
from aesweep.sweep.tables.learning import late_improvement, training_warning


class Driver:
    """Does the work of one plan on the Ray cluster that this process is connected to."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        stage: Any,
        execution: ExecutionConfig,
        view: ProgressView,
        file: ProgressFile,
        stop: StopRequest,
        connection: Connection,
        callbacks: Sequence[Callback] = (),
        tracker_folder: Path | None = None,
    ) -> None:
        """`stage`: Ray's remote function that runs one stage of an evaluation. `tracker_folder`: where callbacks write."""
        self.store = store
        self.plan = plan
        self.execution = execution
        self.view = view
        self.progress = view.progress
        self.callbacks = [GuardedCallback(one, self._say_callback_raised, tracker_folder) for one in callbacks]
        self.file, self.stop = file, stop
        self.folder = TableWriter(store, anew=False)
        self.configs = {t.config.key: t.config for t in plan.trials}
        self.ray = connection.watch
        self.machines = Machines(execution, may_grow=not connection.started_here)
        self.has_gpu = self.machines.has_gpu
        if not self.has_gpu:  # a GPU's step has a constant part, a CPU's has none
            self.progress.costs = {t.config.key: float(t.training_flops) for t in plan.to_train}
        self.recovery = Recovery(store, file.driver, execution.max_process_deaths, self.ray)
        self.silence = Silence(store, execution, file.driver)
        self._awaited: set[str] | None = None  # trials that have not ended yet since the request to stop
        self._bundles: dict[str, dict[str, float]] = {}  # what each trial to train asks of Ray
        self._waiting: dict[str, dict[str, float]] = {}  # the same, of those that have not begun
        # Made here and not by Tune, so that its limit follows the machines (`_fit_to_machines`).
        self.generator = TrialGenerator(self.configs)
        self._trains = bool(plan.to_train)
        self.pool = self._make_pool(stage)
        self._fit_to_machines()

    def __getstate__(self) -> dict[str, object]:
        """Empty: Tune pickles its callbacks for a `Tuner.restore` that never happens here."""
        return {}

    def run(self, train: Callable[["Driver"], None]) -> None:
        """Train, score and fold until nothing is left or somebody asks to stop. `train` is that of tune_adapter.py."""
        try:
            for trial in self.plan.to_score:
                self.pool.add(trial.config.key)
            self.turn()
            if self.plan.to_train and not self.stop.asked:
                train(self)
                self.turn()
            self._trains = False
            self._fit_to_machines()
            while not self.pool.is_idle and not self.stop.grace_is_over:
                self.turn(wait_seconds=0.2)
            self.pool.cancel()
        finally:
            self.close_attempts()
            if not self.stop.at_once:
                self.folder.publish(force=True)

    def turn(self, wait_seconds: float = 0.0) -> None:
        """One turn of the driver's loop; must never block for long. Raises `RayDiedError` where Ray has died."""
        self.ray.require()
        if self.stop.look():
            self._awaited = set(self.progress.running)
            self.pool.close()
            self._ask_for_machines()
            self.view.say(
                "stopping: running trials write a checkpoint, running evaluations may end "
                f"(at most {GRACE_SECONDS:.0f} s; ask once more to stop at once)"
            )
        if self.machines.look():
            self._fit_to_machines()
            self._ask_for_machines()
        self._look_for_silence()
        for ended in self.pool.poll(wait_seconds):
            self._evaluation_ended(ended)
        self.progress.scoring = len(self.pool.running)
        self.file.write(self.progress.record())
        self.folder.publish()
        self.view.tick()

    def _look_for_silence(self) -> None:
        """Say who gives no sign of life, and end those who have given none for too long."""
        begun, hung = self.silence.look()
        for key, attempt in begun:
            silent = describe_silence(self.silence.seconds[key, attempt])
            patience = f"after {describe_length(self.execution.hung_seconds)} its process is killed"
            self.view.say(f"[yellow]silent[/yellow]   {self.configs[key].name}  {silent}; {patience}")
        for work in hung:
            self.recovery.end_hung(work, self.execution.hung_seconds)
            self.silence.kill(work)
        for key in list(self.progress.running):
            self.progress.silent(key, self.silence.of(key))

    def _fit_to_machines(self) -> None:
        """Train and score as many trials at once as the machines hold now."""
        self.pool.limit = self.progress.scoring_slots = self.machines.evaluations_at_once(self._trains)
        self.pool.beside_training = self._trains
        if self._bundles:
            # Ray alone would fill the tenths of CPUs that belong to evaluation (cluster/resources.py).
            self.generator.max_concurrent = self.machines.trials_at_once(self._bundles.values())

    def _ask_for_machines(self) -> None:
        """Let an autoscaler hear of the trials that wait. Free places are for Tune to fill before more are asked for."""
        places, running = self.generator.max_concurrent, len(self.progress.running)
        full = self._awaited is None and not self.machines.changed and running >= places
        self.machines.ask_for(self._waiting.values() if full else (), running)

    @property
    def may_end_training(self) -> bool:
        """Whether a stop was asked for, and no trial needs more time for its checkpoint."""
        return self.stop.grace_is_over or self._awaited == set()

    def bundle(self, share: float) -> dict[str, float]:
        """What a trial asks of Ray with this share of a GPU where there is one."""
        return trial_resources(self.execution.threads, share, self.has_gpu)

    def training_started(self, key: str, actor: str) -> None:
        """An actor, named by its id, was given a trial; while the sweep stops, only to see that it must not begin."""
        self.silence.assigned(key, actor)
        self._waiting.pop(key, None)
        if self._awaited is None:
            self.progress.train_started(key, self.configs[key].name, self.configs[key].epochs)

    def training_ended(self, key: str, stopped: bool) -> None:
        """A trial reported its end: score it, or show why it failed. A stopped one goes on another time."""
        self.silence.released(key)
        (self._awaited or set()).discard(key)
        if stopped:
            self.stop.ask()  # it saw the request first
            self.progress.train_lost(key)
            return
        name = self.configs[key].name
        if commit := self.store.commits.training(key):
            self.progress.train_ended(key, succeeded=True)
            bce, mean_image = commit.result.test_bce, commit.result.mean_image_bce
            self.view.say(f"trained  {name}  test BCE {bce:.4f} (mean image {mean_image:.4f})")
            if warning := training_warning(bce, mean_image, late_improvement([e.loss for e in commit.history])):
                self.view.say(f"[yellow]look at[/yellow]  {name}  {warning}")
            if self.store.commits.scores(key, self.pool.evaluation.id) is None:
                self.pool.add(key)
            else:  # it had lost its weights, and these are the same
                self.progress.scores_ended(succeeded=True, seconds=0.0)
                self.view.say(f"scored   {name}  before, with the same weights")
        elif failure := self.store.attempts.open_failure(key, "train"):
            self.progress.train_ended(key, succeeded=False)
            self.view.say(f"[red]failed[/red]   {name}  {escape(one_line(failure.reason))}")
        else:  # Tune gives a trial up whose actor dies while it waits for a place; or the commit was damaged meanwhile
            self.progress.train_lost(key)
            self._say_lost(key, "Ray gave it up, or its commit cannot be read", "it is retried after the others")

    def training_lost(self, key: str, error: BaseException | None) -> Verdict:
        """The process of a trial ended: what happens next."""
        self.silence.released(key)
        verdict = self.recovery.after_training(key, error)
        (self._awaited or set()).discard(key)
        if verdict.again:  # else `training_ended` follows
            self.progress.train_lost(key)
            self._say_lost(key, verdict.why, "it resumes from its checkpoint")
        return verdict

    def _say_lost(self, key: str, why: str, then: str) -> None:
        self.view.say(f"[yellow]lost[/yellow]     {self.configs[key].name}  {escape(one_line(why))}; {then}")

    def _say_callback_raised(self, what: str) -> None:
        self.view.say(f"[yellow]warning[/yellow]  {escape(one_line(what))}")

    def close_attempts(self) -> None:
        """Say of attempts that were cut off that this was no death of theirs: the driver ends, or Ray died."""
        how: How = "machine died" if self.ray.died else "stopped"
        reason = f"Ray died: {self.ray.died}" if self.ray.died else "its driver ended"
        for key in list(self.progress.running):
            attempt = self.store.attempts.newest_training(key, self.file.driver)
            end = self.store.attempts.read_end(key, attempt) if attempt else None
            has_ended = end is not None and (end.how != "stopped" or how == "stopped")  # Tune may have stopped it since
            if attempt and not has_ended and self.store.commits.training(key) is None:
                self.store.attempts.write_end(key, attempt, how, reason)
        self.pool.close_attempts(how, reason)

    def begin_training(self) -> dict[str, dict[str, float]]:
        """What each trial to train asks of Ray. Raises `InputError` where no machine can hold one."""
        listed = self.store.snapshot()  # many trials, and nobody trains yet
        configs = [trial.config for trial in self.plan.to_train]
        shares = listed.storage.map(lambda config: self._share(listed, config), configs)
        self._bundles = {c.key: self.bundle(share) for c, share in zip(configs, shares, strict=True)}
        self._waiting = dict(self._bundles)
        for bundle in self._bundles.values():
            check_feasible(self.machines.found, bundle)
        self._fit_to_machines()
        return self._bundles

    def _share(self, store: Store, config: TrialConfig) -> float:
        """Part of a GPU for a trial: by its network, or more where that was too little before; 0 without GPUs."""
        if not self.has_gpu:
            return 0.0
        share = self.bundle(self.execution.gpu_share or gpu_share(config.filters))["GPU"]
        return max(share, larger_share(store.attempts.memory_lacked(config.key)[0]))

    def end_training(self) -> None:
        """Nothing waits for a place to train any more."""
        self._waiting.clear()
        self._ask_for_machines()

    def _make_pool(self, stage: Any) -> EvaluationPool:
        device, cpu = evaluation_resources(self.has_gpu), evaluation_resources(False)
        options: dict[str, Options] = dict.fromkeys(("references", "encode", "sample"), device)
        options |= dict.fromkeys(("fit", "score"), cpu)
        # A mixture is fitted on the GPU, by a process whose environment lets scikit-learn use it.
        fitting = {**device, "runtime_env": {"env_vars": mixture.ENVIRONMENT}}
        described = map(PRIORS.find, self.plan.evaluation.priors)
        if self.has_gpu and any(one is not None and one.on_gpu for one in described):
            options["fit"] = fitting
        if self.has_gpu and "mixtures" in self.plan.evaluation.metrics:
            options["sample"] = fitting
        costs = {t.config.key: t.fit_flops for t in self.plan.trials}
        rounds = {t.config.key: t.round for t in self.plan.trials}
        return EvaluationPool(
            self.store, self.plan.evaluation, self.execution, self.recovery, stage, options, costs, rounds
        )

    def _evaluation_ended(self, ended: EndedEvaluation) -> None:
        if ended.again:
            waits = ended.key in self.pool.lacking
            self._say_lost(ended.key, ended.reason, f"it is scored again{' when training has ended' if waits else ''}")
            return
        self.progress.scores_ended(not ended.reason, ended.seconds)
        name = self.configs[ended.key].name
        if ended.reason:
            self.view.say(f"[red]failed[/red]   {name}  {escape(one_line(ended.reason))}")
        else:
            commit = self.store.commits.scores(ended.key, self.plan.evaluation.id)
            rows = commit.rows if commit else ()
            self.view.say(f"scored   {name}  {score_line(rows)}")
            for callback in self.callbacks:
                callback.scored(self.configs[ended.key], rows)
