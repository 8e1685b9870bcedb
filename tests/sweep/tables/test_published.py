"""A driver begins with the rows of the published tables: the same tables as from all commits, and only new ones read."""

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import Vacancy
from aesweep.sweep.store.records.record import parse_record
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter, published_fold, tables_are_current
from tests.small_store import DONE, FAILED, copy_at_rest


class WatchedStorage(LocalStorage):
    """A path that notes which commits are read (failures are few, and the state of a trial follows from them)."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.commits_read: list[str] = []

    def read(self, name: str) -> bytes | None:
        if name.endswith("/train.json") or "/scores/" in name:
            self.commits_read.append(name)
        return super().read(name)


@pytest.fixture
def root(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store without its driver, with tables of now."""
    return copy_at_rest(small_store, tmp_path / "store")


def tables(root: Path) -> dict[str, pa.Table]:
    return {path.name: pq.read_table(path) for path in (root / "tables").glob("*.parquet")}


def fold_as_a_driver(root: Path) -> list[str]:
    """Commits that were read."""
    storage = WatchedStorage(root)
    TableWriter(Store(root, storage), anew=False).publish(force=True)
    return storage.commits_read


def assert_as_from_all_commits(root: Path) -> None:
    found = tables(root)
    assert tables_are_current(open_store(root))
    TableWriter(open_store(root)).publish(force=True)
    assert tables(root) == found


def test_where_nothing_changed_nothing_is_read_and_the_tables_stay_as_they_are(root: Path) -> None:
    before = tables(root)
    assert fold_as_a_driver(root) == []
    assert tables(root) == before
    assert_as_from_all_commits(root)
    assert fold_as_a_driver(root) == [], "also after a fold that began so"


def test_a_trial_that_changed_is_read_and_the_others_are_not(root: Path) -> None:
    store = open_store(root)
    (evaluation,) = store.commits.scored(DONE.key)
    store.attempts.record_failure(FAILED.key, store.attempts.new(FAILED.key, "train"), "train", ValueError("again"))
    assert not any(DONE.key in name for name in fold_as_a_driver(root))
    store.attempts.new(DONE.key, "evaluate", evaluation)
    assert {name.split("/")[1] for name in fold_as_a_driver(root)} == {DONE.key}
    assert "again" in pq.read_table(root / "tables/failures.parquet")["message"].to_pylist()
    assert_as_from_all_commits(root)


@pytest.mark.parametrize("name", [f"trials/{DONE.key}/train.json", f"trials/{DONE.key}/scores/*.json"])
def test_a_commit_that_was_damaged_since_is_found(root: Path, name: str) -> None:
    (path,) = root.glob(name)
    path.write_bytes(path.read_bytes()[:-20] + b" " * 20)
    fold_as_a_driver(root)
    assert parse_record(Vacancy, path.read_bytes()) and list(path.parent.glob("*.damaged-*"))
    assert_as_from_all_commits(root)


def test_a_trial_that_is_not_there_any_more_leaves_the_tables(root: Path) -> None:
    shutil.rmtree(root / "trials" / FAILED.key)
    fold_as_a_driver(root)
    assert FAILED.key not in pq.read_table(root / "tables/trials.parquet")["key"].to_pylist()
    assert_as_from_all_commits(root)


def test_tables_that_are_damaged_or_of_another_aesweep_are_not_begun_with(root: Path) -> None:
    whole = tables(root)
    path = root / "tables/scores.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    assert fold_as_a_driver(root)
    assert tables(root) == whole
    folded = json.loads((root / FOLDED).read_bytes())
    for other in ({"aesweep": "0.0.1"}, {"version": 1}, {"signatures": [1]}, {"files": None}):
        (root / FOLDED).write_bytes(sealed_json_bytes({**folded, **other}))
        assert published_fold(open_store(root).snapshot()) is None
    assert fold_as_a_driver(root)


def test_commits_of_another_time_are_read_again(root: Path) -> None:
    for path in root.glob("trials/*/train.json"):
        os.utime(path, ns=(1, 1))
    assert f"trials/{DONE.key}/train.json" in fold_as_a_driver(root)
    assert_as_from_all_commits(root)
