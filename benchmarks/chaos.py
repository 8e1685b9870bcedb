"""A sweep under random kills and pauses: is anything lost, doubled, given up or made up?

    python benchmarks/chaos.py [--events 200] [--seed 0] [--interval 6] [--minutes 60] [--out docs/benchmarks]

A small real sweep of two specs that share trials (digits) runs undisturbed once. Then it runs again and again, in turns on
a cluster of two raylets and on local Rays, while something is killed or suspended every few seconds
(chaos_parts/disturbances.py). Meanwhile, `status`, `plan`, `prune`, `tables` and `report` run again and again. A dead driver's
command is given again, as its user would, and never with `--retry-failed`. Every store is then compared with the
undisturbed one, number by number, and every committed file is read and hashed. Writes chaos-<hardware>-<date>.md; exit
code 1 where something was lost, doubled, made up, missing, different, given up, or left behind.

The seed decides what is chosen and when; which process that hits depends on the machine's speed.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chaos_parts.disturbances import KINDS, choose
from chaos_parts.findings import Findings, compare, page
from chaos_parts.processes import Driver, Machines, Sleeper, Verbs, Workplace, busy_workers, send, title
from page import hardware, parser, write_page

from aesweep.cluster.local.guard import left_of
from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.store import open_store

EPOCHS, CHECKPOINT_SECONDS, HUNG_SECONDS = 8, 0.5, 20.0
SPEC = f"""
name: NAME
data: {{dataset: digits}}
base: {{filters: 4, epochs: {EPOCHS}, batch_size: 32}}
blocks:
  - {{name: all, model: [dae, vae], latent_size: LATENTS}}
