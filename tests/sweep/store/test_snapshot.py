"""A storage that was listed once answers from memory, and sees what is done through it."""

from pathlib import Path

import pytest

from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.snapshot import Snapshot

TRAINED = "trials/abc/train.json"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    local = LocalStorage(tmp_path)
    for name in (TRAINED, "trials/abc/scores/e.json", "trials/abc/attempts/train-0001/log.txt", "sweeps/latest.json"):
        local.write(name, b"1")
    return local


def test_it_says_of_trials_what_the_storage_said_when_it_was_listed(storage: LocalStorage) -> None:
    listed = Snapshot(storage)
    for name in ("trials", "trials/abc", "trials/abc/scores", "trials/abc/attempts", "trials/none", "sweeps"):
        assert listed.names(name) == storage.names(name)
        assert listed.exists(name) == storage.exists(name)
    assert listed.version(TRAINED) == storage.version(TRAINED)
    assert listed.version("trials/abc/scores") is None, "a folder has no version"
    storage.write("trials/def/config.json", b"2")
    storage.write("sweeps/new.json", b"2")
    assert listed.names("trials") == ["abc"], "what others write later is not seen"
    assert "new.json" in listed.names("sweeps"), "only trials are listed"
    assert listed.read("trials/def/config.json") == b"2", "what is read is read now"


def test_it_sees_what_is_written_removed_and_set_aside_through_it(storage: LocalStorage) -> None:
    listed = Snapshot(storage)
    listed.write("trials/def/config.json", b"22")
    assert not listed.commit(TRAINED, b"other")
    assert listed.commit("trials/def/train.json", b"3")
    assert listed.share("trials/def/shared.npz", "sweeps/latest.json", b"1")
    listed.make_folder("trials/def/attempts/train-0001")
    aside = listed.set_aside(TRAINED, b"1") or ""
    listed.remove("trials/abc/scores/e.json")
    listed.remove_folder("trials/abc/attempts/train-0001")
    assert aside.startswith(f"{TRAINED}.damaged-")
    for name in (
        "trials",
        "trials/abc",
        "trials/def",
        "trials/def/attempts",
        "trials/abc/scores",
        "trials/abc/attempts",
    ):
        assert listed.names(name) == storage.names(name), name
    for name in (TRAINED, aside, "trials/def/config.json", "trials/def/train.json", "trials/def/shared.npz"):
        assert listed.version(name) == storage.version(name), name
