"""Addresses that cannot be meant are refused by their form alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aesweep.cluster.address import check_address, require_own
from aesweep.cluster.errors import ClusterError


@pytest.mark.parametrize(
    "address",
    ["local", "auto", "127.0.0.1:6379", "head:6379", "head.example.org:10001", "[::1]:6379", "bücher.example:1"],
)
def test_a_host_with_its_port_will_do(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *("bogus", "", "host", "host:", ":6379", ".:6379", "a..b:6379", f"{'a' * 80}:6379", "ray://host:10001"),
        *("host:0", "host:99999", f"host:{'9' * 5000}", "host:-1", "[]:6379"),
    ],
)
def test_what_is_no_address_is_refused_in_two_lines(address: str) -> None:
    with pytest.raises(ClusterError, match=r"^--address: .* cannot be used.\nGive local, auto, or HOST:PORT"):
        check_address(address)


def test_looking_at_an_address_needs_no_ray() -> None:
    code = "import sys; from aesweep.cluster.address import check_address; check_address('a:1'); print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


HEAD = f"127.0.0.2:{20000 + os.getpid() % 10000}"


@contextmanager
def says_that_it_belongs_to(head: str, user: int) -> Iterator[None]:
    """A process with the command line of a raylet."""
    words = ["bash", "-c", "echo; read", "raylet/raylet", f"--gcs-address={head}"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=user, cwd="/") as process:
        assert process.stdout is not None and process.stdout.readline()
        yield
        process.kill()


def test_auto_finds_a_ray_of_this_user() -> None:
    with says_that_it_belongs_to(HEAD, os.geteuid()):
        require_own(HEAD)


@pytest.mark.skipif(os.geteuid() != 0, reason="a process of another user needs root")
def test_auto_does_not_join_what_another_user_runs() -> None:
    with says_that_it_belongs_to(HEAD, 54321), pytest.raises(ClusterError, match=f"--address {HEAD}"):
        require_own(HEAD)


def test_auto_does_not_join_what_no_process_here_belongs_to() -> None:
    with pytest.raises(ClusterError, match="no Ray of yours on this machine"):
        require_own("192.0.2.1:6379")
