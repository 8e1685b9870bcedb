"""Every benchmark runs and writes its page: at a small size, since nothing is measured here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image_folder import write_image_folder

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = {
    "calibration": "--replicates 4 --processes 1",
    "coverage": "--replicates 10 --count 300 --processes 1",
    "explore": "--trials 60 --browsers 1 --stored 40 --questions 3 --rounds 1 --seconds 1",
    "evaluation": "--quick --sections stages",
    "gpu_suite": "--small --device cpu --images",
    "gaussianity": "--sweeps 2 --latents 500",
    "large_store": "--trials 40",
    "objectives": "--filters 2 --rounds 1 --steps 2",
    "orchestration": "--trials 4 --seconds 1",
    "planning": "--trials 60",
    "report": "--trials 12",
    "schedules": "--walks 20 --most-states 200 --pairs 4",
    "training_throughput": "--filters 2 --rounds 1 --steps 2",
    "trust": "--stores 3 --jobs 1",
}
SECTIONS = {"end_to_end", "evaluation_stages", "inception_features", "mixture_fit"}
"""Parts of evaluation.py."""
ELSEWHERE = {
    "chaos": "kills processes for minutes; `make bench`",
    "peers": "installs other trainers from the network; `make bench`",
    "page": "what they share",
}


def test_every_benchmark_is_run_small_or_somewhere_else() -> None:
    assert {path.stem for path in BENCHMARKS.glob("*.py")} == {*SMALL, *SECTIONS, *ELSEWHERE}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SMALL)
def test_it_runs_and_writes_its_page(name: str, tmp_path: Path) -> None:
    options = SMALL[name].split()
    if options[-1] == "--images":
        options.append(str(write_image_folder(tmp_path / "images", images=300, side=32)))
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *options, "--out", str(tmp_path)]
    done = subprocess.run(
        command, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (page,) = tmp_path.glob("*.md")
    assert page.read_text().startswith("# ") and f"benchmarks/{name}.py" in page.read_text()
