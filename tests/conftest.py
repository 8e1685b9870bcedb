"""Fixtures for the whole suite: one Ray and one small store for all tests that need them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LONGEST = REPOSITORY / "tests/sweep/driver/test_launch.py"


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty data folder for the session, so that no test reads or fills the user's own."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["AESWEEP_DATA"] = str(folder)
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file, which shares one real sweep, comes first: with pytest-xdist all others run in the other process."""
    assert LONGEST.is_file(), "it was renamed"
    items.sort(key=lambda item: item.path != LONGEST)


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
