"""A folder without train/ and test/: split by what each file holds."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.flat_folder import split_folder
from aesweep.models.data.folder import folder_identity
from aesweep.models.data.images import load_images
from aesweep.models.errors import InputError
from aesweep.sweep.spec.load import load_spec
from tests.in_process import run_aesweep

COUNT = 60


def write_images(folder: Path, first: int = 0, count: int = COUNT) -> Path:
    """So many different pictures, half of them in a subfolder; the same for the same numbers."""
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("sub" if number % 2 else "") / f"{number}.png")
    return folder


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_images(tmp_path / "faces")


def members(split: Path) -> dict[str, set[bytes]]:
    """What the images of each split hold."""
    return {name: {path.read_bytes() for path in (split / name).rglob("*.png")} for name in ("train", "test")}


def test_every_image_is_in_one_split_and_the_share_is_met_on_average(faces: Path, tmp_path: Path) -> None:
    write_images(faces, COUNT, 340)
    found = members(split_folder(faces, 0.25, tmp_path / "data"))
    assert not found["train"] & found["test"]
    assert len(found["train"]) + len(found["test"]) == 400
    assert len(found["test"]) == pytest.approx(100, abs=4 * (400 * 0.25 * 0.75) ** 0.5)


def test_adding_removing_and_renaming_images_moves_none_to_the_other_split(faces: Path, tmp_path: Path) -> None:
    first = split_folder(faces, 0.2, tmp_path / "data")
    before = members(first)
    write_images(faces, COUNT, 30)
    (faces / "0.png").rename(faces / "sub/renamed.png")
    (faces / "2.png").unlink()
    second = split_folder(faces, 0.2, tmp_path / "data")
    after = members(second)
    assert second != first
    assert not before["train"] & after["test"] and not before["test"] & after["train"]
    assert len(after["train"] | after["test"]) == COUNT + 30 - 1
    elsewhere = split_folder(Path(shutil.copytree(faces, tmp_path / "moved")), 0.2, tmp_path / "other data")
    assert members(elsewhere) == after, "also on another machine"
    assert folder_identity(elsewhere, tmp_path) == folder_identity(second, tmp_path)


def test_copies_of_one_image_are_in_the_same_split(faces: Path, tmp_path: Path) -> None:
    for number in range(COUNT):
        shutil.copy(faces / ("sub" if number % 2 else "") / f"{number}.png", faces / f"copy-{number}.png")
    split = split_folder(faces, 0.5, tmp_path / "data")
    assert not members(split)["train"] & members(split)["test"]
    assert len(list(split.rglob("*.png"))) == 2 * COUNT


def test_a_larger_share_only_adds_test_images(faces: Path, tmp_path: Path) -> None:
    some, more = (members(split_folder(faces, share, tmp_path / "data")) for share in (0.2, 0.4))
    assert some["test"] < more["test"]


def test_a_spec_of_a_flat_folder_trains_on_one_split_and_tests_on_the_other(faces: Path, tmp_path: Path) -> None:
    (faces / "notes.txt").write_text("no image")
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "data: {path: ./faces, test_fraction: 0.25}\nblocks: [{model: dae, latent_size: 4, filters: 2, epochs: 1}]\n"
    )
    loaded = load_spec(spec, data_dir=tmp_path / "data")
    (config,) = (trial for trial, _ in loaded.trials)
    (folder,) = loaded.execution.folders.values()
    images = load_images(config, DataSource(data_dir=tmp_path / "data", folder=Path(folder)))
    expected = members(Path(folder))
    assert (len(images.train), len(images.test)) == (len(expected["train"]), len(expected["test"]))
    shown = run_aesweep("plan", spec, "--data", tmp_path / "data").out
    assert f"Images: {len(images.train)} for training and {len(images.test)} for testing, in {faces}, split by" in shown
    assert "Left out: 1 .txt." in shown
    replaced = run_aesweep(
        "plan", spec, "--data", tmp_path / "data", "--set", f"path={faces}", "--set", "test_fraction=0.25"
    )
    assert replaced.code == 0 and f"Images: {len(images.train)} for training" in replaced.out


def test_an_older_sweep_keeps_its_split_when_the_folder_grows(faces: Path, tmp_path: Path) -> None:
    split = split_folder(faces, 0.25, tmp_path / "data")
    identity = folder_identity(split, tmp_path / "data")
    write_images(faces, COUNT, 5)
    split_folder(faces, 0.25, tmp_path / "data")
    assert folder_identity(split, tmp_path / "fresh") == identity
    config = TrialConfig(dataset="folder", data_identity=identity)
    assert len(load_images(config, DataSource(data_dir=tmp_path / "data", folder=split)).train) > 0


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0, "between 0 and 1"),
        (1.0, "between 0 and 1"),
        ("a", "between 0 and 1"),
        (True, "between 0 and 1"),
        (1e-9, "none is for testing"),
    ],
)
def test_a_share_that_makes_no_split_is_refused(faces: Path, tmp_path: Path, share: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        split_folder(faces, share, tmp_path / "data")
    assert refused.value.field == "test_fraction"


def test_a_folder_that_has_both_splits_takes_no_share(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_images(tmp_path / "faces" / split, count=3)
    with pytest.raises(InputError, match="has train/ and test/ already"):
        split_folder(tmp_path / "faces", 0.1, tmp_path / "data")


def test_damaged_images_are_named_where_the_user_keeps_them(faces: Path, tmp_path: Path) -> None:
    (faces / "sub" / "broken.jpg").write_text("no image")
    (faces / "empty.png").touch()
    spec = tmp_path / "spec.yaml"
    spec.write_text("data: {path: ./faces, test_fraction: 0.2}\nblocks: [{model: dae, latent_size: 2, filters: 2}]\n")
    loaded = load_spec(spec, data_dir=tmp_path / "data")
    (config,) = (trial for trial, _ in loaded.trials)
    (folder,) = loaded.execution.folders.values()
    with pytest.raises(InputError) as caught:
        load_images(config, DataSource(data_dir=tmp_path / "data", folder=Path(folder)))
    assert f"{faces}/sub/broken.jpg" in caught.value.remedy and f"{faces}/empty.png" in caught.value.remedy
    assert str(tmp_path / "data") not in caught.value.remedy


def test_a_folder_given_in_place_of_the_specs_is_split_as_the_spec_says(faces: Path, tmp_path: Path) -> None:
    """A colleague's spec, whose folder is somewhere else here."""
    shutil.copytree(faces, tmp_path / "mine")
    spec = tmp_path / "spec.yaml"
    spec.write_text("data: {path: ./faces, test_fraction: 0.3}\nblocks: [{model: dae}]\n")
    written = load_spec(spec, data_dir=tmp_path / "data")
    override = f"path={tmp_path / 'mine'}"
    assert load_spec(spec, [override], tmp_path / "data").trials == written.trials
    as_dict = {"data": {"path": "gone", "test_fraction": 0.3}, "blocks": [{"model": "dae"}]}
    assert load_spec(as_dict, [override], tmp_path / "data").trials == written.trials
    assert load_spec(spec, [override, "test_fraction=0.5"], tmp_path / "data").trials != written.trials
    for split in ("train", "test"):
        write_images(tmp_path / "sorted" / split, count=3)
    sorted_by_hand = load_spec(spec, [f"path={tmp_path / 'sorted'}"], tmp_path / "data")
    assert list(sorted_by_hand.execution.folders.values()) == [str(tmp_path / "sorted")]


def test_a_flat_folder_without_a_share_is_told_of_it_and_what_cannot_be_read_is_named(
    faces: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("data: {path: ./faces}\nblocks: [{model: dae}]\n")
    refused = run_aesweep("plan", spec, "--data", tmp_path / "data")
    assert refused.is_refused_clearly and "give `test_fraction: 0.1`" in refused.err
    spec.write_text("data: {dataset: digits, test_fraction: 0.1}\nblocks: [{model: dae}]\n")
    assert "digits has a test split" in run_aesweep("plan", spec).err
    os.mkfifo(faces / "pipe.png")
    with pytest.raises(InputError, match="a pipe, socket or device"):
        split_folder(faces, 0.1, tmp_path / "data")
