"""What the whole suite shares: one Ray and one small store for all tests that need them, and how tests go to two processes."""

import gc
import os
import re
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LONGEST = REPOSITORY / "tests/sweep/driver/test_launch.py"
NEEDS_RAY = re.compile(r"\b(ray_cluster|finished_launch|finished_store)\b")
"""Fixtures of a session whose start costs more than most files of tests."""


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty data folder for the session, so that no test reads or fills the user's own."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["AESWEEP_DATA"] = str(folder)
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Python's search for garbage is off while tests are collected, and later looks at nothing that was there by then.

    It would go through the modules of torch, Ray and pandas again and again: an eighth of the suite's time. It also begins after
    more new objects than by default.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file, which shares one real sweep, comes first: with pytest-xdist all others run in the other process."""
    assert LONGEST.is_file(), "it was renamed"
    items.sort(key=lambda item: item.path != LONGEST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadfile`, with all files that need Ray in one process: there is one Ray then, and one finished sweep."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

    class FilesWithOneRay(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "files that need Ray" if _needs_ray(file) else file

    return FilesWithOneRay(config, log)


@cache
def _needs_ray(file: str) -> bool:
    return bool(NEEDS_RAY.search((REPOSITORY / file).read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A small valid store, made without Ray (tests/small_store.py). Tests must not change it."""
    from tests.small_store import make_small_store

    return Path(make_small_store(tmp_path_factory.mktemp("small") / "store", data_dir))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray for the session: starting it takes seconds."""
    from aesweep.cluster.connect import connect

    with connect("local"):
        yield


@pytest.fixture
def foreground() -> Iterator[None]:
    """Signals are heard, here and in processes that a test starts. `nohup` and shells let a program in the background ignore
    SIGHUP and SIGINT, what it starts inherits that, and a sweep respects it."""
    from aesweep.sweep.driver.stopping import SIGNALS

    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
