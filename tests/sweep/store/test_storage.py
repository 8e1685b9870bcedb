"""Files of a store: whole or absent, first commit wins."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.storage import size_of
from tests.sweep.store.races import assert_one_commit_wins


def test_a_written_file_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/b.json", b"first")
    storage.write("a/b.json", b"second")
    assert storage.read("a/b.json") == b"second"
    assert os.listdir(tmp_path / "a") == ["b.json"]


def test_the_first_commit_wins_and_the_second_one_learns_it(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.commit("train.json", b"one")
    assert not storage.commit("train.json", b"two")
    assert storage.read("train.json") == b"one"
    assert os.listdir(tmp_path) == ["train.json"]


def test_a_file_is_shared_if_it_holds_the_bytes_and_each_name_outlives_the_other(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/one.npz", b"bytes")
    assert storage.share("b/two.npz", "a/one.npz", b"bytes")
    assert (tmp_path / "a/one.npz").samefile(tmp_path / "b/two.npz")
    storage.write("a/one.npz", b"others")
    assert storage.read("b/two.npz") == b"bytes", "a name that is written anew leaves the other as it was"
    storage.remove("a/one.npz")
    assert storage.read("b/two.npz") == b"bytes"


def test_nothing_is_shared_that_is_not_the_same_plain_file(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "store")
    storage.write("a/one.npz", b"damaged")
    storage.write("taken.npz", b"mine")
    (tmp_path / "outside").write_bytes(b"secret")
    (tmp_path / "store/link.npz").symlink_to(tmp_path / "outside")
    assert not storage.share("new.npz", "a/one.npz", b"bytes")
    assert not storage.share("new.npz", "none.npz", b"bytes")
    assert not storage.share("new.npz", "link.npz", b"secret"), "no link is followed"
    assert not storage.share("taken.npz", "a/one.npz", b"damaged")
    assert storage.read("taken.npz") == b"mine" and not storage.exists("new.npz")


def test_of_many_commits_at_once_exactly_one_wins(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert_one_commit_wins(storage)


@pytest.mark.parametrize("lock", ["store.json", "."])
def test_a_file_is_compared_and_exchanged_in_one_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """Nobody else gets the lock between the comparison and the rename; without `store.json` it is that of the folder."""
    storage = LocalStorage(tmp_path)
    storage.write("a", b"1")
    if lock != ".":
        storage.write(lock, b"{}")
    turns = []

    def in_a_turn(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            other = os.open(tmp_path / lock, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(other)
            turns.append(real.__name__)
            return real(*words, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "read", in_a_turn(LocalStorage.read))
        patch.setattr(os, "replace", in_a_turn(os.replace))
        assert storage.replace("a", b"1", b"2") and not storage.replace("a", b"1", b"3")
    assert turns == ["read", "replace", "read"]
    assert storage.read("a") == b"2"


def test_a_commit_whose_answer_was_lost_has_won(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS sends a request again whose answer was lost, and is told that the name is taken: by ourselves."""
    link = os.link

    def repeated(*words: Any, **named: Any) -> None:
        link(*words, **named)
        link(*words, **named)

    storage = LocalStorage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", repeated)
        assert storage.commit("train.json", b"one")
    assert not storage.commit("train.json", b"two")
    assert storage.read("train.json") == b"one"


def test_new_names_reach_the_disk_with_the_folders_above_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, fsync = set(), os.fsync

    def watched(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    storage = LocalStorage(tmp_path / "new" / "store")
    storage.make_folder("trials/abc/attempts")
    store = tmp_path / "new" / "store"
    assert {str(path) for path in (tmp_path, tmp_path / "new", store, store / "trials", store / "trials/abc")} <= synced
    synced.clear()
    for write in (storage.write, storage.commit):
        write(f"trials/{write.__name__}", b"1")
        assert str(store / "trials") in synced
        synced.clear()


def test_a_missing_file_reads_as_none_and_a_missing_folder_lists_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert storage.read("no/such") is None
    assert storage.names("no") == []


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "trials/../../outside"])
def test_a_name_never_leaves_the_store(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a path inside the store"):
        LocalStorage(tmp_path).write(name, b"")


def test_temporary_files_are_not_listed_and_can_be_removed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("f/kept", b"1")
    (tmp_path / "f" / ".tmp-left-by-a-killed-writer").write_bytes(b"half")
    assert storage.names("f") == ["kept"]
    storage.map(storage.remove, storage.temporary())
    assert os.listdir(tmp_path / "f") == ["kept"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written to"):
        LocalStorage(tmp_path / "file").write("a/b", b"1")


def test_a_file_record_names_length_and_sha256() -> None:
    record = file_record(b"abc")
    assert record.to_json() == {
        "bytes": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


def test_without_hard_links_the_first_commit_wins_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object, **folders: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    storage = LocalStorage(tmp_path)
    assert storage.commit("train.json", b"one")
    assert not storage.commit("train.json", b"two")
    assert storage.read("train.json") == b"one"
    assert os.listdir(tmp_path) == ["train.json"]


def test_a_commit_that_the_disk_refuses_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: object, target: object, **folders: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        LocalStorage(tmp_path).commit("train.json", b"one")
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_reads_as_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("trials", b"a file")
    assert (storage.read("trials/abc/train.json"), storage.open("trials/abc/train.json")) == (None, None)
    assert (storage.version("trials/abc/train.json"), storage.exists("trials/abc")) == (None, False)
    assert (storage.names("trials/abc"), storage.listing("trials", 3)) == ([], {})
    with pytest.raises(InputError, match="cannot be written to"):
        storage.make_folder("trials/abc/attempts/train-0001")


def test_a_file_that_vanishes_meanwhile_is_not_listed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("trials/abc/config.json", b"1")
    assert set(storage.listing("trials", 3)) == {"trials/abc/config.json"}
    storage.remove("trials/abc/never-there")
    storage.remove_folder("trials/never-there")
    assert storage.set_aside("trials/abc/never-there", b"1") is None


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("left", [None, b"vacant"])
def test_what_is_set_aside_keeps_its_bytes_with_or_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool, left: bytes | None
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    storage = LocalStorage(tmp_path)
    storage.write("trials/abc/train.json", b"damaged")
    assert storage.set_aside("trials/abc/train.json", b"what was there before") is None
    assert storage.names("trials/abc") == ["train.json"]
    aside = storage.set_aside("trials/abc/train.json", b"damaged", left)
    assert aside is not None and storage.read(aside) == b"damaged" and storage.read("trials/abc/train.json") == left
    storage.write("trials/abc/train.json", b"damaged")  # the same damage once more
    assert storage.set_aside("trials/abc/train.json", b"damaged", left) == aside
    assert len(storage.names("trials/abc")) == (1 if left is None else 2)


def test_a_crowd_of_damaged_files_waits_for_the_disk_once_per_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, waited, fsync = LocalStorage(tmp_path), list[int](), os.fsync
    storage.write("trials/abc/train.json", b"damaged")

    def wait(descriptor: int) -> None:
        waited.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", wait)
    assert storage.set_aside("trials/abc/train.json", b"damaged", b"vacant")
    assert len(waited) == 1, "a mailed store may hold thousands of them"


def test_a_version_begins_with_the_length(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("file", b"12345")
    version = storage.version("file")
    assert version is not None and size_of(version) == 5
