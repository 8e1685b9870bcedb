"""A whole sweep with Ray on the card: launched, killed once, resumed; its tables, report and seconds.

The feature network has Inception's shape and random weights, which change no time; it is a plug-in file, as a user would write it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from page import REPOSITORY

SPEC = """\
name: gpu-suite
plugins: [./random_inception.py]
data: {{path: {images}, image_size: 32}}
base: {{epochs: {epochs}, latent_size: 128, seeds: 0}}
blocks:
  - name: widths
    model: [dae, vae]
    filters: {filters}
evaluation:
  extractor: inception-random
  samples: {samples}
  reference_size: {samples}
  priors: [standard_normal, mvg, gmm]
execution: {{checkpoint_seconds: 5}}
"""
PLUGIN = '''\
"""Inception with random weights."""

from aesweep.plugins import FeatureNetwork

FILE, SHA256, SIZE = {file!r}, {sha256!r}, {size}


def weights(data_dir):
    return SHA256


def load(data_dir, device):
    from pathlib import Path

    from aesweep.evaluation.networks.extractors import load_inception

    return load_inception(Path(FILE), SHA256, SIZE, device=device)


inception_random = FeatureNetwork(
    name="inception-random",
    version="1.0",
    meaning="the network of 2015 with random weights",
    preparation="299 px, bilinear as in TensorFlow 1",
    weights=weights,
    load=load,
)
'''


BEGUN = ("trials/*/attempts/*/checkpoint*", "trials/*/train.json")
"""What shows that there is work to lose."""


def section(work: Path, out: Path, images: Path, widths: list[int], epochs: int, samples: int) -> str:
    """Markdown. `work` gets the store; `out` an archive of its tables and its report."""
    spec = _write_spec(work, images, widths, epochs, samples)
    store = work / "store"
    killed = _killed(["launch", str(spec), "--store", str(store)], work, store)
    plugin = ["--plugins", str(work / "random_inception.py")]
    started = time.monotonic()
    resumed = _aesweep(["resume", str(store), *plugin], work)
    seconds = time.monotonic() - started
    for words in (["status", str(store)], ["verify", str(store)], ["report", str(store)]):
        _aesweep(words, work)
    kept = work / "kept"
    kept.mkdir()
    for name in ("tables", "report"):
        shutil.copytree(store / name, kept / name, symlinks=True)
    shutil.make_archive(str(out / "sweep"), "gztar", kept)
    return _page(store, killed, seconds, resumed)


def _write_spec(work: Path, images: Path, widths: list[int], epochs: int, samples: int) -> Path:
    from tests.evaluation.networks.random_inception import hash_and_size, write_random_inception

    file = write_random_inception(work / "inception.pth")
    sha256, size = hash_and_size(file)
    (work / "random_inception.py").write_text(PLUGIN.format(file=str(file), sha256=sha256, size=size), encoding="utf-8")
    spec = work / "spec.yaml"
    text = SPEC.format(images=images.resolve(), epochs=epochs, filters=widths, samples=samples)
    spec.write_text(text, encoding="utf-8")
    return spec


def _command(words: list[str], work: Path) -> dict[str, object]:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    return {
        "args": [sys.executable, "-m", "aesweep.sweep.cli", *words],
        "cwd": work,
        "env": {**os.environ, "PYTHONPATH": path},
    }


def _aesweep(words: list[str], work: Path) -> str:
    done = subprocess.run(**_command(words, work), capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    (work / f"{words[0]}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    print(done.stdout[-3000:], done.stderr[-3000:], flush=True)
    if done.returncode:
        raise RuntimeError(f"aesweep {' '.join(words)}: exit code {done.returncode}")
    return str(done.stdout + done.stderr)


def _killed(words: list[str], work: Path, store: Path) -> float:
    """Launch, and kill everything when the first checkpoint or the first trained model is there; seconds until then."""
    started = time.monotonic()
    with (work / "killed.txt").open("w+", encoding="utf-8") as log:
        launch = subprocess.Popen(**_command(words, work), stdout=log, stderr=log, start_new_session=True)  # type: ignore[call-overload]
        while not any(found for name in BEGUN for found in store.glob(name)):
            if launch.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"the launch ended with {launch.returncode} before it was killed: {log.read()}")
            time.sleep(0.1)
        os.killpg(launch.pid, signal.SIGKILL)
        launch.wait()
    return time.monotonic() - started


def _page(store: Path, killed: float, seconds: float, said: str) -> str:
    trials = pd.read_parquet(store / "tables" / "trials.parquet")
    scores = pd.read_parquet(store / "tables" / "scores.parquet")
    columns = ["model", "filters", "state", "train_seconds", "images_per_second", "gpu_share", "test_bce"]
    found = trials[[name for name in columns if name in trials]]
    values = scores[scores["source"] != "latents"].dropna(subset="value")
    lines = said.strip().splitlines()
    return "\n".join(
        [
            "## A sweep with Ray on the card",
            "",
            f"Killed with SIGKILL after {killed:.0f} s, at its first checkpoint or model; resumed, and done after {seconds:.0f} s more. "
            f"{len(scores)} scores, {len(values)} of them distances and errors of images. Its last words: `{lines[-1] if lines else ''}`",
            "",
            f"| {' | '.join(found.columns)} |",
            f"|{'---|' * len(found.columns)}",
            *(f"| {' | '.join(_cell(value) for value in row)} |" for row in found.itertuples(index=False)),
        ]
    )


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
