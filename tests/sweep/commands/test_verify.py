"""`aesweep verify` finds a rotten byte in every kind of file that a store vouches for, and `--repair` sets it aside."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aesweep.sweep.store.layout import VERIFIED
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.repair import repair
from aesweep.sweep.store.store import open_storage, open_store
from aesweep.sweep.store.verify import verify
from tests.in_process import run_aesweep
from tests.small_store import DONE, copy_at_work

AGAIN = {
    "trials/*/train.json": "to be trained again",
    "trials/*/scores/*.json": "to be scored again",
    "trials/*/config.json": "to be written again from the spec",
    "trials/*/failures/*.json": "nothing depends on it",
    "trials/*/attempts/*/model.safetensors": "to be trained again",
    "trials/*/attempts/*/latents.npz": "to be scored again",
    "trials/*/attempts/*/priors-*.npz": "to be scored again",
    "trials/*/attempts/*/samples/*.png": "to be scored again",
    "references/*.npz": "to be measured again",
    "sweeps/*.json": "launch that spec again",
    "claims/*.json": "verdicts that it made confirmatory are exploratory now",
    "tables/*.parquet": "the tables are to be made again",
    "tables/folded.json": "the tables are to be made again",
    "tables/publisher.json": "the tables are to be made again",
}
UNHASHED = ("store.json", "progress/*", "trials/*/attempts/*/checkpoint.pt", "trials/*/attempts/*/start.json",
            "trials/*/attempts/*/log.txt", "trials/*/epochs.json")  # fmt: skip


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store, with a driver at work."""
    return copy_at_work(small_store, tmp_path / "store")


def content(store: Path) -> dict[str, bytes]:
    """Every file but the note of the last verify."""
    paths = [path for path in store.rglob("*") if path.is_file() and path.name != VERIFIED]
    return {str(path.relative_to(store)): path.read_bytes() for path in paths}


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def zeros_without_end(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def a_terabyte_of_nothing(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def test_a_sound_store_is_well_and_status_tells_when_that_was_seen(store: Path) -> None:
    before = content(store)
    assert "files: not verified yet" not in run_aesweep("status", store).out, "a driver is at work: it has just begun"
    ended = run_aesweep("verify", store)
    assert (ended.code, ended.err) == (0, "")
    assert ": all is well." in ended.out and "checkpoints (1)" in ended.out
    assert content(store) == before
    assert "files: verified on 20" in run_aesweep("status", store).out
    seen = json.loads(run_aesweep("status", store, "--json").out)["verified"]
    assert (seen["missing"], seen["damaged"], seen["repaired"]) == (0, 0, False)
    assert seen["files"] == len([name for name in before if not any(Path(name).match(kind) for kind in UNHASHED)])


@pytest.mark.parametrize("pattern", AGAIN)
def test_a_rotten_byte_in_any_kind_of_file_is_found_and_repaired(store: Path, pattern: str) -> None:
    paths = list(store.glob(pattern))
    for path in paths:
        flip_a_bit(path)
    before = content(store)
    ended = run_aesweep("verify", store)
    assert (ended.code, ended.err, len(paths) > 0) == (1, "", True)
    for path in paths:
        (line,) = [line for line in ended.out.splitlines() if f" {path.relative_to(store)} " in line]
        assert line.endswith(AGAIN[pattern])
    assert f"aesweep verify {store} --repair" in ended.out
    assert content(store) == before, "without --repair nothing is changed"
    repaired = run_aesweep("verify", store, "--repair")
    assert repaired.code == 1 and f"aesweep resume {store}" in repaired.out
    if not pattern.startswith("tables"):
        kept = content(store).values()
        assert all(before[str(path.relative_to(store))] in kept for path in paths), "what is damaged is kept"
    if pattern != "sweeps/*.json":  # only a launch brings a spec back
        assert run_aesweep("verify", store).code == 0


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        *(("trials/*/attempts/*/*.safetensors", kind) for kind in (cut_short, a_fifo, zeros_without_end)),
        *(("trials/*/attempts/*/samples/gmm.png", kind) for kind in (Path.unlink, a_folder, a_terabyte_of_nothing)),
    ],
)
def test_what_is_not_the_committed_file_is_found(store: Path, pattern: str, kind: Callable[[Path], None]) -> None:
    (path,) = store.glob(pattern)
    kind(path)
    ended = run_aesweep("verify", store, "--repair")
    (line,) = [line for line in ended.out.splitlines() if str(path.relative_to(store)) in line]
    assert (
        ended.code == 1 and AGAIN["trials/*/train.json" if "tensors" in pattern else "trials/*/scores/*.json"] in line
    )
    opened = open_store(store)
    states = {opened.state(DONE.key, opened.trials.latest_evaluation(), ()).state}
    assert states == {"pending" if "tensors" in pattern else "trained"}
    assert run_aesweep("verify", store).code == 0


