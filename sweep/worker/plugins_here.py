"""Whether every machine of the cluster has the plug-ins of a sweep, asked before the first trial starts.

A plug-in that one worker lacks would fail there trial by trial, hours after the launch. Reading its description takes a
second, so each machine that is there at the start is asked by a task of its own. One that joins later is not asked: what
it lacks is a recorded failure of the trial.
"""

from collections.abc import Collection

import ray

from aesweep.models.errors import one_line
from aesweep.models.plugins.plugin import PluginError, Use
from aesweep.models.plugins.registry import require
from aesweep.sweep.worker.every_machine import ask_every_machine


def require_on_workers(uses: Collection[str]) -> None:
    """Raise `PluginError` for a plug-in (`Plugin.use`) that a machine does not have, or has in another version."""
    for host, found in ask_every_machine(_lacking, tuple(uses)) if uses else ():
        if found is not None:
            kind, name, reason = found
            raise PluginError(kind, name, f"The machine {one_line(host)} does not have it as this one does: {reason}")


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
