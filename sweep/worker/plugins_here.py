"""Whether every machine of the cluster has the plug-ins of a sweep, asked before the first trial starts.

A plug-in that one worker lacks would fail there trial by trial, hours after the launch. Reading its description takes a
second, so each machine that is there at the start is asked by a task of its own. One that joins later is not asked: what
it lacks is a recorded failure of the trial.
"""

from collections.abc import Collection

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aesweep.models.errors import one_line
from aesweep.models.plugins.plugin import PluginError, Use
from aesweep.models.plugins.registry import require

PATIENCE_SECONDS = 300.0
"""How long a machine may take to start a worker; one that takes longer, or dies meanwhile, is passed over."""


def require_on_workers(uses: Collection[str]) -> None:
    """Raise `PluginError` for a plug-in (`Plugin.use`) that a machine does not have, or has in another version."""
    if not uses:
        return
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[_lacking.options(scheduling_strategy=here).remote(tuple(uses))] = node["NodeManagerHostname"]
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_SECONDS)
    for answer in ready:
        try:
            found = ray.get(answer)
        except RayTaskError:
            raise
        except RayError:  # the machine died before it answered
            continue
        if found is not None:
            kind, name, reason = found
            remedy = f"The machine {one_line(asked[answer])} does not have it as this one does: {reason}"
            raise PluginError(kind, name, remedy)


@ray.remote(num_cpus=0, max_retries=0)
def _lacking(uses: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Kind, name and reason of the first plug-in that this machine lacks."""
    for use in uses:
        try:
            require([use])
        except PluginError as error:
            kind, name, _ = Use.parse(use)
            return kind, name, error.remedy
    return None
