"""What a file system refuses beside a full disk: rights, a stale NFS handle, a bad disk. It is the storage's trouble and
never a failure of a trial, whether something is written or read."""

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import open_store
from aesweep.sweep.worker.trainable import TrialTrainable
from tests.in_process import run_aesweep
from tests.small_store import HALF, small_spec
from tests.sweep.store.races import RACERS, assert_one_commit_wins

Refuse = Callable[[str, int], None]
TROUBLES = [errno.EACCES, errno.EPERM, errno.ESTALE, errno.EIO, errno.EROFS]
WRITING = {"replace", "link", "unlink", "mkdir"}


@pytest.fixture
def refuse_to_write(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """From now on the system refuses to change what lies below a place; a test may run as root, whom rights do not stop."""

    def begin(place: str, code: int) -> None:
        for name in WRITING:
            monkeypatch.setattr(os, name, refusing(getattr(os, name), place, code))

    return begin


@pytest.fixture
def refuse_to_read(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """From now on the system refuses to look at what lies below a place."""

    def begin(place: str, code: int) -> None:
        for name in ("stat", "listdir", "scandir", "open"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), place, code))

    return begin


def refusing(real: Callable[..., Any], place: str, code: int) -> Callable[..., Any]:
    name_count = 2 if real.__name__ in ("replace", "link") else 1

    def call(path: Any = ".", *words: Any, **named: Any) -> Any:
        if any(place in whole_path(one, named) for one in (path, *words[: name_count - 1])):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, *words, **named)

    return call


def whole_path(path: Any, named: dict[str, Any]) -> str:
    """What a call of the system is about; names are given relative to the descriptor of an open folder."""
    folder = next((named[name] for name in ("dir_fd", "src_dir_fd") if named.get(name) is not None), None)
    if isinstance(path, int):
        folder, path = path, ""
    return os.path.join(os.readlink(f"/proc/self/fd/{folder}") if folder is not None else "", path)


@pytest.mark.parametrize("code", TROUBLES)
def test_what_cannot_be_written_is_the_storages_trouble(tmp_path: Path, refuse_to_write: Refuse, code: int) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("trials/abc/config.json", b"1")
    refuse_to_write(str(tmp_path), code)
    changes: list[Callable[[], object]] = [
        lambda: storage.write("trials/abc/config.json", b"2"),
        lambda: storage.remove("trials/abc/config.json"),
        lambda: storage.set_aside("trials/abc/config.json", b"1"),
        lambda: storage.make_folder("trials/def/attempts"),
    ]
    for change in changes:
        with pytest.raises(StorageError, match=r"cannot be written to \(.*\)\. Fix the cause"):
            change()


@pytest.mark.parametrize("code", TROUBLES)
def test_what_cannot_be_read_is_the_storages_trouble_and_is_named(
    tmp_path: Path, refuse_to_read: Refuse, code: int
) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("trials/abc/config.json", b"1")
    refuse_to_read("/trials", code)
    looks: list[Callable[[], object]] = [
        lambda: storage.read("trials/abc/config.json"),
        lambda: storage.open("trials/abc/config.json"),
        lambda: storage.exists("trials/abc"),
        lambda: storage.version("trials/abc/config.json"),
        lambda: storage.names("trials"),
        lambda: storage.listing("trials", 3),
    ]
    for look in looks:
        with pytest.raises(StorageError, match=r"cannot be read \(.*: .*/trials.*\)\. Fix the cause"):
            look()


def test_a_folder_that_cannot_be_removed_is_the_storages_trouble(tmp_path: Path, refuse_to_write: Refuse) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("trials/abc/config.json", b"1")
    refuse_to_write("config.json", errno.EACCES)
    with pytest.raises(StorageError, match="cannot be written to"):
        storage.remove_folder("trials/abc")


def test_a_folder_that_cannot_be_made_is_bad_input_where_a_store_is_to_begin(
    tmp_path: Path, refuse_to_write: Refuse
) -> None:
    refuse_to_write(str(tmp_path), errno.EACCES)
    with pytest.raises(InputError, match=r"Permission denied.*Give a folder you may write to"):
        open_store(tmp_path / "store", create=True)


def train_to_the_end(trial: TrialTrainable) -> None:
    while not trial.step()["done"]:
        pass


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_a_trial_whose_store_refuses_to_be_written_does_not_fail_for_good(
    small_store: Path, tmp_path: Path, data_dir: Path, refuse_to_write: Refuse, code: int
) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    trial = TrialTrainable.__new__(TrialTrainable)
    trial._trial_info = None
    trial.setup({"key": HALF.key}, str(tmp_path / "store"), small_spec(data_dir).execution.to_json())
    refuse_to_write("model.safetensors", code)
    with pytest.raises(StorageError):
        train_to_the_end(trial)
    assert open_store(tmp_path / "store").attempts.failures(HALF.key) == []


@pytest.mark.parametrize("verb", ["status", "prune", "tables", "resume"])
def test_a_store_with_files_that_one_may_not_read_is_refused_in_two_lines(
    small_store: Path, tmp_path: Path, refuse_to_read: Refuse, verb: str
) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "progress")
    refuse_to_read("/store/trials", errno.EACCES)
    ended = run_aesweep(verb, tmp_path / "store")
    assert ended.is_refused_clearly, ended.err
    assert "It cannot be read (Permission denied" in ended.err


def test_a_store_that_one_may_only_read_is_reported_from_its_older_tables(
    small_store: Path, tmp_path: Path, refuse_to_write: Refuse
) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "progress")  # the driver ended: its trial is no longer running
    refuse_to_write(str(tmp_path / "store"), errno.EACCES)
    ended = run_aesweep("report", tmp_path / "store", "--out", tmp_path / "report")
    assert ended.code == 0, ended.err
    assert "drawn from older tables" in ended.err and "Permission denied" in ended.err


def test_without_hard_links_of_many_commits_at_once_exactly_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have seen that nobody has the name yet when they take it."""
    storage, seen = LocalStorage(tmp_path), threading.Barrier(RACERS)
    monkeypatch.setattr(os, "link", refusing(os.link, str(tmp_path), errno.EPERM))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *words, **named: (seen.wait(), replace(*words, **named)))
    assert_one_commit_wins(storage)
