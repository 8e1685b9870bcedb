"""How many trials and evaluations the machines of a cluster hold, now and when more have joined.

A cluster may grow while a sweep runs on it (`ray up` returns before its workers have joined), and machines may die. So the
driver looks again now and then. Whether trials train on GPUs is settled when it starts: shares and places follow from it.
"""

import time
from collections.abc import Collection, Mapping

from cluster.resources import cluster_resources, evaluation_slots, trial_slots
from models.errors import InputError
from sweep.execution import ExecutionConfig

LOOK_EVERY_SECONDS = 30.0


class Machines:
    """The machines of the Ray that this process is connected to.

    Raises `InputError` where the sweep wants GPUs and there is none: each trial would fail for good by it.
    """

    def __init__(self, execution: ExecutionConfig) -> None:
        self.execution = execution
        self.found = cluster_resources()
        self._looked_at = time.monotonic()
        self.has_gpu = self.found.gpus > 0 and execution.device != "cpu"
        """Whether trials train on GPUs."""
        if execution.device == "cuda" and not self.has_gpu:
            remedy = "The cluster has no GPU; start it on machines with one, or give --set device=auto."
            raise InputError("device", "cuda", remedy)

    def have_changed(self) -> bool:
        """Look again, if the last time is long ago; whether other machines are there now."""
        now, before = time.monotonic(), self.found
        if now - self._looked_at < LOOK_EVERY_SECONDS:
            return False
        self._looked_at, self.found = now, cluster_resources()
        return self.found != before

    def trials_at_once(self, bundles: Collection[Mapping[str, float]]) -> int:
        """How many trials should train at once, at least 1 (machines may come back); `bundles` are what they ask for."""
        kinds = {tuple(sorted(bundle.items())) for bundle in bundles}
        slots = max(trial_slots(self.found, dict(kind)) for kind in kinds)
        return max(1, min(slots, self.execution.max_concurrent or slots))

    def evaluations_at_once(self, training: bool) -> int:
        """How many trials should be scored at once, beside training or after it."""
        return evaluation_slots(self.found, self.execution.threads, self.has_gpu, training)
