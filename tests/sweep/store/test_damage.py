"""What damage leads to: it is found, set aside with a message, and its work counts as not done."""

import errno
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import ConfigDict

from aesweep.evaluation.reference import features_to_bytes
from aesweep.models.errors import InputError
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.load import load_model
from aesweep.sweep.store.records.commits import TrainingRecord, Vacancy
from aesweep.sweep.store.records.record import SealedRecord, parse_record
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import DamagedFileError, Store, open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.tables.row_counts import table_rows
from aesweep.sweep.worker import evaluation_stages
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, HALF, copy_at_work, small_spec


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    """A copy of the small store."""
    return open_store(copy_at_work(small_store, tmp_path / "store"))


def file(store: Store, pattern: str) -> Path:
    """The one file of the store that the pattern names."""
    (found,) = Path(store.root).glob(pattern)
    return found


def counts(store: Store) -> dict[str, int]:
    """Trials by state, states without trials left out."""
    return {state: count for state, count in read_status(store).counts.items() if count}


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_digit(path: Path) -> None:
    """One bit of one number, so that the file is still JSON of the right shape."""
    data = bytearray(path.read_bytes())
    place = next(match.start(1) for match in re.finditer(rb"0\.(\d)", data))
    data[place] ^= 1
    json.loads(data)
    path.write_bytes(data)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def make_a_list(path: Path) -> None:
    path.write_text("[1, 2]")


def put_a_path_in(path: Path) -> None:
    """A record whose attempt would lead out of the store, sealed as if it were ours."""
    value = json.loads(path.read_text())
    path.write_bytes(sealed_json_bytes({**value, "attempt": "../../../outside"}))


DAMAGES = [cut_short, flip_a_digit, make_a_list, put_a_path_in]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("commit", "left"), [("train.json", "pending"), ("scores/*.json", "trained")])
def test_a_damaged_commit_is_set_aside_and_its_work_counts_as_not_done(
    store: Store, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None], commit: str, left: str
) -> None:
    path = file(store, f"trials/{DONE.key}/{commit}")
    whole = path.read_bytes()
    assert counts(store) == {"done": 1, "running": 1, "failed": 1}
    damage(path)
    damaged = path.read_bytes()
    assert counts(store) == {left: 1, "running": 1, "failed": 1}
    assert parse_record(Vacancy, path.read_bytes()) is not None
    assert file(store, f"trials/{DONE.key}/{commit}.damaged-*").read_bytes() == damaged
    assert "is damaged; kept as" in caplog.text
    if left == "pending":
        again = parse_record(TrainingRecord, whole)
        assert again is not None and store.commits.commit_training(DONE.key, again)
        assert counts(store) == {"done": 1, "running": 1, "failed": 1}


