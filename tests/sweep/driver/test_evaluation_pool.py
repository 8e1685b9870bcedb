"""The evaluation pool: which trial is scored first, and in which process a mixture is fitted where there is a GPU."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import ray

from aesweep.cluster.resources import evaluation_resources
from aesweep.evaluation.priors.mixture import ENVIRONMENT
from aesweep.models.config import TrialConfig
from aesweep.models.cost import fit_flops
from aesweep.sweep.driver.evaluation_pool import EvaluationPool
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.store.store import open_store
from aesweep.sweep.worker.remote_stage import run_stage
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.faults import failing
from tests.fresh_process import REPOSITORY
from tests.small_store import small_spec
from tests.sweep.conftest import TINY
from tests.sweep.driver.test_failures import LAUNCH_WITH_A_GPU


@ray.remote(max_retries=0)
def run_stage_whose_code_is_missing_at_first(name: str, job: EvaluationJob, *arguments: Any) -> Any:
    """What a worker meets whose code was removed with a node, before its stage has begun."""
    try:
        Path(job.root, f"../{name}-{job.key}-was-tried").touch(exist_ok=False)
    except FileExistsError:
        return run_stage._function(name, job, *arguments)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # what `os.getcwd()` says where the folder is gone


def scored(
    folder: Path, data_dir: Path, latent_sizes: tuple[int, ...], faults: str = "", stage: Any = run_stage
) -> list[tuple[int, str]]:
    """Train networks of these latent sizes, score them one after another: size and reason in the order of their ends.

    In `faults` (tests/faults), `{key4}` is the key of the trial with latent size 4.
    """
    spec, store = small_spec(data_dir), open_store(folder / "store", create=True)
    trials = {
        size: TrialConfig(filters=2, latent_size=size, epochs=1, learning_rates=(1e-3,), learning_rate_drops=())
        for size in latent_sizes
    }
    for trial in trials.values():
        store.trials.write_config(trial)
        attempt = TrainingAttempt(store, trial, spec.execution)
        attempt.start()
        attempt.run_epoch()
        attempt.commit()
    keys = {trial.key: size for size, trial in trials.items()}
    env = failing(faults.format(**{f"key{size}": key for key, size in keys.items()}))
    share = {**evaluation_resources(False), "runtime_env": {"env_vars": env}}
    pool = EvaluationPool(
        store,
        spec.evaluation_config(),
        spec.execution,
        Recovery(store, "driver", 9),
        stage,
        dict.fromkeys(("references", "encode", "fit", "sample", "score"), share),
        costs={key: fit_flops(1500, size, 2) for key, size in keys.items()},
    )
    for key in keys:
        pool.add(key)
    ended = []
    while not pool.is_idle:
        pool.beside_training = bool(pool.waiting or pool.running)
        ended += pool.poll(1.0)
    return [(keys[e.key], e.reason) for e in ended]


@pytest.mark.slow
def test_the_trial_with_the_dearest_fit_is_scored_first(tmp_path: Path, data_dir: Path, ray_cluster: None) -> None:
    assert scored(tmp_path, data_dir, (2, 6, 4)) == [(6, ""), (4, ""), (2, "")]


@pytest.mark.slow
def test_real_images_that_could_not_be_measured_once_are_measured_for_the_next_trial(
    tmp_path: Path, data_dir: Path, ray_cluster: None
) -> None:
    (first, reason), *rest = scored(tmp_path, data_dir, (2, 4, 3), "cuda-error:references:{key4}")
    assert first == 4 and "illegal memory access" in reason
    assert rest == [(3, ""), (2, "")]


@pytest.mark.slow
def test_an_evaluation_that_lacked_memory_is_done_after_the_others_and_a_second_lack_is_its_failure(
    tmp_path: Path, data_dir: Path, ray_cluster: None
) -> None:
    faults = "out-of-memory:sample:{key4}:1 out-of-memory:encode:{key3}"
    *found, (last, failure) = scored(tmp_path, data_dir, (2, 4, 3), faults)
    lacked = "its GPU had too little memory"
    assert found == [(4, lacked), (3, lacked), (2, ""), (4, "")]
    assert last == 3 and failure.startswith("OutOfMemoryError: CUDA out of memory")


@pytest.mark.slow
def test_an_evaluation_whose_stages_could_not_begin_has_not_failed(
    tmp_path: Path, data_dir: Path, ray_cluster: None
) -> None:
    *lost, done = scored(tmp_path, data_dir, (2,), stage=run_stage_whose_code_is_missing_at_first)
    assert done == (2, "")
    assert lost and all("FileNotFoundError: [Errno 2] No such file or directory" in why for _, why in lost)


@pytest.mark.slow
def test_only_the_process_that_fits_has_scipys_array_api(ray_cluster: None) -> None:
    options: dict[str, Any] = {**evaluation_resources(False)}

    @ray.remote(**options)
    def look() -> tuple[dict[str, str | None], bool]:
        import scipy._lib._array_api as scipy_side

        from aesweep.evaluation.priors.mixture import ENVIRONMENT  # the code of the sweep is there as well

        return {name: os.environ.get(name) for name in ENVIRONMENT}, bool(scipy_side.SCIPY_ARRAY_API)

    nothing = dict.fromkeys(ENVIRONMENT)
    assert ray.get(look.options(runtime_env={"env_vars": ENVIRONMENT}).remote()) == (ENVIRONMENT, True)
    assert ray.get(look.remote()) == (nothing, False)
    assert {name: os.environ.get(name) for name in ENVIRONMENT} == nothing


@pytest.mark.slow
def test_a_sweep_on_a_cluster_with_gpus_fits_the_same_mixtures(
    finished_store: Path, tmp_path: Path, data_dir: Path
) -> None:
    """The GPU is not there, so that the fit finds no CUDA and takes NumPy; its process is the one for tensors."""
    spec = tmp_path / "tiny.yaml"
    spec.write_text(TINY)
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH_WITH_A_GPU, str(spec), str(tmp_path / "store")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found, expected = (
        pd.read_parquet(store / "tables" / "scores.parquet").sort_values(["key", "source", "split"])["value"]
        for store in (tmp_path / "store", finished_store)
    )
    np.testing.assert_array_equal(found, expected)
