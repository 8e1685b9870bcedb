"""What the chaos benchmark starts and watches: commands as users give them, and the processes of a Ray on two raylets."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from page import REPOSITORY, ray_cluster
from ray._private.node import Node

from aesweep.cluster.connect import set_environment

VERBS = {"status": 0.25, "plan": 0.2, "prune": 0.3, "tables": 0.15, "report": 0.1}
"""Commands that run during the whole sweep, with their shares."""
VERB_SECONDS = 300.0
"""A verb that takes longer hangs."""
REFUSED = "A driver works on it"


@dataclass
class Workplace:
    """A folder with the specs, the data, the logs and all temporary files of one benchmark. Its path is short: Ray's sockets."""

    folder: Path
    launches: int = 0

    def __post_init__(self) -> None:
        for name in ("t", "logs"):
            (self.folder / name).mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "AESWEEP_DATA": str(self.folder / "data"),
            "TMPDIR": str(self.temporary),
            "RAY_TMPDIR": str(self.temporary),
        }

    @property
    def temporary(self) -> Path:
        """Where every command keeps its temporary files."""
        return self.folder / "t"

    def start(self, log: Path, *words: str) -> subprocess.Popen[bytes]:
        """Give a command; its output goes to `log`."""
        command = [sys.executable, "-m", "aesweep.sweep.cli", *words]
        with log.open("wb") as file:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=file, stderr=subprocess.STDOUT
            )

    def launch(self, spec: str, store: Path, address: str) -> "Driver":
        """Launch one of the specs."""
        self.launches += 1
        log = self.folder / "logs" / f"launch-{self.launches:03d}.txt"
        words = (
            "launch",
            str(self.folder / f"{spec}.yaml"),
            "--store",
            str(store),
            "--add",
            "--also",
            "--address",
            address,
        )
        return Driver(self.start(log, *words), spec, log)


@dataclass
class Driver:
    """A launch."""

    process: subprocess.Popen[bytes]
    spec: str
    log: Path
    asleep: bool = False
    disturbed: bool = False
    """Whether anything was killed or stopped while it ran."""

    @property
    def said(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def describe(self) -> str:
        """Its state and its last words."""
        state = "asleep" if self.asleep else "awake"
        return f"driver {self.process.pid} ({self.spec}, {state}): {' | '.join(self.said.splitlines()[-3:])}"


class Machines:
    """A cluster of a head and one node, with a slot for one trial each; the node can be killed and replaced.

    Each has a temporary folder of its own, as machines have. Ray unpacks the code there, and removes it with the node.
    """

    def __init__(self, temporary: Path) -> None:
        set_environment()
        self._temporary, self._nodes = temporary, 0
        self.cluster = ray_cluster(num_cpus=1, temp_dir=str(temporary / "c"))
        self.node = self._add_node()

    def _add_node(self) -> Node:
        self._nodes += 1
        node: Node = self.cluster.add_node(num_cpus=1, temp_dir=str(self._temporary / f"n{self._nodes}"))
        return node

    @property
    def raylet(self) -> int:
        """Process of the node's raylet."""
        return int(self.node.all_processes["raylet"][0].process.pid)

    @property
    def roots(self) -> list[int]:
        """Processes of both raylets."""
        assert self.cluster.head_node is not None
        return [int(n.all_processes["raylet"][0].process.pid) for n in (self.cluster.head_node, self.node)]

    def lose_node(self, kill: bool) -> None:
        """Another node joins; the one before it is killed, or left to whoever stopped it."""
        if kill:
            self.cluster.remove_node(self.node, allow_graceful=False)
        self.node = self._add_node()

    def stop(self) -> None:
        """End all nodes."""
        self.cluster.shutdown()


class Verbs:
    """Runs short commands on a store, one after the other, in a thread, until `stop`."""

    def __init__(self, place: Workplace, store: Path, spec: str, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.refused = 0
        """How often `prune` saw a driver."""
        self.wrong: list[str] = []
        self._place, self._store, self._spec, self._chance = place, store, spec, chance
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the one that runs."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            if (self._store / "tables" / "folded.json").exists():
                verb = self._chance.choices(list(VERBS), weights=list(VERBS.values()))[0]
                before = time.monotonic()
                self.run(verb)
                self._ended.wait(time.monotonic() - before)  # leaves a core to the sweep

    def run(self, verb: str) -> None:
        """Run one and judge how it ended."""
        log = self._place.folder / "logs" / f"{self._store.name}-{verb}-{self.counts[verb]:03d}.txt"
        store = str(self._store)
        words = (
            (verb, str(self._place.folder / f"{self._spec}.yaml"), "--store", store)
            if verb == "plan"
            else (verb, store)
        )
        process = self._place.start(log, *words)
        self.counts[verb] += 1
        try:
            code = process.wait(VERB_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        said = log.read_text(encoding="utf-8", errors="replace")
        refused = verb == "prune" and code == 2 and REFUSED in said
        self.refused += refused
        if (code and not refused) or "Traceback" in said:
            self.wrong.append(
                f"{self._store.name}: {verb} ended with {code}: {' | '.join(said.splitlines()[-3:])[:300]}"
            )


@dataclass
class Sleeper:
    """Processes that were stopped, and when they go on."""

    what: str
    pids: list[int]
    wakes: float
    driver: Driver | None = None

    def wake(self) -> None:
        """Let them go on."""
        for pid in self.pids:
            send(pid, signal.SIGCONT)
        if self.driver is not None:
            self.driver.asleep = False


def send(pid: int, number: int) -> bool:
    """Send a signal; False where the process has just gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def descendants(root: int) -> list[int]:
    """The process, its children and theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def title(pid: int) -> str:
    """The command line of a process, "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def busy_workers(roots: list[int]) -> list[int]:
    """Processes below these that run a trial or an evaluation now. Ray's agents end their raylet: a node's death, not theirs."""
    others = ("IDLE", "Agent")
    pids = [pid for root in roots for pid in descendants(root)]
    return [p for p in pids if (words := title(p)).startswith("ray::") and not any(other in words for other in others)]


def raylets(root: int) -> list[int]:
    """Raylets below a driver: the one of its local Ray."""
    return [pid for pid in descendants(root) if title(pid).partition(" ")[0].endswith("/raylet")]
