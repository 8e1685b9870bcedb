"""What happens to a real sweep when trials fail, processes die, and somebody asks it to stop.

The faults are injected from outside (tests/faults): everything else is as in any sweep.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.store.records.attempts import StartRecord
from aesweep.sweep.store.store import Store, open_store
from tests.faults import failing
from tests.fresh_process import command_environment
from tests.sweep.conftest import run_cli
from tests.sweep.driver.aftermath import assert_nothing_left_in, assert_same_results
from tests.waiting import wait_until

SPEC = """
name: faults
data: {dataset: digits}
base: {filters: 4, epochs: 2, batch_size: 128}
blocks:
  - {name: all, model: dae, latent_size: LATENTS}
evaluation: {extractor: random-conv-64, samples: 100, priors: [mvg]}
execution: {checkpoint_seconds: 1000, max_process_deaths: 2}
"""
LONG = SPEC.replace("epochs: 2", "epochs: 5000").replace("LATENTS", "2..9")

# A Ray with one GPU that is not there: shares are bookkeeping, and torch sees the CPU.
LAUNCH_WITH_A_GPU = """
import sys, ray
from aesweep.cluster.connect import set_environment
from aesweep.cluster.staging import staged_code
set_environment()
with staged_code() as code:
    ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False,
             _node_ip_address="127.0.0.1", runtime_env={"working_dir": str(code)})
from aesweep.sweep.launch import launch
sys.exit(launch(sys.argv[1], sys.argv[2], retry_failed="--retry-failed" in sys.argv).exit_code)
"""

# Two machines of one CPU and one GPU that is not there; the one that joined loses its power once it trains with a checkpoint.
LAUNCH_WITH_A_DEAD_MACHINE = """
import json, pathlib, sys, threading, ray
from aesweep.cluster.connect import set_environment
from aesweep.cluster.staging import staged_code
set_environment()
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 1})
machine = cluster.add_node(num_cpus=1, num_gpus=1)
with staged_code() as code:
    ray.init(address=cluster.address, log_to_driver=False, runtime_env={"working_dir": str(code)})

def cut_power():
    raylets = {i.process.pid for i in machine.all_processes["raylet"]}
    while True:
        for checkpoint in pathlib.Path(sys.argv[2]).glob("trials/*/attempts/*/checkpoint.pt"):
            pid = json.loads((checkpoint.parent / "start.json").read_text())["pid"]
            parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if parent in raylets:
                cluster.remove_node(machine, allow_graceful=False)
                return
        threading.Event().wait(0.1)

threading.Thread(target=cut_power, daemon=True).start()
from aesweep.sweep.launch import launch
code = launch(sys.argv[1], sys.argv[2]).exit_code
ray.shutdown()
cluster.shutdown()
sys.exit(code)
"""


def launch_with_a_gpu(spec: Path, store: Path, faults: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LAUNCH_WITH_A_GPU, str(spec), str(store), *words]
    env = command_environment(**failing(faults))
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)


def write_spec(folder: Path, latents: str) -> tuple[Path, dict[int, TrialConfig]]:
    """The spec's file, and its trials by their latent size."""
    path = folder / "faults.yaml"
    path.write_text(SPEC.replace("LATENTS", latents))
    return path, {config.latent_size: config for config, _ in load_spec(str(path)).trials}


def states(store: Path, trials: dict[int, TrialConfig]) -> dict[int, str]:
    table = pd.read_parquet(store / "tables" / "trials.parquet").set_index("key")
    return {size: str(table.loc[config.key].state) for size, config in trials.items()}


def starts(store: Store, config: TrialConfig) -> list[StartRecord]:
    """What each training attempt said when it began."""
    found = [store.attempts.read_start(config.key, attempt) for attempt in store.attempts.of(config.key, "train")]
    return [start for start in found if start is not None]


def types(store: Store, config: TrialConfig) -> list[str]:
    return [failure.type for failure in store.attempts.failures(config.key)]


