"""A launch after damage of one kind at a time ends with the numbers of an undisturbed sweep. Slow: test_launch.py has one
launch after several kinds at once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ray.tune import Callback as TuneCallback
from rich.console import Console

from aesweep.sweep.launch import launch
from aesweep.sweep.store.records.seal import sealed_json_bytes
from tests.in_process import run_aesweep
from tests.sweep.driver.aftermath import assert_same_results

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]
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
    assert_same_results(store, finished_store)


def test_after_verify_repair_a_launch_does_the_damaged_work_alone_and_ends_with_the_same_numbers(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    first, second = sorted(store.glob("trials/*"))
    flip_a_bit(next(first.glob("attempts/*/model.safetensors")))
    flip_a_bit(next(second.glob("attempts/*/samples/mvg.png")))
    for path in (*store.glob("references/*-features.npz"), *store.glob("tables/*.parquet"), first / "config.json"):
        flip_a_bit(path)
    assert run_aesweep("verify", store, "--repair").code == 1
    outcome = launch(str(tiny_spec), store, console=QUIET)
    assert (outcome.exit_code, outcome.counts["done"]) == (0, 2)
    assert_same_results(store, finished_store)
    assert run_aesweep("verify", store).code == 0
    made = [sorted(path.name[:10] for path in trial.glob("attempts/*")) for trial in (first, second)]
    assert made[0] == ["score-0001", "train-0001", "train-0002"], "the same weights keep their scores"
    assert made[1] == ["score-0001", "score-0002", "train-0001"]


def test_a_launch_after_a_damaged_data_file_prepares_it_again(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None, data_dir: Path
) -> None:
    flip_a_bit(data_dir / "prepared" / "digits-32" / "train.npy")
    outcome = launch(str(tiny_spec), tmp_path / "store", console=QUIET)
    assert outcome.exit_code == 0
    assert_same_results(tmp_path / "store", finished_store)


class DamageWeights(TuneCallback):
    """Damages the weights of the first trained trial before anybody scores it."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.done = False

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if not self.done:
            (path,) = self.store.glob(f"trials/{trial.config['key']}/attempts/*/model.safetensors")
            flip_a_bit(path)
            self.done = True


def test_weights_damaged_between_training_and_scoring_are_trained_again_by_the_same_launch(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    store = tmp_path / "store"
    outcome = launch(str(tiny_spec), store, callbacks=[DamageWeights(store)], console=QUIET)
    assert (outcome.exit_code, outcome.counts["done"], outcome.failures) == (0, 2, [])
    assert sorted(pd.read_parquet(store / "tables" / "trials.parquet").attempts) == [1, 2]
    assert not list(store.glob("trials/*/failures/*"))
    assert_same_results(store, finished_store)


def test_a_commit_that_only_the_fold_finds_damaged_is_done_again_by_the_same_launch(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    """Sealed as if it were ours, in a store that was never folded: a plan takes it for whole."""
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    shutil.rmtree(store / "tables")
    path = next(store.glob("trials/*/train.json"))
    path.write_bytes(sealed_json_bytes({**json.loads(path.read_text()), "attempt": "../../outside"}))
    outcome = launch(str(tiny_spec), store, console=QUIET)
    assert (outcome.exit_code, outcome.ran, outcome.counts["done"]) == (0, True, 2)
    assert_same_results(store, finished_store)
