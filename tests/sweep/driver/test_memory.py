"""Memory that does not suffice, of Ray's object store and of the machine: tried again a few times, then recorded."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from aesweep.sweep.driver.deaths import TOGETHER
from aesweep.sweep.store.store import open_store
from tests.fresh_process import command_environment
from tests.sweep.conftest import run_cli, start_cli, wait_for_file
from tests.sweep.driver.aftermath import assert_nothing_left_in
from tests.waiting import wait_until

GIGABYTE = 1e9
pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]
SPEC = """
name: memory
data: {dataset: digits}
base: {filters: 4, epochs: 1, batch_size: 128}
blocks:
  - {name: all, model: dae, latent_size: 3}
evaluation: {extractor: random-conv-64, samples: 100}
execution: {checkpoint_seconds: 1000, max_process_deaths: 2}
"""

# The smallest object store that Ray starts, full of what this process holds but for 120 kB, and no disk to spill to. What
# one stage of an evaluation hands on (feature statistics of five sources) has 165 kB.
LAUNCH_WITH_A_FULL_OBJECT_STORE = """
import sys, numpy, ray
from aesweep.cluster.connect import set_environment
from aesweep.cluster.staging import staged_code
set_environment()
with staged_code() as code:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80_000_000,
             _node_ip_address="127.0.0.1", runtime_env={"working_dir": str(code)},
             _system_config={"local_fs_capacity_threshold": 0.0, "automatic_object_spilling_enabled": False})
room, held = ray.put(numpy.zeros(120_000, numpy.uint8)), []
for size in (8_000_000, 1_000_000, 100_000, 10_000):
    while True:
        try:
            held.append(ray.put(numpy.zeros(size, numpy.uint8)))
        except ray.exceptions.OutOfDiskError:
            break
del room
from aesweep.sweep.launch import launch
sys.exit(launch(sys.argv[1], sys.argv[2]).exit_code)
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "memory.yaml"
    path.write_text(SPEC)
    return path


def assert_recorded_and_mended_by_retry(
    spec: Path, store: Path, stage: str, words: str, deaths: int, env: dict[str, str]
) -> None:
    """So many attempts, one failure with the reason; without the lack of memory `--retry-failed` ends the sweep."""
    (key,) = open_store(store).trials.known_keys()
    assert len(open_store(store).attempts.of(key, "train" if stage == "train" else "evaluate")) == deaths
    failures = pd.read_parquet(store / "tables/failures.parquet")
    assert failures.type.tolist() == ["ProcessDiedError"] and failures.stage.tolist() == [stage]
    assert f"{deaths} times in a row" in failures.message[0] and words in failures.message[0], failures.message[0]
    assert_nothing_left_in(store)
    again = run_cli("launch", spec, "--store", store, cwd=spec.parent, env=env)
    assert again.returncode == 1 and "Nothing to do" in again.stderr
    done = run_cli("launch", spec, "--store", store, "--retry-failed", cwd=spec.parent, env=env)
    assert done.returncode == 0, done.stderr
    assert_nothing_left_in(store)


def test_results_that_do_not_fit_into_the_object_store(spec: Path, tmp_path: Path, own_env: dict[str, str]) -> None:
    command = [sys.executable, "-c", LAUNCH_WITH_A_FULL_OBJECT_STORE, str(spec), str(tmp_path / "store")]
    env = command_environment(**own_env)
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert ended.returncode == 1, ended.stderr
    assert_recorded_and_mended_by_retry(spec, tmp_path / "store", "evaluate", "disk", 2, own_env)


def test_workers_that_are_killed_because_the_machine_has_no_memory(
    spec: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """Ray's memory monitor ends workers above a part of the machine's memory; here that is less than is in use."""
    monitor = {"RAY_memory_usage_threshold": "0.001", "RAY_memory_monitor_refresh_ms": "50"}
    ended = run_cli("launch", spec, "--store", tmp_path / "store", cwd=tmp_path, env={**own_env, **monitor})
    assert ended.returncode == 1, ended.stderr
    # Killed before it begins, which weighs a quarter of a crash (sweep/driver/deaths.py).
    assert_recorded_and_mended_by_retry(spec, tmp_path / "store", "train", "memory", 2 * TOGETHER, own_env)


def test_a_training_that_is_killed_because_the_machine_has_no_memory_goes_on(
    spec: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """Another program takes the memory for a while, in the middle of a training, and gives it back."""
    total, used = memory()
    if total - used < 10 * GIGABYTE:
        pytest.skip("too little memory is free")
    spec.write_text(SPEC.replace("epochs: 1", "epochs: 60").replace("1000", "0.2"))
    own_env |= {
        "RAY_memory_usage_threshold": f"{(used + 5 * GIGABYTE) / total:.3f}",
        "RAY_memory_monitor_refresh_ms": "50",
    }
    store = tmp_path / "store"
    launched = start_cli("launch", spec, "--store", store, cwd=tmp_path, env=own_env)
    wait_for_file(store, "trials/*/attempts/train-0001-*/checkpoint.pt", launched)
    taken: list[bytearray] = []

    def is_killed() -> bool:
        """Take a little more until it is so: filling all at once takes seconds, in which the next processes would die too."""
        if len(taken) < 24:
            taken.append(bytearray(b"1") * int(GIGABYTE / 4))
        return bool(list(store.glob("trials/*/attempts/train-0001-*/end.json")))

    wait_until(is_killed, 200, "the training is killed", process=launched)
    taken.clear()
    said = launched.communicate(timeout=300)[1]
    assert launched.returncode == 0, said
    assert pd.read_parquet(store / "tables/failures.parquet").empty
    assert_nothing_left_in(store)


def memory() -> tuple[float, float]:
    """Bytes of the machine's memory, and those in use, as Ray's memory monitor counts them."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    found = {name.rstrip(":"): 1024.0 * int(number) for name, number, *_ in lines}
    return found["MemTotal"], found["MemTotal"] - found["MemAvailable"]
