"""How long a relaunch thinks before it starts: a plan of many finished trials, on a local path and on S3.

    python benchmarks/planning.py [--trials 1000] [--out docs/benchmarks]

Writes a store of finished trials as small sweeps leave it (13 files per trial; commits with 100 epochs and 2,000 latent
rows) and plans its spec again, each time in a process of its own, Ray not started. S3 is moto's server on loopback
behind a proxy that counts requests (tests/sweep/store/s3_server.py): both are Python and slower per request than a real
service in the same region, and nearer. Writes planning-<hardware>-<date>.md.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from page import REPOSITORY, footer, hardware, parser, today, write_page

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.rows import LatentRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.layout import FOLDED, attempt_folder
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Store, open_store
from tests.records import EPOCH, folded, scored, trained
from tests.sweep.store.s3_server import MotoServer, Proxy

S3 = tuple[MotoServer, Proxy]
EPOCHS, LATENT_ROWS = 100, 2000
PICTURES = ("reconstruction-train", "reconstruction-test", "standard_normal", "mvg", "gmm", "interpolation")
PLAN = """
import json, sys, time
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.store import open_store
from aesweep.sweep.driver.plan import make_plan
spec = SweepSpec.from_json(json.load(open(sys.argv[2])))
started, cpu = time.perf_counter(), time.process_time()
plan = make_plan(spec, open_store(sys.argv[1]), spec.evaluation_config())
print(time.perf_counter() - started, time.process_time() - cpu, plan.counts()["done"])
"""


def main() -> None:
    """Time planning and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=1000)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        spec = write_store(root / "store", args.trials)
        spec_file = Path(folder, "spec.json")
        spec_file.write_bytes(sealed_json_bytes(spec.to_json()))
        files = sum(1 for path in root.rglob("*") if path.is_file())
        rows = measure_all("local path", str(root / "store"), spec, spec_file, None)
        (root / "store" / FOLDED).unlink()
        server = MotoServer(folder=root)
        proxy = Proxy(server.port)
        os.environ |= {"AWS_ENDPOINT_URL": proxy.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        rows += measure_all("S3", "s3://bucket/store", spec, spec_file, (server, proxy))
        proxy.stop()
        server.stop()
    name = hardware()
    write_page(args.out, "planning", name, text(args.trials, files, rows, name))


def write_store(root: Path, count: int) -> SweepSpec:
    """Finished trials; the bytes of models and pictures do not matter to a plan."""
    trials = tuple(TrialConfig(filters=4, latent_size=2, epochs=EPOCHS, seed=seed) for seed in range(count))
    execution = ExecutionConfig(data_dir=str(root.parent))
    spec = SweepSpec(name="many", blocks=(Block("all", trials),), extractor="random-conv-64", execution=execution)
    store, evaluation = open_store(root, create=True), spec.evaluation_config().id
    store.trials.write_spec(spec, evaluation)
    training, scoring = "train-0001-aaaaaa", f"score-0001-{evaluation}-bbbbbb"
    training_bytes, scores_bytes = training_commit(training).to_bytes(), scores_commit(scoring).to_bytes()
    for trial in trials:
        files = {
            "config.json": to_json_bytes(trial.to_json()),
            "train.json": training_bytes,
            f"scores/{evaluation}.json": scores_bytes,
            **dict.fromkeys((f"attempts/{training}/{n}" for n in ("start.json", "log.txt", "model.safetensors")), b"0"),
            f"attempts/{scoring}/latents.npz": b"0",
            **{f"attempts/{scoring}/samples/{name}.png": b"0" for name in PICTURES},
        }
        for name, data in files.items():  # plain writes: the store's own would wait for the disk 13,000 times
            path = root / "trials" / trial.key / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return spec


def training_commit(attempt: str) -> TrainingRecord:
    """With a history as long as the paper's."""
    history = tuple(replace(EPOCH, epoch=number) for number in range(1, EPOCHS + 1))
    return trained(attempt).model_copy(update={"history": history})


def scores_commit(attempt: str) -> ScoresRecord:
    """With two latent dimensions of 2,000 images, as every commit has."""
    point = LatentRow(split="train", index=0, dimension_a=0, dimension_b=1, z_a=0.123456789, z_b=-1.23456789)
    return scored(attempt, latents=(replace(point, index=number) for number in range(LATENT_ROWS)))


def remember(store: Store, spec: SweepSpec, times: str = "") -> None:
    """What folding the tables leaves behind: the version of every commit that was read (with other `times`: of a copy).

    With each commit the version of its attempt's folder, which a copy of a store by cp -a, rsync -a or on S3 keeps.
    """
    evaluation, listed = spec.evaluation_config().id, store.snapshot()
    names = [
        f"trials/{key}/{n}" for key in listed.trials.known_keys() for n in ("train.json", f"scores/{evaluation}.json")
    ]
    versions = {name: f"{listed.storage.version(name)}{times}" for name in names}
    about = folded(versions)
    attempts = {"train.json": "train-0001-aaaaaa", f"{evaluation}.json": f"score-0001-{evaluation}-bbbbbb"}
    folders = {
        name: f"{attempt}/{listed.records.snapshot.folder_version(attempt_folder(name.split('/')[1], attempt))}"
        for name in names
        if listed.records.snapshot and (attempt := attempts[name.rpartition("/")[2]])
    }
    store.records.write(FOLDED, about.model_copy(update={"folders": folders}))


def measure_all(what: str, store: str, spec: SweepSpec, spec_file: Path, s3: S3 | None) -> list[str]:
    """The lines of one kind of storage."""
    rows = [measure(f"{what}, never folded", store, spec_file, s3)]
    remember(open_store(store), spec)
    rows.append(measure(what, store, spec_file, s3))
    remember(open_store(store), spec, times="0")
    rows.append(measure(f"{what}, copied", store, spec_file, s3))
    return rows


def measure(what: str, store: str, spec: Path, s3: S3 | None) -> str:
    """One line of the table."""
    words = [sys.executable, "-c", PLAN, store, str(spec)]
    if s3 is not None:
        s3[1].plan()
    before = cpu_seconds(s3[0].process.pid) if s3 is not None else 0.0
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    seconds, cpu, finished = done.stdout.split()
    requests = "– | – | –"
    if s3 is not None:
        server, proxy = s3
        lists, every = proxy.count("GET", "list-type=2"), len(proxy.requests)
        requests = f"{cpu_seconds(server.process.pid) - before:.2f} | {lists} | {every}"
    return f"| {what} | {float(seconds):.2f} | {float(cpu):.2f} | {requests} | {finished} |"


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, from Linux's /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def text(trials: int, files: int, rows: list[str], name: str) -> str:
    """The Markdown page."""
    load = os.getloadavg()[1]
    return f"""# Planning a relaunch of {trials:,} finished trials, {name} ({allowed_cpus()} cores), {today()}

A store of {files:,} files; the spec that made it is planned again, in a process of its own that is already started (imports
are not counted, Ray is not started). Folding the tables reads every commit and remembers its version. In a store that was
never folded a plan checks the seals of the commits on a path and takes them as they are on S3, until the fold that follows.
A copied store has new times and the same lengths, and is taken likewise. S3 is moto's server on loopback behind a counting
proxy.

| store | seconds | CPU seconds | CPU seconds of the S3 server | LIST requests | all requests | found done |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Load average of the last five minutes: {load:.1f} on {allowed_cpus()} cores. Above 2 the seconds are those of a busy machine;
the CPU seconds are not.
{footer("pyarrow")}
"""


if __name__ == "__main__":
    main()
