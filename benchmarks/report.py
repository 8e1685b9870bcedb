"""What a report of many trials costs: wall-clock and CPU seconds and peak memory of `analysis.write_report`.

    python benchmarks/report.py [--trials 10000] [--out docs/benchmarks]

Writes a synthetic store with the real schemas (invented numbers, seeded): networks of the paper, many seeds, 100 epochs
and 2,000 latent rows per trial. The report is drawn in a process of its own, as `aesweep report` does; the baseline
in the same run is what any reader of the tables must do, reading all five with pandas. Writes report-<hardware>-<date>.md.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from page import REPOSITORY, footer, hardware, parser, today, write_page

from aesweep.cluster.capacity import allowed_cpus
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CIFAR10, PAPER_MODELS
from aesweep.sweep.tables.rows import config_row
from aesweep.sweep.tables.schemas import COLUMNS, schema

EPOCHS, LATENT_ROWS = 100, 1000
SIZES = (32, 64, 96, 128, 160, 192, 256, 384, 512, 768)
GAUSSIANITY = ("loglikelihood_gap", "direction_negentropy", "mardia_kurtosis", "radius_ks", "marginal_kurtosis")
REPORT = "import sys; from aesweep.analysis import write_report; write_report(*sys.argv[1:])"
READ = (
    "import sys, pathlib, pandas; "
    "print(sum(len(pandas.read_parquet(p)) for p in pathlib.Path(sys.argv[1], 'tables').glob('*.parquet')))"
)


def main() -> None:
    """Time the report and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=10_000)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        write_store(store, configs(args.trials))
        size = sum(path.stat().st_size for path in store.rglob("*.parquet"))
        rows = {path.stem: pq.read_metadata(path).num_rows for path in sorted((store / "tables").iterdir())}
        measured = {"reading all tables with pandas": run(READ, store), "report": run(REPORT, store, store / "report")}
        files = sum(1 for path in (store / "report").rglob("*") if path.is_file())
        page = (store / "report" / "index.html").stat().st_size
    lines = [f"| {name} | {wall:.1f} | {cpu:.1f} | {mb:,.0f} |" for name, (wall, cpu, mb) in measured.items()]
    name = hardware()
    write_page(args.out, "report", name, text(args.trials, rows, size, lines, files, page, name))


