"""A store whose files are links, FIFOs or endless: no verb leaves the store, waits or fills the memory."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.load import load_model
from aesweep.sweep.store.beneath import MOST_BYTES
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import vacancy
from aesweep.sweep.store.store import open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF
from tests.watching import nothing_happens_in

FOLDERS = [
    "progress", "tables", "report", "sweeps", "claims", "trials", f"trials/{DONE.key}", f"trials/{DONE.key}/attempts", "references",
    f"trials/{DONE.key}/attempts/*", f"trials/{DONE.key}/scores", f"trials/{DONE.key}/attempts/score*/samples",
]  # fmt: skip
FILES = [
    "store.json", "sweeps/latest.json", "sweeps/[0-9a-f]*.json", "claims/*.json", "tables/folded.json", "tables/trials.parquet",
    "tables/latents.parquet", f"trials/{DONE.key}/config.json", f"trials/{DONE.key}/train.json", "progress/*.json",
    f"trials/{DONE.key}/scores/*.json", f"trials/{DONE.key}/attempts/*/model.safetensors", "trials/*/failures/*.json",
    f"trials/{HALF.key}/attempts/*/checkpoint.pt",
]  # fmt: skip
VERBS = (["status"], ["status", "--json"], ["prune", "--dry-run"], ["tables"], ["prune", "--damaged"])


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store whose driver has gone."""
    shutil.copytree(small_store, tmp_path / "store")
    (progress,) = (tmp_path / "store" / "progress").iterdir()
    progress.write_text(json.dumps({**json.loads(progress.read_text()), "time": 0.0}))
    return tmp_path / "store"


@pytest.fixture
def outside(store: Path, tmp_path: Path) -> Path:
    """What the reader owns: a whole store of the same names, with files that `prune` would remove."""
    folder = tmp_path / "outside"
    shutil.copytree(store, folder)
    (folder / "notes.json").write_text("{}")
    (folder / "thesis.damaged-abcdef").write_text("precious")
    (folder / ".tmp-0123456789ab").write_text("precious")
    return folder


def look_at(store: Path) -> None:
    """Every verb that needs no Ray ends well, or in two lines; models are loaded or refused."""
    for verb, *words in VERBS:
        ended = run_aesweep(verb, store, *words)
        assert ended.code == 0 or ended.is_refused_clearly, (verb, ended.err)
    for key in (DONE.key, HALF.key):
        try:
            load_model(store, key)
        except InputError:
            continue


@pytest.mark.parametrize("place", [*FOLDERS, *FILES])
def test_no_link_is_followed_out_of_the_store(store: Path, outside: Path, place: str) -> None:
    for path in [*store.glob(place)] or [store / place]:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(outside / path.relative_to(store))
    (store / "zzz").symlink_to(outside)
    with nothing_happens_in(outside):
        look_at(store)


