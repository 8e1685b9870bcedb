"""Whether another driver works on a store: a second one is refused, since it would do the same work again.

A driver that was killed on another machine leaves a progress file that looks alive for a minute, and whoever takes its place
at once (Slurm, Kubernetes) must not be refused. So only a driver that replaces its file while this watches counts; a living
one does that every `WRITE_EVERY_SECONDS`, however busy it is.
"""

import shlex
import time

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.store.drivers import Driver, living_drivers
from aesweep.sweep.store.store import Store

WATCH_SECONDS = 12.0
"""A little more than two pauses between writes. Only a driver that looks alive is watched for so long."""
LOOK_EVERY_SECONDS = 0.5


def require_alone(store: Store | None, also: bool = False) -> None:
    """Raise `InputError` where another driver works on the store, unless a second one is asked for with `also`."""
    if store is not None and not also and (driver := driver_at_work(store)) is not None:
        root = shlex.quote(store.root)
        remedy = (
            f"A driver works on it ({one_line(driver.said.host)}, process {driver.said.pid}). `aesweep status {root} --watch` "
            f"shows it, `aesweep stop {root} --wait` ends it, and --also starts another one anyway."
        )
        raise InputError("--store", store.root, remedy)


def driver_at_work(store: Store) -> Driver | None:
    """A driver that certainly works on the store now.

    None as soon as all that looked alive have ended, and after `WATCH_SECONDS` without a sign of one.
    """
    seen = {driver.file: driver.said.time for driver in living_drivers(store)}
    until = time.monotonic() + WATCH_SECONDS
    while seen and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)
        there = [driver for driver in living_drivers(store) if driver.file in seen]
        for driver in there:
            if driver.said.time != seen[driver.file]:
                return driver
        seen = {driver.file: seen[driver.file] for driver in there}
    return None