def run(code: str, *arguments: Path) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU seconds and peak resident MB of a Python process."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the measured process ended with code {child.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def configs(count: int) -> list[TrialConfig]:
    """The paper's widths, both models, ten sizes, as many seeds as it takes."""
    seeds = -(-count // (4 * 2 * len(SIZES)))
    every = product((32, 64, 128, 256), PAPER_MODELS, SIZES, range(seeds))
    return [replace(CIFAR10, filters=f, model=m, latent_size=z, seed=s) for f, m, z, s in islice(every, count)]


def write_store(root: Path, trials: list[TrialConfig]) -> None:
    """The marker and the six tables."""
    (root / "tables").mkdir(parents=True)
    (root / "store.json").write_text('{"format": 1}')
    random = np.random.default_rng(7)
    keys = [trial.key for trial in trials]
    write(root, "trials", [frame("trials", [trial_row(trial) for trial in trials])])
    write(root, "scores", [frame("scores", [row for trial in trials for row in score_rows(trial, random)])])
    write(root, "epochs", (epochs(key, random) for key in keys))
    write(root, "latents", (latents(key, random) for key in keys))
    write(root, "failures", [frame("failures", [])])


def write(root: Path, name: str, parts: "list[pa.Table] | Iterator[pa.Table]") -> None:
    """One Parquet file of small tables, in row groups of about 200,000 rows."""
    held: list[pa.Table] = []
    with pq.ParquetWriter(root / "tables" / f"{name}.parquet", schema(name), compression="zstd") as writer:
        for part in parts:
            held.append(part)
            if sum(map(len, held)) >= 200_000:
                writer.write_table(pa.concat_tables(held))
                held = []
        if held:
            writer.write_table(pa.concat_tables(held))


def frame(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with the columns of the schema, nulls where a row has no value."""
    return pa.table({c.name: [row.get(c.name) for row in rows] for c in COLUMNS[name]}, schema=schema(name))


def trial_row(trial: TrialConfig) -> dict[str, Any]:
    """A finished trial."""
    measured = {"test_bce": 0.55 + 1 / trial.latent_size, "mean_image_bce": 0.69, "train_seconds": 100.0}
    words = {"state": "done", "sweep": "synthetic", "block": "all", "device": "synthetic", "pictures": "none"}
    versions = {"torch_version": "0", "aesweep_version": "0", "precision_used": "bf16", "attempt": "none"}
    times = {"started": datetime(2000, 1, 1, tzinfo=UTC), "ended": datetime(2000, 1, 2, tzinfo=UTC)}
    counts = {"attempts": 1, "threads": 1, "images_train": 50_000, "images_test": 10_000, "gpu_seconds": 1.0}
    return {"key": trial.key, **config_row(trial), **measured, **words, **versions, **times, **counts}


def score_rows(trial: TrialConfig, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Five distances, and five measures of Gaussianity with their nulls and p-values."""
    fixed = {
        "key": trial.key,
        "evaluation": "e" * 12,
        "note": "",
        "sampling_seed": 0,
        "reference_split": "test",
        "seconds": 1.0,
    }
    fixed |= {"extractor_sha256": "none", "vae_latents": "none", "changed_settings": "none"}
    bowl = 60 + 10 * abs(np.log2(trial.latent_size / 144)) + 800 / trial.filters
    for source, split in [("reconstruction", "train"), *((s, "test") for s in ("reconstruction", "standard_normal"))]:
        yield {**fixed, **_fid(bowl + random.normal()), "source": source, "split": split}
    for source in ("mvg", "gmm"):
        yield {**fixed, **_fid(bowl + random.normal()), "source": source, "split": "test"}
    for name in GAUSSIANITY:
        for metric in (name, f"{name}_null", f"{name}_p")[: 2 if name == "marginal_kurtosis" else 3]:
            row = {"source": "latents", "split": "train", "metric": metric, "extractor": "none", "n": 10_000}
            yield {**fixed, **row, "value": 1 + 0.1 * random.normal(), "stderr": 0.01}


def _fid(value: float) -> dict[str, Any]:
    sizes = {"n": 10_000, "n_reference": 10_000}
    return {"metric": "fid", "extractor": "inception-2015", "value": value, "stderr": None, **sizes}


def epochs(key: str, random: np.random.Generator) -> pa.Table:
    """A falling loss."""
    loss = 0.55 + 0.2 * np.exp(-np.arange(EPOCHS) / 20) + 0.001 * random.normal(size=EPOCHS)
    columns = {"key": [key] * EPOCHS, "epoch": np.arange(1, EPOCHS + 1), "loss": loss, "reconstruction": loss}
    fixed = {"learning_rate": 1e-3, "seconds": 10.0, "images_per_second": 5000.0}
    columns |= {name: np.full(EPOCHS, value) for name, value in fixed.items()}
    nulls = pa.nulls(EPOCHS, pa.float64())
    columns |= {"kl": nulls, "test_sample_bce": nulls, "skipped_steps": np.zeros(EPOCHS, dtype=np.int64)}
    columns |= {"state": ["trained"] * EPOCHS}
    return pa.table(columns, schema=schema("epochs"))


def latents(key: str, random: np.random.Generator) -> pa.Table:
    """Two Gaussian dimensions of 1,000 images per split."""
    rows = 2 * LATENT_ROWS
    z = random.normal(size=(2, rows))
    dimensions = {"dimension_a": np.zeros(rows, dtype=np.int64), "dimension_b": np.ones(rows, dtype=np.int64)}
    columns = {"key": [key] * rows, "split": np.repeat(["train", "test"], LATENT_ROWS)}
    columns |= {"index": np.tile(np.arange(LATENT_ROWS), 2), **dimensions, "z_a": z[0], "z_b": z[1]}
    return pa.table(columns, schema=schema("latents"))


def text(trials: int, rows: dict[str, int], size: int, lines: list[str], files: int, page: int, name: str) -> str:
    """The Markdown page."""
    counted = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    return f"""# Report of {trials:,} trials, {name} ({allowed_cpus()} cores), {today()}

A synthetic store with the real schemas, {size / 1e6:,.0f} MB of Parquet; rows: {counted}. The report is `analysis.write_report` in a
process of its own, start-up included: {files} files, a page of {page / 1e6:.1f} MB.

| what | wall-clock s | CPU s | peak memory, MB |
|---|---|---|---|
{chr(10).join(lines)}

{footer("pandas", "pyarrow", "matplotlib")}
"""


if __name__ == "__main__":
    main()
