"""The evaluation pool: scores trials while others still train.

The driver submits and polls from its own loop (a task submitted from inside a trial would wait for the trial's slot for
ever). Evaluation owns a share of the cluster that trials cannot take; how many evaluations run at once is bounded here,
since those shares are small bookkeeping numbers.

Of the trials that wait, first seeds come before second ones, and of those the one whose prior fit is dearest comes first: a
fit of hours that starts last would keep the sweep waiting.

An error of a stage is recorded where it happens, once and for good. Whatever else ends a task is a death: a worker, a
machine or an object is gone, or a process had lost its code before the stage began. Ray's own retries are off, and the
whole evaluation is submitted again as often as recovery.py allows.
"""

import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.pipeline import run_stages
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import data_name
from aesweep.sweep.driver.recovery import Recovery, cause_of
from aesweep.sweep.evaluation_job import (
    EvaluationJob,
    MemoryLackedError,
    StageFailedError,
    TrainedAgainError,
    lost_its_model,
)
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.store import Store

Options = Mapping[str, Any]
"""Options of a Ray task."""
Reference = ray.ObjectRef[Any]
"""What a task will give."""


@dataclass(frozen=True)
class EndedEvaluation:
    """What `poll` says of one evaluation."""

    key: str
    seconds: float
    reason: str
    """Why it failed or was lost; "" when it was committed."""
    again: bool = False
    """Whether it was lost and waits to be scored again."""


@dataclass(frozen=True)
class _Running:
    """One submitted evaluation."""

    job: EvaluationJob
    started: float
    stages: "tuple[Reference, ...]"


