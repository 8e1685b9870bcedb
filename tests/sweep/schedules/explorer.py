"""Every order of the steps of some processes, or random ones. The code of the processes is the product's own.

A process does the same whenever its steps have the same answers. So what it does next is a tree: a node holds the next
step, and each answer to that leads to another node. The code runs only where the tree is not known yet, from the
beginning and alone; orders of steps are then walks through the trees of all processes at once. Two walks that lead to
the same world and the same nodes go on in the same way, so the second one is not followed again, and the number of
complete walks is counted all the same.

A process may also die before any step, and the answer to a request may be lost, as often as a `Bound` allows.
"""

import hashlib
import random
import sys
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aesweep.sweep.store.storage import Storage
from tests.sweep.schedules.simulated import LOST, RUNNING, STORAGES
from tests.sweep.schedules.world import BLOCKED, Answer, Call, World, Worlds

Process = Callable[[Storage], object]
Look = Callable[[World, World, str], Hashable]
"""Raises AssertionError where a step from one world to another, by this process, breaks a promise; gives what is to be
remembered of it."""
LookAtEnd = Callable[[str, World], None]
"""The same for the last world, with the kind of storage."""
WRITES = ("put", "rename", "link")  # requests whose answer may be lost
DIES: Call = ("dies",)
MOST_STEPS = 5000
sys.setrecursionlimit(20_000)


class _PauseError(BaseException):
    """The process waits for a lock."""


class Node:
    """Where a process is: after some answers, before a step. `call` is None where it has ended."""

    __slots__ = ("answer", "call", "children", "ended", "error", "number", "parent")

    def __init__(self, number: int, parent: "Node | None", answer: Answer) -> None:
        self.number, self.parent, self.answer = number, parent, answer
        self.call: Call | None = None
        self.ended = False
        self.error: BaseException | None = None
        self.children: dict[Answer, Node] = {}


@dataclass
class Tree:
    """All that one process is known to do."""

    name: str
    process: Process
    storage: str
    mark: bytes
    nodes: list[Node] = field(default_factory=list)
    runs: int = 0
    """How often the code has run."""

    def child(self, node: Node | None, answer: Answer) -> Node:
        """The node after this answer."""
        found = node.children.get(answer) if node else None
        if found is None:
            found = Node(len(self.nodes), node, answer)
            self.nodes.append(found)
            if node:
                node.children[answer] = found
        return found

    def grow(self, end: Node, worlds: Worlds, number: int) -> None:
        """Run the process up to `end`, which has no step yet, and on from there, alone, in this world."""
        answers: list[Answer] = []
        place = end
        while place.parent is not None:
            answers.append(place.answer)
            place = place.parent
        words, waits = 0, False
        self.runs += 1

        def do(*call: Any) -> Answer:
            nonlocal place, number, waits
            if waits:  # it cleans up on its way out, as nobody does who waits
                raise _PauseError
            if place.call is None:
                place.call = call
            assert place.call == call, f"{self.name} is not determined: {place.call} and {call}"
            if answers:
                answer = answers.pop()
            else:
                answer, number = worlds.after(number, call)
                if answer == BLOCKED:
                    waits = True
                    raise _PauseError
            place = self.child(place, answer)
            return answer

        def word() -> uuid.UUID:
            nonlocal words
            words += 1
            return uuid.UUID(hashlib.md5(f"{self.name} {words}".encode()).hexdigest())

        RUNNING.do, RUNNING.word = do, word
        try:
            self.process(STORAGES[self.storage](do, self.name, self.mark))
        except _PauseError:
            return
        except Exception as error:
            place.error = error
        place.ended = True


@dataclass(frozen=True)
class Bound:
    """Which orders are looked at."""

    switches: int | None = None
    """How often another process goes on although the one before it could; None for every order."""
    deaths: int = 0
    """How many processes die."""
    losses: int = 0
    """How many answers are lost."""
    states: int = 10_000_000
    """After so many, it is given up."""


@dataclass
class Found:
    """What an exploration looked at."""

    schedules: int = 0
    """Complete orders, also those whose rest was known from another one."""
    states: int = 0
    steps: int = 0
    """From one state to another."""
    longest: int = 0
    ends: set[int] = field(default_factory=set)
    """Worlds after the last step."""
    runs: int = 0
    complete: bool = True

    def add(self, other: "Found") -> None:
        """Put two together."""
        self.schedules += other.schedules
        self.states += other.states
        self.steps += other.steps
        self.longest = max(self.longest, other.longest)
        self.runs += other.runs
        self.complete &= other.complete


State = tuple[Any, ...]


