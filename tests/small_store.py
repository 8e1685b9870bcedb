"""A small valid store, made in this process without Ray: trials that are done, half trained and failed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.pipeline import run_stages
from aesweep.models.config import TrialConfig
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.freezing import freeze
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.launches import LaunchProgress, RunningTrial
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter
from aesweep.sweep.worker import evaluation_stages
from aesweep.sweep.worker.training_attempt import TrainingAttempt

DONE, HALF, FAILED = (
    TrialConfig(filters=2, latent_size=size, epochs=2, batch_size=512, learning_rates=(1e-3,), learning_rate_drops=())
    for size in (2, 3, 4)
)


def small_spec(data_dir: Path) -> SweepSpec:
    """The three trials in two blocks."""
    return SweepSpec(
        name="small",
        blocks=(Block("done", (DONE,)), Block("others", (HALF, FAILED))),
        extractor="random-conv-64",
        evaluation={"samples": 50, "reference_size": 60, "gmm_components": 2},
        execution=ExecutionConfig(data_dir=str(data_dir), device="cpu"),
    )


def make_small_store(folder: Path | str, data_dir: Path) -> Path | str:
    """The store, with every kind of file that a store can hold while a driver is at work."""
    spec = small_spec(data_dir)
    evaluation = spec.evaluation_config()
    store = open_store(folder, create=True)
    for config, _ in spec.trials:
        store.trials.write_config(config)
    store.trials.write_spec(spec, evaluation.id)
    freeze(store, spec, evaluation.id)
    train(store, DONE, spec.execution).commit()
    half = TrainingAttempt(store, HALF, spec.execution)
    half.start()
    half.run_epoch()
    half.checkpoint()
    failed = store.attempts.new(FAILED.key, "train")
    store.attempts.record_failure(FAILED.key, failed, "train", ValueError("diverged [/at/once]"))
    score_done(store, evaluation, spec.execution)
    say_that_a_driver_works(store)
    TableWriter(store).publish(force=True)
    return folder


def score_done(store: Store, evaluation: EvaluationConfig, execution: ExecutionConfig) -> None:
    """Score the trial `DONE`, by the stages that the pool runs."""
    attempt = store.attempts.new(DONE.key, "evaluate", evaluation.id)
    job = EvaluationJob(store.root, DONE.key, attempt, evaluation, execution)
    *_, committed = run_stages(stages_of(job), *evaluation_stages.references(job))
    assert committed


def stages_of(job: EvaluationJob) -> Callable[..., Any]:
    """What runs a stage of this job by its name, in this process."""
    return lambda name, *inputs: getattr(evaluation_stages, name)(job, *inputs)


def copy_at_work(small_store: Path, folder: Path) -> Path:
    """A copy of the small store whose driver was seen just now: the session's own is older than a minute soon."""
    shutil.copytree(small_store, folder)
    shutil.rmtree(folder / "progress")
    say_that_a_driver_works(open_store(folder))
    return folder


def copy_at_rest(small_store: Path, folder: Path) -> Path:
    """A copy of the small store whose driver has gone, with tables of now."""
    shutil.copytree(small_store, folder)
    shutil.rmtree(folder / "progress")
    TableWriter(open_store(folder)).publish(force=True)
    return folder


def say_that_a_driver_works(store: Store) -> None:
    """Its progress file, with one running trial."""
    running = {HALF.key: RunningTrial(name=HALF.name, epoch=1, epochs=2, images_per_second=9.0, loss=0.53124)}
    ProgressFile(store).write(LaunchProgress(running=running, eta_seconds=5.0), force=True)


def train(store: Store, config: TrialConfig, execution: ExecutionConfig) -> TrainingAttempt:
    """Train a trial to its end; its result is to be committed."""
    attempt = TrainingAttempt(store, config, execution)
    attempt.start()
    while not attempt.finished:
        attempt.run_epoch()
    return attempt
