"""One process is held between two of its steps while another one works: what the store promises holds (docs/store.md)."""

import io
import os
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.layout import MODEL, scores_name, training_name
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord, file_record
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.removal import prune as pruning
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.records import scored, trained

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = "0123456789ab"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    open_store(tmp_path / "store", create=True).trials.write_config(TRIAL)
    return tmp_path / "store"


def training(store: Store, weights: bytes = b"weights") -> TrainingRecord:
    """What an attempt is about to commit, with its file."""
    attempt = store.attempts.new(TRIAL.key, "train")
    return trained(attempt, {MODEL: store.attempts.write_file(TRIAL.key, attempt, MODEL, weights)})


def scoring(store: Store, weights: bytes = b"weights") -> ScoresRecord:
    attempt = store.attempts.new(TRIAL.key, "evaluate", EVALUATION)
    files = {"latents.npz": store.attempts.write_file(TRIAL.key, attempt, "latents.npz", b"latents")}
    return scored(attempt, model=file_record(weights).sha256, files=files)


def meanwhile(monkeypatch: pytest.MonkeyPatch, place: object, call: str, name: str, work: Callable[[], object]) -> None:
    """Do `work` once, just before the next `call` whose first argument contains `name`."""
    real, done = getattr(place, call), threading.Event()

    def held(first: object, *words: Any, **named: Any) -> Any:
        if name in str(first) and not done.is_set():
            done.set()
            work()
        return real(first, *words, **named)

    monkeypatch.setattr(place, call, held)


def test_a_slow_reader_of_a_damaged_commit_leaves_the_sound_one_that_came_meanwhile(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, reader = open_store(root), open_store(root)
    first = training(other)
    assert other.commits.commit_training(TRIAL.key, first)
    path = root / training_name(TRIAL.key)
    path.write_bytes(path.read_bytes()[:-50])

    def trains_again() -> None:
        assert other.commits.training(TRIAL.key) is None
        assert other.commits.commit_training(TRIAL.key, training(other))

    for step in ("set_aside", "_replace"):
        with monkeypatch.context() as patch:
            meanwhile(patch, reader.storage, step, "train.json", trains_again)
            found = reader.commits.training(TRIAL.key)
        assert found is not None and found.attempt != first.attempt
        path.write_bytes(path.read_bytes()[:-50])


def test_who_loses_the_race_to_train_leaves_the_scores_of_the_winner(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner, loser = open_store(root), open_store(root)

    def wins() -> None:
        assert winner.commits.commit_training(TRIAL.key, training(winner))
        assert winner.commits.commit_scores(TRIAL.key, EVALUATION, scoring(winner))

    late = training(loser, b"other weights")
    with monkeypatch.context() as patch:
        meanwhile(patch, loser.storage, "commit", "train.json", wins)
        assert not loser.commits.commit_training(TRIAL.key, late)
    assert winner.commits.scores(TRIAL.key, EVALUATION) is not None


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("replace", "publisher.json"),
        ("exchange", "trials.parquet"),
        ("exchange", "scores.parquet"),
        ("exchange", "folded.json"),
    ],
)
def test_slow_tables_never_take_the_place_of_newer_ones(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str, place: str
) -> None:
    store = open_store(root)
    TableWriter(store).publish(force=True)
    store.attempts.new(TRIAL.key, "train")  # what the slow one is about to say

    def publishes_more() -> None:
        assert store.commits.commit_training(TRIAL.key, training(store))
        TableWriter(open_store(root)).publish(force=True)

    slow = open_store(root)
    meanwhile(monkeypatch, slow.storage, step, place, publishes_more)
    TableWriter(slow).publish(force=True)
    assert pq.read_table(root / "tables/trials.parquet")["attempt"].to_pylist() != ["none"]


def test_slow_tables_never_take_the_place_of_newer_ones_with_the_same_rows_as_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, slow = open_store(root), open_store(root)
    TableWriter(store).publish(force=True)
    attempt = store.attempts.new(TRIAL.key, "train")

    def publishes_the_first_rows_again() -> None:
        store.storage.remove_folder(f"trials/{TRIAL.key}/attempts/{attempt}")
        TableWriter(open_store(root)).publish(force=True)

    meanwhile(monkeypatch, slow.storage, "exchange", "trials.parquet", publishes_the_first_rows_again)
    TableWriter(slow).publish(force=True)
    assert pq.read_table(root / "tables/trials.parquet")["attempts"].to_pylist() == [0]


