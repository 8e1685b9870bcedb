"""What a store of many finished trials costs: `tables`, `status`, `plan` and `report`, before a change and after it.

    python benchmarks/large_store.py [--trials 20000] [--baseline FOLDER] [--out docs/benchmarks]

Writes a store by hand with the real records: 100 epochs, 12 scores and 2,000 latent rows per trial, one trial in 100
failed, and one in 100 without scores. Each verb runs in a process of its own, start-up included. `--baseline` names
another checkout, whose code does the same on the same store, in turns. A driver is measured as the process that keeps
the tables current: it folds, then 1 % of the trials change, and it folds again. Writes large-store-<hardware>-<date>.md.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from page import REPOSITORY, footer, hardware, parser, today, write_page
from report import EPOCHS, LATENT_ROWS, SIZES, configs, score_rows

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.rows import LatentRow, ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.store.layout import FOLDED, MODEL
from aesweep.sweep.store.records.attempts import FailureRecord
from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import open_store
from tests.records import EPOCH, NOW, RESULT, scored, trained

VARIANTS = 200  # of a trial's results; the trials take them in turn
NEW = 100  # one trial in so many fails, is only trained, or is scored after the first fold
TRAINING, FILES = "train-0001-aaaaaa", {MODEL: b"weights"}
PICTURES = ("reconstruction-train", "reconstruction-test", "standard_normal", "mvg", "gmm", "interpolation")
VERB = "from aesweep.sweep.cli import main; main()"
SPEC = """
name: large
base: {{dataset: cifar10, bn_momentum: 0.01}}
blocks:
  - name: all
    filters: [32, 64, 128, 256]
    model: [dae, vae]
    latent_size: {sizes}
    seeds: 0..{last}
evaluation: {{extractor: random-conv-64}}
"""
DRIVER = """
import sys
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter
writer = TableWriter(open_store(sys.argv[1]), anew=False)
for answer in sys.stdin:
    writer.publish(force=True)
    print("folded", flush=True)
"""


class Cost(NamedTuple):
    """What a process took."""

    wall: float
    cpu: float
    megabytes: float


class Commits(NamedTuple):
    """The files of one trial's results."""

    training: bytes
    scores: bytes


class LargeStore:
    """The store on disk, and the trials that it does not hold all results of yet."""

    def __init__(self, folder: Path, count: int) -> None:
        self.root = folder / "store"
        self.trials = configs(count)
        self.spec_file = folder / "spec.yaml"
        self.spec_file.write_text(SPEC.format(sizes=list(SIZES), last=max(trial.seed for trial in self.trials)))
        self.spec = load_spec(self.spec_file, data_dir=folder)
        self.evaluation = self.spec.evaluation_config()
        self.scoring = f"score-0001-{self.evaluation.id}-bbbbbb"
        self.variants = list(self._variants())

    def write(self) -> None:
        """Every trial; those to come are only known."""
        store = open_store(self.root, create=True)
        store.trials.write_spec(self.spec, self.evaluation.id)
        for number, trial in enumerate(self.trials):
            files = {"config.json": to_json_bytes(trial.to_json())}
            files |= self._failure(trial) if number % NEW == 1 else {} if number % NEW == 2 else self._training(number)
            files |= self._scores(number) if number % NEW > 3 or not number % NEW else {}
            self._write(trial, files)

    def finish_some(self, scored_too: bool) -> None:
        """Train the pending trials, or also score those that are only trained."""
        for number, trial in enumerate(self.trials):
            if number % NEW == 2 and not scored_too:
                self._write(trial, self._training(number) | self._scores(number))
            if number % NEW == 3 and scored_too:
                self._write(trial, self._scores(number))

    def _write(self, trial: TrialConfig, files: dict[str, bytes]) -> None:
        folder = self.root / "trials" / trial.key
        for name, data in files.items():  # plain writes: the store's own would wait for the disk 280,000 times
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _training(self, number: int) -> dict[str, bytes]:
        names = dict.fromkeys((f"attempts/{TRAINING}/{n}" for n in ("start.json", "log.txt")), b"0")
        files = {f"attempts/{TRAINING}/{name}": data for name, data in FILES.items()}
        return {"train.json": self.variants[number % VARIANTS].training, **names, **files}

    def _scores(self, number: int) -> dict[str, bytes]:
        names = [f"attempts/{self.scoring}/{n}" for n in ("latents.npz", *(f"samples/{p}.png" for p in PICTURES))]
        scores = {f"scores/{self.evaluation.id}.json": self.variants[number % VARIANTS].scores}
        return {**scores, **dict.fromkeys(names, b"0")}

    def _failure(self, trial: TrialConfig) -> dict[str, bytes]:
        failure = FailureRecord(
            key=trial.key,
            attempt=TRAINING,
            stage="train",
            evaluation="",
            type="NonFiniteLossError",
            message="The loss is nan.",
            traceback="nan",
            node="here",
            time=NOW,
        )
        return {f"attempts/{TRAINING}/start.json": b"0", "failures/20260101T000000-aaaaaa.json": failure.to_bytes()}

    def _variants(self) -> Iterator[Commits]:
        random = np.random.default_rng(7)
        files = {name: file_record(data) for name, data in FILES.items()}
        columns = [field.name for field in fields(ScoreRow)]
        for number in range(VARIANTS):
            rows = [
                ScoreRow(**{name: row[name] for name in columns if name in row})
                for row in score_rows(self.trials[number % len(self.trials)], random)
            ]
            commit = scored(self.scoring, tuple(rows), files[MODEL].sha256, latents=latents(random))
            asked = {"evaluation": self.evaluation.to_json(), "id": self.evaluation.id}
            training = trained(TRAINING, files).model_copy(update={"history": history(random), "result": RESULT})
            yield Commits(training.to_bytes(), commit.model_copy(update=asked).to_bytes())


