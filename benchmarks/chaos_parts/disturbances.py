"""What the chaos benchmark does to a sweep: one function for each kind of disturbance, and how often it is chosen.

A function gives False where there is nothing to disturb now, such as a worker while the sweep starts.
"""

import json
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from chaos_parts.processes import Driver, Machines, Sleeper, busy_workers, descendants, raylets, send

GONE_SECONDS = 66.0  # a driver that was not seen for a minute counts as gone (sweep/store/drivers.py)
NODE_SECONDS = 45.0  # Ray takes a node that answers nothing for some 30 seconds for dead
MOST_DRIVERS = 2  # awake at once
MOST_ASLEEP = 2


class Sweep(Protocol):
    """What a disturbance sees of a sweep."""

    machines: Machines | None
    """The cluster; None where each driver starts a Ray of its own."""
    sleepers: list[Sleeper]
    store: Path
    specs: tuple[str, ...]
    """Names of the two specs."""

    @property
    def awake(self) -> list[Driver]:
        """Drivers that run."""

    def start(self, spec: str) -> None:
        """Launch another driver."""


Act = Callable[[Sweep, random.Random], bool]


class Kind(NamedTuple):
    """A kind of disturbance, with its share where the sweep runs on a cluster and where on a local Ray."""

    act: Act
    cluster: float
    local: float


def kill_driver(sweep: Sweep, chance: random.Random) -> bool:
    """SIGKILL of a driver."""
    return _signal_a_driver(sweep, chance, signal.SIGKILL)


def ask_driver_to_stop(sweep: Sweep, chance: random.Random) -> bool:
    """SIGTERM or SIGINT of a driver; at times a second one before it has ended."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    if not _signal_a_driver(sweep, chance, chance.choice(numbers)):
        return False
    if chance.random() < 0.25:
        _signal_a_driver(sweep, chance, chance.choice(numbers))
    return True


def suspend_driver(sweep: Sweep, chance: random.Random) -> bool:
    """SIGSTOP of a driver, for longer than after which it counts as gone."""
    if len(sweep.sleepers) >= MOST_ASLEEP or not sweep.awake:
        return False
    driver = chance.choice(sweep.awake)
    return _suspend(sweep, "a driver", [driver.process.pid], GONE_SECONDS, driver)


def suspend_machine(sweep: Sweep, chance: random.Random) -> bool:
    """SIGSTOP of everything: of a driver with its local Ray, or of a node of the cluster, in whose place another one joins."""
    if len(sweep.sleepers) >= MOST_ASLEEP:
        return False
    if sweep.machines is None:
        able = [driver for driver in sweep.awake if busy_workers([driver.process.pid])]
        if not able:
            return False
        driver = chance.choice(able)
        return _suspend(sweep, "a machine", descendants(driver.process.pid), GONE_SECONDS, driver)
    if not busy_workers([sweep.machines.raylet]):
        return False
    _suspend(sweep, "a node", descendants(sweep.machines.raylet), NODE_SECONDS)
    sweep.machines.lose_node(kill=False)
    return True


def kill_worker(sweep: Sweep, chance: random.Random) -> bool:
    """SIGKILL of a process that trains or scores."""
    workers = _workers(sweep)
    return bool(workers) and send(chance.choice(workers), signal.SIGKILL)


def hang_worker(sweep: Sweep, chance: random.Random) -> bool:
    """SIGSTOP of a process that has given a sign of life. Nobody wakes it up: the driver has to notice."""
    signs = set[int]()
    for path in sweep.store.glob("progress/*.alive"):
        with suppress(OSError, ValueError):  # it ends just now
            signs.add(json.loads(path.read_text())["pid"])
    workers = [pid for pid in _workers(sweep) if pid in signs]
    return bool(workers) and send(chance.choice(workers), signal.SIGSTOP)


def kill_raylet(sweep: Sweep, chance: random.Random) -> bool:
    """SIGKILL of the raylet of a local Ray, or of a node of the cluster, in whose place another one joins."""
    if sweep.machines is not None:
        send(sweep.machines.raylet, signal.SIGKILL)
        sweep.machines.lose_node(kill=False)
        return True
    found = [raylet for driver in sweep.awake for raylet in raylets(driver.process.pid)]
    return bool(found) and send(chance.choice(found), signal.SIGKILL)


def kill_node(sweep: Sweep, chance: random.Random) -> bool:
    """SIGKILL of everything on a node of the cluster; another one joins."""
    if sweep.machines is None:
        return False
    sweep.machines.lose_node(kill=True)
    return True


def start_second_driver(sweep: Sweep, chance: random.Random) -> bool:
    """Another driver on the same store, with the same spec or with the other one, which shares trials with it."""
    if not sweep.awake or len(sweep.awake) >= MOST_DRIVERS:
        return False
    sweep.start(chance.choice(sweep.specs))
    return True


KINDS = {
    "driver killed": Kind(kill_driver, 0.16, 0.14),
    "driver asked to stop (SIGTERM or SIGINT)": Kind(ask_driver_to_stop, 0.10, 0.10),
    "driver suspended for a minute": Kind(suspend_driver, 0.04, 0.08),
    "machine suspended": Kind(suspend_machine, 0.06, 0.06),
    "worker killed": Kind(kill_worker, 0.24, 0.28),
    "worker hung": Kind(hang_worker, 0.10, 0.10),
    "raylet killed": Kind(kill_raylet, 0.10, 0.12),
    "node killed": Kind(kill_node, 0.10, 0.0),
    "second driver started": Kind(start_second_driver, 0.10, 0.12),
}
"""Each with its shares, which need not sum to 1."""


def choose(sweep: Sweep, chance: random.Random, names: list[str]) -> str:
    """One of these kinds that the sweep's Ray allows."""
    shares = [KINDS[name].cluster if sweep.machines else KINDS[name].local for name in names]
    return chance.choices(names, weights=shares)[0]


def _signal_a_driver(sweep: Sweep, chance: random.Random, number: int) -> bool:
    if not sweep.awake:
        return False
    return send(chance.choice(sweep.awake).process.pid, number)


def _suspend(sweep: Sweep, what: str, pids: list[int], seconds: float, driver: Driver | None = None) -> bool:
    for pid in pids:
        send(pid, signal.SIGSTOP)
    sweep.sleepers.append(Sleeper(what, pids, time.monotonic() + seconds, driver))
    if driver is not None:
        driver.asleep = True
    return True


def _workers(sweep: Sweep) -> list[int]:
    if sweep.machines is not None:
        return busy_workers(sweep.machines.roots)
    return busy_workers([driver.process.pid for driver in sweep.awake])
