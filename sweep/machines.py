"""How many trials and evaluations the machines of a cluster hold."""

from collections.abc import Collection, Mapping

from cluster.resources import cluster_resources, evaluation_slots, trial_slots
from models.errors import InputError
from sweep.execution import ExecutionConfig


class Machines:
    """The machines of the Ray that this process is connected to.

    Raises `InputError` where the sweep wants GPUs and there is none: each trial would fail for good by it.
    """

    def __init__(self, execution: ExecutionConfig) -> None:
        self.execution = execution
        self.found = cluster_resources()
        self.has_gpu = self.found.gpus > 0 and execution.device != "cpu"
        """Whether trials train on GPUs."""
        if execution.device == "cuda" and not self.has_gpu:
            remedy = "The cluster has no GPU; start it on machines with one, or give --set device=auto."
            raise InputError("device", "cuda", remedy)

    def trials_at_once(self, bundles: Collection[Mapping[str, float]]) -> int:
        """How many trials should train at once, at least 1 (machines may come back); `bundles` are what they ask for."""
        slots = max(trial_slots(self.found, bundle) for bundle in bundles)
        return max(1, min(slots, self.execution.max_concurrent or slots))

    def evaluations_at_once(self, training: bool) -> int:
        """How many trials should be scored at once, beside training or after it."""
        return evaluation_slots(self.found, self.execution.threads, self.has_gpu, training)
