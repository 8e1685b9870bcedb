"""A store that a newer aesweep writes to, met by this one."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import config_name
from aesweep.sweep.store.storage import to_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter, table_rows
from tests.in_process import run_aesweep
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
