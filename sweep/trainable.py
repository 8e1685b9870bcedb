"""One trial as a Ray Tune actor. An epoch is a step; the actor is reused from trial to trial.

Tune schedules and nothing else: what counts is written to the store, by the attempt. A trial's own error is recorded
there and ends the trial in order, so that Tune does not repeat it; only a death of the process is Tune's to retry, and
the next try goes on from the last checkpoint.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from sweep.execution import ExecutionConfig
from sweep.store import Store

if TYPE_CHECKING:
    from sweep.training import TrainingAttempt


class TrialTrainable(tune.Trainable):
    """Trains the trial `config["key"]` of the store `root`."""

    def setup(
        self,
        config: dict[str, Any],
        root: str = "",
        execution: dict[str, Any] | None = None,
        gpu_shares: dict[str, float] | None = None,
        stop_file: str = "",
    ) -> None:
        """No side effects: Tune may set an actor up and then discard it. The work starts in the first step."""
        self.key: str = config["key"]
        self.store = Store(Path(root))
        self.execution = ExecutionConfig(**(execution or {}))
        self.gpu_shares = gpu_shares or {}
        self.stop_file = Path(stop_file)
        self.trial_attempt: TrainingAttempt | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The next trial on the same actor. Always True: False would end the trial in error."""
        self.key = new_config["key"]
        self.trial_attempt = None
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch, the last one with its commit. A failure is recorded and reported, not raised."""
        import torch  # here, so that the driver itself loads no torch

        from sweep.training import TrainingAttempt

        attempt = self.trial_attempt
        if attempt is None:
            if self.store.training(self.key) is not None:  # another driver was faster
                return {"done": True, "outcome": "trained"}
            share = self.gpu_shares.get(self.key, 0.0)
            attempt = TrainingAttempt(self.store, self.store.config(self.key), self.execution, share, self.stop_file)
        try:
            if self.trial_attempt is None:
                attempt.start()
                self.trial_attempt = attempt
            record = None if attempt.finished else attempt.run_epoch()
            if attempt.finished:
                attempt.commit()
        except Exception as error:
            attempt.log(f"failed: {type(error).__name__}: {error}")
            self.store.record_failure(self.key, attempt.attempt, "train", error)
            self.trial_attempt = None
            if _poisons_process(error):
                raise  # Tune ends this process and tries again in a fresh one
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return {"done": True, "outcome": "failed"}
        progress = {"epoch": record.epoch, "images_per_second": record.images_per_second} if record else {}
        return {"done": attempt.finished, "outcome": "trained" if attempt.finished else "training", **progress}

    def cleanup(self) -> None:
        """Tune ends the actor: keep what an unfinished trial has done."""
        attempt = self.trial_attempt
        if attempt is not None and not attempt.finished:
            attempt.checkpoint()


def _poisons_process(error: Exception) -> bool:
    """After a CUDA error every later call on the device fails as well; running out of memory is called otherwise."""
    return "CUDA error" in str(error)
