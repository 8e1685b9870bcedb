"""Connecting to real Rays: what workers see, what the network sees, what is left after a SIGKILL."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import ray

from aesweep.cluster.connect import ENVIRONMENT, LOCAL_SWITCH, LOOPBACK, connect
from tests.cluster.proc import family, is_running
from tests.fresh_process import REPOSITORY, command_environment
from tests.waiting import wait_until

# A driver of its own process: it connects, has one task running, says so, and waits for the end.
DRIVER = """
import time, ray
from aesweep.cluster.connect import connect

with connect("local", num_cpus=1):
    @ray.remote
    def work():
        time.sleep(600)

    @ray.remote(num_cpus=0)
    def ready():
        return True

    reference = work.remote()
    ray.get(ready.remote())
    print("ready", flush=True)
    ray.get(reference)
"""
GONE_SECONDS = 30


def test_workers_run_the_staged_code(ray_cluster: None) -> None:
    @ray.remote(num_cpus=0)
    def places() -> list[str]:
        import aesweep.cluster.staging
        import aesweep.models.config

        return [aesweep.__file__, aesweep.models.config.__file__, aesweep.cluster.staging.__file__]

    assert all("working_dir_files" in place for place in ray.get(places.remote()))


def test_a_ray_that_is_in_use_is_used_and_left_running(ray_cluster: None) -> None:
    with connect("local") as connection:
        assert not connection.started_here
    assert ray.is_initialized()


@pytest.mark.parametrize("mode", ["token", "disabled"])
def test_a_head_that_wants_another_token_is_named_at_once(ray_cluster: None, tmp_path: Path, mode: str) -> None:
    """The Ray of these tests has a token that nobody else knows."""
    head = ray.get_runtime_context().gcs_address
    (tmp_path / "token").write_text("0" * 64)
    own = {
        "RAY_AUTH_MODE": mode,
        "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"),
        LOCAL_SWITCH: "0",
    }  # stays on loopback
    program = "import sys, time\nfrom aesweep.cluster.connect import connect\nbegun = time.monotonic()\n" + (
        "try:\n    with connect(sys.argv[1]): pass\nexcept Exception as error: print(time.monotonic() - begun, error, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, head],
        env=command_environment(**own),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    seconds, first, second = done.stdout.splitlines()
    assert first == f"--address: '{head}' cannot be used." and second.startswith("The cluster wants another token")
    assert f"RAY_AUTH_MODE is {mode}" in second and "RAY_AUTH_TOKEN_PATH" in second
    assert done.stderr == ""
    assert float(seconds) < 15, "Ray alone tries for 20 seconds"


def test_a_local_ray_listens_on_loopback_only(ray_cluster: None) -> None:
    with connect() as connection:
        host, _, port = connection.address.rpartition(":")
    assert host == LOOPBACK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; chooses the address that the network would see
        except OSError:
            pytest.skip("this machine has no network")
        own = probe.getsockname()[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own, int(port)), timeout=5)


def test_starting_ray_leaves_only_the_announced_environment(ray_cluster: None) -> None:
    assert ENVIRONMENT.keys() <= os.environ.keys()
    assert LOCAL_SWITCH not in os.environ


def _messages_of_refused_addresses(*addresses: str) -> dict[str, str]:
    """What `connect` says of each, in one process that uses no Ray (this one may)."""
    code = (
        "import json, sys, threading\n"
        "from aesweep.cluster.connect import connect\n"
        "from aesweep.cluster.errors import ClusterError\n"
        "said = {}\n"
        "for address in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        with connect(address):\n"
        "            said[address] = 'connected'\n"
        "    except ClusterError as error:\n"
        "        said[address] = str(error)\n"
        "print(json.dumps(said))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(addresses)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_addresses_that_lead_nowhere_are_refused_in_two_lines() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        free = f"{LOOPBACK}:{server.getsockname()[1]}"
    malformed = ("somewhere", "ray://host:10001", "host:", ":6379", "host:0", "host:99999", "")

    said = _messages_of_refused_addresses(*malformed, free, "no-such-host.invalid:6379")

    for address, message in said.items():
        first, second = message.split("\n")
        assert first == f"--address: {address!r} cannot be used."
        expected = "Give local, auto, or HOST:PORT" if address in malformed else "No Ray cluster can be reached there"
        assert second.startswith(expected)


@pytest.mark.faults
@pytest.mark.parametrize("process", ["gcs_server", "raylet"])
def test_a_start_of_ray_that_hangs_is_given_up_in_two_lines_and_leaves_no_process(process: str, tmp_path: Path) -> None:
    """One of Ray's processes stops as soon as it is there, as after a machine was suspended."""
    program = (
        "import sys\nfrom aesweep.cluster import connect\nconnect.START_SECONDS = connect.GRACE_SECONDS = 20.0\n"
        "try:\n    with connect.connect(): print('started')\n"
        "except connect.ClusterError as error: sys.exit(print(error, file=sys.stderr) or 2)"
    )
    start = subprocess.Popen(
        [sys.executable, "-c", program],
        env=command_environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stopped = wait_until(lambda: [p for p in family(start.pid) if _program(p) == process], 60, f"{process} runs")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    said, error = start.communicate(timeout=120)
    assert (said, start.returncode) == ("", 2), error
    first, second = error.splitlines()[-2:]
    assert first == "--address: 'local' cannot be used."
    assert second.startswith("Ray does not start here"), second
    # Ray itself waits half a minute for its head, and for ever for a raylet.
    assert process == "gcs_server" or "there was no answer within 20 seconds" in second
    wait_until(lambda: not any(map(is_running, stopped)), GONE_SECONDS, "the stopped process is gone")
    wait_until(lambda: not list(tmp_path.iterdir()), GONE_SECONDS, "the folder of that Ray is gone")


@pytest.mark.faults
def test_a_request_to_stop_is_heard_while_ray_starts_runs_and_ends() -> None:
    """Ray takes SIGTERM for itself when it starts, and gives it to the system's default when it ends.

    What its C++ code takes ends in an alarm, which aborts the process three seconds later.
    """
    program = (
        "import signal\nfrom ray._private.node import Node\nfrom aesweep.cluster.connect import connect\nasked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append('asked'))\n"
        "end_processes = Node.kill_all_processes\n"
        "def asked_meanwhile(*words, **more):\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    return end_processes(*words, **more)\n"
        "Node.kill_all_processes = asked_meanwhile\n"
        "with connect():\n"
        "    alarm = signal.alarm(0)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    alarm += signal.alarm(0)\n"
        "signal.raise_signal(signal.SIGTERM)\n"
        "print(*asked, alarm)"
    )
    start = subprocess.Popen(
        [sys.executable, "-c", program], env=command_environment(), stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: "gcs_server" in map(_program, family(start.pid)), 60, "gcs_server runs")
    start.send_signal(signal.SIGTERM)
    said, _ = start.communicate(timeout=120)
    assert (said.split(), start.returncode) == ([*4 * ["asked"], "0"], 0)


@pytest.mark.slow  # it waits for an answer that does not come
def test_a_port_that_is_not_rays_is_refused_in_seconds() -> None:
    with socket.create_server(("", 0)) as silent, socket.create_server(("", 0)) as talking:
        addresses = [f"{LOOPBACK}:{server.getsockname()[1]}" for server in (silent, talking)]
        threading.Thread(target=_answer_in_http1, args=(talking,), daemon=True).start()
        said = _messages_of_refused_addresses(*addresses)
    assert "No Ray cluster can be reached there (timed out)" in said[addresses[0]]
    assert "is no Ray head" in said[addresses[1]]


def _answer_in_http1(server: socket.socket) -> None:
    link, _ = server.accept()
    with link:
        link.recv(100)
        link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


# A cluster of two machines (Ray's own test fixture) that the process named on the command line joins and leaves.
CLUSTER = """
import subprocess, sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
cluster.add_node(num_cpus=2)
cluster.wait_for_nodes()
for turn in range(2):
    done = subprocess.run([sys.executable, "-c", sys.argv[1], cluster.address], capture_output=True, text=True)
    print((done.stdout.splitlines() or [done.stderr])[-1])
cluster.shutdown()
"""
JOINING = """
import sys
from aesweep.cluster.connect import connect
from aesweep.cluster.doctor import check_ray
from aesweep.cluster.resources import cluster_resources

with connect(sys.argv[1]) as connection:
    found = cluster_resources()
    codes = [c.status for c in check_ray()]
    print(connection.started_here, connection.address == sys.argv[1], found.cpus, len(found.nodes), *codes)
"""


@pytest.mark.slow
def test_a_running_cluster_is_joined_used_on_every_machine_and_left_running() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER, JOINING],
        cwd=REPOSITORY,
        env={k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout.splitlines() == ["False True 3.0 2 ok ok ok"] * 2, done.stdout + done.stderr


def test_a_local_ray_is_started_from_the_main_thread_only() -> None:
    code = (
        "import threading\n"
        "from aesweep.cluster.connect import connect\n"
        "from aesweep.cluster.errors import ClusterError\n"
        "def start():\n"
        "    try:\n"
        "        connect('local').__enter__()\n"
        "    except ClusterError as error:\n"
        "        print(error)\n"
        "thread = threading.Thread(target=start, name='web-request')\n"
        "thread.start(); thread.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[0] == "thread: 'web-request' cannot be used."


@pytest.mark.slow  # by default a whole sweep shows it (tests/sweep/driver/test_launch.py)
def test_nothing_of_a_local_ray_survives_a_sigkill_of_its_driver() -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "ready\n"
    names: dict[int, str] = {}

    def works() -> bool:  # `ready` may have run before `work` began
        names.update({pid: _title(pid) for pid in family(driver.pid)})
        return any("ray::work" in name for name in names.values())

    wait_until(works, GONE_SECONDS, "the work has begun", lambda: names)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()

    def left() -> list[str]:
        return [name for pid, name in names.items() if is_running(pid)]

    wait_until(lambda: not left(), GONE_SECONDS, "every process has ended", left)


def _title(pid: int) -> str:
    """The start of a process' command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80]
    except OSError:
        return ""


def _program(pid: int) -> str:
    """Name of the file that a process runs; empty when it is gone."""
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return ""
