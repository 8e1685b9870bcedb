"""Training that a page follows: `python explore_parts/training.py STORE SEED SECONDS [--leads]`, in a process of its own.

Trains digits with one thread for so many seconds and commits nothing, so that every run begins with the same store. Prints
images per second and CPU seconds per 1,000 images. The process that leads also does a driver's work: every five seconds it
says what runs, and every half minute it publishes the tables.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve()
REPOSITORY = HERE.parents[2]
FILTERS, EPOCHS = 8, 100_000


class Speed(NamedTuple):
    """How fast one process trained."""

    images_per_second: float
    cpu_per_thousand: float
    """CPU seconds per 1,000 images."""


def train(root: str, seed: int, seconds: float, leads: bool) -> Speed:
    """Train in this process."""
    from aesweep.models.config import TrialConfig
    from aesweep.sweep.spec.execution import ExecutionConfig
    from aesweep.sweep.store.drivers import ProgressFile
    from aesweep.sweep.store.records.launches import LaunchProgress, RunningTrial
    from aesweep.sweep.store.store import open_store
    from aesweep.sweep.tables.fold import TableWriter
    from aesweep.sweep.worker.training_attempt import TrainingAttempt

    store = open_store(root)
    trial = TrialConfig(filters=FILTERS, latent_size=8, epochs=EPOCHS, seed=seed)
    store.trials.write_config(trial)
    attempt = TrainingAttempt(store, trial, ExecutionConfig(data_dir=root, device="cpu", threads=1))
    attempt.start()
    attempt.run_epoch()
    attempt.run_epoch()  # they pick algorithms
    tables, progress = TableWriter(store, anew=False), ProgressFile(store)
    started, cpu, epochs = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        record = attempt.run_epoch()
        assert record is not None
        epochs += 1
        if leads:
            running = RunningTrial(name=trial.name, epoch=record.epoch, epochs=EPOCHS, loss=record.loss)
            progress.write(LaunchProgress(running={trial.key: running}))
            tables.publish()
    spent, cpu = time.perf_counter() - started, time.process_time() - cpu
    attempt.end("stopped", "measured")
    progress.remove()
    images = epochs * len(attempt.images.train)
    return Speed(images / spent, 1000 * cpu / images)


def train_in_processes(store: Path, first_seed: int, processes: int, seconds: float) -> Speed:
    """So many fresh processes at once, of which the first one leads: the sum of their speeds, the mean of their CPU."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    started = []
    for number in range(processes):
        words = [str(store), str(first_seed + number), str(seconds), *["--leads"] * (number == 0)]
        command = [sys.executable, str(HERE), *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
    found = [Speed(*json.loads(process.communicate()[0])) for process in started]
    return Speed(sum(one[0] for one in found), sum(one[1] for one in found) / processes)


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), "--leads" in sys.argv)))
