"""What an EM iteration of the mixture costs: NumPy on one CPU core against tensors of a device, in one run.

    python benchmarks/mixture_fit.py [--device cuda] [--quick] [--dimensions 64 512] [--latents 50000]

Prints a section of Markdown; benchmarks/evaluation.py takes it over through `section`. Both paths get the same latents and
start from the same k-means, run the same number of iterations, and are then asked for the log-likelihood of other latents.
Needs torch, scikit-learn and SciPy, no Ray. The measuring is done by a process of its own: SciPy reads the environment
that tensors need (`aesweep.evaluation.priors.tensor_mixture.ENVIRONMENT`) when it is imported.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from page import hardware, parser

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.tensor_mixture import ENVIRONMENT, kmeans_labels, started_mixture

DIMENSIONS, LATENTS = (64, 128, 256, 512), 50_000
QUICK_DIMENSIONS, QUICK_LATENTS = (32, 64), 5_000
FEW, MANY = 1, 3
"""Iterations of the two timed calls: their difference leaves out what each call costs by itself, an E-step."""
TEST_LATENTS = 2_000
EVALUATION = EvaluationConfig(gmm_tol=0.0)  # 10 components; EM never stops early


def main() -> None:
    """Time the fits and print the result."""
    options = parser(__doc__, writes_page=False)
    options.add_argument("--device", default="cpu", help="of the tensors: cpu, cuda")
    options.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    options.add_argument("--dimensions", type=int, nargs="+")
    options.add_argument("--latents", type=int)
    options.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)  # this is the process of its own
    args = options.parse_args()
    dimensions = args.dimensions or (QUICK_DIMENSIONS if args.quick else DIMENSIONS)
    latents = args.latents or (QUICK_LATENTS if args.quick else LATENTS)
    print(measure(args.device, dimensions, latents) if args.measure else _in_own_process(sys.argv[1:]))


def section(device: str, quick: bool) -> str:
    """A section of Markdown: seconds per EM iteration by NumPy and on tensors of `device` ("cpu" or "cuda").

    Raises `RuntimeError` with what went wrong.
    """
    return _in_own_process(["--device", device, *(["--quick"] if quick else [])])


def _in_own_process(arguments: list[str]) -> str:
    # One thread of BLAS: a core is the unit that the table counts in.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, str(Path(__file__).resolve()), *arguments, "--measure"]
    done = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT, **threads}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {done.returncode}")
    return done.stdout.rstrip("\n")


def measure(device: str, dimensions: tuple[int, ...] | list[int], latents: int) -> str:
    """The section; this process must have the environment for tensors."""
    import sklearn
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    lines = []
    with threadpool_limits(1), sklearn.config_context(array_api_dispatch=True):
        if device != "cpu":  # the first call of each kind loads a library
            _tensors(make_latents(500, 8, 0), make_latents(50, 8, 1), device)
        for d in dimensions:
            lines.append(_row(d, latents, device))
            print(lines[-1], file=sys.stderr, flush=True)
    name = hardware(torch.device(device)) if device.startswith("cuda") else "the CPU"
    return f"""## Mixture of {EVALUATION.gmm_components} components on {latents:,} latents: NumPy on one core, and tensors on {name}

Seconds of one EM iteration, full covariances, float64 on both: of CPU time on a CPU, on the clock on a GPU. `k-means` starts
both and is NumPy's. The difference is the largest of the log-likelihoods of {TEST_LATENTS:,} other latents after
{FEW + MANY} iterations, relative to the largest.

| d | k-means | NumPy | tensors | ratio | largest relative difference |
|---|---|---|---|---|---|
{chr(10).join(lines)}

NumPy {np.__version__}, scikit-learn {sklearn.__version__}, torch {torch.__version__}."""


def make_latents(n: int, d: int, seed: int) -> np.ndarray:
    """Correlated latents with heavy tails and a few clusters that overlap, float64 (n, d)."""
    shape = np.random.default_rng(7)
    mixing = shape.normal(size=(d, d)) * np.geomspace(1, 0.05, d) / np.sqrt(d)
    centres = shape.normal(size=(8, d))
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, d)) + 0.5 * generator.laplace(size=(n, d)) + centres[generator.integers(8, size=n)]
    correlated: np.ndarray = x @ mixing + 0.05 * generator.normal(size=(n, d))
    return correlated


def _row(d: int, latents: int, device: str) -> str:
    x, test = make_latents(latents, d, 0), make_latents(TEST_LATENTS, d, 1)
    labels_seconds, labels = _seconds(lambda: kmeans_labels(x, EVALUATION))
    array_seconds, array_likelihood = _arrays(x, labels, test)
    tensor_seconds, tensor_likelihood = _tensors(x, test, device, labels)
    difference = np.abs(tensor_likelihood - array_likelihood).max() / np.abs(array_likelihood).max()
    ratio = array_seconds / tensor_seconds
    cells = (f"{d}", f"{labels_seconds:.3g}", f"{array_seconds:.3g}", f"{tensor_seconds:.3g}", f"{ratio:.3g}")
    return f"| {' | '.join(cells)} | {difference:.1e} |"


def _arrays(x: np.ndarray, labels: np.ndarray, test: np.ndarray) -> tuple[float, np.ndarray]:
    """The start is the tensors' own, as arrays: what is timed is scikit-learn's EM."""
    import torch

    mixture = started_mixture(torch.as_tensor(x), labels, EVALUATION)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        setattr(mixture, name, np.ascontiguousarray(getattr(mixture, name).numpy()))
    seconds = _iteration_seconds(mixture, x, lambda: None, time.process_time)
    return seconds, mixture.score_samples(test)


def _tensors(
    x: np.ndarray, test: np.ndarray, device: str, labels: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    import torch

    labels = kmeans_labels(x, EVALUATION) if labels is None else labels
    on_device = torch.as_tensor(x, device=device)
    on_gpu = device.startswith("cuda")
    wait, clock = (torch.cuda.synchronize, time.perf_counter) if on_gpu else (lambda: None, time.process_time)
    mixture = started_mixture(on_device, labels, EVALUATION)
    seconds = _iteration_seconds(mixture, on_device, wait, clock)
    return seconds, mixture.score_samples(torch.as_tensor(test, device=device)).cpu().numpy()


def _iteration_seconds(mixture: Any, x: Any, wait: Callable[[], object], clock: Callable[[], float]) -> float:
    import warnings

    def advance(iterations: int) -> None:
        mixture.max_iter = iterations
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged
            mixture.fit(x)
        wait()

    wait()
    few, _ = _seconds(lambda: advance(FEW), clock)
    many, _ = _seconds(lambda: advance(MANY), clock)
    return (many - few) / (MANY - FEW)


def _seconds(function: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    started = clock()
    result = function()
    return clock() - started, result


if __name__ == "__main__":
    main()
