"""The record of a sweep: commits, attempts, failures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import DamagedFileError, Store, open_store
from tests.records import scored, trained

TRIAL = TrialConfig(filters=4, latent_size=2, epochs=1)
COMMIT = trained()
SPEC = SweepSpec(name="one", blocks=(Block("all", (TRIAL,)),), execution=ExecutionConfig(data_dir="/nowhere"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


def test_a_trial_comes_back_as_it_was_written(store: Store) -> None:
    assert store.trials.config(TRIAL.key) == TRIAL
    assert store.trials.find(TRIAL.key[:5]) == TRIAL
    assert store.trials.known_keys() == [TRIAL.key]


def test_an_unknown_key_is_bad_input(store: Store) -> None:
    for key in ("000000000000", "", "../trials"):
        with pytest.raises(InputError, match="holds no such trial"):
            store.trials.config(key)


def test_attempts_are_numbered_whatever_the_clock_says(store: Store) -> None:
    first, second = (store.attempts.new(TRIAL.key, "train") for _ in range(2))
    assert first.startswith("train-0001-")
    assert second.startswith("train-0002-")
    assert store.attempts.of(TRIAL.key, "train") == [first, second]
    scoring = store.attempts.new(TRIAL.key, "evaluate", "e" * 12)
    assert store.attempts.of(TRIAL.key, "evaluate", "e" * 12) == [scoring]
    assert store.attempts.of(TRIAL.key, "evaluate", "f" * 12) == []


def test_the_first_commit_of_a_trial_wins(store: Store) -> None:
    assert store.commits.commit_training(TRIAL.key, COMMIT)
    assert not store.commits.commit_training(TRIAL.key, trained("train-0002-bbbbbb"))
    found = store.commits.training(TRIAL.key)
    assert found is not None
    assert found.attempt == "train-0001-aaaaaa"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"attempt": "train-0001-aaaaaa"}'])
def test_a_damaged_commit_is_set_aside_and_can_be_committed_again(store: Store, damage: bytes) -> None:
    store.commits.commit_training(TRIAL.key, COMMIT)
    (Path(store.root) / f"trials/{TRIAL.key}/train.json").write_bytes(damage)
    assert store.commits.training(TRIAL.key) is None
    assert any("damaged" in name for name in store.storage.names(f"trials/{TRIAL.key}"))
    assert store.commits.commit_training(TRIAL.key, COMMIT)
    assert store.commits.training(TRIAL.key) is not None


def test_a_file_of_an_attempt_is_checked_when_read(store: Store) -> None:
    attempt = store.attempts.new(TRIAL.key, "train")
    record = store.attempts.write_file(TRIAL.key, attempt, "model.safetensors", b"weights")
    assert store.attempts.read_file(TRIAL.key, attempt, "model.safetensors", record) == b"weights"
    (Path(store.root) / f"trials/{TRIAL.key}/attempts/{attempt}/model.safetensors").write_bytes(b"weighty")
    with pytest.raises(DamagedFileError, match="SHA-256"):
        store.attempts.read_file(TRIAL.key, attempt, "model.safetensors", record)


def test_a_trial_has_failed_until_another_attempt_starts(store: Store) -> None:
    attempt = store.attempts.new(TRIAL.key, "train")
    assert store.attempts.open_failure(TRIAL.key, "train") is None
    store.attempts.record_failure(TRIAL.key, attempt, "train", ValueError("diverged"))
    failure = store.attempts.open_failure(TRIAL.key, "train")
    assert failure is not None
    assert (failure.type, failure.message, failure.attempt) == ("ValueError", "diverged", attempt)
    store.attempts.new(TRIAL.key, "train")
    assert store.attempts.open_failure(TRIAL.key, "train") is None
    assert len(store.attempts.failures(TRIAL.key)) == 1


def test_a_failed_evaluation_speaks_of_that_evaluation_only(store: Store) -> None:
    attempt = store.attempts.new(TRIAL.key, "evaluate", "e" * 12)
    store.attempts.record_failure(TRIAL.key, attempt, "evaluate", RuntimeError("no memory"), "e" * 12)
    assert store.attempts.open_failure(TRIAL.key, "evaluate", "e" * 12) is not None
    assert store.attempts.open_failure(TRIAL.key, "evaluate", "f" * 12) is None
    assert store.attempts.open_failure(TRIAL.key, "train") is None


def test_the_latest_spec_is_the_one_launched_last(store: Store) -> None:
    one, two = SPEC, replace(SPEC, name="two", extractor="random-conv-64")
    store.trials.write_spec(one, "e1")
    store.trials.write_spec(two, "e2")
    store.trials.write_spec(one, "e1")
    latest = store.trials.latest_spec()
    assert latest is not None
    assert latest.name == "one"
    assert [spec.name for spec in store.trials.specs()] == ["two", "one"]
    assert store.trials.latest_evaluation() == "e1"


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
    (Path(store.root) / "store.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="99"):
        open_store(store.root)


def test_a_variant_is_another_trial(store: Store) -> None:
    store.trials.write_config(replace(TRIAL, seed=1))
    assert len(store.trials.known_keys()) == 2


def test_the_start_of_two_keys_names_none_of_them(store: Store) -> None:
    others = [replace(TRIAL, seed=seed) for seed in range(1, 30)]
    store.trials.write_configs(others)
    first = next(c.key[0] for c in others if sum(k.startswith(c.key[0]) for k in store.trials.known_keys()) > 1)
    with pytest.raises(InputError, match=r"\d+ trials of this store begin so; give more"):
        store.trials.find(first)


def test_names_that_are_no_keys_are_no_trials(store: Store) -> None:
    for name in ("notes.txt", "ABCDEFABCDEF", "0123456789abc"):
        store.storage.write(f"trials/{name}/config.json", b"{}")
    assert store.trials.known_keys() == [TRIAL.key]


def test_the_configuration_of_another_trial_is_set_aside(store: Store) -> None:
    other = replace(TRIAL, seed=1)
    store.storage.write(f"trials/{TRIAL.key}/config.json", to_json_bytes(other.to_json()))
    with pytest.raises(InputError, match="holds no such trial"):
        store.trials.config(TRIAL.key)
    assert any("damaged" in name for name in store.storage.names(f"trials/{TRIAL.key}"))


def test_folders_that_are_no_attempts_are_not_counted(store: Store) -> None:
    for name in ("train-x-aaaaaa", "train-0009", "score-0001-../x-aaaaaa", "backup"):
        store.storage.make_folder(f"trials/{TRIAL.key}/attempts/{name.replace('/', '_')}")
    assert store.attempts.of(TRIAL.key, "train") == store.attempts.of(TRIAL.key, "evaluate") == []
    assert store.attempts.new(TRIAL.key, "train").startswith("train-0001-")


def test_weights_that_are_missing_or_cut_short_make_a_trial_untrained(store: Store) -> None:
    for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(b"w")):
        attempt = store.attempts.new(TRIAL.key, "train")
        files = {"model.safetensors": store.attempts.write_file(TRIAL.key, attempt, "model.safetensors", b"weights")}
        store.commits.commit_training(TRIAL.key, trained(attempt, files))
        assert store.commits.has_model(TRIAL.key)
        damage(Path(store.root) / f"trials/{TRIAL.key}/attempts/{attempt}/model.safetensors")
        assert not store.commits.has_model(TRIAL.key)
        assert not store.commits.has_training(TRIAL.key)


def test_a_commit_that_names_no_weights_has_none(store: Store) -> None:
    assert not store.commits.has_model(TRIAL.key), "not trained"
    store.commits.commit_training(TRIAL.key, COMMIT)
    with pytest.raises(DamagedFileError, match="missing or damaged"):
        store.commits.model_bytes(TRIAL.key)
    assert store.commits.training(TRIAL.key) is None


def test_an_evaluation_without_a_prior_gives_none(store: Store) -> None:
    assert store.commits.prior_bytes(TRIAL.key, "e" * 12, "priors-gmm.npz", 2) is None
    store.commits.commit_scores(TRIAL.key, "e" * 12, scored())
    assert store.commits.prior_bytes(TRIAL.key, "e" * 12, "priors-gmm.npz", 2) is None


def test_a_failure_with_odd_bytes_in_its_message_is_recorded(store: Store) -> None:
    attempt = store.attempts.new(TRIAL.key, "train")
    store.attempts.record_failure(TRIAL.key, attempt, "train", FileNotFoundError("no \udcff file"))
    failure = store.attempts.open_failure(TRIAL.key, "train")
    assert failure is not None and failure.message == "no \\udcff file"


def test_a_store_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        open_store(tmp_path / "file" / "store", create=True)


def test_a_store_behind_links_that_lead_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for place in (tmp_path / "one", tmp_path / "one" / "store"):
        with pytest.raises(InputError, match="cannot be made"):
            open_store(place, create=True)


def test_a_folder_with_nothing_but_a_killed_writers_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / ".tmp-0123456789ab").write_bytes(b"half")
    assert open_store(tmp_path, create=True).trials.known_keys() == []
    assert open_store(tmp_path).root == str(tmp_path)