@pytest.mark.parametrize("pattern", ["trials/*/train.json", "trials/*/scores/*.json"])
def test_a_commit_that_the_tables_were_made_from_is_missed(store: Path, pattern: str) -> None:
    (path,) = store.glob(pattern)
    path.unlink()
    ended = run_aesweep("verify", store)
    assert ended.code == 1 and f"{path.relative_to(store)} is missing; {AGAIN[pattern]}" in ended.out
    assert ended.out.count("is missing") == 1


def test_a_commit_that_names_files_outside_the_store_is_damaged(store: Path, tmp_path: Path) -> None:
    (path,) = store.glob("trials/*/train.json")
    fields = json.loads(path.read_text())
    (record,) = fields["files"].values()
    names = ("../" * 5 + "secret", "a\0b", "/etc/passwd", "model.safetensors/x", "\x1b[31m")
    path.write_bytes(sealed_json_bytes({**fields, "files": dict.fromkeys(names, record)}))
    ended = run_aesweep("verify", store)
    assert ended.code == 1 and ended.out.count("to be trained again") == len(names) and "\x1b" not in ended.out
    assert ended.out.count("is no name of a file in the store") == 2


def test_a_store_that_may_only_be_read_is_verified(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("aesweep.sweep.store.on_disk.write_new", refuse)  # root writes in spite of permissions
    ended = run_aesweep("verify", store)
    assert (ended.code, ended.err.count("\n")) == (0, 1) and "`aesweep status` will not show this" in ended.err
    flip_a_bit(next(store.glob("trials/*/attempts/*/latents.npz")))
    assert run_aesweep("verify", store).code == 1
    assert run_aesweep("verify", store, "--repair").is_refused_clearly


def test_a_commit_that_was_made_again_since_is_not_set_aside(store: Path) -> None:
    opened = open_store(store)
    (path,) = store.glob("trials/*/attempts/*/model.safetensors")
    sound = path.read_bytes()
    flip_a_bit(path)
    found = verify(opened.only_looking()).findings
    path.write_bytes(sound)
    commit = opened.commits.training(DONE.key)
    assert commit is not None and [one.work for one in found] == ["train"]
    again = commit.model_copy(update={"attempt": "train-0007-abcdef"}).to_bytes()
    opened.storage.write(found[0].aside, again)
    assert repair(opened, found) == []
    assert opened.storage.read(found[0].aside) == again


def test_an_object_store_is_verified_and_repaired(small_store: Path, uri: str) -> None:
    storage = open_storage(uri)
    for name, data in content(small_store).items():
        storage.write(name, data)
    assert run_aesweep("verify", uri).code == 0
    (weights,) = (str(p.relative_to(small_store)) for p in small_store.glob("trials/*/attempts/*/model.safetensors"))
    (picture,) = (str(p.relative_to(small_store)) for p in small_store.glob("trials/*/attempts/*/samples/mvg.png"))
    storage.remove(weights)
    storage.write(picture, b"another picture")
    assert "missing or cut short now: model.safetensors" in run_aesweep("status", uri).out
    ended = run_aesweep("verify", uri, "--repair")
    assert ended.code == 1 and f"{weights} is missing; to be trained again" in ended.out
    assert f"{picture} has 15 of " in ended.out and ": 1 missing, 1 damaged." in ended.out
    assert run_aesweep("verify", uri).code == 0
    assert open_store(uri).commits.training(DONE.key) is None


def test_a_store_that_is_no_store_is_bad_input(tmp_path: Path) -> None:
    assert run_aesweep("verify", tmp_path).is_refused_clearly
