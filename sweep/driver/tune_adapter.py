"""Training with Ray Tune: its run, its events forwarded to the driver, and decisions of the driver taken back."""
# ruff: noqa: D102 (the classes of Tune say when it calls what)

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.air._internal import usage
from ray.air.execution._internal import RayActorManager
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.tune.execution import class_cache
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.scoped import replaced
from aesweep.cluster.scratch import temporary_folder
from aesweep.sweep.driver.driver import Driver
from aesweep.sweep.store.storage import StorageError

# Tune logs the traceback of every lost process; the driver says it in one line, and the store keeps the reason.
logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


def train(driver: Driver, trainable: type[tune.Trainable]) -> None:
    """Train what is missing, each trial as a `trainable`.

    Raises the `StorageError` or `ClusterError` that an event of Tune met, which Tune itself makes a text of.
    """
    try:
        _tune(driver, trainable, driver.begin_training())
    except Exception as error:
        trouble = _trouble_in(error)
        if trouble is None:
            raise
        raise trouble from None
    finally:
        driver.end_training()


def _tune(driver: Driver, trainable: Any, bundles: Mapping[str, dict[str, float]]) -> None:
    """Run Tune over the trials; `bundles` are what each asks of Ray."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(driver.generator.max_concurrent + 4)
    trainable = tune.with_resources(
        _with_parameters(trainable, driver), lambda config: tune.PlacementGroupFactory([bundles[config["key"]]])
    )
    with (
        temporary_folder("tune") as scratch,
        nothing_of_the_environment_passed_on(),
        every_lost_actor_as_lost(),
        callbacks_not_counted(),
    ):
        tune.Tuner(
            trainable,
            param_space={"key": tune.grid_search(list(bundles))},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                search_alg=driver.generator,
                scheduler=LostTrialScheduler(driver),
                trial_name_creator=lambda trial: driver.configs[trial.config["key"]].name,
                trial_dirname_creator=lambda trial: str(trial.config["key"]),
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(scratch),
                stop=StopWith(driver),
                callbacks=[Watch(driver), Quiet(), *driver.callbacks],
                failure_config=tune.FailureConfig(max_failures=-1),  # recovery.py decides
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),  # the store's
                verbose=0,
            ),
        ).fit()


@contextmanager
def nothing_of_the_environment_passed_on() -> Iterator[None]:
    """Tune gives actors that are made inside the `with` block none of this process's variables.

    Otherwise it copies the AWS keys, if they are set, into the actors' runtime environment. Ray writes that to a log, and
    to the command line of a worker that starts. A worker has the environment of its own machine's Ray.
    """
    with replaced(class_cache, "ENV_VARS_TO_PROPAGATE", set()):
        yield


@contextmanager
def every_lost_actor_as_lost() -> Iterator[None]:
    """Inside the `with` block Tune takes each of Ray's own errors of an actor for the loss of that actor.

    Otherwise it ends the whole run with all but one kind of them. Ray's memory monitor, for example, ends a training with an
    `OutOfMemoryError`, which is no `RayActorError`.
    """
    before = RayActorManager._actor_task_failed

    def failed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, RayError) and not isinstance(exception, RayActorError | RayTaskError):
            exception = RayActorError(error_msg=str(exception))
        before(manager, tracked_actor_task, exception)

    with replaced(RayActorManager, "_actor_task_failed", failed):
        yield


@contextmanager
def callbacks_not_counted() -> Iterator[None]:
    """Inside the `with` block Tune does not count the kinds of its callbacks for Ray's telemetry, which is off.

    To count them it imports MLflow wherever that is installed, which takes more than a second.
    """
    with replaced(usage, "tag_callbacks", lambda callbacks: False):
        yield


def _with_parameters(trainable: Any, driver: Driver) -> Any:
    """The trainable with what all its actors are told.

    `tune.with_parameters` would put that into Ray's object store, and when a raylet announces its own end, Ray's C++ code
    looks for such objects there, finds no store, and ends the driver at once.
    """
    told: dict[str, Any] = {"root": driver.store.root, "identity": driver.store.storage.identity}
    told |= {"execution": driver.execution.to_json(), "stop_file": driver.stop.file, "driver": driver.file.driver}
    return type(trainable.__name__, (trainable,), {"setup": partialmethod(trainable.setup, **told)})


def _trouble_in(error: BaseException) -> StorageError | ClusterError | None:
    """What ends the driver, where an error was raised for or after it; None where that is not so."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, StorageError | ClusterError):
        seen = seen.__cause__ or seen.__context__
    return seen


class StopWith(tune.Stopper):
    """Ends Tune's run when the driver was asked to stop and its trials have ended, or had their time."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.driver.may_end_training


class LostTrialScheduler(FIFOScheduler):
    """Asks the driver about each trial that was lost. Tune itself would try again without limit.

    Tune calls a scheduler, and nothing else, between the end of a lost trial and its return to the queue: only here may a
    trial get other resources.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.driver = driver
        self._given_up: list[Any] = []

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        verdict = self.driver.training_lost(trial.config["key"], _error_of(trial))
        if not verdict.again:
            self._given_up.append(trial)
        elif verdict.gpu_share is not None:
            trial.update_resources(tune.PlacementGroupFactory([self.driver.bundle(verdict.gpu_share)]))

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        while self._given_up:
            tune_controller.stop_trial(self._given_up.pop())
        return super().choose_trial_to_run(tune_controller)


def _error_of(trial: Any) -> BaseException | None:
    """What Tune has just written down of a lost trial; `trial.get_pickled_error()` looks where that is copied later.

    Tune keeps the errors of actors and tasks as they are, and of the others, such as Ray's lack of memory, the text alone.
    """
    try:
        if trial.pickled_error_file is None:
            return RuntimeError(Path(trial.error_file).read_text().rpartition("\nFailure # ")[2].partition("\n")[2])
        error: BaseException = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        return error
    except Exception:  # there is none, or one that cannot be read here: the death counts all the same
        return None


class Quiet(TrialProgressCallback):
    """Takes the place of Tune's own reporter, which prints a line for a trial without a result at any verbosity."""

    def on_trial_result(self, *words: Any, **info: Any) -> None:
        pass

    on_trial_error = on_trial_complete = on_trial_result


class Watch(tune.Callback):
    """Forwards Tune's events to the driver. Runs in the driver's loop."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def setup(self, *words: Any, **info: Any) -> None:
        self.driver.stop.install()  # Tune has just taken SIGUSR1

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        actor = trial.temporary_state.ray_actor  # it has answered: one that waits for its place has not started
        self.driver.training_started(trial.config["key"], actor._actor_id.hex())

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        progress, key = self.driver.progress, trial.config["key"]
        losses = result.get("loss"), result.get("test_sample_bce")
        if result.get("resumed"):
            progress.resumed(key, result["epoch"], *losses)
        elif "epoch" in result:
            progress.epoch_done(key, result["epoch"], result["images_per_second"], *losses)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        stopped = (trial.last_result or {}).get("outcome") == "stopped"
        self.driver.training_ended(trial.config["key"], stopped)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.driver.training_ended(trial.config["key"], stopped=False)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.driver.turn()
