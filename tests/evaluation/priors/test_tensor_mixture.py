"""The mixture on tensors is the mixture of the CPU default: the same start, the same iterations, the same answer.

SciPy reads `SCIPY_ARRAY_API` when it is imported, so each test fits in a process of its own.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from aesweep.evaluation.priors.mixture import ENVIRONMENT, fit_device
from tests.fresh_process import REPOSITORY

FIT_BOTH = """
import json, sys, time
from dataclasses import asdict
import numpy as np, torch
from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitting import FitSettings, fit_prior
from aesweep.evaluation.priors.fitted_prior import PriorError

def latents(n, z):
    # Curved clusters with variances from 1 to 1e-4: EM needs many iterations, and no direction is like another.
    generator = np.random.default_rng(0)
    x = generator.normal(size=(n, z)) * np.geomspace(1, 0.01, z) + generator.laplace(size=(n, z)) * 0.1
    x[:, 0] += x[:, 1] ** 2 - 0.5 * x[:, 2] * np.abs(x[:, 3])
    return x.astype("f4")

torch.set_num_threads(1)
device = torch.device(sys.argv[1])
"""

AGREE = """
x = latents(1500, 8)
evaluation = EvaluationConfig(gmm_components=6, gmm_tol=1e-4)
default = fit_prior("gmm", x, evaluation, FitSettings(threads=1))
tensors = fit_prior("gmm", x, evaluation, FitSettings(None, 1, device))
test = latents(500, 8)
watched = fit_prior("gmm", x, evaluation, FitSettings(3600, 1, device))
relative = lambda a, b: float(np.abs(a - b).max() / np.abs(b).max())
print(json.dumps({
    "records": [asdict(p.record) for p in (default, tensors, watched)],
    "notes": [p.note for p in (default, tensors, watched)],
    "weights": relative(tensors.weights, default.weights),
    "means": relative(tensors.means, default.means),
    "covariances": relative(tensors.covariances, default.covariances),
    "density": relative(tensors.log_density(test), default.log_density(test)),
    "watched": max(relative(getattr(watched, n), getattr(tensors, n)) for n in ("weights", "means", "factors")),
}))
"""

FAIL = """
x = latents(400, 5)
cases = {
    "singular": (np.repeat(x[:10], 20, axis=0), EvaluationConfig(gmm_reg_covar=0.0), None),
    "deadline": (x, EvaluationConfig(gmm_components=8, gmm_tol=0.0, gmm_max_iter=1_000_000), 0.5),
    "distinct": (np.repeat(x[:4], 20, axis=0), EvaluationConfig(), None),
    "collapsed": (np.column_stack([x, np.full(len(x), 7, "f4")]), EvaluationConfig(gmm_components=2), None),
    "few": (latents(30, 40), EvaluationConfig(gmm_components=2), None),
}
said = {}
for name, (data, evaluation, deadline) in cases.items():
    for where, on in (("arrays", None), ("tensors", device)):
        try:
            prior = fit_prior("gmm", data, evaluation, FitSettings(deadline, 1, on))
            said[f"{name} {where}"] = f"{prior.note} after {prior.record.iterations}"
        except PriorError as error:
            said[f"{name} {where}"] = str(error)
print(json.dumps(said))
"""


def run(code: str, device: str = "cpu") -> dict[str, Any]:
    """What a process prints that may fit on tensors."""
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", FIT_BOTH + code, device],
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def assert_the_same_mixture(found: dict[str, Any], tolerance: float) -> None:
    default, tensors, watched = found["records"]
    assert default["converged"] and default["iterations"] > 20
    for record in (tensors, watched):
        assert (record["converged"], record["iterations"]) == (True, default["iterations"])
        assert record["lower_bound"] == pytest.approx(default["lower_bound"], rel=tolerance)
        assert record["condition_number"] == pytest.approx(default["condition_number"], rel=1e-6)
    assert len(set(found["notes"])) == 1
    for name in ("weights", "means", "covariances", "density"):
        assert found[name] < tolerance, name
    assert found["watched"] < tolerance


def test_on_tensors_the_mixture_is_the_cpu_defaults_whether_watched_or_not() -> None:
    assert_the_same_mixture(run(AGREE), 1e-10)


@pytest.mark.slow
def test_degenerate_latents_and_deadlines_end_alike_on_both_paths() -> None:
    said = run(FAIL)
    for where in ("arrays", "tensors"):
        assert said[f"singular {where}"].startswith("a component became singular")
        assert said[f"deadline {where}"].startswith("deadline reached after")
        assert said[f"distinct {where}"] == "10 components need as many different latents, there are 4"
        assert said[f"collapsed {where}"].startswith("reg_covar 1e-06 is not small against the variance in 1 of 6")
        assert "of 40 directions" in said[f"few {where}"]
    for name in ("collapsed", "few"):
        assert said[f"{name} arrays"] == said[f"{name} tensors"]


@pytest.mark.gpu
def test_on_a_gpu_the_mixture_is_the_cpu_defaults() -> None:
    assert_the_same_mixture(run(AGREE, "cuda"), 1e-8)
    said = run(FAIL, "cuda")
    assert said["singular tensors"].startswith("a component became singular")
    assert said["deadline tensors"].startswith("deadline reached after")
    assert said["few tensors"] == said["few arrays"]


@pytest.mark.gpu
def test_a_gpu_with_too_little_memory_leaves_the_mixture_to_the_cpu() -> None:
    found = run("torch.cuda.set_per_process_memory_fraction(1e-6)\n" + AGREE, "cuda")
    assert found["records"][0] == found["records"][1] == found["records"][2]
    assert found["means"] == found["covariances"] == found["watched"] == 0


def test_a_process_without_the_environment_fits_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    assert fit_device(gpu) is None
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert fit_device(gpu) == gpu
    assert fit_device(cpu) is None