def test_prune_sees_a_driver_that_began_after_it_had_looked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real = open_store(root), pruning.leftovers

    def slow(looked_at: Store, damaged: bool) -> Any:
        ProgressFile(store).write(LaunchProgress(running={}), force=True)
        scoring(store)
        return real(looked_at, damaged)

    monkeypatch.setattr(pruning, "leftovers", slow)
    with pytest.raises(InputError, match="A driver works on it"):
        prune(open_store(root))
    assert list(root.glob("trials/*/attempts/score-*/latents.npz")) and list(root.glob("progress/*.json"))


def test_a_writer_whose_temporary_file_was_cleaned_up_writes_it_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, cleaner = open_store(root), open_store(root)

    def cleans_up() -> None:
        cleaner.storage.map(cleaner.storage.remove, cleaner.storage.temporary())

    for call in ("replace", "link"):
        with monkeypatch.context() as patch:
            meanwhile(patch, os, call, ".tmp-", cleans_up)
            (store.storage.write if call == "replace" else store.storage.commit)("trials/new.json", b"1")
        assert store.storage.read("trials/new.json") == b"1"
        store.storage.remove("trials/new.json")


@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("step", ["commit", "replace"])
def test_an_attempt_that_slept_while_prune_took_its_files_does_not_commit(
    root: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: str
) -> None:
    store, sleeper = open_store(root), open_store(root)
    prepared: TrainingRecord | ScoresRecord
    if stage == "train":
        prepared, name = training(store), training_name(TRIAL.key)
        later = store.attempts.new(TRIAL.key, "train")
        store.attempts.write_file(TRIAL.key, later, "checkpoint.pt", archive())
    else:
        assert store.commits.commit_training(TRIAL.key, training(store))
        prepared, name = scoring(store), scores_name(TRIAL.key, EVALUATION)
    if step == "replace":
        store.commits.close(TRIAL.key, "train" if stage == "train" else "evaluate", EVALUATION)
    meanwhile(monkeypatch, sleeper.storage, step, name, lambda: prune(store))
    if isinstance(prepared, TrainingRecord):
        assert not sleeper.commits.commit_training(TRIAL.key, prepared)
    else:
        assert not sleeper.commits.commit_scores(TRIAL.key, EVALUATION, prepared)
    assert not store.commits.has_scores(TRIAL.key, EVALUATION)
    assert store.commits.has_training(TRIAL.key) == (stage == "evaluate")


def test_prune_keeps_the_files_of_an_attempt_that_woke_up_and_committed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sleeper = open_store(root), open_store(root)
    assert store.commits.commit_training(TRIAL.key, training(store))
    prepared = scoring(store)

    def wakes_up() -> None:
        assert sleeper.commits.commit_scores(TRIAL.key, EVALUATION, prepared)

    meanwhile(monkeypatch, store.storage, "commit", "pruned.json", wakes_up)
    prune(store)
    assert store.storage.exists(f"trials/{TRIAL.key}/attempts/{prepared.attempt}/latents.npz")
    assert store.commits.has_scores(TRIAL.key, EVALUATION)


def test_a_commit_whose_files_are_gone_is_none(root: Path) -> None:
    store = open_store(root)
    prepared = training(store)
    shutil.rmtree(root / f"trials/{TRIAL.key}/attempts/{prepared.attempt}")
    assert not store.commits.commit_training(TRIAL.key, prepared)
    assert not store.commits.has_training(TRIAL.key)


def test_nothing_is_written_into_a_store_that_was_put_in_the_place_of_another(root: Path, tmp_path: Path) -> None:
    store = open_store(root)
    training(store)
    other = open_store(tmp_path / "other", create=True)
    root.rename(tmp_path / "moved")
    Path(other.root).rename(root)
    before = sorted(root.rglob("*"))
    for write in (lambda: training(store), lambda: store.trials.write_config(TRIAL)):
        with pytest.raises(StorageError, match="Another store is in its place"):
            write()
    assert sorted(root.rglob("*")) == before
    shutil.rmtree(root)
    (tmp_path / "moved").rename(root)
    training(store)


def archive() -> bytes:
    """A checkpoint as far as its checksums tell."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("state", b"1")
    return file.getvalue()
