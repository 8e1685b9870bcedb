"""Addresses that cannot be meant are refused by their form alone."""

import subprocess
import sys

import pytest

from aesweep.cluster.address import check_address
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
