"""Measures some steps of a training loop after its first ones, whoever owns the loop."""

import resource
import time
from dataclasses import dataclass, field

import torch


class Enough(Exception):
    """All steps are measured."""


@dataclass
class Clock:
    """Told after every step; `found` once `warm` and then `steps` steps are done."""

    device: torch.device
    warm: int
    steps: int
    batch: int
    done: int = 0
    found: dict[str, float] = field(default_factory=dict)
    _began: tuple[float, float] = (0.0, 0.0)

    def step(self) -> bool:
        """Another step is done; whether it was the last one."""
        self.done += 1
        if self.done == self.warm:
            self._began = self._now()
        if self.done == self.warm + self.steps:
            wall, cpu = (now - then for now, then in zip(self._now(), self._began, strict=True))
            images = self.steps * self.batch
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            self.found = {"per_second": images / wall, "per_cpu_second": images / cpu, "peak_mb": peak}
        return bool(self.found)

    def step_or_leave(self) -> None:
        """The same; raises `Enough` after the last one."""
        if self.step():
            raise Enough

    def _now(self) -> tuple[float, float]:
        """Seconds of the wall, and of this process on all of its CPUs."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter(), time.process_time()
