"""The spec of a store leads to no folder that this user never named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.load import load_data
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.images import check_images
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.own_folders import own_spec, remember
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from tests.image_folder import write_image_folder
from tests.in_process import run_aesweep
from tests.small_store import DONE, small_spec
from tests.sweep.conftest import run_cli
from tests.watching import nothing_happens_in

NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder of the reader that a mailed store names."""
    (tmp_path / "private").mkdir()
    return tmp_path / "private"


@pytest.fixture
def mailed(small_store: Path, tmp_path: Path, private: Path) -> Path:
    shutil.copytree(small_store, tmp_path / "store")
    (path,) = (tmp_path / "store/sweeps").glob("[0-9a-f]*.json")
    record = json.loads(path.read_text())
    record.pop("seal")
    record["spec"]["execution"]["data_dir"] = str(private)
    path.write_text(json.dumps(record))
    return tmp_path / "store"


def test_a_mailed_store_leads_to_no_folder_of_the_reader(mailed: Path, private: Path, tmp_path: Path) -> None:
    with nothing_happens_in(private):
        for words in (["resume", mailed], ["resume", mailed, "--all"], ["evaluate", mailed, "--samples", 60]):
            ended = run_aesweep(*words, "--address", NOBODY)
            assert ended.is_refused_clearly and f"--data {private}" in ended.err, ended.err
        with pytest.raises(InputError, match="data_dir="):
            load_data(mailed, DONE.key)


def test_the_remedy_works(mailed: Path, private: Path, tmp_path: Path) -> None:
    """In processes of their own: in this one Ray may run already."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    ended = run_cli("resume", mailed, "--data", private, "--address", NOBODY, cwd=tmp_path, env=state)
    assert "--address" in ended.stderr and "data_dir" not in ended.stderr
    again = run_cli("resume", mailed, "--address", NOBODY, cwd=tmp_path, env=state)
    assert "--address" in again.stderr, "what was given once is remembered"
    assert len(load_data(mailed, DONE.key).test) == 297


def test_another_folder_takes_the_place_of_the_stored_one(mailed: Path, private: Path, tmp_path: Path) -> None:
    with nothing_happens_in(private):
        assert len(load_data(mailed, DONE.key, tmp_path / "mine").test) == 297


def test_the_default_folder_is_the_users(small_store: Path, data_dir: Path) -> None:
    assert own_spec(small_spec(data_dir)) == small_spec(data_dir)


def test_folders_of_images_are_asked_for_too(data_dir: Path, tmp_path: Path, private: Path) -> None:
    identity = "ab" * 32
    block = Block("faces", (replace(DONE, dataset="folder", data_identity=identity),))
    execution = ExecutionConfig(data_dir=str(data_dir), folders={identity: str(private)})
    spec = SweepSpec(name="x", blocks=(block,), execution=execution)
    with pytest.raises(InputError, match=f"--images {private}"):
        own_spec(spec)
    assert own_spec(spec, images=tmp_path).execution.folders == {identity: str(tmp_path)}
    remember(execution)
    assert own_spec(spec).execution == execution


def test_a_folder_of_images_that_moved_is_found_again(tmp_path: Path, home: Path) -> None:
    faces = write_image_folder(tmp_path / "faces", images=2)
    spec = load_spec({"data": {"path": str(faces)}, "blocks": [{"model": "dae"}]}, data_dir=tmp_path / "data")
    remember(spec.execution)
    moved = faces.rename(tmp_path / "moved")
    configs = [config for config, _ in spec.trials]
    with pytest.raises(InputError, match=r"no such folder\. If it has moved, .*--images FOLDER"):
        check_images(configs, own_spec(spec).execution)
    check_images(configs, own_spec(spec, images=moved).execution)


def test_a_damaged_list_of_folders_is_an_empty_one(home: Path, data_dir: Path, private: Path) -> None:
    (home / "aesweep").mkdir(parents=True)
    for text in ("", "7", "{", '[1, null, "x"]', "[" * 100_000):
        (home / "aesweep/folders.json").write_text(text)
        with pytest.raises(InputError):
            own_spec(replace(small_spec(data_dir), execution=ExecutionConfig(data_dir=str(private))))