class Explorer:
    """Some processes over one storage, from one beginning."""

    def __init__(
        self, processes: dict[str, Process], storage: str, begin: World, mark: bytes, look: Look, look_at_end: LookAtEnd
    ) -> None:
        self.worlds = Worlds()
        self.begin = self.worlds.number(begin)
        self.trees = [Tree(name, process, storage, mark) for name, process in processes.items()]
        self.storage, self.look, self.look_at_end = storage, look, look_at_end
        self.found = Found()
        self._looked: dict[tuple[int, int, str], int] = {}
        self._seen: dict[State, int] = {}
        self._trace: list[tuple[str, Call]] = []

    def explore(self, bound: Bound) -> Found:
        """All orders of the steps within a bound."""
        self.bound = bound
        self.found = Found()
        self._seen.clear()
        roots = self._roots()
        self.found.schedules = self._follow(self.begin, roots, bound.deaths, bound.losses, -1, bound.switches)
        self.found.states = len(self._seen)
        self.found.runs = sum(tree.runs for tree in self.trees)
        return self.found

    def _roots(self) -> tuple[int, ...]:
        return tuple(tree.nodes[0].number if tree.nodes else tree.child(None, None).number for tree in self.trees)

    def _follow(
        self, world: int, places: tuple[int, ...], deaths: int, losses: int, last: int, switches: int | None
    ) -> int:
        """How many complete orders begin in a state."""
        state = (world, places, deaths, losses) if switches is None else (world, places, deaths, losses, last, switches)
        known = self._seen.get(state)
        if known is not None:
            return known
        if len(self._seen) >= self.bound.states:
            self.found.complete = False
            return 0
        self._seen[state] = 0
        total = 0
        able = [(who, *step) for who in range(len(places)) if (step := self._next(who, places[who], world))]
        if not able:
            self._end(world, places)
            total = 1
        goes_on = any(who == last for who, *_ in able)
        for who, node, answer, after in able:
            left = switches
            if left is not None and goes_on and who != last:
                if not left:
                    continue
                left -= 1
            tree = self.trees[who]
            self._trace.append((tree.name, node.call or ()))
            total += self._step(world, after, places, who, node, answer, deaths, losses, left)
            if losses and node.call and node.call[0] in WRITES and after != world:
                total += self._step(world, after, places, who, node, LOST, deaths, losses - 1, left)
            self._trace.pop()
            if deaths:
                self._trace.append((tree.name, DIES))
                dead = (*places[:who], -1, *places[who + 1 :])
                total += self._follow(self.worlds.without(world, tree.name), dead, deaths - 1, losses, -1, left)
                self._trace.pop()
        self._seen[state] = total
        return total

    def _step(
        self,
        world: int,
        after: int,
        places: tuple[int, ...],
        who: int,
        node: Node,
        answer: Answer,
        deaths: int,
        losses: int,
        switches: int | None,
    ) -> int:
        after = self._look(world, after, who)
        child = node.children.get(answer) or self.trees[who].child(node, answer)
        self.found.steps += 1
        now = (*places[:who], child.number, *places[who + 1 :])
        return self._follow(after, now, deaths, losses, who, switches)

    def _next(self, who: int, place: int, world: int) -> tuple[Node, Answer, int] | None:
        """The step that a process can make, with its answer and the world after it; None where it can make none."""
        if place < 0:
            return None
        node = self.trees[who].nodes[place]
        if node.call is None and not node.ended:
            self.trees[who].grow(node, self.worlds, world)
        if node.error is not None:
            raise AssertionError(f"{self.trees[who].name} failed with {node.error!r}: {self.trace()}") from node.error
        if node.call is None:
            return None
        answer, after = self.worlds.after(world, node.call)
        return None if answer == BLOCKED else (node, answer, after)

    def _look(self, before: int, after: int, who: int) -> int:
        """The world after a step, with what is to be remembered of it."""
        if before == after:
            return after
        step = (before, after, self.trees[who].name)
        if step not in self._looked:
            with self._with_trace():
                memory = self.look(self.worlds.all[before], self.worlds.all[after], step[2])
            self._looked[step] = self.worlds.remembering(after, memory)
        return self._looked[step]

    @contextmanager
    def _with_trace(self) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.trace()}") from error

    def _end(self, world: int, places: tuple[int, ...]) -> None:
        self.found.longest = max(self.found.longest, len(self._trace))
        waiting = [
            self.trees[who].name
            for who, place in enumerate(places)
            if place >= 0 and not self.trees[who].nodes[place].ended
        ]
        assert not waiting, f"{waiting} wait for ever: {self.trace()}"
        if world not in self.found.ends:
            self.found.ends.add(world)
            with self._with_trace():
                self.look_at_end(self.storage, self.worlds.all[world])

    def trace(self) -> str:
        """The steps so far."""
        return "\n".join(["", *(f"{who}: {_short(call)}" for who, call in self._trace)])

    def walk(self, number: int, switch: float, deaths: float = 0.0, losses: float = 0.0) -> int:
        """One random order, the same for the same number; how many steps it had."""
        chance = random.Random(number)
        world, last, steps = self.begin, -1, 0
        places = list(self._roots())
        self._trace.clear()
        while steps < MOST_STEPS:
            order = chance.sample(range(len(places)), len(places))
            if last >= 0 and chance.random() >= switch:
                order.insert(0, last)
            found = next(((who, *step) for who in order if (step := self._next(who, places[who], world))), None)
            if found is None:
                break
            last, node, answer, after = found
            tree, steps = self.trees[last], steps + 1
            if deaths and chance.random() < deaths:
                self._trace.append((tree.name, DIES))
                places[last], world = -1, self.worlds.without(world, tree.name)
                continue
            self._trace.append((tree.name, node.call or ()))
            if losses and node.call and node.call[0] in WRITES and after != world and chance.random() < losses:
                answer = LOST
            world = self._look(world, after, last)
            places[last] = (node.children.get(answer) or tree.child(node, answer)).number
        assert steps < MOST_STEPS, f"it does not end: {self.trace()}"
        self._end(world, tuple(places))
        self.found.schedules += 1
        self.found.steps += steps
        return steps


def run_alone(process: Process, name: str, storage: str, world: World, mark: bytes) -> World:
    """The world after one process, alone."""
    worlds = Worlds()
    tree = Tree(name, process, storage, mark)
    number = worlds.number(world)
    node = tree.child(None, None)
    tree.grow(node, worlds, number)
    while not node.ended:
        assert node.call is not None
        answer, number = worlds.after(number, node.call)
        node = node.children[answer]
    if node.error is not None:
        raise node.error
    return worlds.all[number]


def _short(call: Call) -> str:
    return " ".join(str(word)[:60] for word in call)
