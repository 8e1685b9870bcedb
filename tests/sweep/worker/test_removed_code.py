"""A worker whose code is removed under it, as Ray does with the node that unpacked it."""

import shutil
import subprocess
import sys
from pathlib import Path

from aesweep.cluster.staging import stage
from aesweep.sweep.store.store import open_store
from tests.small_store import HALF

WORKER = """
import shutil, sys
from functools import partialmethod
from aesweep.cluster import staging
from aesweep.evaluation.config import EvaluationConfig
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.worker.remote_stage import run_stage
from aesweep.sweep.worker.trainable import TrialTrainable
code, store, key = sys.argv[1:]
assert staging.__file__.startswith(code)
trial = type("Bound", (TrialTrainable,), {"setup": partialmethod(TrialTrainable.setup, root=store)})({"key": key})
attempt = trial._new_attempt()
shutil.rmtree(code)
try:
    trial._failed(attempt, FileNotFoundError(2, "No such file or directory"))
except FileNotFoundError:
    print("raised", flush=True)
run_stage._function("encode", EvaluationJob(store, key, "score-0001-a-b", EvaluationConfig(), ExecutionConfig()))
"""


def test_it_ends_and_nothing_counts_as_a_failure_of_its_trial(small_store: Path, tmp_path: Path) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    code = tmp_path / "code"
    code.mkdir()
    stage(code)
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(code), str(tmp_path / "store"), HALF.key],
        env={"PYTHONPATH": str(code)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "raised\n"), done.stderr
    assert not open_store(tmp_path / "store").attempts.failures(HALF.key)
