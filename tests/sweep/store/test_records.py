"""When a commit counts: what a plan of many trials reads, and what it need not read."""

import json
import logging
import os
import shutil
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.rows import LatentRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.layout import FOLDED, training_name
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.attempts import StartRecord
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord
from aesweep.sweep.store.records.launches import LaunchedSpec
from aesweep.sweep.store.records.record import parse_record
from aesweep.sweep.store.records.seal import has_sound_seal, sealed_json_bytes
from aesweep.sweep.store.records.whole_store import Publication
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter, remember_commits, tables_are_current
from tests.records import scored, trained

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
TRAINED = trained()
SCORED = scored()
SPEC = SweepSpec(name="one", blocks=(Block("all", (TRIAL,)),), execution=ExecutionConfig(data_dir="/nowhere"))


class WatchedStorage(LocalStorage):
    """A path that notes what is read; `keeps_files_whole` makes it one that is trusted as an object store is."""

    def __init__(self, root: Path, keeps_files_whole: bool = False) -> None:
        super().__init__(root)
        self.keeps_files_whole = keeps_files_whole
        self.commits_read: list[str] = []

    def read(self, name: str) -> bytes | None:
        if name.startswith("trials/") and not name.endswith("config.json"):
            self.commits_read.append(name)
        return super().read(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store of one finished trial whose tables were never folded."""
    store = open_store(tmp_path / "store", create=True)
    store.trials.write_config(TRIAL)
    store.trials.write_spec(SPEC, EVALUATION.id)
    store.commits.commit_training(TRIAL.key, TRAINED)
    store.commits.commit_scores(TRIAL.key, EVALUATION.id, SCORED)
    return tmp_path / "store"


def state(store: Store) -> str:
    """The trial's state in a plan."""
    (trial,) = make_plan(SPEC, store, EVALUATION).trials
    return trial.state


def damage(root: Path, data: bytes) -> None:
    (root / training_name(TRIAL.key)).write_bytes(data)


def test_a_plan_reads_no_commit_that_a_fold_has_read(root: Path) -> None:
    TableWriter(open_store(root)).publish(force=True)
    storage = WatchedStorage(root)
    assert state(Store(root, storage)) == "done"
    assert storage.commits_read == []


@pytest.mark.parametrize("data", [b"", b"{", TRAINED.to_bytes()[:-9], sealed_json_bytes({"attempt": "../x"})[9:]])
def test_on_a_path_a_damaged_commit_never_counts_also_before_the_first_fold(root: Path, data: bytes) -> None:
    damage(root, data)
    assert state(open_store(root)) == "pending"
    assert any("damaged" in name for name in open_store(root).storage.names(f"trials/{TRIAL.key}"))


def test_a_commit_without_a_seal_is_judged_by_its_shape(root: Path) -> None:
    damage(root, to_json_bytes(TRAINED.to_json()))
    assert state(open_store(root)) == "done"
    damage(root, to_json_bytes({**TRAINED.to_json(), "history": 1}))
    assert state(open_store(root)) == "pending"


def test_where_files_are_kept_whole_a_plan_reads_no_commit_and_the_next_fold_finds_a_damaged_one(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(root, b"{" * 500)
    storage = WatchedStorage(root, keeps_files_whole=True)
    store = Store(root, storage)
    assert state(store) == "done"
    assert storage.commits_read == []
    with caplog.at_level(logging.WARNING):
        TableWriter(store).publish(force=True)
    assert "is damaged; kept as" in caplog.text
    assert state(store) == "pending"
    assert tables_are_current(store), "the fold counted it as pending as well"


def test_a_commit_that_changed_after_the_fold_is_read_in_full(root: Path) -> None:
    TableWriter(open_store(root)).publish(force=True)
    damage(root, sealed_json_bytes({**TRAINED.to_json(), "attempt": "../../outside"}))
    assert state(Store(root, WatchedStorage(root, keeps_files_whole=True))) == "pending"


@pytest.mark.parametrize(("keeps_files_whole", "read"), [(False, 2), (True, 0)])
def test_of_a_copied_store_the_seals_are_looked_at_once_and_remembered(
    root: Path, tmp_path: Path, keeps_files_whole: bool, read: int
) -> None:
    TableWriter(open_store(root)).publish(force=True)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, copy_function=shutil.copyfile)  # all files get new times
    storage = WatchedStorage(copy, keeps_files_whole)
    listed = Store(copy, storage).snapshot()
    assert state(listed) == "done"
    assert len(storage.commits_read) == read
    remember_commits(listed)
    again = WatchedStorage(copy)
    assert state(Store(copy, again)) == "done"
    assert again.commits_read == []


def test_a_copy_that_was_cut_short_is_found(root: Path, tmp_path: Path) -> None:
    TableWriter(open_store(root)).publish(force=True)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, copy_function=shutil.copyfile)
    damage(copy, TRAINED.to_bytes()[:50])
    assert state(Store(copy, WatchedStorage(copy, keeps_files_whole=True))) == "pending"