def history(random: np.random.Generator) -> tuple[EpochRecord, ...]:
    """A falling loss, with as many digits as a training writes."""
    losses = 0.55 + 0.2 * np.exp(-np.arange(EPOCHS) / 20) + 0.001 * random.normal(size=EPOCHS)
    return tuple(replace(EPOCH, epoch=n, loss=v, reconstruction=v) for n, v in enumerate(losses.tolist(), start=1))


def latents(random: np.random.Generator) -> tuple[LatentRow, ...]:
    """Two dimensions of 1,000 images per split, as 32-bit numbers."""
    z = random.normal(size=(2, LATENT_ROWS, 2)).astype(np.float32).tolist()
    train = LatentRow(split="train", index=0, dimension_a=3, dimension_b=17, z_a=0.0, z_b=0.0)
    test = replace(train, split="test")
    return tuple(
        replace(point, index=index, z_a=a, z_b=b)
        for point, rows in zip((train, test), z, strict=True)
        for index, (a, b) in enumerate(rows)
    )


def run(code: Path, program: str, *words: str, folder: Path) -> Cost:
    """What a Python process of the checkout `code` takes."""
    environment = {**os.environ, "PYTHONPATH": str(code)}
    started = time.perf_counter()
    with (folder / "output.txt").open("wb") as output:
        command = [sys.executable, "-c", program, *words]
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=output)
    return ended(child, started)


def ended(child: subprocess.Popen[bytes], started: float) -> Cost:
    """Wait for a process."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the measured process ended with code {child.returncode}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def run_driver(code: Path, store: LargeStore, folder: Path, scored_too: bool) -> Cost:
    """A driver's folds: one when it begins, and one after 1 % of the trials changed."""
    environment = {**os.environ, "PYTHONPATH": str(code)}
    started = time.perf_counter()
    command = [sys.executable, "-c", DRIVER, str(store.root)]
    child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin and child.stdout
    for turn in range(2):
        child.stdin.write(b"fold\n")
        child.stdin.flush()
        if child.stdout.readline() != b"folded\n":
            break
        if turn == 0:
            store.finish_some(scored_too)
    child.stdin.close()
    return ended(child, started)


def measure(code: Path, store: LargeStore, folder: Path) -> dict[str, Cost]:
    """Every verb with the code of one checkout, from a store without tables."""
    shutil.rmtree(store.root / "tables", ignore_errors=True)
    place, report = str(store.root), str(folder / "report")
    verbs = {
        "`status`, never folded": (VERB, "status", place),
        "`plan`, never folded": (VERB, "plan", str(store.spec_file), "--store", place, "--data", str(folder)),
        "`tables`, from nothing": (VERB, "tables", place),
        "`tables`, again": (VERB, "tables", place),
        "`status`": (VERB, "status", place),
        "`plan`": (VERB, "plan", str(store.spec_file), "--store", place, "--data", str(folder)),
        "`report`": (VERB, "report", place, "--out", report),
    }
    found = {}
    for what, words in verbs.items():
        found[what] = run(code, *words, folder=folder)
        print(f"{code.name}: {what}: {found[what]}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Write the store, measure and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=20_000)
    options.add_argument("--baseline", type=Path, help="another checkout to compare with")
    args = options.parse_args()
    codes = {"": REPOSITORY, **({"baseline": args.baseline.absolute()} if args.baseline else {})}
    found: dict[str, dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = LargeStore(folder, args.trials)
        store.write()
        megabytes = sum(path.stat().st_size for path in store.root.rglob("*.json")) / 1e6
        for turn, (which, code) in enumerate(reversed(codes.items())):
            found[which] = measure(code, store, folder)
            found[which]["a driver: a fold, 1 % new, a fold"] = run_driver(code, store, folder, scored_too=bool(turn))
        tables = {path.name: path.stat().st_size / 1e6 for path in sorted((store.root / "tables").glob("*.parquet"))}
        folded = json.loads((store.root / FOLDED).read_bytes())
    hardware_name = hardware()
    text = page(args.trials, megabytes, tables, len(folded["commits"]), found, hardware_name)
    write_page(args.out, "large-store", hardware_name, text)


def page(
    trials: int,
    megabytes: float,
    tables: dict[str, float],
    commits: int,
    found: dict[str, dict[str, Cost]],
    name: str,
) -> str:
    """The Markdown page."""
    lines = []
    for what, cost in found[""].items():
        numbers = [
            f"{c.wall:.1f} | {c.cpu:.1f} | {c.megabytes:,.0f}" for c in (cost, found.get("baseline", {}).get(what)) if c
        ]
        lines.append(f"| {what} | {' | '.join(numbers)} |")
    heads = "wall-clock s | CPU s | peak memory, MB"
    before = f" | before: {heads}" if "baseline" in found else ""
    sizes = ", ".join(f"{file} {size:,.1f}" for file, size in tables.items())
    return f"""# A store of {trials:,} trials, {name} ({allowed_cpus()} cores), {today()}

{commits:,} commits in {megabytes:,.0f} MB of JSON; tables in MB: {sizes}. Each line is a process of its own, start-up included.

| what | {heads}{before} |
|---|{"---|" * (6 if before else 3)}
{chr(10).join(lines)}

Load average of the last five minutes: {os.getloadavg()[1]:.1f}. Above {allowed_cpus()} the seconds are those of a busy machine;
the CPU seconds are less so.
{footer("pyarrow", "pandas")}
"""


if __name__ == "__main__":
    main()
