"""Clusters that are only planned."""

import pytest

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.planned.sizes import read_cluster


def test_a_size_says_machines_gpus_type_and_cpus() -> None:
    cluster = read_cluster("2x8xH200:192, 1x1xl4,1x0:64")
    found = [(node.gpus, node.cpus) for node in cluster.resources.nodes]
    assert found == [(8, 192), (8, 192), (1, 16), (0, 64)]
    assert cluster.speeds == pytest.approx((1, 1, 121 / 989, 1))
    assert (cluster.resources.gpus, cluster.resources.cpus) == (17, 464)
    assert len({node.name for node in cluster.resources.nodes}) == 4


@pytest.mark.parametrize(
    "text",
    ["", "4", "x8", "4x8x", "4x8xH200:", "0x8", "4x8xToaster", "2x0", "99999x1", "4x65", "4x8xH200:0", "4x8;1x1"],
)
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ClusterError) as caught:
        read_cluster(text)
    said = str(caught.value)
    assert "--cluster" in said and ("4x8xH200" in said or "3x0:64" in said or "H200" in said)


def test_too_many_machines_are_refused() -> None:
    with pytest.raises(ClusterError, match="10,000 machines"):
        read_cluster("9999x1,9x1")