@pytest.mark.parametrize(
    "folded", [b"{", b"[]", sealed_json_bytes({"commits": []}), sealed_json_bytes({"commits": {"x": 1}})]
)
def test_without_a_readable_note_of_the_last_fold_the_commits_are_looked_at(root: Path, folded: bytes) -> None:
    open_store(root).storage.write(FOLDED, folded)
    assert state(open_store(root)) == "done"
    damage(root, b"{")
    assert state(open_store(root)) == "pending"


def test_a_seal_tells_any_change_and_needs_no_json() -> None:
    data = sealed_json_bytes({"attempt": "a", "seal of": {"seal": "0" * 64}})
    assert has_sound_seal(data)
    assert not has_sound_seal(data.replace(b'"a"', b'"b"'))
    assert not has_sound_seal(data[:-1])
    assert not has_sound_seal(b'{"attempt": "a"}\n')


def test_every_flipped_bit_of_a_sealed_file_is_found_in_the_line_of_its_seal_too() -> None:
    data = Publication(publication="word").to_bytes()
    assert parse_record(Publication, data) is not None
    for place in range(len(data) - 2):  # what follows the last brace is not part of the JSON
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            assert parse_record(Publication, bytes(flipped)) is None, bytes(flipped)


def test_a_data_folder_whose_name_is_no_utf8_is_read_back() -> None:
    """Python holds its bytes as halves of surrogate pairs, which JSON can say and pydantic does not read."""
    execution = {"data_dir": os.fsdecode(b"/data/\xff"), "folders": {}}
    commit = TRAINED.model_copy(update={"execution": execution})
    launched = LaunchedSpec(format=1, name="odd", keys={TRIAL.key: "all"}, spec={"execution": execution})
    assert parse_record(TrainingRecord, commit.to_bytes()) == commit
    assert parse_record(LaunchedSpec, launched.to_bytes()) == launched
    assert parse_record(LaunchedSpec, launched.model_copy(update={"name": "\udcff"}).to_bytes()) is None


def test_a_start_with_one_bad_value_still_names_its_driver() -> None:
    whole = {"driver": "a.json", "node": "gpu-07", "pid": 5, "epoch": 3, "resumed_from": "train-0001-abcdef"}
    for name, bad in {"pid": "5", "epoch": -1, "settings": {"device": 7}, "parts": [{"epoch": "two"}]}.items():
        start = parse_record(StartRecord, to_json_bytes({**whole, name: bad}))
        assert start is not None and start.driver == "a.json" and start.resumed_from == "train-0001-abcdef"
    assert start is not None
    assert start.parts is None, "unknown"
    assert parse_record(StartRecord, to_json_bytes({**whole, "driver": 7})) is None


def test_a_record_of_more_values_than_its_kind_has_is_a_damaged_one() -> None:
    for data in (b"[" + b"0," * 2_000_000 + b"0]", b'{"x": [' + b"0," * 2_000_000 + b"0]}"):
        assert parse_record(TrainingRecord, data) is None
    assert LaunchedSpec.most_values > TrainingRecord.most_values


def test_a_long_failure_is_cut_when_it_is_written_and_when_it_is_read(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", create=True)
    attempt = store.attempts.new("0" * 12, "train")
    store.attempts.record_failure("0" * 12, attempt, "train", ValueError("x" * 1_000_000))
    (path,) = (tmp_path / "store").glob("trials/*/failures/*.json")
    assert path.stat().st_size < 100_000
    path.write_text(json.dumps({**json.loads(path.read_text()), "traceback": "y" * 1_000_000, "node": "z" * 1_000_000}))
    (found,) = store.attempts.failures("0" * 12)
    assert found.message == "x" * len(found.message) and found.traceback == "y" * len(found.traceback)
    assert len(found.message) + len(found.traceback) + len(found.node) < 100_000


ROWS = [
    LatentRow(split="test", index=index, dimension_a=0, dimension_b=1, z_a=0.5 * index, z_b=-1.0) for index in range(3)
]


def sealed_with(latents: object) -> bytes:
    """A commit of scores with this in the place of its latents."""
    return sealed_json_bytes({**json.loads(SCORED.to_bytes()), "latents": latents})


def test_latents_are_read_as_columns_and_as_the_rows_of_0_1_0() -> None:
    commit = scored(latents=ROWS)
    columns = json.loads(commit.to_bytes())["latents"]
    assert columns["z_a"] == [0.0, 0.5, 1.0]
    for latents in (columns, [asdict(row) for row in ROWS]):
        found = parse_record(ScoresRecord, sealed_with(latents))
        assert found is not None and found.latents == commit.latents


@pytest.mark.parametrize(
    "latents",
    [
        {"z_a": [1.0]},
        {**{field.name: [] for field in fields(LatentRow)}, "z_a": [1.0]},
        {**{field.name: [] for field in fields(LatentRow)}, "index": 1},
        [{"z_a": 1.0}],
        [1.0],
        "rows",
    ],
)
def test_latents_of_another_shape_are_damage(latents: object) -> None:
    assert parse_record(ScoresRecord, sealed_with(latents)) is None
