"""One trial as a Ray Tune actor. An epoch is a step; the actor is reused from trial to trial.

Tune schedules and nothing else: what counts is written to the store, by the attempt. A trial's own error is recorded
there and ends the trial in order. Two errors are raised as well, so that Tune ends the process: a CUDA error, after
which no call on the device works, and the first lack of GPU memory, after which the driver tries again with a larger
share (recovery.py). A store that cannot be written to, a full disk, or code that was removed under the process, is no
trial's own error: it is raised and not recorded.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ray import tune

from aesweep.cluster.resources import larger_share
from aesweep.cluster.scratch import no_room_in_worker
from aesweep.cluster.staging import code_was_removed
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import Store
from aesweep.sweep.worker.memory import keep_freed_memory, return_freed_memory
from aesweep.sweep.worker.pulse import begin_training

if TYPE_CHECKING:
    from aesweep.sweep.worker.training_attempt import TrainingAttempt


class TrialTrainable(tune.Trainable):
    """Trains the trial `config["key"]` of the store `root`."""

    def setup(
        self,
        config: Mapping[str, Any],
        root: str = "",
        execution: Mapping[str, Any] | None = None,
        stop_file: str = "",
        driver: str = "none",
        identity: bytes | None = None,
    ) -> None:
        """No side effects: Tune may set an actor up and then discard it. The work starts in the first step."""
        self.key: str = config["key"]
        self.store = Store(root, identity=identity)
        self.execution = ExecutionConfig(**(execution or {}))
        self.stop_file = stop_file
        self.driver = driver
        self.trial_attempt: TrainingAttempt | None = None

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """The next trial on the same actor. Always True: False would end the trial in error."""
        self.key = new_config["key"]
        self.trial_attempt = None
        if "torch" in sys.modules:
            from aesweep.sweep.worker.device import free_memory

            free_memory()
            return_freed_memory()
        return True

    def step(self) -> dict[str, object]:
        """Train one epoch, the last one with its commit. A failure is recorded and reported, not raised.

        A trial that goes on from a checkpoint says first where it stands: its next epoch may take an hour.
        """
        attempt = self.trial_attempt
        if attempt is None:
            self.store.storage.require_identity()  # this machine may have another folder at the store's path
            if self.store.commits.has_training(self.key):  # another driver was faster
                return {"done": True, "outcome": "trained"}
            if self.stop_file and self.store.storage.exists(self.stop_file):
                return {"done": True, "outcome": "stopped"}
            attempt = self._new_attempt()
        try:
            if self.trial_attempt is None:
                attempt.start()
                self.trial_attempt = attempt
                if attempt.epoch:
                    return {"done": False, "outcome": "training", "resumed": True, **attempt.measured()}
            cut_off = not attempt.finished and attempt.run_epoch() is None
            if attempt.finished:
                attempt.commit()
        except StorageError:
            self.trial_attempt = None  # nothing can be kept of it
            raise
        except Exception as error:
            self.trial_attempt = None
            return self._failed(attempt, error)
        if cut_off:
            attempt.end("stopped", "its driver was asked to stop")
            self.trial_attempt = None
            return {"done": True, "outcome": "stopped"}
        outcome = "trained" if attempt.finished else "training"
        return {"done": attempt.finished, "outcome": outcome, **attempt.measured()}

    def _new_attempt(self) -> "TrainingAttempt":
        config = self.store.trials.config(self.key)
        begun = begin_training(self.store, self.execution, self.driver, self.key)
        keep_freed_memory()
        with begun.pulse.steadily():
            from aesweep.sweep.worker.training_attempt import TrainingAttempt  # and torch; the driver loads none

        share = self._gpu_share()
        return TrainingAttempt(self.store, config, self.execution, share, self.stop_file, self.driver, begun)

    def _failed(self, attempt: "TrainingAttempt", error: Exception) -> dict[str, object]:
        """Record the error of a trial; raise it where this process must end."""
        was_pruned = attempt.attempt in self.store.attempts.pruned(self.key)  # while its driver slept
        if was_pruned or code_was_removed(error):
            raise error
        from aesweep.sweep.worker.device import is_out_of_memory, poisons_process

        if no_room := no_room_in_worker(error):
            raise no_room from error
        share, lacked = self._gpu_share(), self.store.attempts.memory_lacked
        if is_out_of_memory(error) and 0 < share < larger_share(share) and not lacked(self.key)[1]:
            attempt.end("out of memory", f"{error}")
            raise error
        attempt.record_failure(error)
        if poisons_process(error):
            raise error
        return {"done": True, "outcome": "failed"}

    def _gpu_share(self) -> float:
        """The part of a GPU that Ray gave this process."""
        resources = self.trial_resources
        return float(resources.required_resources.get("GPU", 0.0)) if resources else 0.0

    def cleanup(self) -> None:
        """Tune ends the actor: keep what an unfinished trial has done, or record that it is lost."""
        attempt = self.trial_attempt
        if attempt is None or attempt.finished:
            return
        from aesweep.models.training.trainer import NonFiniteLossError

        try:
            attempt.checkpoint()
        except NonFiniteLossError as error:
            attempt.record_failure(error)
        else:
            attempt.end("stopped", "its process was ended")
