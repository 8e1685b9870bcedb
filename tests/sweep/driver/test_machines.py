"""A sweep and the machines that it finds."""

import json
import subprocess
import sys
import tempfile
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import ray
from rich.console import Console

from aesweep.cluster.connect import LOCAL_SWITCH
from aesweep.models.errors import InputError
from aesweep.sweep.launch import launch
from aesweep.sweep.store.store import open_store
from tests.fresh_process import command_environment
from tests.sweep.driver.aftermath import assert_nothing_left_in
from tests.sweep.driver.test_failures import write_spec

# A machine of one CPU; another one joins when the first trial is at work.
LAUNCH_WITH_A_MACHINE_THAT_JOINS = """
import sys, ray, ray.tune
from aesweep.cluster.connect import set_environment
from aesweep.cluster.staging import staged_code
set_environment()
from ray.cluster_utils import Cluster
from aesweep.sweep.driver import machines
machines.LOOK_EVERY_SECONDS = 1.0
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
with staged_code() as code:
    ray.init(address=cluster.address, log_to_driver=False, runtime_env={"working_dir": str(code)})

class Join(ray.tune.Callback):
    def on_trial_result(self, iteration, trials, trial, result, **info):
        import __main__  # Tune pickles its callbacks
        if len(__main__.cluster.list_all_nodes()) == 1:
            __main__.cluster.add_node(num_cpus=1)

from aesweep.sweep.launch import launch
code = launch(sys.argv[1], sys.argv[2], callbacks=[Join()]).exit_code
ray.shutdown()
cluster.shutdown()
sys.exit(code)
"""


def test_a_sweep_that_wants_gpus_is_refused_where_there_is_none_and_no_trial_fails(
    tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    if ray.cluster_resources().get("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match=r"(?s)^device: 'cuda' cannot be used.*has no GPU"):
        launch(str(tiny_spec), tmp_path / "store", overrides=["device=cuda"], console=Console(quiet=True))
    store = open_store(tmp_path / "store")
    assert store.trials.known_keys()
    assert not any(store.attempts.of(key, "train") or store.attempts.failures(key) for key in store.trials.known_keys())


@pytest.mark.slow
def test_a_machine_that_joins_a_running_sweep_trains_too(tmp_path: Path, own_env: dict[str, str]) -> None:
    spec, trials = write_spec(tmp_path, "2..4")
    spec.write_text(spec.read_text().replace("epochs: 2", "epochs: 12"))
    words = [sys.executable, "-c", LAUNCH_WITH_A_MACHINE_THAT_JOINS, str(spec), str(tmp_path / "store")]
    env = command_environment(**own_env)
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "store" / "tables" / "trials.parquet")
    assert list(table.state) == ["done"] * len(trials)
    times = sorted(
        (datetime.fromisoformat(str(t.started)), datetime.fromisoformat(str(t.ended))) for t in table.itertuples()
    )
    together = [later[0] < earlier[1] for earlier, later in pairwise(times)]
    assert any(together), "two trials at once need both machines"
    assert_nothing_left_in(tmp_path / "store")


@pytest.mark.slow
def test_an_autoscaler_starts_machines_for_what_waits_and_stops_them_when_the_driver_is_gone(tmp_path: Path) -> None:
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]  # every process of it ends with it
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a PID namespace")
    spec, trials = write_spec(tmp_path, "2..9")
    spec.write_text(spec.read_text().replace("epochs: 2", "epochs: 25"))
    words = [*namespace, sys.executable, "-m", "tests.sweep.driver.autoscaled", str(spec), str(tmp_path / "store")]
    with tempfile.TemporaryDirectory(prefix="aes-") as short:
        env = command_environment(TMPDIR=short, **{LOCAL_SWITCH: "0"})
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["exit_code"] == 0, done.stderr
    assert seen["first"][-1] == seen["second"][-1] == 1, seen
    assert max(seen["first"]) == max(seen["second"]) == 3, f"{seen}\n{done.stderr}"
    table = pd.read_parquet(tmp_path / "store" / "tables" / "trials.parquet")
    assert list(table.state) == ["done"] * len(trials)
