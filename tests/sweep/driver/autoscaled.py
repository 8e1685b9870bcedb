"""A cluster whose autoscaler starts machines, on this machine: run as the first process of a PID namespace.

    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 python -m tests.sweep.driver.autoscaled SPEC STORE   (it stays on loopback so)

Launches the sweep, kills its driver when the cluster has grown to three machines, waits until two of them are gone, and
launches again. Prints the numbers of machines that were seen, as JSON: {"first": [1, 2, 3, 2, 1], "second": [...]}.
Ray's own autoscaler does it, version 2; only the cloud is Ray's fake one, whose machines are processes here.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import ray

from aesweep.cluster.connect import set_environment
from aesweep.cluster.resources import cluster_resources
from tests.ports import free_port
from tests.waiting import wait_until

HEAD = "f" * 51 + "00000"  # the id that the fake cloud gives its head
HEAD_TYPE = "ray.head.default"  # and the type
MACHINES = 3
COMMANDS = "setup initialization head_setup worker_setup head_start_ray worker_start_ray"
LAUNCH = """
import sys
from aesweep.sweep.driver import machines
machines.LOOK_EVERY_SECONDS = 2.0
from aesweep.sweep.launch import launch
sys.exit(launch(sys.argv[1], sys.argv[2], address="auto").exit_code)
"""


def config(address: str) -> dict[str, object]:
    """The launcher's file: a head without CPUs, one machine of one CPU at least, three at most."""
    provider = {
        "type": "external",
        "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
        "gcs_address": address,
        "head_node_id": HEAD,
        "launch_multiple": True,
    }
    worker = {"CPU": 1, "object_store_memory": 100_000_000}
    return {
        "cluster_name": "fake",
        "provider": provider,
        "max_workers": MACHINES,
        "idle_timeout_minutes": 0.1,
        "head_node_type": HEAD_TYPE,
        "available_node_types": {
            HEAD_TYPE: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": worker, "node_config": {}, "min_workers": 1, "max_workers": MACHINES},
        },
        # Ray wants these of a file that `ray up` did not fill.
        **{name: {} for name in "docker auth file_mounts".split()},
        **{name: [] for name in "cluster_synced_files rsync_exclude rsync_filter".split()},
        **{f"{name}_commands": [] for name in COMMANDS.split()},
        "upscaling_speed": 10,
        "file_mounts_sync_continuously": False,
    }


def start_head() -> str:
    """Start it in the background; HOST:PORT."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    os.environ |= {
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_ADDRESS": address,
        "RAY_AUTH_MODE": "disabled",
    }
    path = os.path.join(os.environ["TMPDIR"], "autoscaler.json")
    with open(path, "w") as file:
        json.dump(config(address), file)
    words = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=0", f"--autoscaling-config={path}"]
    words += ["--min-worker-port=0", "--max-worker-port=0", "--include-dashboard=false"]
    subprocess.run([sys.executable, "-m", "ray.scripts.scripts", "start", *words], check=True, stdout=sys.stderr)
    return address


class Watcher:
    """Notes how many machines beside the head there are, whenever that changes."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def until(self, condition: Callable[[int], object], seconds: float = 60.0) -> None:
        """Look until the condition holds for the number of machines."""
        wait_until(lambda: condition(self._look()), seconds, "machines come and go", lambda: self.seen)

    def _look(self) -> int:
        count = len(cluster_resources().nodes) - 1
        if self.seen[-1:] != [count]:
            self.seen.append(count)
        return count


def main(spec: str, store: str) -> None:
    """The whole course of the test."""
    set_environment()
    ray.init(start_head(), log_to_driver=False)
    first, second = Watcher(), Watcher()
    first.until(lambda count: count == 1)
    launch = [sys.executable, "-c", LAUNCH, spec, store]
    driver = subprocess.Popen(launch)
    first.until(lambda count: count == MACHINES or driver.poll() is not None)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    first.until(lambda count: count == 1)
    driver = subprocess.Popen(launch)
    second.until(lambda _: driver.poll() is not None, 480.0)
    second.until(lambda count: count == 1)
    print(json.dumps({"first": first.seen, "second": second.seen, "exit_code": driver.poll()}))
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