def test_a_report_is_not_written_through_a_link(store: Path, outside: Path) -> None:
    (store / "report").symlink_to(outside)
    with nothing_happens_in(outside):
        refused = run_aesweep("report", store)
    assert refused.is_refused_clearly and f"Not a directory: {store}/report)" in refused.err


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def zeros_without_end(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_socket(path: Path) -> None:
    os.chdir(path.parent)  # the address of a socket has at most 107 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


def a_terabyte_of_nothing(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize("kind", [a_fifo, a_folder, zeros_without_end, a_socket, a_terabyte_of_nothing])
def test_what_is_no_regular_file_is_a_damaged_one(
    store: Path, kind: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store)  # put back afterwards
    (store / "progress" / "another.json").touch()
    for place in FILES[1:]:
        for path in store.glob(place):
            path.unlink()
            kind(path)
    look_at(store)


@pytest.mark.parametrize("kind", [a_fifo, a_folder, zeros_without_end, a_socket, a_terabyte_of_nothing])
def test_what_stands_in_the_place_of_a_commit_is_kept_and_the_work_is_done_again(
    store: Path, kind: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, name = open_store(store), f"trials/{DONE.key}/train.json"
    commit = opened.commits.training(DONE.key)
    assert commit is not None
    (store / name).unlink()
    monkeypatch.chdir(store)
    kind(store / name)
    before = (store / name).lstat()
    assert opened.commits.commit_training(DONE.key, commit)
    (aside,) = store.glob(f"{name}.damaged-*")
    assert (aside.lstat().st_ino, aside.lstat().st_mode, aside.lstat().st_size) == (
        before.st_ino, before.st_mode, before.st_size
    )  # fmt: skip
    assert opened.storage.set_aside(name, b"", vacancy()) is None, "a slow reader of what was there"
    assert open_store(store).commits.training(DONE.key) == commit


def test_writers_take_turns_without_following_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "notes").write_text("mine")
    storage = LocalStorage(tmp_path / "store")
    storage.write("tables/a", b"1")
    (tmp_path / "store" / "store.json").symlink_to(outside / "notes")
    with nothing_happens_in(outside):
        assert storage.replace("tables/a", b"1", b"2")
        assert not storage.replace("tables/a", b"1", b"3")
    assert storage.read("tables/a") == b"2"


def test_the_store_itself_may_be_reached_by_a_link(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store)
    (tmp_path / "above").symlink_to(tmp_path)
    for place in (tmp_path / "link", tmp_path / "above" / "store"):
        look_at(place)
        assert load_model(place, DONE.key).config == DONE


def test_looking_changes_no_name(store: Path) -> None:
    (store / f"trials/{DONE.key}/train.json").write_text('{"lr": 1}')
    (store / f"trials/{DONE.key}/config.json").write_text('{"hidden_size": 768}')
    names = sorted(store.rglob("*"))
    for words in (["status", store], ["plan", "quickstart", "--store", store], ["prune", store, "--dry-run"]):
        assert run_aesweep(*words).code == 0
    with pytest.raises(InputError, match="not trained"):
        load_model(store, DONE.key)
    assert sorted(store.rglob("*")) == names


def test_a_record_larger_than_any_of_ours_is_not_read(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with (tmp_path / "train.json").open("wb") as file:
        file.truncate(MOST_BYTES[".json"] + 1)
    assert storage.read("train.json") == b""
    os.truncate(tmp_path / "train.json", MOST_BYTES[".json"])
    assert len(storage.read("train.json") or b"") == MOST_BYTES[".json"]


def test_weights_of_another_length_are_not_read(store: Path) -> None:
    (path,) = store.glob(f"trials/{DONE.key}/attempts/*/model.safetensors")
    with path.open("r+b") as file:
        file.truncate(2**33)
    with pytest.raises(InputError, match="SHA-256"):
        load_model(store, DONE.key)


@pytest.mark.parametrize("version", ["$x$", "", "-", "7", "x-7", "9" * 5000 + "-7", "7-"])
def test_a_note_of_versions_that_are_none_is_a_damaged_one(store: Path, version: str) -> None:
    folded = json.loads((store / "tables/folded.json").read_text())
    folded.pop("seal")
    folded["commits"] = dict.fromkeys(folded["commits"], version)
    (store / "tables/folded.json").write_text(json.dumps(folded))
    look_at(store)


@pytest.mark.parametrize("name", [b"\xff\xfe.json", b"con.json", b"0365757091", b"=1+1.json", b"A3657570914C.json"])
def test_a_copy_of_scores_under_another_name_is_no_evaluation(store: Path, name: bytes) -> None:
    """Its rows would be there twice, under an id that no evaluation has; a name that is no UTF-8 fits in no table."""
    assert run_aesweep("tables", store).code == 0
    table = store / "tables" / "scores.parquet"
    before = pd.read_parquet(table)
    (scores,) = (store / "trials" / DONE.key / "scores").glob("*.json")
    copy = os.fsencode(scores.parent) + b"/" + name
    Path(os.fsdecode(copy)).write_bytes(scores.read_bytes())
    ended = run_aesweep("tables", store)
    assert ended.code == 0, ended.err
    assert pd.read_parquet(table).equals(before)