@pytest.mark.slow
@pytest.mark.faults
def test_a_cuda_error_ends_its_process_and_little_memory_gets_a_larger_share(tmp_path: Path) -> None:
    spec, trials = write_spec(tmp_path, "2..4")
    faults = f"cuda-error:train:{trials[2].key} out-of-memory:train:{trials[3].key}:1 kill:encode:{trials[4].key}:3"
    done = launch_with_a_gpu(spec, tmp_path / "store", faults)
    assert done.returncode == 1, done.stderr
    store = open_store(tmp_path / "store")
    assert states(tmp_path / "store", trials) == {2: "failed", 3: "done", 4: "done"}

    assert types(store, trials[2]) == ["AcceleratorError"], "recorded once and not tried again"
    failure = store.attempts.failures(trials[2].key)[0]
    assert "illegal memory access" in failure.message and "run_epoch" in failure.traceback
    assert failure.attempt == store.attempts.of(trials[2].key, "train")[0] and failure.node
    # A trial that ended before may have had the same process; whoever begins after the error must not.
    begun = [start for size in (3, 4) for start in starts(store, trials[size])]
    later = {start.pid for start in begun if start.time > failure.time}
    assert starts(store, trials[2])[0].pid not in later, "a trial that began later used the poisoned process"

    assert types(store, trials[3]) == []
    first = store.attempts.of(trials[3].key, "train")[0]
    end = store.attempts.read_end(trials[3].key, first)
    assert end is not None and end.share == 0.3
    assert "tried again with 0.6 of a GPU" in done.stderr

    assert types(store, trials[4]) == []
    assert len(store.attempts.of(trials[4].key, "evaluate")) == 4, (
        "whom somebody kills is tried more often than two times"
    )
    assert "it is scored again" in done.stderr
    assert f"aesweep resume {tmp_path / 'store'} --retry-failed" in done.stderr


@pytest.mark.slow
@pytest.mark.faults
def test_deaths_and_lack_of_memory_end_as_failures_that_status_explains(tmp_path: Path) -> None:
    spec, trials = write_spec(tmp_path, "2..6")
    faults = (
        f"crash:train:{trials[2].key} crash:train:{trials[3].key}:1 out-of-memory:train:{trials[4].key} "
        f"crash:fit:{trials[5].key} cuda-error:sample:{trials[6].key}"
    )
    done = launch_with_a_gpu(spec, tmp_path / "store", faults)
    assert done.returncode == 1, done.stderr
    store = open_store(tmp_path / "store")
    assert states(tmp_path / "store", trials) == {2: "failed", 3: "done", 4: "failed", 5: "failed", 6: "failed"}
    assert types(store, trials[2]) == ["ProcessDiedError"] and len(store.attempts.of(trials[2].key, "train")) == 2
    assert types(store, trials[3]) == [] and len(store.attempts.of(trials[3].key, "train")) == 2
    assert types(store, trials[4]) == ["OutOfMemoryError"] and len(store.attempts.of(trials[4].key, "train")) == 2
    assert types(store, trials[5]) == ["ProcessDiedError"] and len(store.attempts.of(trials[5].key, "evaluate")) == 2
    assert types(store, trials[6]) == ["AcceleratorError"] and len(store.attempts.of(trials[6].key, "evaluate")) == 1
    table = pd.read_parquet(tmp_path / "store" / "tables" / "failures.parquet")
    assert len(table) == 4 and table.traceback.str.len().min() > 0

    said = run_cli("status", tmp_path / "store", cwd=tmp_path).stdout
    assert "its process died 2 times in a row" in " ".join(said.split())
    assert f"aesweep resume {tmp_path / 'store'} --retry-failed" in said.replace("\n", "")

    again = launch_with_a_gpu(spec, tmp_path / "store", "")
    assert again.returncode == 1 and "Nothing to do" in again.stderr
    retried = launch_with_a_gpu(spec, tmp_path / "store", "", "--retry-failed")
    assert retried.returncode == 0, retried.stderr
    assert set(states(tmp_path / "store", trials).values()) == {"done"}


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_trials_of_a_dead_machine_go_on_elsewhere(tmp_path: Path, own_env: dict[str, str]) -> None:
    spec, trials = write_spec(tmp_path, "2..3")
    spec.write_text(
        spec.read_text()
        .replace("epochs: 2", "epochs: 30")
        .replace("checkpoint_seconds: 1000", "checkpoint_seconds: 0.5")
    )
    trials = {config.latent_size: config for config, _ in load_spec(str(spec)).trials}
    words = [sys.executable, "-c", LAUNCH_WITH_A_DEAD_MACHINE, str(spec), str(tmp_path / "store")]
    env = command_environment(**own_env)
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "its machine died or cannot be reached; it resumes from its checkpoint" in done.stderr
    store = open_store(tmp_path / "store")
    assert set(states(tmp_path / "store", trials).values()) == {"done"}
    ends = [end for path in (tmp_path / "store").rglob("end.json") if (end := json.loads(path.read_text()))]
    assert [end["how"] for end in ends] == ["machine died"]
    resumed = [
        commit.result.resumed_from for c in trials.values() if (commit := store.commits.training(c.key)) is not None
    ]
    assert sum(name != "none" for name in resumed) == 1
    undisturbed = run_cli("launch", spec, "--store", tmp_path / "undisturbed", cwd=tmp_path, env=own_env)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert_same_results(tmp_path / "store", tmp_path / "undisturbed")
    assert_nothing_left_in(tmp_path / "store")


