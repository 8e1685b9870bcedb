"""A store whose disk is full, read-only, or gone for a while: said in two lines, and the same command goes on."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from tests.faults import dying
from tests.in_process import run_aesweep
from tests.small_store import copy_at_work
from tests.sweep.conftest import run_cli, start_cli, wait_for_file
from tests.sweep.driver.aftermath import assert_nothing_left_in, assert_same_results
from tests.sweep.store.small_disk import SmallDisk

PAGE = 4096
FULL = "It has no room left (No space left on device). Make room and run the same command again"
READ_ONLY = "It cannot be written to (Read-only file system). Fix the cause and run the same command again"
GONE = "It is not there any more. Bring it back or mount its disk again and run the same command again"


@pytest.fixture
def store_on_disk(small_disk: SmallDisk, small_store: Path) -> Path:
    """The small store, copied to the small disk."""
    return copy_at_work(small_store, small_disk.store)


def bytes_of_tables(store: Path) -> dict[str, bytes]:
    """Without the word of whoever published last, which is another one each time."""
    return {path.name: path.read_bytes() for path in (store / "tables").iterdir() if path.name != "publisher.json"}


@pytest.mark.parametrize("leave", [0, 2 * PAGE])
def test_tables_that_find_no_room_leave_the_old_ones_and_are_made_later(
    store_on_disk: Path, small_disk: SmallDisk, leave: int
) -> None:
    before = bytes_of_tables(store_on_disk)
    for path in store_on_disk.glob("trials/*/failures/*.json"):  # so that the tables would differ
        path.unlink()
    small_disk.fill(leave)
    refused = run_aesweep("tables", store_on_disk)
    assert refused.is_refused_clearly and FULL in refused.err
    assert bytes_of_tables(store_on_disk) == before
    small_disk.make_room()
    assert run_aesweep("tables", store_on_disk).code == 0
    assert tables_are_current(open_store(store_on_disk))


def rows(table: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(table))


def test_a_disk_that_fills_between_two_tables_leaves_whole_ones_that_do_not_count(
    store_on_disk: Path, small_disk: SmallDisk
) -> None:
    TableWriter(open_store(store_on_disk)).publish(force=True)
    before = bytes_of_tables(store_on_disk)
    shutil.rmtree(store_on_disk / "tables")
    small_disk.fill(leave=8 * PAGE)  # `trials` has five pages, each other file one
    refused = run_aesweep("tables", store_on_disk)
    assert refused.is_refused_clearly and FULL in refused.err
    found = bytes_of_tables(store_on_disk)
    assert 1 < len(found) < len(before)
    assert all(rows(before[name]) == rows(data) for name, data in found.items()), (
        "no half-written file, not even a temporary one"
    )
    assert not tables_are_current(open_store(store_on_disk)), "folded.json is written last"
    small_disk.make_room()
    assert run_aesweep("tables", store_on_disk).code == 0
    after = bytes_of_tables(store_on_disk)
    assert all(rows(after[name]) == rows(data) for name, data in before.items() if name.endswith(".parquet"))


def test_a_read_only_store_is_looked_at_and_refuses_the_rest_clearly(
    store_on_disk: Path, small_disk: SmallDisk, tmp_path: Path
) -> None:
    with small_disk.read_only():
        refused = run_aesweep("tables", store_on_disk)
        assert refused.is_refused_clearly and READ_ONLY in refused.err
        resumed = run_aesweep("resume", store_on_disk, "--also")  # its driver would be watched for long
        assert resumed.code == 2 and READ_ONLY in resumed.err.splitlines()[-1]
        assert run_aesweep("status", store_on_disk).code == 0
        assert run_aesweep("report", store_on_disk, "--out", tmp_path / "report").code == 0
    assert run_aesweep("tables", store_on_disk).code == 0


def test_a_read_only_store_that_holds_more_than_its_tables_is_reported_from_them(
    store_on_disk: Path, small_disk: SmallDisk, tmp_path: Path
) -> None:
    assert run_aesweep("tables", store_on_disk).code == 0
    shutil.rmtree(store_on_disk / "progress")  # the driver ended: its trial is no longer running
    with small_disk.read_only():
        older = run_aesweep("report", store_on_disk, "--out", tmp_path / "report")
        assert older.code == 0 and (tmp_path / "report" / "index.html").exists()
        assert "drawn from older tables" in older.err and READ_ONLY in older.err
    (store_on_disk / "tables" / "scores.parquet").unlink()
    with small_disk.read_only():
        refused = run_aesweep("report", store_on_disk, "--out", tmp_path / "report")
        assert refused.is_refused_clearly and READ_ONLY in refused.err


def test_a_store_that_was_moved_away_is_not_begun_anew_in_its_old_place(small_store: Path, tmp_path: Path) -> None:
    place, away = tmp_path / "store", tmp_path / "away"
    shutil.copytree(small_store, place)
    store = open_store(place)
    place.rename(away)
    with pytest.raises(OSError, match="not there any more"):
        TableWriter(store).publish(force=True)
    place.mkdir()  # as the empty folder on which a disk is not mounted any more
    with pytest.raises(OSError, match="not there any more"):
        store.attempts.new(store_key(away), "train")
    assert list(place.iterdir()) == []
    place.rmdir()
    away.rename(place)
    TableWriter(store).publish(force=True)
    assert tables_are_current(store)


def store_key(store: Path) -> str:
    return open_store(store).trials.known_keys()[0]


def assert_equal_to(undisturbed: Path, store: Path) -> None:
    """The numbers of an undisturbed sweep, and nothing left behind."""
    assert_same_results(store, undisturbed)
    assert len(pd.read_parquet(store / "tables" / "failures.parquet")) == 0
    assert_nothing_left_in(store)


def assert_stopped(ended: subprocess.CompletedProcess[str], reason: str) -> None:
    """Exit code 2, and two lines at the end that say why; no traceback."""
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    field, remedy = ended.stderr.splitlines()[-2:]
    assert field.startswith("--store: '") and field.endswith("' cannot be used.")
    assert remedy == f"{reason}; finished work is kept."


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_disk_that_fills_during_a_checkpoint_costs_what_came_after_the_one_before(
    small_disk: SmallDisk, tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """A checkpoint has some 390 kB."""
    words = ("launch", tiny_spec, "--store", small_disk.store, "--set", "checkpoint_seconds=0.01")
    killed = run_cli(*words, cwd=tmp_path, env={**own_env, **dying("after */checkpoint.pt")})
    assert killed.returncode == -9, killed.stderr
    small_disk.fill(leave=250_000)
    assert_stopped(run_cli(*words, cwd=tmp_path, env=own_env), FULL)
    assert_nothing_left_in(small_disk.store)
    small_disk.make_room()
    done = run_cli(*words, cwd=tmp_path, env=own_env)
    assert done.returncode == 0, done.stderr
    assert_equal_to(finished_store, small_disk.store)
    logs = [path.read_text() for path in small_disk.store.glob("trials/*/attempts/train-*/log.txt")]
    assert any("resumed from train-0001-" in log for log in logs)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_disk_that_fills_during_a_commit_publishes_nothing(
    small_disk: SmallDisk, tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """The weights have some 127 kB; they are written when training ends, just before the commit."""
    words = ("launch", tiny_spec, "--store", small_disk.store, "--set", "checkpoint_seconds=1000")
    small_disk.fill(leave=120_000)
    assert_stopped(run_cli(*words, cwd=tmp_path, env=own_env), FULL)
    assert list(small_disk.store.glob("trials/*/train.json")) == []
    assert_nothing_left_in(small_disk.store)
    small_disk.make_room()
    done = run_cli(*words, cwd=tmp_path, env=own_env)
    assert done.returncode == 0, done.stderr
    assert_equal_to(finished_store, small_disk.store)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_wherever_the_disk_fills_the_same_command_goes_on_when_there_is_room(
    small_disk: SmallDisk, tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    """A little more room for each launch, until the sweep is done: the disk fills in every stage."""
    words = ("launch", tiny_spec, "--store", small_disk.store, "--set", "checkpoint_seconds=1000")
    ends: list[int] = []
    while not ends or ends[-1] != 0:
        assert len(ends) < 10, "there is twice the room each time"
        small_disk.fill(leave=4 * PAGE * 2 ** len(ends))
        ended = run_cli(*words, cwd=tmp_path, env=own_env)
        ends.append(ended.returncode)
        if ended.returncode != 0:
            assert_stopped(ended, FULL)
        assert_nothing_left_in(small_disk.store)
    assert len(ends) > 3
    small_disk.make_room()
    assert_equal_to(finished_store, small_disk.store)


@contextmanager
def running_launch(spec: Path, store: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A launch that has written a checkpoint."""
    process = start_cli("launch", spec, "--store", store, cwd=spec.parent, env=env)
    try:
        wait_for_file(store, "trials/*/attempts/*/checkpoint.pt", process)
        yield process
    finally:
        process.kill()
        process.communicate()


