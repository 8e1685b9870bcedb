"""A file whose commit agrees with it is read only where it is no larger than the trial's own can be."""

import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aesweep.models.cost import most_checkpoint_bytes, most_model_bytes
from aesweep.models.errors import InputError
from aesweep.sweep.load import load_model, load_prior
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.store import DamagedFileError, open_store
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.small_store import DONE, HALF
from tests.sweep.store.mailed.damage import make_hashes_agree


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    shutil.copytree(small_store, tmp_path / "store")
    return tmp_path / "store"


@contextmanager
def within(most: int) -> Iterator[None]:
    """Inside the `with` block Python takes no more bytes of memory than this."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def lengthened(store: Path, pattern: str, size: int) -> None:
    """A file with holes of this length, which its commit names."""
    (path,) = store.glob(pattern)
    with path.open("r+b") as file:
        file.truncate(size)
    make_hashes_agree(store, path)


def test_weights_longer_than_the_network_are_not_read(store: Path) -> None:
    size = most_model_bytes(DONE) + 50_000_000
    lengthened(store, f"trials/{DONE.key}/attempts/*/model.safetensors", size)
    with within(size), pytest.raises(DamagedFileError):
        load_model(store, DONE.key)


def test_a_commit_with_holes_is_read_neither_in_its_place_nor_where_it_is_kept(store: Path) -> None:
    opened, name = open_store(store), f"trials/{DONE.key}/train.json"
    with (store / name).open("r+b") as file:
        file.truncate(2**29)
    with within(100_000_000):
        assert opened.commits.training(DONE.key) is None
        assert len(list(store.glob(f"{name}.damaged-*"))) == 1
        assert opened.attempts.of_damaged_commits(DONE.key, "train") == set()


def test_a_prior_longer_than_its_components_is_not_read(store: Path) -> None:
    lengthened(store, f"trials/{DONE.key}/attempts/*/priors-gmm.npz", 20_000_000)
    with within(20_000_000), pytest.raises(InputError):
        load_prior(store, DONE.key, "gmm")


@pytest.mark.parametrize(
    "odd",
    [
        {"means": np.zeros(())},
        {"weights": np.array(["a"])},
        {"factors": np.zeros((1, 3, 3))},
        {"means": np.zeros((1, 3)), "factors": np.zeros((1, 3, 3))},
        {"weights": np.array([np.nan])},
        {"kind": np.array("second_vae"), "array.weights": np.zeros(3)},
    ],
    ids=["no dimension", "texts", "another shape", "another size", "no numbers", "another kind"],
)
def test_a_prior_of_odd_arrays_is_refused_when_it_is_loaded(store: Path, odd: dict[str, np.ndarray]) -> None:
    (path,) = store.glob(f"trials/{DONE.key}/attempts/*/priors-standard_normal.npz")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{**arrays, **odd})
    make_hashes_agree(store, path)
    with pytest.raises(InputError, match="It cannot be loaded"):
        load_prior(store, DONE.key, "standard_normal")


def test_a_checkpoint_longer_than_the_training_state_is_not_read(store: Path, data_dir: Path) -> None:
    (path,) = store.glob(f"trials/{HALF.key}/attempts/*/checkpoint.pt")
    size = most_checkpoint_bytes(HALF) + 1
    with path.open("r+b") as file:
        file.truncate(size)
    attempt = TrainingAttempt(open_store(store), HALF, ExecutionConfig(data_dir=str(data_dir), device="cpu"))
    with within(size):
        attempt.start()
    assert attempt.resumed_from == "none"
    (log,) = store.glob(f"trials/{HALF.key}/attempts/{attempt.attempt}/log.txt")
    assert "more than it can have" in log.read_text()
