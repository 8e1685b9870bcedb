"""A question to each machine of the cluster, answered there by a task of its own."""

from collections.abc import Iterator
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aesweep.sweep.provenance import this_machine
from aesweep.sweep.store.records.launches import MachineRecord

PATIENCE_SECONDS = 300.0
"""How long a machine may take to start a worker; one that takes longer, or dies meanwhile, is passed over."""


def ask_every_machine(question: Any, *words: object) -> Iterator[tuple[str, Any]]:
    """Host and answer of each machine. `question` is a remote function, whose error is raised here."""
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[question.options(scheduling_strategy=there).remote(*words)] = node["NodeManagerHostname"]
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_SECONDS)
    for answer in ready:
        try:
            yield asked[answer], ray.get(answer)
        except RayTaskError:
            raise
        except RayError:  # the machine died before it answered
            continue


def machines_of_cluster() -> list[MachineRecord]:
    """What every machine that is there now runs on."""
    return [MachineRecord(**fields) for _, fields in ask_every_machine(_look)]


@ray.remote(num_cpus=0, max_retries=0)
def _look() -> dict[str, str]:
    return dict(this_machine())