def end_of(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    _, said = process.communicate(timeout=250)
    return subprocess.CompletedProcess(process.args, process.returncode, "", said)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_sweep_whose_store_becomes_read_only_stops_and_goes_on_later(
    small_disk: SmallDisk, tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    with running_launch(tiny_spec, small_disk.store, own_env) as process, small_disk.read_only():
        assert_stopped(end_of(process), READ_ONLY)
        refused = run_cli("resume", small_disk.store, cwd=tmp_path, env=own_env)
        assert_stopped(refused, READ_ONLY)
    done = run_cli("resume", small_disk.store, cwd=tmp_path, env=own_env)
    assert done.returncode == 0, done.stderr
    assert_equal_to(finished_store, small_disk.store)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_sweep_whose_store_vanishes_stops_and_goes_on_when_it_is_back(
    tiny_spec: Path, finished_store: Path, tmp_path: Path, own_env: dict[str, str]
) -> None:
    store, away = tmp_path / "store", tmp_path / "away"
    with running_launch(tiny_spec, store, own_env) as process:
        store.rename(away)
        assert_stopped(end_of(process), GONE)
    assert not store.exists(), "nothing was written in its old place"
    away.rename(store)
    done = run_cli("resume", store, cwd=tmp_path, env=own_env)
    assert done.returncode == 0, done.stderr
    assert_equal_to(finished_store, store)
