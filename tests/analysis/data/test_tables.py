"""Reading a store's tables: what is there, what is not, and what cannot be used."""

import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from aesweep.analysis import ReportError, load_tables
from tests.analysis.typed import Grid, MakeStore


def test_a_missing_table_has_the_columns_of_one_that_is_read(small_store: Path, tmp_path: Path) -> None:
    read, missing = load_tables(small_store), load_tables(tmp_path / "nowhere")
    for table in ("trials", "epochs", "scores", "failures"):
        assert list(getattr(read, table)) == list(getattr(missing, table)), table
    assert list(read.latents.of(read.trials["key"])) == list(missing.latents.of([]))


def test_all_five_tables_are_read(small_store: Path) -> None:
    tables = load_tables(small_store)
    assert len(tables.trials) == 8
    assert len(tables.epochs) == 8 * 6
    assert len(tables.scores) == 8 * 5
    assert len(tables.latents.of(tables.trials["key"])) == 8 * 120
    assert tables.failures.empty


def test_the_hash_can_be_had_from_the_shell(small_store: Path) -> None:
    command = "sha256sum *.parquet | sha256sum"
    done = subprocess.run(command, shell=True, cwd=small_store / "tables", capture_output=True, text=True, check=True)
    assert load_tables(small_store).data_hash == done.stdout[:12]


def test_latents_are_read_trial_by_trial_also_after_the_file_was_replaced(
    small_store: Path, make_store: MakeStore, grid: Grid
) -> None:
    tables = load_tables(small_store)
    first, second, *_ = tables.trials["key"]
    before = tables.latents.of([first])
    os.replace(make_store(grid(latent_size=[2])) / "tables" / "latents.parquet", small_store / "tables/latents.parquet")
    after = tables.latents.of([second, first])
    assert set(before["key"]) == {first} and len(before) == 120
    pd.testing.assert_frame_equal(after[after["key"] == first].reset_index(drop=True), before)
    assert tables.latents.of([]).empty and tables.latents.of(["0" * 12]).empty


def test_the_hash_changes_with_the_data_and_only_then(
    small_store: Path, make_store: MakeStore, grid: Grid, tmp_path: Path
) -> None:
    copy = shutil.copytree(small_store, tmp_path / "copy")
    other = make_store(grid(model=["dae"], filters=[16], latent_size=[4], epochs=[6]))
    assert load_tables(copy).data_hash == load_tables(small_store).data_hash
    assert load_tables(other).data_hash != load_tables(small_store).data_hash


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_or_missing_store_has_empty_tables(tmp_path: Path, exists: bool) -> None:
    store = tmp_path / "store"
    if exists:
        store.mkdir()
    tables = load_tables(store)
    assert tables.trials.empty and tables.scores.empty
    assert tables.data_hash == "none"


def test_a_store_without_one_table_is_read_without_it(small_store: Path) -> None:
    (small_store / "tables" / "latents.parquet").unlink()
    tables = load_tables(small_store)
    assert tables.latents.of(tables.trials["key"]).empty and len(tables.trials) == 8


def test_tables_alone_are_enough(small_store: Path, tmp_path: Path) -> None:
    shutil.copytree(small_store / "tables", tmp_path / "copied" / "tables")
    assert len(load_tables(tmp_path / "copied").trials) == 8


def test_a_folder_that_is_no_store_is_refused_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("sun")
    with pytest.raises(ReportError) as caught:
        load_tables(tmp_path)
    field, remedy = str(caught.value).splitlines()
    assert str(tmp_path) in field and "aesweep launch" in remedy


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(ReportError, match="That is a file"):
        load_tables(tmp_path / "store")


def test_a_damaged_table_is_refused_with_the_way_to_mend_it(small_store: Path) -> None:
    (small_store / "tables" / "scores.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ReportError, match=r"scores\.parquet(.|\n)*aesweep tables STORE"):
        load_tables(small_store)


def test_a_table_without_a_column_is_refused_by_the_columns_name(small_store: Path) -> None:
    path = small_store / "tables" / "epochs.parquet"
    load_tables(small_store).epochs.drop(columns="loss").to_parquet(path)
    with pytest.raises(ReportError, match="lacks the column 'loss'"):
        load_tables(small_store)
