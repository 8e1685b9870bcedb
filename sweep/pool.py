"""The evaluation pool: scores trials while others still train.

The driver submits and polls from its own loop (a task submitted from inside a trial would wait for the trial's slot for
ever). Evaluation owns a share of the cluster that trials cannot take; how many evaluations run at once is bounded here,
since those shares are small bookkeeping numbers.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import ray

from evaluation.config import EvaluationConfig
from models.config import TrialConfig
from models.datasets import data_name
from sweep.evaluation_job import EvaluationJob
from sweep.execution import ExecutionConfig
from sweep.store import Store


@ray.remote
def _stage(name: str, *arguments: Any) -> Any:
    """Run one function of `sweep.evaluation_tasks`; imported here, so that the driver itself loads no torch."""
    from sweep import evaluation_tasks

    return getattr(evaluation_tasks, name)(*arguments)


@dataclass(frozen=True)
class EndedEvaluation:
    """What `poll` says of one evaluation."""

    key: str
    seconds: float
    reason: str
    """Why it failed; "" when it was committed."""


@dataclass
class EvaluationPool:
    """Submits the stages of each trial's evaluation and records those that fail."""

    store: Store
    evaluation: EvaluationConfig
    execution: ExecutionConfig
    device_options: dict[str, Any]
    """Ray resources of a stage that uses the device (encode, sample, reference)."""
    cpu_options: dict[str, Any]
    """Ray resources of a stage that does not (fit, score)."""
    limit: int = 1
    """How many evaluations may run at once."""
    waiting: deque[str] = field(default_factory=deque)
    running: dict[ray.ObjectRef, tuple[EvaluationJob, float]] = field(default_factory=dict)
    _references: dict[str, list[ray.ObjectRef]] = field(default_factory=dict)
    _task: Any = _stage

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self.waiting and not self.running

    def add(self, key: str) -> None:
        """Score this trial as soon as there is room."""
        self.waiting.append(key)

    def poll(self, timeout: float = 0.0) -> list[EndedEvaluation]:
        """Collect what has ended, waiting at most `timeout` seconds for the first, and submit what fits."""
        ended: list[EndedEvaluation] = []
        while self.running:
            done, _ = ray.wait(list(self.running), num_returns=1, timeout=0.0 if ended else timeout)
            if not done:
                break
            ended.append(self._collect(done[0]))
        while self.waiting and len(self.running) < self.limit:
            self._submit(self.waiting.popleft())
        return ended

    def _submit(self, key: str) -> None:
        attempt = self.store.new_attempt(key, "evaluate", self.evaluation.id)
        job = EvaluationJob(str(self.store.root), key, attempt, self.evaluation, self.execution)
        on_device, on_cpu = self._task.options(**self.device_options), self._task.options(**self.cpu_options)
        train, test, ready = self._real_images(job, self.store.config(key))
        encoded = on_device.remote("encode", job, ready)
        fitted = on_cpu.remote("fit", job, encoded)
        sampled = on_device.remote("sample", job, encoded, fitted)
        scored = on_cpu.remote("score", job, encoded, fitted, sampled, train, test)
        self.running[scored] = (job, time.monotonic())

    def _real_images(self, job: EvaluationJob, config: TrialConfig) -> list[ray.ObjectRef]:
        """Statistics of the real images of both splits, measured once per data set."""
        name = data_name(config)
        if name not in self._references:
            options = {**self.device_options, "num_returns": 3}
            self._references[name] = self._task.options(**options).remote("references", job)
        return self._references[name]

    def _collect(self, reference: ray.ObjectRef) -> EndedEvaluation:
        job, started = self.running.pop(reference)
        reason = ""
        try:
            ray.get(reference)
        except Exception as error:  # whatever a stage raised, or Ray's own error when its worker died
            cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) and error.cause else error
            self.store.record_failure(job.key, job.attempt, "evaluate", cause, self.evaluation.id)
            reason = f"{type(cause).__name__}: {cause}"
        return EndedEvaluation(job.key, time.monotonic() - started, reason)
