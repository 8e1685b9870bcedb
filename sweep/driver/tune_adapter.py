"""What connects Ray Tune's loop with the driver: its events forwarded, and decisions of the driver taken back."""
# ruff: noqa: D102 (the classes of Tune say when it calls what)

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ray import cloudpickle
from ray.tune import Callback, PlacementGroupFactory, Stopper
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler

from aesweep.sweep.driver.progress import Progress
from aesweep.sweep.driver.recovery import Verdict
from aesweep.sweep.driver.stopping import StopRequest
from aesweep.sweep.store.storage import StorageError


class SweepDriver(Protocol):
    """What Tune's hooks need of the driver."""

    stop: StopRequest
    progress: Progress

    @property
    def may_end_training(self) -> bool:
        """Whether Tune's run may end before all trials have."""

    def bundle(self, share: float) -> dict[str, float]:
        """Resources of a trial that takes this share of a GPU."""

    def training_started(self, key: str) -> None:
        """A trial got its slot."""

    def training_ended(self, key: str, stopped: bool) -> None:
        """A trial reported its end."""

    def training_lost(self, key: str, error: BaseException | None) -> Verdict:
        """The process of a trial ended; what happens next."""

    def turn(self) -> None:
        """One turn of the driver's loop."""


class StopWith(Stopper):
    """Ends Tune's run when the driver was asked to stop and its trials have ended, or had their time."""

    def __init__(self, driver: SweepDriver) -> None:
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

    def __init__(self, driver: SweepDriver) -> None:
        super().__init__()
        self.driver = driver
        self._given_up: list[Any] = []

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        verdict = self.driver.training_lost(trial.config["key"], _error_of(trial))
        if not verdict.again:
            self._given_up.append(trial)
        elif verdict.gpu_share is not None:
            trial.update_resources(PlacementGroupFactory([self.driver.bundle(verdict.gpu_share)]))

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


def storage_error_in(error: BaseException) -> StorageError | None:
    """The storage's error that an error was raised for or after, None where there is none."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, StorageError):
        seen = seen.__cause__ or seen.__context__
    return seen


class Quiet(TrialProgressCallback):
    """Takes the place of Tune's own reporter, which prints a line for a trial without a result at any verbosity."""

    def on_trial_result(self, *words: Any, **info: Any) -> None:
        pass

    def on_trial_error(self, *words: Any, **info: Any) -> None:
        pass

    def on_trial_complete(self, *words: Any, **info: Any) -> None:
        pass


class Watch(Callback):
    """Forwards Tune's events to the driver. Runs in the driver's loop."""

    def __init__(self, driver: SweepDriver) -> None:
        self.driver = driver

    def setup(self, *words: Any, **info: Any) -> None:
        self.driver.stop.install()  # Tune has just taken SIGUSR1

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.driver.training_started(trial.config["key"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        progress = self.driver.progress
        if result.get("resumed"):
            progress.resumed(trial.config["key"], result["epoch"])
        elif "epoch" in result:
            progress.epoch_done(trial.config["key"], result["epoch"], result["images_per_second"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        stopped = (trial.last_result or {}).get("outcome") == "stopped"
        self.driver.training_ended(trial.config["key"], stopped)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.driver.training_ended(trial.config["key"], stopped=False)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.driver.turn()
