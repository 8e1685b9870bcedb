"""A second driver on a store: refused while the first one is at work, not where that one was killed a moment ago."""

import threading
from pathlib import Path

import pytest
from rich.console import Console

from aesweep.models.errors import InputError
from aesweep.sweep.driver import alone
from aesweep.sweep.driver.alone import driver_at_work, require_alone
from aesweep.sweep.evaluating import evaluate
from aesweep.sweep.launch import launch
from aesweep.sweep.store import drivers
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.store import Store, open_store
from tests.small_store import copy_at_rest, small_spec


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    return open_store(copy_at_rest(small_store, tmp_path / "a store"))


@pytest.fixture
def other(store: Store, monkeypatch: pytest.MonkeyPatch) -> ProgressFile:
    """Another driver's progress file, as fresh as can be."""
    monkeypatch.setattr(drivers, "WRITE_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(alone, "LOOK_EVERY_SECONDS", 0.05)
    file = ProgressFile(store)
    file.write(file._said, force=True)
    return file


def test_a_driver_that_is_at_work_is_named_with_the_commands_that_help(
    store: Store, other: ProgressFile, data_dir: Path
) -> None:
    other.keep_fresh()
    try:
        for run in (
            lambda: launch(small_spec(data_dir), store.root, console=Console(quiet=True)),
            lambda: evaluate(store.root, {"seeds": (7,)}, data_dir=data_dir, console=Console(quiet=True)),
        ):
            with pytest.raises(InputError, match="A driver works on it") as refused:
                run()
            remedy = refused.value.remedy
            for words in (
                f"`aesweep status '{store.root}' --watch`",
                f"`aesweep stop '{store.root}' --wait`",
                "--also",
            ):
                assert words in remedy
    finally:
        other.remove()


def test_one_that_was_killed_a_moment_ago_refuses_nobody(
    store: Store, other: ProgressFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "WATCH_SECONDS", 0.5)
    assert [driver.alive for driver in drivers.drivers(store)] == [True], "it looks as if it were at work"
    assert driver_at_work(store) is None
    require_alone(store)


def test_a_store_at_rest_costs_no_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "WATCH_SECONDS", 1e9)
    require_alone(store)


def test_one_that_ends_meanwhile_is_waited_for_no_longer(
    store: Store, other: ProgressFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "WATCH_SECONDS", 1e9)
    ends = threading.Timer(0.3, other.remove)
    ends.start()
    require_alone(store)
    ends.join()
