"""A sweep under random kills of driver, workers and node: is anything lost, doubled or made up?

    python benchmarks/chaos.py [--kills 50] [--seed 0] [--interval 6] [--out docs/benchmarks]

A small real sweep (digits) runs undisturbed once. Then the same sweep runs on a cluster of two raylets while a process
is killed every few seconds, chosen at random: the driver (SIGKILL), a trial or evaluation worker (SIGKILL), or a whole
node (without grace; another one joins). A dead driver's command is given again, as its user would, and a trial that failed
for good is asked for again; a finished sweep is begun anew in another store, until the kills are used up. Every store is
then compared with the undisturbed one, number by number, and every committed file is read and hashed. Writes
chaos-<hardware>-<date>.md; exit code 1 where something was lost, doubled, made up, unreadable, different, or left behind.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd
from page import REPOSITORY, footer, hardware, parser, today, write_page
from ray.cluster_utils import Cluster

from aesweep.cluster.capacity import allowed_cpus
from aesweep.cluster.connect import set_environment
from aesweep.cluster.guard import left_of
from aesweep.sweep.store.store import DamagedFileError, Store, open_store

EPOCHS, CHECKPOINT_SECONDS = 8, 0.5
SPEC = f"""
name: chaos
data: {{dataset: digits}}
base: {{filters: 4, epochs: {EPOCHS}, batch_size: 32}}
blocks:
  - {{name: all, model: [dae, vae], latent_size: [2, 3, 4]}}
evaluation: {{extractor: random-conv-64, samples: 200, metrics: [frechet, gaussianity]}}
execution: {{checkpoint_seconds: {CHECKPOINT_SECONDS}}}
"""
KINDS = {"driver": 0.4, "worker": 0.4, "node": 0.2}
"""What is killed, with its share of the kills."""
SETTLE_SECONDS = 60.0
MOST_UNDISTURBED = 5
"""Launches of one sweep that nobody kills and that do not finish it; after that, something is wrong."""
# What does not depend on when and in how many attempts a sweep ran.
SAME = {
    "trials": ["key", "state", "final_loss", "final_reconstruction", "final_kl", "test_bce", "mean_image_bce"],
    "epochs": ["key", "epoch", "learning_rate", "loss", "reconstruction", "kl"],
    "scores": ["key", "evaluation", "source", "split", "metric", "value", "n", "n_reference", "seed", "note"],
    "latents": ["key", "split", "index", "dimension_a", "dimension_b", "z_a", "z_b"],
}

NAMES = ("key", "epoch", "evaluation", "source", "split", "metric", "seed", "index")
"""Columns that name a row."""


@dataclass
class Findings:
    """What the stores say after all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    launches: int = 0
    stores: int = 0
    epochs_done: int = 0
    epochs_ideal: int = 0
    rows_lost: int = 0
    rows_doubled: int = 0
    rows_made_up: int = 0
    given_up: int = 0
    """Launches that ended with a trial that had failed for good."""
    unreadable: int = 0
    different: int = 0
    left_behind: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        wrong = self.rows_lost + self.rows_doubled + self.rows_made_up + self.unreadable + self.different
        return not wrong and not self.left_behind


class Machines:
    """A head without slots and one node with two, which can be killed and replaced."""

    def __init__(self) -> None:
        set_environment()
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self.nodes = [self.cluster.add_node(num_cpus=1)]

    def replace_a_node(self) -> None:
        """Kill the node without grace; another joins."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)
        self.nodes.append(self.cluster.add_node(num_cpus=1))

    @property
    def session(self) -> str:
        """The folder of this Ray's files, by which its processes are known: other Rays on the machine are left alone."""
        head = self.cluster.head_node
        assert head is not None
        return str(head.get_session_dir_path())

    def workers(self) -> list[int]:
        """Processes that run a trial or an evaluation now. Ray's agents end their raylet, which is the death of a node."""
        titles = {pid: title(pid) for pid in left_of(self.session)}
        others = ("IDLE", "Agent")
        return [p for p, words in titles.items() if words.startswith("ray::") and not any(o in words for o in others)]

    def stop(self) -> None:
        """End both nodes."""
        self.cluster.shutdown()


