"""What connects Ray Tune's loop with the driver: its events forwarded, and a request to stop taken back."""

from typing import TYPE_CHECKING, Any

from ray.tune import Callback, Stopper

if TYPE_CHECKING:
    from sweep.driver import Driver


class StopWith(Stopper):
    """Ends Tune's run when the driver is asked to stop."""

    def __init__(self, driver: "Driver") -> None:
        self.driver = driver

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.driver.stopping


class Watch(Callback):
    """Forwards Tune's events to the driver. Runs in the driver's loop."""

    def __init__(self, driver: "Driver") -> None:
        self.driver = driver

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        config = self.driver.configs[trial.config["key"]]
        self.driver.progress.train_started(config.key, config.name, config.epochs)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "epoch" in result:
            self.driver.progress.epoch_done(trial.config["key"], result["epoch"], result["images_per_second"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if not self.driver.stopping or self.driver.store.training(trial.config["key"]):
            self.driver.training_ended(trial.config["key"])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.driver.progress.train_lost(trial.config["key"])
        name = self.driver.configs[trial.config["key"]].name
        self.driver.view.say(f"[yellow]lost[/yellow]     {name}  its process died; it goes on from its checkpoint")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        reason = str(trial.get_error() or "its process died").strip().splitlines()[-1]
        self.driver.training_died(trial.config["key"], reason)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.driver.turn()
