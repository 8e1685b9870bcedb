"""Names that are not UTF-8, of folders, pictures and stores, work in every verb."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import command_environment
from tests.image_folder import write_image_folder

SPEC = """
name: odd
data: {path: ./faces, image_size: 32}
blocks: [{model: dae, latent_size: 2, filters: 2, epochs: 1, batch_size: 8}]
evaluation: {extractor: random-conv-64, samples: 20, gmm_components: 2, gmm_reg_covar: 0.01}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder f\\xe9lix with pictures, one of them caf\\xe9.png, and a spec of them."""
    folder = tmp_path / os.fsdecode(b"f\xe9lix")
    write_image_folder(folder / "faces", images=20, side=32)
    (folder / "faces/train/a/0.png").rename(folder / "faces/train/a" / os.fsdecode(b"caf\xe9.png"))
    (folder / "faces/train/a" / os.fsdecode(b"left out.\xe9")).touch()
    (folder / "odd.yaml").write_text(SPEC)
    return folder


def run(place: Path, *words: str | Path, env: dict[str, str] | None = None, code: int = 0) -> str:
    """What a command prints, which must be without a traceback; it runs on the data folder in `place`."""
    done = subprocess.run(
        [sys.executable, "-m", "aesweep.sweep.cli", *words],
        env=command_environment(AESWEEP_DATA=str(place / "data"), **(env or {})),
        capture_output=True,
        check=False,
        timeout=240,
    )
    said = os.fsdecode(done.stdout + done.stderr)
    assert done.returncode == code, said
    assert "Traceback" not in said and "Unicode" not in said
    return said


def test_a_folder_and_pictures_are_planned_and_named(place: Path) -> None:
    planned = run(place, "plan", place / "odd.yaml")
    assert "Images: 20 for training and 20 for testing" in planned and "Left out: 1 with other endings." in planned
    assert "1 pending" in run(place, "plan", place / "odd.yaml", "--set", f"path={place / 'faces'}")
    (place / "faces/test/a" / os.fsdecode(b"b\xe9.png")).touch()
    told = run(place, "launch", place / "odd.yaml", "--store", place / "store", "--address", "127.0.0.1:1", code=2)
    assert "b\\udce9.png" in told and "an empty file" in told


@pytest.mark.slow
def test_every_verb_works(place: Path, own_env: dict[str, str]) -> None:
    store, spec = place / "store", place / "odd.yaml"
    assert "1 done" in run(place, "launch", spec, "--store", store, env=own_env)
    key = next((store / "trials").iterdir()).name
    assert "Nothing to do" in run(place, "plan", spec, "--store", store)
    assert "Nothing to do" in run(place, "resume", store)
    assert "1 done" in run(place, "status", store)
    assert "1 done" in run(place, "evaluate", store, "--samples", "30", env=own_env)
    assert str(store / "report/index.html") in run(place, "report", store)
    assert "f\\xe9lix" in (store / "report/index.html").read_text()
    run(place, "report", store, "--out", place.parent / "elsewhere")
    picture = place / os.fsdecode(b"r\xe9.png")
    run(place, "sample", store, key, "--reconstruct", "--out", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    run(place, "sample", store, key, "--prior", "mvg", "--out", picture)
    run(place, "tables", store)
    run(place, "prune", store)