def main() -> int:
    """Run the kills and write the page; the exit code."""
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=0, help="of the choice and the times of the kills")
    options.add_argument(
        "--interval", type=float, default=6.0, help="mean seconds between two kills while a driver runs"
    )
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="aesweep-chaos-") as folder:
        work = Path(folder)
        (work / "chaos.yaml").write_text(SPEC)
        started = time.monotonic()
        undisturbed = work / "undisturbed"
        if launch(work, undisturbed, "local").wait() != 0:
            raise SystemExit("the undisturbed sweep did not finish; see its output above")
        plain_seconds = time.monotonic() - started
        findings = Findings()
        stores, session = disturb(work, args.kills, args.interval, random.Random(args.seed), findings)
        for store in stores:
            compare(open_store(store), undisturbed, findings)
        findings.left_behind += leftovers(stores, session)
    name = hardware()
    write_page(args.out, "chaos", name, report(findings, args, plain_seconds, name))
    return 0 if findings.clean else 1


def launch(work: Path, store: Path, address: str, *more: str) -> subprocess.Popen[bytes]:
    """The command as a user gives it."""
    words = [sys.executable, "-m", "aesweep.sweep.cli", "launch", str(work / "chaos.yaml"), "--store", str(store)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "AESWEEP_DATA": str(work / "data")}
    return subprocess.Popen([*words, "--address", address, *more], cwd=work, env=environment, stderr=subprocess.DEVNULL)


def disturb(
    work: Path, kills: int, interval: float, chance: random.Random, findings: Findings
) -> tuple[list[Path], str]:
    """Run sweeps under kills until there were enough, finish the last one; the stores, and the Ray's session."""
    stores: list[Path] = []
    machines = Machines()
    session = machines.session
    try:
        while findings.kills.total() < kills:
            stores.append(work / f"disturbed-{len(stores)}")
            one_sweep(work, stores[-1], machines, kills, interval, chance, findings)
            print(f"{stores[-1].name}: {dict(findings.kills)} after {findings.launches} launches", flush=True)
    finally:
        machines.stop()
    findings.stores = len(stores)
    return stores, session


def one_sweep(
    work: Path, store: Path, machines: Machines, kills: int, interval: float, chance: random.Random, findings: Findings
) -> None:
    """Launch again and again until the sweep is done, killing meanwhile."""
    undisturbed = 0
    again: tuple[str, ...] = ()
    while undisturbed < MOST_UNDISTURBED:
        driver = launch(work, store, machines.cluster.address, *again)
        findings.launches += 1
        before = findings.kills.total()
        while driver.poll() is None:
            try:
                driver.wait(chance.expovariate(1 / interval) if findings.kills.total() < kills else None)
            except subprocess.TimeoutExpired:
                kind = kill(driver, machines, chance)
                findings.kills[kind] += 1
        if driver.returncode == 0:
            return
        undisturbed += findings.kills.total() == before
        if driver.returncode != -signal.SIGKILL:
            # A trial whose process was killed too often without a checkpoint between has failed for good, and the same
            # command would leave it so.
            print(f"{store.name}: the driver ended with {driver.returncode}", flush=True)
            findings.given_up += driver.returncode == 1
            again = ("--retry-failed",)
    raise SystemExit(f"{store.name}: {MOST_UNDISTURBED} launches that nobody killed did not finish it")


def kill(driver: subprocess.Popen[bytes], machines: Machines, chance: random.Random) -> str:
    """Kill one thing and say what."""
    kind = chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
    workers = machines.workers()
    if kind == "worker" and workers:
        with suppress(ProcessLookupError):  # it ended by itself just now
            os.kill(chance.choice(workers), signal.SIGKILL)
        return kind
    if kind == "node":
        machines.replace_a_node()
        return kind
    driver.kill()
    driver.wait()
    return "driver"