evaluation: {{extractor: random-conv-64, samples: 200, metrics: [frechet, gaussianity]}}
execution: {{checkpoint_seconds: {CHECKPOINT_SECONDS}, hung_seconds: {HUNG_SECONDS}}}
"""
SPECS = {"first": "[2, 3]", "second": "[3, 4]"}
"""Specs by name, with their latent sizes."""
WHAT = (
    f"A sweep of 6 autoencoders in two specs that share 2 of them ({EPOCHS} epochs each, a checkpoint every "
    f"{CHECKPOINT_SECONDS:g} s, `hung_seconds` {HUNG_SECONDS:g})."
)
PLACES = ("cluster", "local")
SETTLE_SECONDS = 60.0
MOST_UNDISTURBED = 5
"""Launches of one sweep that nothing disturbs and that do not finish it; after that, something is wrong."""
PATIENCE_SECONDS = 15.0
"""After which another kind of disturbance is chosen, where there is nothing to do the chosen one to."""
LOOK_SECONDS = 0.1
TWO_LINES = ("Continue with: ", "same command", "cannot be used.")
"""What a launch that ends with exit code 2 says, and nothing that a traceback would."""


@dataclass
class Limits:
    """How much is asked for, and when the benchmark ends whatever happens."""

    events: int
    interval: float
    ends: float
    kinds: list[str]


@dataclass
class DisturbedSweep:
    """Both specs in one store, until they are done."""

    place: Workplace
    store: Path
    machines: Machines | None
    limits: Limits
    chance: random.Random
    findings: Findings
    drivers: list[Driver] = field(default_factory=list)
    sleepers: list[Sleeper] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    undisturbed: int = 0
    chosen: str = ""
    due: float = 0.0
    specs: tuple[str, ...] = tuple(SPECS)

    @property
    def awake(self) -> list[Driver]:
        """Drivers that run."""
        return [driver for driver in self.drivers if not driver.asleep and driver.process.poll() is None]

    def start(self, spec: str) -> None:
        """Launch another driver."""
        address = self.machines.cluster.address if self.machines else "local"
        self.drivers.append(self.place.launch(spec, self.store, address))
        self.findings.launches += 1

    def run(self) -> None:
        """Launch again and again until both specs are done and nobody sleeps, with disturbances meanwhile."""
        self._plan_next()
        while self.drivers or self.sleepers or self.done != set(self.specs):
            if time.monotonic() > self.limits.ends:
                raise SystemExit(f"The time is over. This was waited for:\n{self.describe()}")
            self._collect_ended()
            self._wake()
            if not self.awake and (left := [spec for spec in self.specs if spec not in self.done]):
                self.start(left[0])
            if self.findings.events.total() < self.limits.events and time.monotonic() >= self.due:
                self._disturb()
            time.sleep(LOOK_SECONDS)

    def describe(self) -> str:
        """Who runs, who sleeps, and what the drivers said last."""
        roots = self.machines.roots if self.machines else [driver.process.pid for driver in self.drivers]
        sleepers = [f"{one.what} sleeps for {one.wakes - time.monotonic():.0f} s more" for one in self.sleepers]
        workers = [f"worker {pid}: {title(pid)}" for pid in busy_workers(roots)]
        lines = [driver.describe() for driver in self.drivers] + sleepers + workers
        return "\n".join([f"{self.store}: done are {sorted(self.done)}", *lines])

    def _plan_next(self) -> None:
        self.due = time.monotonic() + self.chance.expovariate(1 / self.limits.interval)
        self.chosen = choose(self, self.chance, self.limits.kinds)

    def _disturb(self) -> None:
        if not self.drivers:
            return
        if KINDS[self.chosen].act(self, self.chance):
            self.findings.events[self.chosen] += 1
            for driver in self.drivers:
                driver.disturbed = True
            print(f"{self.findings.events.total():4d} {self.store.name}: {self.chosen}", flush=True)
            self._plan_next()
        elif time.monotonic() > self.due + PATIENCE_SECONDS:
            self._plan_next()

    def _wake(self) -> None:
        for sleeper in [one for one in self.sleepers if time.monotonic() >= one.wakes]:
            self.sleepers.remove(sleeper)
            sleeper.wake()
            print(f"     {self.store.name}: {sleeper.what} wakes", flush=True)

    def _collect_ended(self) -> None:
        for driver in [driver for driver in self.drivers if driver.process.poll() is not None]:
            self.drivers.remove(driver)
            self._judge(driver)

    def _judge(self, driver: Driver) -> None:
        """What the end of a driver means."""
        code, said = driver.process.returncode, driver.said
        if code == 0:
            self.done.add(driver.spec)
            return
        last = " | ".join(said.splitlines()[-3:])[:300]
        print(f"     {self.store.name}: {driver.log.name} ended with {code}: {last}", flush=True)
        if not _is_documented(code, said):
            self.findings.endings.append(f"{self.store.name}: {driver.log.name} ended with {code}: {last}")
        if self._has_failures():
            self.done.add(driver.spec)  # it can get no further without --retry-failed; `compare` says what was given up
        self.undisturbed += not driver.disturbed
        if self.undisturbed >= MOST_UNDISTURBED:
            raise SystemExit(
                f"{MOST_UNDISTURBED} launches that nothing disturbed did not finish it.\n{self.describe()}"
            )

    def _has_failures(self) -> bool:
        if not (self.store / MARK).exists():  # a driver was killed before it made the store
            return False
        store = open_store(self.store)
        return any(store.attempts.failures(key) for key in store.trials.known_keys())

    def end(self) -> None:
        """End what still runs; after an error."""
        for sleeper in self.sleepers:
            sleeper.wake()
        for driver in self.drivers:
            driver.process.kill()
            driver.process.wait()


def _is_documented(code: int, said: str) -> bool:
    """Whether a launch ended as docs/operations.md says; by SIGKILL it did if we sent one."""
    if _before_it_began(code, said):
        return True
    if "Traceback" in said:
        return False
    return code in (1, 130, -signal.SIGKILL) or (code == 2 and any(words in said for words in TWO_LINES))


def _before_it_began(code: int, said: str) -> bool:
    """Whether a signal ended Python while it still read its modules: no code of ours could have answered."""
    if code == -signal.SIGTERM:
        return not said.strip()
    return code == -signal.SIGINT and "importlib" in said and said.rstrip().endswith("KeyboardInterrupt")


def main() -> int:
    """Run the disturbances and write the page; the exit code."""
    args = options()
    signal.signal(signal.SIGTERM, _end)
    begun = time.monotonic()
    limits = Limits(args.events, args.interval, begun + 60 * args.minutes, args.kinds.split(","))
    findings = Findings()
    with workplace() as place:
        undisturbed = place.folder / "undisturbed"
        run_undisturbed(place, undisturbed)
        plain = time.monotonic() - begun
        print(f"undisturbed: {plain:.0f} s", flush=True)
        stores = disturb(place, args.places.split(","), limits, args.seed, findings)
        for store in stores:
            compare(open_store(store), undisturbed, findings)
        findings.stores = len(stores)
        findings.left_behind += leftovers(place, stores)
        if not findings.clean and args.keep:
            shutil.copytree(place.folder, args.keep, symlinks=True, dirs_exist_ok=True, ignore=_sockets)
    name = hardware()
    seconds = time.monotonic() - begun
    write_page(args.out, "chaos", name, page(findings, WHAT, args.interval, args.seed, seconds, plain, name))
    return 0 if findings.clean else 1


def options() -> argparse.Namespace:
    """The command line."""
    found = parser(__doc__)
    found.add_argument("--events", type=int, default=200, help="kills and pauses")
    found.add_argument("--seed", type=int, default=0, help="of the choice and the times of what happens")
    found.add_argument(
        "--interval", type=float, default=6.0, help="mean seconds between two events while a driver runs"
    )
    found.add_argument("--minutes", type=float, default=90.0, help="after which it ends, and says what it waited for")
    found.add_argument("--places", default=",".join(PLACES), help="where the sweeps run in turns")
    found.add_argument("--kinds", default=",".join(KINDS), help="what happens")
    found.add_argument("--keep", type=Path, help="where to copy stores and logs to if something is wrong")
    args = found.parse_args()
    for name, allowed in (("places", PLACES), ("kinds", KINDS)):
        if unknown := set(getattr(args, name).split(",")) - set(allowed):
            found.error(f"--{name}: {', '.join(unknown)} is none of {', '.join(allowed)}")
    return args


@contextmanager
def workplace() -> Iterator[Workplace]:
    """A folder of its own, with the specs; afterwards neither it nor a process with files in it is left."""
    folder = Path(tempfile.mkdtemp(prefix="ch-", dir="/tmp"))
    try:
        for name, latents in SPECS.items():
            (folder / f"{name}.yaml").write_text(SPEC.replace("NAME", name).replace("LATENTS", latents))
        yield Workplace(folder)
    finally:
        for pid in left_of(str(folder)):
            send(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def run_undisturbed(place: Workplace, store: Path) -> None:
    """Launch both specs, one after the other."""
    for spec in SPECS:
        driver = place.launch(spec, store, "local")
        if driver.process.wait() != 0:
            raise SystemExit(f"The undisturbed sweep did not finish:\n{driver.said}")


def disturb(place: Workplace, where: list[str], limits: Limits, seed: int, findings: Findings) -> list[Path]:
    """Run sweeps in new stores until enough has happened, and finish the last one; the stores."""
    chance, stores = random.Random(seed), list[Path]()
    while findings.events.total() < limits.events:
        kind = where[len(stores) % len(where)]
        stores.append(place.folder / f"{kind}-{len(stores)}")
        with cluster(place, kind) as machines:
            sweep = DisturbedSweep(place, stores[-1], machines, limits, chance, findings)
            verbs = Verbs(place, stores[-1], "first", random.Random(f"{seed} {len(stores)}"))
            try:
                sweep.run()
            finally:
                sweep.end()
                verbs.stop()
                verbs.run("prune")
                findings.verbs += verbs.counts
                findings.refused += verbs.refused
                findings.endings += verbs.wrong
        print(f"     {stores[-1].name}: done after {findings.launches} launches", flush=True)
    return stores


@contextmanager
def cluster(place: Workplace, kind: str) -> Iterator[Machines | None]:
    """A cluster for one sweep; None for a local Ray."""
    machines = Machines(place.temporary) if kind == "cluster" else None
    try:
        yield machines
    finally:
        if machines is not None:
            machines.stop()


def leftovers(place: Workplace, stores: list[Path]) -> list[str]:
    """Temporary and progress files, folders of Ray, and processes that should be gone by now."""
    found = [str(path) for store in stores for path in (*store.rglob(".tmp-*"), *store.glob("progress/*"))]
    deadline = time.monotonic() + SETTLE_SECONDS

    def late() -> list[str]:
        folders = [path.name for path in place.temporary.glob("aesweep-*")]
        return folders + [f"{pid} {title(pid)[:80]}" for pid in left_of(str(place.folder))]

    while late() and time.monotonic() < deadline:
        time.sleep(0.5)
    return found + late()


def _sockets(folder: str, names: list[str]) -> list[str]:
    """Names of what cannot be copied."""
    return [name for name in names if not (Path(folder) / name).is_file() and not (Path(folder) / name).is_dir()]


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(f"ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
