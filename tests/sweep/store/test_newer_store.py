"""A store that a newer aesweep writes to, met by this one."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aesweep.evaluation.rows import LatentRow, ScoreRow
from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import config_name, scores_name, training_name
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter
from aesweep.sweep.tables.row_counts import table_rows
from tests.in_process import run_aesweep
from tests.records import scored
from tests.small_store import DONE, FAILED


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    """A copy of the small store, in which one trial has a field that came later."""
    shutil.copytree(small_store, tmp_path / "store")
    opened = open_store(tmp_path / "store")
    opened.storage.write(config_name(DONE.key), to_json_bytes({**DONE.to_json(), "rival": "wae"}))
    return opened


def test_a_trial_of_a_newer_aesweep_is_refused_and_its_file_stays(store: Store, tmp_path: Path) -> None:
    before = store.storage.read(config_name(DONE.key))
    with pytest.raises(InputError, match=r"'rival' cannot be used\.\nA newer aesweep wrote it"):
        store.trials.config(DONE.key)
    assert run_aesweep("sample", store.root, DONE.key, "--out", tmp_path / "x.png").is_refused_clearly
    assert store.storage.read(config_name(DONE.key)) == before
    assert not any("damaged" in name for name in store.storage.names(f"trials/{DONE.key}"))


def test_its_other_trials_are_in_the_tables(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        TableWriter(store).publish(force=True)
    assert table_rows(store)["trials"] == 2
    assert "left out of the tables" in caplog.text and "A newer aesweep wrote it" in caplog.text


def test_a_flipped_bit_in_the_name_of_a_field_is_damage(store: Store) -> None:
    text = json.dumps(FAILED.to_json()).replace('"filters"', '"filterz"')
    store.storage.write(config_name(FAILED.key), text.encode())
    assert store.trials.config(FAILED.key) == FAILED


ROW = ScoreRow(
    source="gmm", split="test", metric="fd", value=1.0, n=5, n_reference=5, reference_split="test", sampling_seed=0
)


def weights(store: Store) -> str:
    """SHA-256 of the weights of the trial that is done."""
    training = store.commits.training(DONE.key)
    assert training is not None
    return training.files["model.safetensors"].sha256


def as_committed(model: str, **changes: object) -> bytes:
    """A commit of one score and one latent of these weights, whose rows another version wrote."""
    latent = LatentRow(split="test", index=0, dimension_a=0, dimension_b=1, z_a=0.0, z_b=0.0)
    commit: Any = scored(rows=(ROW,), model=model, latents=(latent,)).to_json()
    commit["rows"][0].update(changes)
    commit["latents"].update({name: [value] for name, value in changes.items() if name in commit["latents"]})
    return sealed_json_bytes(commit)


@pytest.mark.parametrize("changes", [{"source": "copula"}, {"split": "validation"}, {"reference_split": "validation"}])
def test_scores_of_a_source_or_split_that_came_later_are_kept_and_shown(store: Store, changes: dict[str, str]) -> None:
    store.storage.write(scores_name(DONE.key, "f" * 12), as_committed(weights(store), **changes))
    found = store.commits.scores(DONE.key, "f" * 12)
    assert found is not None and found.rows == (replace(ROW, **changes),)  # type: ignore[arg-type]
    assert as_committed(weights(store), **changes) == found.to_bytes()
    store.storage.write(config_name(DONE.key), to_json_bytes(DONE.to_json()))
    TableWriter(store).publish(force=True)
    table = pq.read_table(f"{store.root}/tables/scores.parquet").to_pylist()
    (row,) = (row for row in table if row["evaluation"] == "f" * 12)
    assert row.items() >= changes.items()


@pytest.mark.parametrize("changes", [{"source": "../x"}, {"split": ""}, {"source": 1}, {"n": -1}, {"index": 2**63}])
def test_what_no_version_writes_is_damage(store: Store, changes: dict[str, object]) -> None:
    store.storage.write(scores_name(DONE.key, "f" * 12), as_committed(weights(store), **changes))
    assert store.commits.scores(DONE.key, "f" * 12) is None


def test_a_precision_and_a_stage_that_came_later_are_kept_and_shown(small_store: Path, tmp_path: Path) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    store = open_store(tmp_path / "store")
    (failure,) = store.storage.names(f"trials/{FAILED.key}/failures")
    change(store, training_name(DONE.key), lambda commit: commit["result"].update(precision_used="fp8", joules=3.5))
    change(store, f"trials/{FAILED.key}/failures/{failure}", lambda record: record.update(stage="distil", gpu="none"))
    TableWriter(store).publish(force=True)
    assert "fp8" in column(store, "trials", "precision_used")
    assert column(store, "failures", "stage") == ["distil"]
    assert not list((tmp_path / "store").rglob("*.damaged-*"))


def change(store: Store, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit a record as the aesweep that wrote it would have written it."""
    value = json.loads(store.storage.read(name) or b"")
    sealed = value.pop("seal", None) is not None
    edit(value)
    store.storage.write(name, sealed_json_bytes(value) if sealed else to_json_bytes(value))


def column(store: Store, table: str, name: str) -> list[object]:
    values: list[object] = pq.read_table(f"{store.root}/tables/{table}.parquet")[name].to_pylist()
    return values
