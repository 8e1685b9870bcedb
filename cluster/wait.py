"""Waiting until the machines of a cluster have joined: `ray up` returns when the head is ready, before its workers are.

    python -m cluster.wait 4                # four machines beside this one
    python -m cluster.wait host-1,host-2    # as many as are named

A sweep uses machines that join later too, but what it asks of them (a share of a GPU or none) is settled when it starts.
"""

import sys
import time
from collections.abc import Sequence

import ray

from cluster.connect import connect
from cluster.errors import ClusterError

LOOK_EVERY_SECONDS = 2.0
LONGEST_SECONDS = 1800.0  # machines in a cloud take some minutes, and more where their image must be fetched


def wait_for_machines(workers: int, longest_seconds: float = LONGEST_SECONDS) -> None:
    """Wait until `workers` machines beside the head belong to the Ray that this process uses.

    Raises `ClusterError` where they do not within `longest_seconds`.
    """
    deadline = time.monotonic() + longest_seconds
    while (alive := sum(node["Alive"] for node in ray.nodes()) - 1) < workers:
        if time.monotonic() >= deadline:
            remedy = f"Only {alive} of them joined in {longest_seconds:g} seconds; `ray status` and its logs say more."
            raise ClusterError("machines beside the head", workers, remedy)
        time.sleep(LOOK_EVERY_SECONDS)


def main(words: Sequence[str]) -> int:
    """`COUNT` or `HOST,HOST…`: wait; exit code 2 where the machines do not come."""
    try:
        workers = _count(words)
        with connect("auto"):
            wait_for_machines(workers)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _count(words: Sequence[str]) -> int:
    hosts = [host for word in words for host in word.replace(",", " ").split()]
    if not hosts:
        raise ClusterError("machines", "nothing", "Give how many machines there are beside the head, or their names.")
    return int(hosts[0]) if len(hosts) == 1 and hosts[0].isdecimal() else len(hosts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
