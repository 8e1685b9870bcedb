"""Defects that the protocol had, or would have without one of its parts: what puts each back, and where it shows.

The first five are those that a review forced by hand (issue 15).
"""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import pytest

from aesweep.sweep.store import commits, drivers
from aesweep.sweep.store.attempts import Attempts
from aesweep.sweep.store.commits import Commits
from aesweep.sweep.store.layout import MODEL, scores_name
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import TrainingRecord
from aesweep.sweep.store.removal import prune as pruning
from aesweep.sweep.store.storage import Storage, aside_name
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables import row_groups
from aesweep.sweep.tables.fold import TableWriter
from tests.sweep.schedules.processes import TRAINED
from tests.sweep.schedules.sets import SWAPPED, Set


class OldWay(NamedTuple):
    """A defect."""

    name: str
    put_back: Callable[[pytest.MonkeyPatch], None]
    where: Set
    shows: str
    """What the broken promise is called."""


def _set_aside_by_name(patch: pytest.MonkeyPatch) -> None:
    def by_name(self: Storage, name: str, found: bytes, left: bytes | None = None) -> str | None:
        data = self.read(name)
        if data is None:
            return None
        self.write(aside_name(name, data), data)
        self.remove(name)
        return aside_name(name, data)

    for kind in (Storage, LocalStorage):
        patch.setattr(kind, "set_aside", by_name)


def _loser_takes_scores(patch: pytest.MonkeyPatch) -> None:
    def commit(self: Commits, key: str, commit: TrainingRecord) -> bool:
        if self.records.storage.exists(TRAINED):
            return False
        for evaluation in self.scored(key):
            if (scores := self.scores(key, evaluation)) and scores.model != commit.files[MODEL].sha256:
                self.records.storage.remove(scores_name(key, evaluation))
        return self._commit(key, "train", "", commit)

    patch.setattr(Commits, "commit_training", commit)


def _tables_replace_whatever_is_there(patch: pytest.MonkeyPatch) -> None:
    def write(self: TableWriter, name: str, file: BinaryIO, mine: bytes, expected: str | None = None) -> None:
        file.seek(0)
        self.store.storage.write(name, file.read())

    patch.setattr(TableWriter, "_replace", write)


def _prune_looks_once(patch: pytest.MonkeyPatch) -> None:
    def prune(store: Store, *, damaged: bool = False, dry_run: bool = False) -> list[pruning.Leftover]:
        pruning.require_no_driver(store)
        found = list(pruning.leftovers(store, damaged))
        for one in found:
            (store.storage.remove_folder if one.is_folder else store.storage.remove)(one.name)
        return found

    patch.setattr("tests.sweep.schedules.processes.prune", prune)


def _temporary_files_are_relied_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LocalStorage, "_publish", LocalStorage._publish_once)


def _attempts_that_sleep_may_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pruning, "_close", lambda store, attempts: set())


def _pruned_attempts_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    class NoneWasPruned(Attempts):
        def pruned(self, key: str) -> set[str]:
            return set()

    patch.setattr(commits, "Attempts", NoneWasPruned)
    patch.setattr(Commits, "_missing_files", lambda self, key, commit: [])


def _tables_have_the_same_bytes_again(patch: pytest.MonkeyPatch) -> None:
    real = row_groups.schema
    patch.setattr(row_groups, "schema", lambda name, publication="": real(name))


def _drivers_are_looked_at_first(patch: pytest.MonkeyPatch) -> None:
    def remove_stale(store: Store) -> None:
        alive = drivers.living_names(store)
        for name in store.storage.names("progress"):
            if name not in alive:
                store.storage.remove(f"progress/{name}")

    patch.setattr("aesweep.sweep.running.remove_stale", remove_stale)


def _identity_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LocalStorage, "_require_mark", lambda self, root: None)


OLD_WAYS = (
    OldWay(
        "a store that was put in the place of another is written to",
        _identity_is_not_looked_at,
        SWAPPED,
        "wrote into another store",
    ),
    OldWay(
        "a slow reader sets a sound commit aside",
        _set_aside_by_name,
        Set("path", "trained", ("resume", "train", "bad disk")),
        "took a training that counts",
    ),
    OldWay(
        "who loses the race to train takes the winner's scores",
        _loser_takes_scores,
        Set("S3", "half trained", ("train", "train otherwise", "score")),
        "took scores that count",
    ),
    OldWay(
        "slow tables replace newer ones",
        _tables_replace_whatever_is_there,
        Set("S3", "trained", ("tables", "tables again")),
        "replaced a newer",
    ),
    OldWay(
        "`prune` removes what a driver that begins writes",
        _prune_looks_once,
        Set("path", "trained", ("launch", "prune")),
        "progress file of a driver",
    ),
    OldWay(
        "a clean-up takes the temporary file of a writer",
        _temporary_files_are_relied_on,
        Set("path", "new", ("train", "clean up")),
        "failed with StorageError",
    ),
    OldWay(
        "`prune` takes the files of a driver that sleeps, which then commits",
        _attempts_that_sleep_may_commit,
        Set("path", "trained", ("score", "prune")),
        "of a commit is missing",
    ),
    OldWay(
        "nobody looks whether an attempt was pruned",
        _pruned_attempts_are_not_looked_up,
        Set("S3", "trained", ("score", "prune")),
        "of a commit is missing",
    ),
    OldWay(
        "two publications have the same bytes",
        _tables_have_the_same_bytes_again,
        Set("S3", "scored", ("tables", "tables again")),
        "replaced a newer",
    ),
    OldWay(
        "a clean-up removes the progress file of a driver that begins",
        _drivers_are_looked_at_first,
        Set("S3", "new", ("launch", "clean up")),
        "progress file of a driver",
    ),
)


def found_out(way: OldWay, explore: Callable[[Set], object]) -> str:
    """The broken promise with the steps that led there; "" where none was found."""
    with pytest.MonkeyPatch.context() as patch:
        way.put_back(patch)
        try:
            explore(way.where)
        except AssertionError as error:
            return str(error)
    return ""
