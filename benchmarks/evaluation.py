"""What scoring costs, ours beside its rivals on the same inputs, in one run.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py [--sections distance features …] [--device cpu|cuda] [--out docs/benchmarks]

distance   one Fréchet distance: `aesweep.evaluation.metrics.frechet` against scipy.linalg.sqrtm, torchmetrics and torch-fidelity
features   pictures per second through the Inception network: ours against torch-fidelity's and torchmetrics'
           (inception_features.py)
end        from a trained decoder to one FID: ours against torch-fidelity's `calculate_metrics` (end_to_end.py)
mixture    an EM iteration of the mixture: NumPy on one core against tensors (mixture_fit.py)
stages     one evaluation of a trial, stage by stage (evaluation_stages.py)

Costs on a CPU are CPU seconds: other work on the machine then counts less. The network's weights are random, which changes no
time. Writes evaluation-<hardware>-<date>.md.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads its BLAS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import end_to_end
import evaluation_stages
import inception_features
import mixture_fit
import numpy as np
import scipy.linalg
import torch
from page import footer, hardware, parser, today, write_page
from torchmetrics.image.fid import _compute_fid

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance

IMAGES_PER_FEATURE = 5  # 10,000 images and 2,048 features in the paper
BUDGET_SECONDS = 50.0  # of CPU per method and case; repeats stop there
HAS_TORCH_FIDELITY = find_spec("torch_fidelity") is not None
T = TypeVar("T")
NO_TORCH_FIDELITY = "torch-fidelity is not installed here, so its lines are missing."


def main() -> None:
    """Time the sections and write the page."""
    options = parser(__doc__)
    options.add_argument("--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--repeats", type=int, default=5, help="runs per method; the median counts")
    options.add_argument("--dimensions", type=int, nargs="+", default=[64, 512, 2048], help="features, for distance")
    options.add_argument("--pictures", type=int, help="for features; default 64 on a CPU, 8192 on a GPU")
    options.add_argument("--batch", type=int, help="pictures at a time; default: ours")
    options.add_argument("--quick", action="store_true", help="less of mixture and stages")
    args = options.parse_args()
    args.device = torch.device(args.device)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    sections = [SECTIONS[name](args) for name in args.sections]
    name = hardware(args.device)
    write_page(args.out, "evaluation", name, page(sections, name))


# (a) the Fréchet distance


@dataclass(frozen=True, eq=False)
class Case:
    """Two sets of features whose distance is known exactly."""

    n: int
    sample: FeatureStatistics
    reference: FeatureStatistics
    exact: float


def distance_section(args: argparse.Namespace) -> str:
    """CPU seconds and errors of one distance."""
    cases = [moved_features(IMAGES_PER_FEATURE * d, d) for d in args.dimensions]
    cases.append(moved_features(max(args.dimensions) // 2, max(args.dimensions)))  # singular covariances
    lines = [line for case in cases for line in distance_lines(case, args.repeats)]
    return f"""## One Fréchet distance

Between two sets of n feature vectors of dimension d, from their means and covariances. The second set is the first moved by a
symmetric positive map, the optimal transport between the two, so that the distance is known exactly without any matrix root;
with n < d both covariances are singular. "Ours" is `frechet_distance` with the reference's root at hand, as
for every score after the first of a data set; the root that is computed once stands apart. "Times ours" is the median of CPU
seconds over that of ours. {"" if HAS_TORCH_FIDELITY else NO_TORCH_FIDELITY}

| d | n | method | CPU seconds | times ours | relative error | runs |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


def moved_features(n: int, d: int) -> Case:
    """Positive features with correlations and a few dominant directions, as networks give them, and their moved twins."""
    generator = np.random.default_rng(d)
    mixing = generator.normal(size=(d, d)) * np.logspace(0, -1.5, d) / np.sqrt(d)
    points = np.maximum(generator.normal(0.2, 1, (n, d)) @ mixing.T + 0.3, 0)
    basis = np.linalg.qr(generator.normal(size=(d, d)))[0]
    moved = points @ (basis * generator.uniform(0.5, 2, d)) @ basis.T + generator.normal(0, 0.05, d)
    way = moved - points
    exact = float((way.mean(0) ** 2).sum() + ((way - way.mean(0)) ** 2).sum() / (n - 1))
    return Case(n, FeatureStatistics.of(moved), FeatureStatistics.of(points), exact)


def distance_lines(case: Case, repeats: int) -> list[str]:
    """A row of the table per method."""
    a, b = case.sample, case.reference
    moments = (a.mean, a.covariance, b.mean, b.covariance)
    tensors = [torch.from_numpy(array) for array in moments]

    def root() -> None:
        b.__dict__.pop("root", None)
        _ = b.root

    root_seconds, _, root_runs = cpu_seconds(root, repeats)
    methods: dict[str, Callable[[], float]] = {
        "ours": lambda: frechet_distance(a, b),
        "scipy.linalg.sqrtm": lambda: textbook(*moments),
        "torchmetrics": lambda: float(_compute_fid(*tensors)),
    }
    if HAS_TORCH_FIDELITY:
        from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

        statistics_of = [{"mu": moments[i], "sigma": moments[i + 1]} for i in (0, 2)]
        methods["torch-fidelity"] = lambda: fid_statistics_to_metric(*statistics_of, False)[KEY_METRIC_FID]
    d, lines, ours = a.dimension, [], 0.0
    for name, method in methods.items():
        seconds, value, runs = cpu_seconds(method, repeats)
        ours = ours or seconds
        error = abs(value - case.exact) / case.exact
        lines.append(f"| {d} | {case.n} | {name} | {seconds:.3g} | {seconds / ours:.1f} | {error:.0e} | {runs} |")
        print(lines[-1], flush=True)
    return [*lines, f"| {d} | {case.n} | the reference's root, once | {root_seconds:.3g} | | | {root_runs} |"]


def textbook(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), as written."""
    root = scipy.linalg.sqrtm(covariance @ other_covariance).real
    step = mean - other_mean
    return float(step @ step + np.trace(covariance) + np.trace(other_covariance) - 2 * np.trace(root))


def cpu_seconds(function: Callable[[], T], repeats: int) -> tuple[float, T, int]:
    """Median CPU seconds of up to `repeats` calls within the budget, the last result, the calls."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < repeats and sum(seconds) + seconds[-1] < BUDGET_SECONDS):
        started = time.process_time()
        result = function()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds), result, len(seconds)


SECTIONS: dict[str, Callable[[argparse.Namespace], str]] = {
    "distance": distance_section,
    "features": lambda args: inception_features.section(args.device, args.pictures, args.batch, args.repeats),
    "end": lambda args: end_to_end.section(args.device.type, args.quick) + "\n",
    "mixture": lambda args: mixture_fit.section(args.device.type, args.quick) + "\n",
    "stages": lambda args: evaluation_stages.section(args.device.type, args.quick) + "\n",
}


def page(sections: list[str], name: str) -> str:
    """The Markdown page."""
    return f"""# Evaluation, {name}, {today()}

{chr(10).join(sections)}
{name}; {os.environ["OMP_NUM_THREADS"]} thread(s), {allowed_cpus()} cores.
{footer("torch", "torchmetrics", "torch-fidelity", "numpy", "scipy", "scikit-learn")}
"""


if __name__ == "__main__":
    main()
