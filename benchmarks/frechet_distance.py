"""What the Fréchet distance costs: ours (`evaluation.frechet`) against the textbook's `scipy.linalg.sqrtm`, in one run.

    OMP_NUM_THREADS=1 python benchmarks/frechet_distance.py [--dimensions 64 512 2048] [--repeats 5] [--out docs/benchmarks]

Both get the same two covariances. CPU seconds, not wall-clock ones: other work on the machine then counts less. Ours is shown
without the reference's root, as every trial after the first pays, and with it. Writes frechet-<hardware>-<date>.md.
"""

import argparse
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import scipy
import scipy.linalg

from evaluation.frechet import frechet_distance
from evaluation.statistics import FeatureStatistics

IMAGES_PER_FEATURE = 5  # 10,000 images and 2,048 features in the paper
BUDGET_SECONDS = 52.0  # of CPU per method and dimension; repeats stop there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[64, 512, 2048])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs" / "benchmarks")
    args = parser.parse_args()
    lines = [measured_row(d, args.repeats) for d in args.dimensions]
    hardware = processor()
    date = datetime.now(UTC).date().isoformat()
    args.out.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")
    path = args.out / f"frechet-{slug}-{date}.md"
    path.write_text(report(lines, hardware, date), encoding="utf-8")
    print(path.read_text(encoding="utf-8"), path, sep="\n")


def measured_row(d: int, repeats: int) -> str:
    """One line of the table: both methods on the same features of dimension `d`."""
    sample, reference = features(d, seed=0), features(d, seed=1)
    root_seconds, _, _ = cpu_seconds(lambda: root_of(reference), repeats)
    ours_seconds, ours, ours_runs = cpu_seconds(lambda: frechet_distance(sample, reference), repeats)
    theirs_seconds, theirs, theirs_runs = cpu_seconds(lambda: textbook(sample, reference), repeats)
    difference = abs(ours - theirs) / theirs
    cells = [
        f"{d}",
        f"{theirs_seconds:.3g}",
        f"{ours_seconds:.3g}",
        f"{theirs_seconds / ours_seconds:.1f}",
        f"{ours_seconds + root_seconds:.3g}",
        f"{theirs_seconds / (ours_seconds + root_seconds):.1f}",
        f"{difference:.1e}",
        f"{theirs_runs}, {ours_runs}",
    ]
    print("d, sqrtm, ours, ratio, with root, ratio, difference, runs:", *cells, flush=True)
    return f"| {' | '.join(cells)} |"


def features(d: int, seed: int) -> FeatureStatistics:
    """Positive features with correlations and a few dominant directions, as networks give them."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(d, d)) * np.logspace(0, -1.5, d) / np.sqrt(d)
    result = FeatureStatistics(d)
    result.update(np.maximum(generator.normal(0.2 + 0.1 * seed, 1, (IMAGES_PER_FEATURE * d, d)) @ mixing.T + 0.3, 0))
    return result


def root_of(reference: FeatureStatistics) -> None:
    """Compute the reference's root anew, as the first trial of a data set does."""
    reference.__dict__.pop("root", None)
    _ = reference.root


def textbook(sample: FeatureStatistics, reference: FeatureStatistics) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), as written."""
    root = scipy.linalg.sqrtm(sample.covariance @ reference.covariance).real
    step = sample.mean - reference.mean
    return float(step @ step + np.trace(sample.covariance) + np.trace(reference.covariance) - 2 * np.trace(root))


def cpu_seconds(function: Callable[[], object], repeats: int) -> tuple[float, float, int]:
    """Median CPU seconds of up to `repeats` calls within the budget, the last result (0 where it is no number), the calls."""
    seconds: list[float] = []
    result: object = 0.0
    while len(seconds) < repeats and sum(seconds) + (seconds[-1] if seconds else 0) < BUDGET_SECONDS:
        started = time.process_time()
        result = function()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds), result if isinstance(result, float) else 0.0, len(seconds)


def processor() -> str:
    """The processor's product name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def report(lines: list[str], hardware: str, date: str) -> str:
    """The Markdown page."""
    threads = os.environ["OMP_NUM_THREADS"]
    return f"""# Fréchet distance, {hardware}, {date}

Median CPU seconds of one distance between two sets of {IMAGES_PER_FEATURE} x d feature vectors of dimension d, {threads} BLAS
thread(s). `sqrtm` is the textbook's `scipy.linalg.sqrtm(S1 @ S2)`; "ours" is `evaluation.frechet.frechet_distance` with the
reference's matrix root at hand, as for every trial after the first of a data set; "with root" counts that root too.

| d | sqrtm | ours | ratio | with root | ratio | relative difference of the distances | runs (sqrtm, ours) |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}

Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, {platform.system()} {platform.machine()}.
Written by `OMP_NUM_THREADS={threads} python benchmarks/frechet_distance.py`.
"""


if __name__ == "__main__":
    main()