def test_a_store_that_cannot_be_written_to_is_looked_at_all_the_same(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_a_list(file(store, f"trials/{DONE.key}/train.json"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.replace", refuse)  # what a file system does that may only be read
    assert counts(store) == {"pending": 1, "running": 1, "failed": 1}
    assert "cannot be set aside" in caplog.text


def test_a_damaged_failure_makes_its_trial_unfinished_again(store: Store) -> None:
    make_a_list(file(store, f"trials/{FAILED.key}/failures/*.json"))
    assert counts(store) == {"done": 1, "running": 1, "pending": 1}


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit])
def test_damaged_weights_are_refused_and_trained_again(store: Store, damage: Callable[[Path], None]) -> None:
    damage(file(store, f"trials/{DONE.key}/attempts/*/model.safetensors"))
    with pytest.raises(DamagedFileError, match="SHA-256"):
        load_model(store, DONE.key)
    assert counts(store)["pending"] == 1
    with pytest.raises(InputError, match="not trained yet"):
        load_model(store, DONE.key)


def test_a_damaged_prior_is_refused_and_fitted_again(store: Store, tmp_path: Path) -> None:
    flip_a_bit(file(store, f"trials/{DONE.key}/attempts/*/priors-gmm.npz"))
    refused = run_aesweep("sample", store.root, DONE.key, "--out", tmp_path / "x.png")
    assert refused.is_refused_clearly
    assert counts(store)["done"] == 1, "looking renames nothing"
    assert "aesweep verify STORE --repair" in refused.err
    assert run_aesweep("verify", store.root, "--repair").code == 1
    assert counts(store)["trained"] == 1


def test_a_damaged_configuration_is_found_again_in_the_spec(store: Store) -> None:
    path = file(store, f"trials/{DONE.key}/config.json")
    for text in ("", "[]", json.dumps(HALF.to_json()), json.dumps({**DONE.to_json(), "model": ["dae"]})):
        path.write_text(text)
        assert store.trials.config(DONE.key) == DONE
        assert json.loads(path.read_text()) == json.loads(json.dumps(DONE.to_json())), "written again"
    assert len(list(path.parent.glob("config.json.damaged-*"))) == 4
    TableWriter(store).publish(force=True)
    assert table_rows(store)["trials"] == 3


def test_a_trial_that_nothing_knows_any_more_is_left_out_of_the_tables(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    (Path(store.root) / "trials/0123456789ab/attempts/train-0001-abcdef").mkdir(parents=True)
    (Path(store.root) / "trials/notes.txt").write_text("mine")
    (Path(store.root) / f"trials/{HALF.key}/attempts/train-x").mkdir()
    assert run_aesweep("tables", store.root).code == 0
    assert "trials/0123456789ab is left out" in caplog.text
    assert table_rows(store)["trials"] == 3


def test_a_spec_whose_keys_are_no_keys_counts_as_missing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    path = file(store, "sweeps/[0-9a-f]*.json")
    about = json.loads(path.read_text())
    path.write_bytes(sealed_json_bytes({**about, "keys": {"../../outside": "done"}}))
    assert read_status(store).sweep == "none"
    assert "damaged" in caplog.text
    with pytest.raises(InputError, match="Nothing was launched"):
        store.trials.stored_specs()


def test_without_knowing_the_latest_of_several_specs_nothing_is_resumed(store: Store, data_dir: Path) -> None:
    other = replace(small_spec(data_dir), name="other")
    store.trials.write_spec(other, other.evaluation_config().id)
    assert store.trials.stored_specs()[0].name == "other"
    make_a_list(Path(store.root) / "sweeps/latest.json")
    refused = run_aesweep("resume", store.root)
    assert refused.is_refused_clearly and "--all" in refused.err
    assert len(store.trials.stored_specs(every=True)) == 2


def test_a_damaged_mark_of_the_store_says_how_to_mend_it(store: Store) -> None:
    mark = Path(store.root) / "store.json"
    mark.write_text("{")
    refused = run_aesweep("status", store.root)
    assert refused.is_refused_clearly
    mark.write_text(re.search(r"\{.*\}", refused.err)[0])  # type: ignore[index]
    assert run_aesweep("status", store.root).code == 0


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit])
@pytest.mark.parametrize("table", ["scores", "latents"])
def test_a_damaged_table_is_found_and_folded_again(store: Store, damage: Callable[[Path], None], table: str) -> None:
    assert tables_are_current(store)
    rows = table_rows(store)
    path = file(store, f"tables/{table}.parquet")
    whole = pq.read_table(path)
    damage(path)
    assert run_aesweep("status", store.root).code == 0
    assert not tables_are_current(store)
    TableWriter(store).publish(force=True)
    assert pq.read_table(path) == whole
    assert table_rows(store) == rows


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit, make_a_list])
@pytest.mark.parametrize("kind", ["[0-9a-f].npz", "-features.npz"])
def test_damaged_measures_of_the_real_images_are_measured_again(
    store: Store, data_dir: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    spec = small_spec(data_dir)
    path = file(store, f"references/*-train-*{kind}")
    whole = path.read_bytes()
    damage(path)
    attempt = store.attempts.of(DONE.key, "evaluate")[0]
    job = EvaluationJob(str(store.root), DONE.key, attempt, spec.evaluation_config(), spec.execution)
    train = evaluation_stages.references(job)[0]["train"]
    assert path.read_bytes() == whole
    assert whole in (train.statistics.to_bytes(), features_to_bytes(train.features))
    assert file(store, "references/*.damaged-*").exists()


def test_a_progress_file_need_not_say_how_long_it_will_take(store: Store) -> None:
    path = file(store, "progress/*.json")
    said = json.loads(path.read_text()) | {"time": time.time()}
    del said["eta_seconds"]
    path.write_text(json.dumps(said))
    assert read_status(store).eta_seconds is None


def test_a_damaged_progress_file_is_no_driver(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    path = file(store, "progress/*.json")
    said = json.loads(path.read_text())
    for wrong in (
        {},
        {**said, "time": "now"},
        {**said, "pid": 10**30},
        {**said, "pid": -1},
        {**said, "running": {HALF.key: 3}},
        {**said, "eta_seconds": []},
    ):
        path.write_text(json.dumps(wrong))
        assert counts(store) == {"done": 1, "pending": 1, "failed": 1}
    path.write_text(json.dumps({**said, "time": time.time() + 3600, "host": "elsewhere"}))
    assert counts(store)["pending"] == 1, "a driver of the future is none: it would never grow old"


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit, make_a_list])
def test_training_starts_again_from_a_damaged_checkpoint_and_ends_the_same(
    store: Store, tmp_path: Path, data_dir: Path, damage: Callable[[Path], None]
) -> None:
    damage(file(store, f"trials/{HALF.key}/attempts/*/checkpoint.pt"))
    fresh = open_store(tmp_path / "fresh", create=True)
    fresh.trials.write_config(HALF)
    for each in (store, fresh):
        attempt = TrainingAttempt(each, HALF, small_spec(data_dir).execution)
        attempt.start()
        assert attempt.trainer.epoch == 0
        while not attempt.finished:
            attempt.run_epoch()
        attempt.commit()
    assert store.commits.model_bytes(HALF.key) == fresh.commits.model_bytes(HALF.key)
    assert any("not used" in log.read_text() for log in Path(store.root).glob(f"trials/{HALF.key}/attempts/*/log.txt"))


