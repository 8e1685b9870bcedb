"""A launch after damage of one kind at a time ends with the numbers of an undisturbed sweep. Slow: test_run.py has one
launch after several kinds at once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from sweep.run import launch
from tests.sweep.test_run import measured

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
QUIET = Console(quiet=True)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def unscored(store: Path) -> None:
    for folder in store.glob("trials/*/scores"):
        shutil.rmtree(folder)


DAMAGES: dict[str, Callable[[Path], None]] = {"cut short": cut_short, "flipped bit": flip_a_bit}
FILES = [
    "trials/*/train.json",
    "trials/*/scores/*.json",
    "trials/*/config.json",
    "trials/*/attempts/*/model.safetensors",
    "references/*.npz",
    "tables/*.parquet",
    "tables/folded.json",
    "sweeps/*.json",
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", FILES)
def test_a_launch_after_damage_ends_with_the_same_numbers(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None, pattern: str, damage: str
) -> None:
    """Every file of the kind is damaged. Models and references are read when trials are scored: so those are unscored."""
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    if "model" in pattern or "references" in pattern:
        unscored(store)
    found = list(store.glob(pattern))
    assert found
    for path in found:
        DAMAGES[damage](path)
    outcome = launch(str(tiny_spec), store, console=QUIET)
    assert (outcome.exit_code, outcome.counts["done"]) == (0, 2)
    for table, frame in measured(finished_store).items():
        pd.testing.assert_frame_equal(measured(store)[table], frame, check_exact=True, obj=table)


def test_a_launch_after_a_damaged_data_file_prepares_it_again(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None, data_dir: Path
) -> None:
    flip_a_bit(data_dir / "prepared" / "digits-32" / "train.npy")
    outcome = launch(str(tiny_spec), tmp_path / "store", console=QUIET)
    assert outcome.exit_code == 0
    for table, frame in measured(finished_store).items():
        pd.testing.assert_frame_equal(measured(tmp_path / "store")[table], frame, check_exact=True, obj=table)