@dataclass
class EvaluationPool:
    """Submits the stages of each trial's evaluation and records those that fail."""

    store: Store
    evaluation: EvaluationConfig
    execution: ExecutionConfig
    recovery: Recovery
    stage: Any
    """Ray's remote function that runs one stage of a job: `stage.remote(name, job, ...)`."""
    options: Mapping[str, Options]
    """Ray options of each stage, by its name."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Trial key -> cost of its prior fit, in any unit; 0 for a trial that is missing."""
    rounds: Mapping[str, int] = field(default_factory=dict)
    """Trial key -> which seed of its network it is (`PlannedTrial.round`); 0 for a trial that is missing."""
    limit: int = 1
    """How many evaluations may run at once."""
    beside_training: bool = False
    """Whether trials train on the same devices; who found too little memory waits until they do not."""
    lacking: list[str] = field(default_factory=list)
    """Trials whose evaluation found too little GPU memory beside training."""
    waiting: list[tuple[int, float, int, str]] = field(default_factory=list)
    """A heap of trials to score: round of seeds, minus the cost of the fit, place in the line, key."""
    running: "dict[Reference, _Running]" = field(default_factory=dict)
    _closed: bool = False
    _added: int = 0
    _references: dict[str, "list[Reference]"] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self.waiting and not self.lacking and not self.running

    def add(self, key: str) -> None:
        """Score this trial as soon as there is room and no dearer one waits."""
        if not self._closed:
            self._added += 1
            heapq.heappush(self.waiting, (self.rounds.get(key, 0), -self.costs.get(key, 0.0), self._added, key))

    def close(self) -> None:
        """Submit no more; what runs may end."""
        self.waiting.clear()
        self.lacking.clear()
        self._closed = True

    def cancel(self) -> None:
        """Give up what still runs; its trials stay trained."""
        for running in self.running.values():
            for stage in running.stages:
                ray.cancel(stage, force=True)
        self.close_attempts("stopped", "its driver was asked to stop")
        self.running.clear()

    def close_attempts(self, how: How, reason: str) -> None:
        """Say how those that still run have ended."""
        for running in list(self.running.values()):
            self.store.attempts.write_end(running.job.key, running.job.attempt, how, reason)

    def poll(self, timeout: float = 0.0) -> list[EndedEvaluation]:
        """Collect what has ended, waiting at most `timeout` seconds for the first, and submit what fits."""
        ended: list[EndedEvaluation] = []
        while self.running:
            done, _ = ray.wait(list(self.running), num_returns=1, timeout=0.0 if ended else timeout)
            if not done:
                break
            ended.append(self._collect(done[0]))
        while self.lacking and not self.beside_training:
            self.add(self.lacking.pop())
        while self.waiting and len(self.running) < self.limit:
            self._submit(heapq.heappop(self.waiting)[-1])
        return ended

    def _submit(self, key: str) -> None:
        attempt = self.store.attempts.new(key, "evaluate", self.evaluation.id)
        self.store.attempts.write_start(key, attempt, new_start(self.recovery.driver, on_this_machine=False))
        words = (self.evaluation, self.execution, self.recovery.driver, self.store.storage.identity)
        job = EvaluationJob(self.store.root, key, attempt, *words)

        def submit(name: str, *inputs: Any) -> Any:
            return self.stage.options(**self.options[name]).remote(name, job, *inputs)

        stages = run_stages(submit, *self._real_images(job, self.store.trials.config(key)))
        self.running[stages[-1]] = _Running(job, time.monotonic(), stages)

    def _real_images(self, job: EvaluationJob, config: TrialConfig) -> "list[Reference]":
        """The real images and their token, measured once per data set."""
        name = data_name(config)
        if name not in self._references:
            options = {**self.options["references"], "num_returns": 2}
            self._references[name] = self.stage.options(**options).remote("references", job)
        return self._references[name]

    def _collect(self, reference: "Reference") -> EndedEvaluation:
        running = self.running.pop(reference)
        job, reason, again, cause = running.job, "", False, None
        try:
            if not ray.get(reference) and not self.store.commits.has_scores(job.key, self.evaluation.id):
                reason = self._without_files(job)
        except Exception as error:  # whatever a stage raised, or Ray's own error when its worker died
            cause = cause_of(error) or error
            reason, again = self._judge(job, cause)
        if reason:
            # They may be what failed or was lost. Sound ones are read from the store again.
            self._references.pop(data_name(self.store.trials.config(job.key)), None)
        if again and isinstance(cause, MemoryLackedError) and not self._closed:
            self.lacking.append(job.key)
        elif again:
            self.add(job.key)
        return EndedEvaluation(job.key, time.monotonic() - running.started, reason, again)

    def _judge(self, job: EvaluationJob, cause: BaseException) -> tuple[str, bool]:
        """Why an evaluation ended without its commit, and whether it is tried again."""
        if job.has_lost_its_files():
            return self._without_files(job), False
        if lost_its_model(self.store, job.key, cause):  # the launch trains it again (launch.py)
            self.store.attempts.write_end(job.key, job.attempt, "stopped", "the trained weights are damaged")
            return f"{cause}", False
        if isinstance(cause, TrainedAgainError):
            self.store.attempts.write_end(job.key, job.attempt, "stopped", str(cause))
            return str(cause), True
        if isinstance(cause, MemoryLackedError):
            self.store.attempts.write_end(job.key, job.attempt, "out of memory", str(cause))
            return "its GPU had too little memory", True
        failure = self.store.attempts.open_failure(job.key, "evaluate", job.evaluation.id)
        if failure is None and isinstance(cause, StageFailedError):  # recorded for another trial that shares the stage
            failure = cause.failure.model_copy(update={"key": job.key, "attempt": job.attempt})
            self.store.attempts.write_failure(failure)
        if failure is None:
            verdict = self.recovery.after_death(job.key, job.attempt, "evaluate", job.evaluation.id, cause)
            return verdict.why, verdict.again
        return failure.reason, False

    def _without_files(self, job: EvaluationJob) -> str:
        reason = "its files were removed while its driver slept"  # the launch scores it again (launch.py)
        self.store.attempts.write_end(job.key, job.attempt, "stopped", reason)
        return reason
