"""A sweep on a cluster that is only planned: when it would end, without Ray and without training. Imports no torch.

The simulation places trials with the driver's own numbers: what a trial asks of Ray, how many run at once, how many
evaluations do (cluster/resources.py), and the order of the plan. What Ray and Tune do with these is written here: the next
trials of the order, as many as may run at once, ask for places together, and whoever fits begins; on a machine Ray takes the
GPU that has just enough room.

    waiting (in order) -> asking (as many as may run at once) -> running on a GPU -> waiting to be scored -> scored

Trials on one GPU share it. Each computes for `busy` of its time and leaves the GPU idle for the rest, between its kernels; where
the parts of all exceed the whole GPU, all slow down alike. A machine that dies takes its trials with it: they begin again from
their last checkpoint, at the front of the line.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from aesweep.cluster.planned.sizes import PlannedCluster
from aesweep.cluster.resources import Node, Resources, distinct, evaluation_slots, trial_slots

LOST_MACHINE_SECONDS = 300.0
"""Until another machine takes the place of one that died: an assumption, since clouds promise nothing."""
_DIGITS = 1e-6  # shares are rounded to Ray's units


@dataclass(frozen=True)
class Work:
    """One trial, as far as its place and its time are concerned."""

    bundle: Mapping[str, float]
    """What it asks of Ray."""
    computing: float
    """Seconds in which one H200, or all CPU threads of the trial, compute for its training."""
    idle: float = 0.0
    """Seconds of its training in which the device waits for the next kernel, whatever the device."""
    scoring: float = 0.0
    """Seconds of its evaluation."""
    round: int = 0
    """Which seed of its network it is."""
    fit_cost: float = 0.0
    """What orders evaluations: the dearest first."""


@dataclass(frozen=True)
class Site:
    """Machines, and what one must know of them."""

    cluster: PlannedCluster
    threads: int = 1
    """CPU threads of a trial."""
    checkpoint_seconds: float = 300.0
    start_seconds: float = 0.0
    """From the moment that a trial has its place to its first step."""
    driver_seconds: float = 0.0
    """What the driver's loop needs to start a trial. It starts one after the other."""
    max_concurrent: int | None = None
    """Most trials that train at once; None for as many as fit."""
    deaths_per_hour: float = 0.0
    """How often a machine dies, at random."""
    joins: Mapping[int, float] = field(default_factory=dict)
    """Number of a machine -> seconds until it joins; all others are there from the start."""
    leaves: Mapping[int, float] = field(default_factory=dict)
    """Number of a machine -> seconds until it dies for good."""
    most_seconds: float = math.inf
    """When the simulation is given up: where machines die before anything is kept, nothing ever ends."""


@dataclass
class Simulated:
    """What came out."""

    seconds: float = 0.0
    """Until everything is scored."""
    trained_seconds: float = 0.0
    """Until the last training ended."""
    first_look_seconds: float = 0.0
    """Until the first seed of every network is scored; 0 where they are from the start."""
    at_once: int = 0
    """Trials that trained at the same time, at most."""
    computing_seconds: float = 0.0
    """Time that all GPUs, or the threads of all trials, together computed, lost work included."""
    lost_seconds: float = 0.0
    """Training that was done twice."""
    lost_computing_seconds: float = 0.0
    """The part of `computing_seconds` that was lost."""
    deaths: int = 0
    gave_up: bool = False
    """Whether something was left after `most_seconds`."""


@dataclass
class _Device:
    """A GPU, or all CPUs of a machine without one."""

    machine: int
    speed: float
    free: float
    is_gpu: bool
    running: "dict[_Running, None]" = field(default_factory=dict)
    """In the order in which they began."""

    @property
    def slowdown(self) -> float:
        """How much longer everything takes here than alone. CPUs have a thread for each trial."""
        return max(1.0, sum(one.busy for one in self.running)) if self.is_gpu else 1.0


@dataclass(eq=False)
class _Running:
    """A trial in its place."""

    work: Work
    device: _Device
    seconds: float
    """What its training takes alone on this device."""
    left: float
    busy: float
    since: float
    version: int = 0


@dataclass
class _Machine:
    node: Node
    devices: list[_Device]
    free_cpus: float
    alive: bool = True
    scoring: "dict[int, None]" = field(default_factory=dict)


