"""The record of a sweep: commits, attempts, failures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.config import TrialConfig
from models.errors import InputError
from sweep.store import DamagedFileError, Store, open_store

TRIAL = TrialConfig(filters=4, latent_size=2, epochs=1)
COMMIT = {"attempt": "train-0001-aaaaaa", "files": {}, "history": [], "result": {}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.write_config(TRIAL)
    return opened


def test_a_trial_comes_back_as_it_was_written(store: Store) -> None:
    assert store.config(TRIAL.key) == TRIAL
    assert store.config(TRIAL.key[:5]) == TRIAL
    assert store.trial_keys() == [TRIAL.key]


def test_an_unknown_key_is_bad_input(store: Store) -> None:
    for key in ("000000000000", "", "../trials"):
        with pytest.raises(InputError, match="holds no such trial"):
            store.config(key)


def test_attempts_are_numbered_whatever_the_clock_says(store: Store) -> None:
    first, second = (store.new_attempt(TRIAL.key, "train") for _ in range(2))
    assert first.startswith("train-0001-")
    assert second.startswith("train-0002-")
    assert store.attempts(TRIAL.key, "train") == [first, second]
    scoring = store.new_attempt(TRIAL.key, "evaluate", "e" * 12)
    assert store.attempts(TRIAL.key, "evaluate", "e" * 12) == [scoring]
    assert store.attempts(TRIAL.key, "evaluate", "f" * 12) == []


def test_the_first_commit_of_a_trial_wins(store: Store) -> None:
    assert store.commit_training(TRIAL.key, COMMIT)
    assert not store.commit_training(TRIAL.key, {**COMMIT, "attempt": "train-0002-bbbbbb"})
    found = store.training(TRIAL.key)
    assert found is not None
    assert found["attempt"] == "train-0001-aaaaaa"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"attempt": "train-0001-aaaaaa"}'])
def test_a_damaged_commit_is_set_aside_and_can_be_committed_again(store: Store, damage: bytes) -> None:
    store.commit_training(TRIAL.key, COMMIT)
    store.storage.path(f"trials/{TRIAL.key}/train.json").write_bytes(damage)
    assert store.training(TRIAL.key) is None
    assert any("damaged" in name for name in store.storage.names(f"trials/{TRIAL.key}"))
    assert store.commit_training(TRIAL.key, COMMIT)
    assert store.training(TRIAL.key) is not None


def test_a_file_of_an_attempt_is_checked_when_read(store: Store) -> None:
    attempt = store.new_attempt(TRIAL.key, "train")
    record = store.write_file(TRIAL.key, attempt, "model.safetensors", b"weights")
    assert store.read_file(TRIAL.key, attempt, "model.safetensors", record) == b"weights"
    store.storage.path(f"trials/{TRIAL.key}/attempts/{attempt}/model.safetensors").write_bytes(b"weighty")
    with pytest.raises(DamagedFileError, match="SHA-256"):
        store.read_file(TRIAL.key, attempt, "model.safetensors", record)


def test_a_trial_has_failed_until_another_attempt_starts(store: Store) -> None:
    attempt = store.new_attempt(TRIAL.key, "train")
    assert store.open_failure(TRIAL.key, "train") is None
    store.record_failure(TRIAL.key, attempt, "train", ValueError("diverged"))
    failure = store.open_failure(TRIAL.key, "train")
    assert failure is not None
    assert (failure["type"], failure["message"], failure["attempt"]) == ("ValueError", "diverged", attempt)
    store.new_attempt(TRIAL.key, "train")
    assert store.open_failure(TRIAL.key, "train") is None
    assert len(store.failures(TRIAL.key)) == 1


def test_a_failed_evaluation_speaks_of_that_evaluation_only(store: Store) -> None:
    attempt = store.new_attempt(TRIAL.key, "evaluate", "e" * 12)
    store.record_failure(TRIAL.key, attempt, "evaluate", RuntimeError("no memory"), "e" * 12)
    assert store.open_failure(TRIAL.key, "evaluate", "e" * 12) is not None
    assert store.open_failure(TRIAL.key, "evaluate", "f" * 12) is None
    assert store.open_failure(TRIAL.key, "train") is None


def test_the_latest_spec_is_the_one_launched_last(store: Store) -> None:
    one, two = ({"name": name, "keys": {}, "spec": {}} for name in ("one", "two"))
    store.write_spec("aaa", one, "e1")
    store.write_spec("bbb", two, "e2")
    store.write_spec("aaa", one, "e1")
    latest = store.latest_spec()
    assert latest is not None
    assert latest["name"] == "one"
    assert [spec["name"] for spec in store.specs()] == ["two", "one"]
    assert store.latest_evaluation() == "e1"


def test_opening_refuses_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No store is there"):
        open_store(tmp_path / "missing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        open_store(tmp_path / "full", create=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="That is a file"):
        open_store(tmp_path / "file", create=True)
    with pytest.raises(InputError, match="s3://bucket/folder"):
        open_store("nosuch://bucket/store", create=True)
    with pytest.raises(InputError, match="two slashes"):
        open_store(Path("s3://bucket/store"), create=True)


def test_a_store_of_another_format_is_refused(store: Store) -> None:
    store.storage.path("store.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="99"):
        open_store(store.root)


def test_a_variant_is_another_trial(store: Store) -> None:
    store.write_config(replace(TRIAL, seed=1))
    assert len(store.trial_keys()) == 2