def test_a_checkpoint_that_fits_in_part_leaves_nothing_behind(store: Store, data_dir: Path) -> None:
    """Its weights fit and its optimizer does not: training must not go on from those weights."""
    import torch

    path = file(store, f"trials/{HALF.key}/attempts/*/checkpoint.pt")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state"]["optimizer"] = {"state": {}, "param_groups": []}
    torch.save(checkpoint, path)
    attempt = TrainingAttempt(store, HALF, small_spec(data_dir).execution)
    attempt.start()
    untouched = TrainingAttempt(store, replace(HALF, seed=0), small_spec(data_dir).execution)
    path.unlink()
    untouched.start()
    pairs = zip(attempt.trainer.model.parameters(), untouched.trainer.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


# The seal


class Anything(SealedRecord):
    """A record that keeps all fields."""

    model_config = ConfigDict(extra="allow")


def test_a_sealed_record_is_json_and_any_changed_byte_breaks_it() -> None:
    value = {"attempt": "a", "rows": [{"value": 0.1}], "seal of": {"seal": "0" * 64}}
    data = sealed_json_bytes(value)
    assert data == sealed_json_bytes(value)
    assert parse_record(Anything, data) == Anything(**json.loads(data))
    inside = range(data.index(b'"rows"'), data.index(b'"seal"'))
    for place in inside:
        changed = bytearray(data)
        changed[place] ^= 1
        assert parse_record(Anything, bytes(changed)) is None


def test_a_record_without_a_seal_is_read_and_what_is_no_object_is_not() -> None:
    assert parse_record(Anything, b'{"a": 1}') == Anything.model_validate({"a": 1})
    for data in (b"", b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000, b"9" * 5000):
        assert parse_record(Anything, data) is None


def test_messages_of_failures_are_shown_as_they_are(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text may hold what a terminal or rich would take for commands."""
    store.attempts.record_failure(
        FAILED.key, store.attempts.new(FAILED.key, "train"), "train", ValueError("\x1b[2J[/x] \udc80\na")
    )
    with caplog.at_level(logging.ERROR):
        ended = run_aesweep("status", store.root)
    assert ended.code == 0
    assert "\\x1b[2J[/x]" in ended.out and "\x1b" not in ended.out
