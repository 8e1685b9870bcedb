"""A local Ray listens on loopback only, with and without a dashboard."""

import ipaddress
import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest

from tests.cluster.proc import family, listening
from tests.fresh_process import REPOSITORY


def test_the_view_of_sockets_sees_one_that_is_open_to_the_network() -> None:
    with socket.create_server(("", 0)) as server:
        assert f"0.0.0.0 {server.getsockname()[1]}" in listening([os.getpid()])


def test_a_local_ray_listens_on_loopback_alone(ray_cluster: None) -> None:
    """Every port of every process of the session: head, raylet, agents, workers, the driver itself."""
    import ray

    @ray.remote(num_cpus=0)
    def work() -> bool:
        return True

    assert ray.get(work.remote())  # so that a worker runs
    found = listening(family(os.getpid()))
    assert len(found) > 5, found
    assert {place: who for place, who in found.items() if not ipaddress.ip_address(place.split()[0]).is_loopback} == {}


@pytest.mark.slow
def test_a_dashboard_that_is_asked_for_is_on_loopback_too() -> None:
    code = (
        "import json, os, ray\n"
        "from aesweep.cluster.connect import connect\n"
        "from tests.cluster.proc import family, listening\n"
        "with connect('local', num_cpus=1, include_dashboard=True):\n"
        "    url = ray._private.worker._global_node.webui_url\n"
        "    print(json.dumps([url, listening(family(os.getpid()))]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=200, check=True
    )
    url, found = json.loads(done.stdout.splitlines()[-1])
    assert f"127.0.0.1 {url.rpartition(':')[2]}" in found
    assert all(ipaddress.ip_address(place.split()[0]).is_loopback for place in found), found


def test_a_local_ray_has_no_dashboard_and_no_client_port_unless_asked(ray_cluster: None) -> None:
    import ray

    node: Any = ray._private.worker._global_node
    assert not node.webui_url
    ports = {int(place.split()[1]) for place in listening(family(os.getpid()))}
    assert not ports & {8265, 10001}
