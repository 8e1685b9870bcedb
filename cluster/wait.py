"""Waiting until the machines of a cluster have joined: `ray up` returns when the head is ready, before its workers are.

    aesweep wait 4                # four machines beside this one
    aesweep wait host-1,host-2    # as many as are named
    aesweep wait gpus=8           # eight GPUs; an autoscaler is asked for those that are missing

A sweep uses machines that join later too, but what it asks of them (a share of a GPU or none) is settled when it starts.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from aesweep.cluster.connect import connect
from aesweep.cluster.demand import Demand
from aesweep.cluster.errors import ClusterError
from aesweep.cluster.resources import cluster_resources

LOOK_EVERY_SECONDS = 2.0
SAY_EVERY_SECONDS = 15.0
LONGEST_SECONDS = 1800.0  # machines in a cloud take some minutes, and more where their image must be fetched


def wait_for_machines(workers: int, longest_seconds: float = LONGEST_SECONDS) -> None:
    """Wait for `workers` machines besides the head; `ClusterError` if they do not join within `longest_seconds`."""
    _wait("machines besides the head node", workers, longest_seconds, lambda: len(cluster_resources().nodes) - 1)


def wait_for_gpus(gpus: int, longest_seconds: float = LONGEST_SECONDS) -> None:
    """Wait for `gpus` GPUs and ask Ray's autoscaler for them; `ClusterError` if they do not join in `longest_seconds`."""
    demand = Demand()
    demand.ask([{"GPU": 1.0}] * gpus)
    try:
        _wait("GPUs", gpus, longest_seconds, lambda: int(cluster_resources().gpus))
    finally:
        demand.ask([])


def _wait(what: str, wanted: int, longest_seconds: float, look: Callable[[], int]) -> None:
    started = said = time.monotonic()
    while (found := look()) < wanted:
        now = time.monotonic()
        if now - said >= SAY_EVERY_SECONDS:
            said = now
            print(f"{what}: {found} of {wanted} after {now - started:.0f} s", file=sys.stderr, flush=True)
        if now - started >= longest_seconds:
            remedy = f"Only {found} of them joined in {longest_seconds:g} seconds; `ray status` and its logs say more."
            raise ClusterError(what, wanted, remedy)
        time.sleep(LOOK_EVERY_SECONDS)


def wait(words: Sequence[str], address: str = "auto") -> None:
    """`COUNT`, `HOST,HOST…` or `gpus=COUNT`: wait for them. Raises `ClusterError` where they do not come."""
    wait_for_them = _what(words)
    with connect(address):
        wait_for_them()


def _what(words: Sequence[str]) -> Callable[[], None]:
    named = [name for word in words for name in word.replace(",", " ").split()]
    if not named:
        remedy = "Give the number of machines besides the head node, their names, or gpus=COUNT."
        raise ClusterError("machines", None, remedy)
    first, equals, count = named[0].partition("=")
    if equals:
        if first != "gpus" or not count.isdecimal() or len(named) > 1:
            raise ClusterError("machines", " ".join(words), "Give gpus=COUNT, such as gpus=8, and nothing else.")
        return partial(wait_for_gpus, int(count))
    return partial(wait_for_machines, int(first) if len(named) == 1 and first.isdecimal() else len(named))
