"""How many trials and evaluations the machines of a cluster hold, now and when more have joined.

A cluster may grow while a sweep runs on it (`ray up` returns before its workers have joined, and an autoscaler adds some for
what waits), and machines may die. So the driver looks again now and then. Whether trials train on GPUs is settled when it
starts: shares and places follow from it.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from aesweep.cluster.demand import Demand
from aesweep.cluster.resources import cluster_resources, distinct, evaluation_slots, trial_slots
from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig

LOOK_EVERY_SECONDS = 30.0


class Machines:
    """The machines of the Ray that this process is connected to.

    Raises `InputError` where the sweep wants GPUs and there is none: each trial would fail for good by it.
    """

    def __init__(self, execution: ExecutionConfig, may_grow: bool = True) -> None:
        """`may_grow`: whether others may join; False for the Ray of one machine."""
        self.execution = execution
        self.may_grow = may_grow
        self.found = cluster_resources()
        self.changed = False
        """Whether the last look found other machines than the one before."""
        self._looked_at = time.monotonic()
        self._demand = Demand()
        self.has_gpu = self.found.gpus > 0 and execution.device != "cpu"
        """Whether trials train on GPUs."""
        if execution.device == "cuda" and not self.has_gpu:
            remedy = "The cluster has no GPU; start it on machines with one, or give --set device=auto."
            raise InputError("device", "cuda", remedy)

    def look(self) -> bool:
        """Look again, if the last time is long ago; whether it did. `changed` says what came of it."""
        now, before = time.monotonic(), self.found
        if not self.may_grow or now - self._looked_at < LOOK_EVERY_SECONDS:
            return False
        self._looked_at, self.found = now, cluster_resources()
        self.changed = self.found != before
        return True

    def trials_at_once(self, bundles: Collection[Mapping[str, float]]) -> int:
        """How many trials should train at once, at least 1 (machines may come back); `bundles` are what they ask for."""
        slots = max(trial_slots(self.found, bundle) for bundle in distinct(bundles))
        return max(1, min(slots, self.execution.max_concurrent or slots))

    def evaluations_at_once(self, training: bool) -> int:
        """How many trials should be scored at once, during training or after it."""
        return evaluation_slots(self.found, self.execution.threads, self.has_gpu, training)

    def ask_for(self, waiting: Iterable[Mapping[str, float]], running: int) -> None:
        """Let an autoscaler hear of the trials that wait, by what each asks of Ray, beside the `running` ones.

        They ask for whole threads (cluster/resources.py), so that none is placed where a trial would not be.
        """
        most = self.execution.max_concurrent
        bundles = islice(waiting, None if most is None else max(0, most - running))
        self._demand.ask({**bundle, "CPU": float(self.execution.threads)} for bundle in bundles)