@contextmanager
def training_sweep(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Store]]:
    """A launch of trials that never end, with at least one inside an epoch."""
    (folder / "long.yaml").write_text(LONG)
    words = [sys.executable, "-m", "aesweep.sweep.cli", "launch", "long.yaml", "--store", "store"]
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=command_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(
            lambda: any("epoch 1/" in log.read_text() for log in folder.glob("store/trials/*/attempts/*/log.txt")),
            120,
            "a trial is inside its first epoch",
            process=process,
        )
        yield process, open_store(folder / "store")
    finally:
        process.kill()
        process.communicate()


def assert_ended_in_order(folder: Path, store: Store, process: subprocess.Popen[str]) -> None:
    """Every attempt wrote a checkpoint and says that it was stopped; nothing else is left."""
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130, said
    assert f"Stopped. Continue with: aesweep resume {store.storage.root}" in said
    attempts = list((folder / "store" / "trials").glob("*/attempts/*"))
    assert 1 <= len(attempts) <= 2, "no trial was begun after the request"
    for attempt in attempts:
        assert json.loads((attempt / "end.json").read_text())["how"] == "stopped"
        assert (attempt / "checkpoint.pt").exists()
    assert len(pd.read_parquet(folder / "store" / "tables" / "trials.parquet")) == 8
    assert store.storage.names("progress") == []
    assert not list((folder / "store").rglob(".tmp-*"))


@pytest.mark.slow  # by default in one process: test_stopping.py, and in a worker: test_trainable.py, test_training_attempt.py
@pytest.mark.faults
def test_stop_from_another_shell_ends_the_sweep_with_checkpoints(tmp_path: Path) -> None:
    with training_sweep(tmp_path) as (process, store):
        stop = run_cli("stop", "store", "--wait", cwd=tmp_path)
        assert stop.returncode == 0, stop.stderr
        assert f"process {process.pid}" in stop.stdout and "aesweep resume store" in stop.stdout
        assert_ended_in_order(tmp_path, store, process)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.usefixtures("foreground")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_the_whole_group_ends_the_sweep_with_checkpoints(tmp_path: Path, number: signal.Signals) -> None:
    with training_sweep(tmp_path) as (process, store):
        os.killpg(process.pid, number)  # as a terminal, `timeout` and many supervisors do
        assert_ended_in_order(tmp_path, store, process)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.usefixtures("foreground")
def test_a_second_signal_ends_the_sweep_at_once(tmp_path: Path) -> None:
    with training_sweep(tmp_path) as (process, store):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert "aesweep resume" in said
        assert store.storage.names("progress") == []