def simulate(works: Sequence[Work], site: Site, seed: int = 0, trained: Sequence[Work] = ()) -> Simulated:
    """Train and score these trials, the first one first, and score those that are trained. `seed` decides when machines die."""
    return _Simulation(works, site, seed, trained).run()


class _Simulation:
    def __init__(self, works: Sequence[Work], site: Site, seed: int, trained: Sequence[Work]) -> None:
        self.site, self.random = site, random.Random(seed)
        self.waiting: deque[tuple[Work, float]] = deque((work, 0.0) for work in works)
        self.asking: list[tuple[Work, float]] = []
        """Who may run, with the share of its training that is done."""
        self.running: set[_Running] = set()
        self.to_score: list[tuple[int, float, int, Work]] = []
        self.scoring: dict[int, tuple[Work, int]] = {}
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.now = self.driver_free = 0.0
        self.count = 0
        self.rounds_left = sum(work.round == 0 for work in (*works, *trained))
        self.left = len(works) + len(trained)
        self.found = Simulated()
        self.bundles = distinct(work.bundle for work in works)
        self.has_gpu = any("GPU" in work.bundle for work in (*works, *trained))
        for work in trained:
            self._queue(work)
        self.machines = [self._machine(number) for number in range(len(site.cluster.resources.nodes))]
        for number, seconds in site.joins.items():
            self.machines[number].alive = False
            self._at(seconds, partial(self._join, number))
        for number, seconds in site.leaves.items():
            self._at(seconds, partial(self._die, number))
        self._look()

    def run(self) -> Simulated:
        if self.site.deaths_per_hour:
            for number in range(len(self.machines)):
                self._plan_death(number)
        self._place()
        while self.left:
            if not self.events:
                raise ValueError("no machine can hold a trial")
            self.now, _, happens = heapq.heappop(self.events)
            if self.now > self.site.most_seconds:
                self.found.gave_up = True
                break
            happens()
            self._place()
        self.found.seconds = self.now
        return self.found

    def _machine(self, number: int) -> _Machine:
        node, speed = self.site.cluster.resources.nodes[number], self.site.cluster.speeds[number]
        gpus = [_Device(number, speed, 1.0, True) for _ in range(int(node.gpus))]
        return _Machine(node, gpus if self.has_gpu else [_Device(number, 1.0, math.inf, False)], node.cpus)

    def _at(self, when: float, happens: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, happens))

    def _look(self) -> None:
        """How many trials and evaluations run at once on the machines that live now, as the driver counts them."""
        alive = Resources.of(tuple(m.node for m in self.machines if m.alive))
        slots = max((trial_slots(alive, bundle) for bundle in self.bundles), default=0)
        self.trials_at_once = min(slots, self.site.max_concurrent or slots)
        self.evaluations_at_once = tuple(
            evaluation_slots(alive, self.site.threads, self.has_gpu, trains) for trains in (False, True)
        )

    # Training

    def _place(self) -> None:
        """Begin whoever has a place, and score whoever waits for it."""
        while self.waiting and len(self.asking) + len(self.running) < self.trials_at_once:
            self.asking.append(self.waiting.popleft())
        asking, self.asking = self.asking, []
        full = set[float]()  # shares that have no room: all trials ask for the same threads
        for work, done in asking:
            share = work.bundle.get("GPU", 0.0)
            device = None if share in full else self._room_for(share)
            if device is None:
                full.add(share)
                self.asking.append((work, done))
            else:
                self._begin(work, done, device)
        self._score()

    def _room_for(self, share: float) -> _Device | None:
        """A GPU with just enough room, on the machine with the most room of all."""
        best: tuple[float, _Device] | None = None
        for machine in self.machines:
            if not machine.alive or machine.free_cpus < self.site.threads - _DIGITS:
                continue
            able = [device for device in machine.devices if device.free >= share - _DIGITS]
            if not able:
                continue
            room = sum(device.free for device in machine.devices) if share else machine.free_cpus
            if best is None or room > best[0]:
                best = room, min(able, key=lambda device: device.free)
        return best[1] if best else None

    def _begin(self, work: Work, done: float, device: _Device) -> None:
        self.driver_free = max(self.now, self.driver_free) + self.site.driver_seconds
        computing = work.computing / device.speed
        seconds = computing + work.idle
        busy = computing / seconds if seconds else 0.0
        begins = self.driver_free + self.site.start_seconds
        one = _Running(work, device, seconds, seconds * (1 - done), busy, begins)
        device.free -= work.bundle.get("GPU", 0.0)
        self.machines[device.machine].free_cpus -= self.site.threads
        self.running.add(one)
        self.found.at_once = max(self.found.at_once, len(self.running))
        self._change(device, add=one)

    def _change(self, device: _Device, add: _Running | None = None, remove: Iterable[_Running] = ()) -> None:
        """Trials come to a device or leave it: all others there go on at another pace."""
        pace = device.slowdown
        for one in device.running:
            if self.now > one.since:
                one.left -= (self.now - one.since) / pace
                one.since = self.now
        for gone in remove:
            del device.running[gone]
        if add is not None:
            device.running[add] = None
        pace = device.slowdown
        for one in device.running:
            one.version += 1
            ends = max(one.since, self.now) + max(0.0, one.left) * pace
            self._at(ends, partial(self._trained, one, one.version))

    def _leave(self, one: _Running) -> None:
        self.running.discard(one)
        one.device.free += one.work.bundle.get("GPU", 0.0)
        self.machines[one.device.machine].free_cpus += self.site.threads

    def _trained(self, one: _Running, version: int) -> None:
        if one not in self.running or one.version != version:  # its pace has changed since, or its machine died
            return
        self._leave(one)
        self._change(one.device, remove=[one])
        self.found.computing_seconds += one.seconds * one.busy
        self.found.trained_seconds = self.now
        self._queue(one.work)

    # Scoring

    def _queue(self, work: Work) -> None:
        self.count += 1
        heapq.heappush(self.to_score, (work.round, -work.fit_cost, self.count, work))

    def _score(self) -> None:
        trains = bool(self.waiting or self.asking or self.running)
        alive = [number for number, machine in enumerate(self.machines) if machine.alive]
        while alive and self.to_score and len(self.scoring) < self.evaluations_at_once[trains]:
            work = heapq.heappop(self.to_score)[-1]
            number = min(alive, key=lambda n: len(self.machines[n].scoring))
            self.count += 1
            self.scoring[self.count] = work, number
            self.machines[number].scoring[self.count] = None
            self._at(self.now + work.scoring, partial(self._scored, self.count))

    def _scored(self, evaluation: int) -> None:
        if evaluation not in self.scoring:  # its machine died
            return
        work, number = self.scoring.pop(evaluation)
        del self.machines[number].scoring[evaluation]
        self.left -= 1
        if work.round == 0:
            self.rounds_left -= 1
            self.found.first_look_seconds = 0.0 if self.rounds_left else self.now

    # Machines that die

    def _plan_death(self, number: int) -> None:
        seconds = 3600 * self.random.expovariate(self.site.deaths_per_hour)
        self._at(self.now + seconds, partial(self._die_and_return, number))

    def _die_and_return(self, number: int) -> None:
        self._die(number)
        self._at(self.now + LOST_MACHINE_SECONDS, partial(self._return, number))

    def _die(self, number: int) -> None:
        machine = self.machines[number]
        self.found.deaths += 1
        for device in machine.devices:
            lost = list(device.running)
            self._change(device, remove=lost)
            for one in lost:
                self._leave(one)
                self._lose(one)
        for evaluation in machine.scoring:
            self._queue(self.scoring.pop(evaluation)[0])
        machine.scoring.clear()
        machine.alive = False
        self._look()

    def _lose(self, one: _Running) -> None:
        """Back to the front of the line, with what its last checkpoint holds."""
        done = one.seconds - one.left
        every = self.site.checkpoint_seconds
        kept = min(done, math.floor(done / every + _DIGITS) * every)
        self.found.lost_seconds += done - kept
        self.found.computing_seconds += (done - kept) * one.busy
        self.found.lost_computing_seconds += (done - kept) * one.busy
        self.asking.insert(0, (one.work, kept / one.seconds if one.seconds else 0.0))

    def _return(self, number: int) -> None:
        self._join(number)
        self._plan_death(number)

    def _join(self, number: int) -> None:
        self.machines[number] = self._machine(number)
        self._look()