def compare(store: Store, undisturbed: Path, findings: Findings) -> None:
    """Count what is lost, doubled, unreadable or different, and the epochs that were trained."""
    for table, columns in SAME.items():
        ours, theirs = (read(root, table, columns) for root in (Path(str(store.root)), undisturbed))
        names = [name for name in NAMES if name in columns]
        findings.rows_doubled += int(ours.duplicated(names).sum())
        merged = theirs.merge(
            ours.drop_duplicates(names), on=names, how="outer", indicator=True, suffixes=("", "_ours")
        )
        findings.rows_lost += int((merged["_merge"] == "left_only").sum())
        findings.rows_made_up += int((merged["_merge"] == "right_only").sum())
        for name in (name for name in columns if name not in names):
            a, b = merged[name], merged[f"{name}_ours"]
            findings.different += int((~((a == b) | (a.isna() & b.isna())) & (merged["_merge"] == "both")).sum())
    for key in store.trials.known_keys():
        findings.unreadable += unreadable(store, key)
        findings.epochs_ideal += EPOCHS
        for attempt in store.attempts.of(key, "train"):
            log = store.storage.read(f"trials/{key}/attempts/{attempt}/log.txt") or b""
            findings.epochs_done += len(re.findall(rb"epoch \d+/\d+  loss", log))


def unreadable(store: Store, key: str) -> int:
    """Committed files that are not what their commit says, and files set aside as damaged."""
    commits = [
        store.commits.training(key),
        *(store.commits.scores(key, evaluation) for evaluation in store.commits.scored(key)),
    ]
    bad = sum("damaged" in name for name in store.storage.names(f"trials/{key}"))
    for commit in commits:
        if commit is None:
            continue
        for name, record in commit.files.items():
            try:
                store.attempts.read_file(key, commit.attempt, name, record)
            except DamagedFileError:
                bad += 1
    return bad


def read(root: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Some columns of one table."""
    return pd.read_parquet(root / "tables" / f"{table}.parquet", columns=columns)


def leftovers(stores: list[Path], session: str) -> list[str]:
    """Temporary files, progress files and processes of this Ray that should be gone by now."""
    found = [path.name for store in stores for path in store.rglob(".tmp-*")]
    found += [path.name for store in stores for path in (store / "progress").glob("*")]
    deadline = time.monotonic() + SETTLE_SECONDS
    while (left := left_of(session)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found + [title(pid)[:80] for pid in left]


def title(pid: int) -> str:
    """The command line of a process, "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def report(findings: Findings, args: argparse.Namespace, plain_seconds: float, name: str) -> str:
    """The Markdown page."""
    kinds = ", ".join(f"{kind} {findings.kills[kind]}" for kind in KINDS)
    repeated = findings.epochs_done - findings.epochs_ideal
    left = ", ".join(findings.left_behind) or "0"
    rate = f"one kill every {args.interval:g} s on average (seed {args.seed})"
    return f"""# Chaos: {findings.kills.total()} kills, {name} ({allowed_cpus()} cores), {today()}

A sweep of 6 autoencoders ({EPOCHS} epochs each, a checkpoint every {CHECKPOINT_SECONDS:g} s) on a cluster of two raylets with
one slot each, run {findings.stores} times while driver, workers and node were killed, {rate}.
Undisturbed, one sweep takes {plain_seconds:.0f} s. A dead driver's command was given again: {findings.launches} launches in all.

| what | count |
|---|---|
| kills | {findings.kills.total()} ({kinds}) |
| launches that ended with a trial failed for good (asked for again with `--retry-failed`) | {findings.given_up} |
| epochs that had to be trained | {findings.epochs_ideal} |
| epochs finished a second time | {repeated} |
| rows lost | {findings.rows_lost} |
| rows doubled | {findings.rows_doubled} |
| rows that the undisturbed sweep has not | {findings.rows_made_up} |
| committed files unreadable or damaged | {findings.unreadable} |
| numbers that differ from the undisturbed sweep | {findings.different} |
| processes, temporary and progress files left behind | {left} |

Compared exactly, without tolerance: {"; ".join(f"{table}: {', '.join(columns)}" for table, columns in SAME.items())}.

{footer("ray", "torch", "pandas", "pyarrow")}
"""


if __name__ == "__main__":
    sys.exit(main())
