"""Sweeps on images from which nothing can be learned: every score that cannot be computed is null with its reason."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.sweep.conftest import run_cli
from tests.sweep.driver.aftermath import assert_nothing_left_in

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]
SPEC = """
name: degenerate
data: {path: images, image_size: 32}
base: {filters: 4, epochs: 2, batch_size: 4}
blocks:
  - {name: all, model: [dae, vae], latent_size: LATENTS}
evaluation: {extractor: random-conv-64, samples: 20, metrics: [frechet, gaussianity]}
execution: {checkpoint_seconds: 1000}
"""


def write_images(folder: Path, count: int, constant: bool) -> None:
    """Images of 32x32 in train/ and test/: noise, or all of one colour."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((32, 32, 3), 128) if constant else random.integers(0, 256, (32, 32, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / split / f"{number}.png")


def swept(folder: Path, env: dict[str, str], latents: int) -> pd.DataFrame:
    """The scores of a sweep on the images in `folder`; it ends with exit code 0 and can be reported."""
    (folder / "spec.yaml").write_text(SPEC.replace("LATENTS", str(latents)))
    done = run_cli("launch", "spec.yaml", "--store", "store", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    trials = pd.read_parquet(folder / "store/tables/trials.parquet")
    assert set(trials.state) == {"done"} and len(trials) == 2
    assert len(pd.read_parquet(folder / "store/tables/failures.parquet")) == 0
    report = run_cli("report", "store", cwd=folder, env=env)
    assert report.returncode == 0, report.stderr
    assert "data:image/png" in (folder / "store/report/index.html").read_text()
    assert_nothing_left_in(folder / "store")
    scores = pd.read_parquet(folder / "store/tables/scores.parquet")
    missing = scores[scores.value.isna()]
    assert (missing.note.str.len() > 10).all(), "a null score says why"
    return scores


def test_fewer_images_than_mixture_components(tmp_path: Path, own_env: dict[str, str]) -> None:
    write_images(tmp_path / "images", count=6, constant=False)
    scores = swept(tmp_path, own_env, latents=3)
    mixture = scores[(scores.source == "gmm") & (scores.metric == "fd")]
    assert len(mixture) == 2 and mixture.value.isna().all()
    assert mixture.note.str.contains("10 components need as many different latents, there are 6").all()
    others = scores[(scores.metric == "fd") & (scores.source != "gmm")]
    assert others.value.notna().all(), others


def test_fewer_images_than_latent_dimensions(tmp_path: Path, own_env: dict[str, str]) -> None:
    write_images(tmp_path / "images", count=12, constant=False)
    scores = swept(tmp_path, own_env, latents=32)
    mvg = scores[(scores.source == "mvg") & (scores.metric == "fd")]
    assert mvg.value.notna().all()
    assert mvg.note.str.contains(r"covariance of rank \d+ of 32").all()


def test_images_that_are_all_the_same(tmp_path: Path, own_env: dict[str, str]) -> None:
    write_images(tmp_path / "images", count=12, constant=True)
    scores = swept(tmp_path, own_env, latents=3)
    fitted = scores[scores.source.isin(["mvg", "gmm"]) & (scores.metric == "fd")]
    assert len(fitted) == 4 and fitted.value.isna().all(), fitted
    assert fitted.note.str.contains("all latents are equal").all(), fitted.note.tolist()
