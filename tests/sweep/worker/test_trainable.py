"""One trial as Ray Tune sees it, step by step, without Ray."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker.trainable import TrialTrainable
from tests.small_store import FAILED, HALF


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(small_store, tmp_path / "store")
    return open_store(tmp_path / "store")


def trainable(store: Store, key: str, data_dir: Path, stop_file: str = "") -> TrialTrainable:
    """The actor of a trial, with what `tune.with_parameters` hands to it."""

    class Bound(TrialTrainable):
        def setup(self, config: Mapping[str, Any], *words: Any, **more: Any) -> None:
            execution = ExecutionConfig(data_dir=str(data_dir), device="cpu").to_json()
            super().setup(config, store.root, execution, stop_file)

    return Bound({"key": key})


def reports(store: Store, key: str, data_dir: Path) -> list[dict[str, Any]]:
    """What a trial says until it is done."""
    actor = trainable(store, key, data_dir)
    said = [actor.step()]
    while not said[-1]["done"]:
        said.append(actor.step())
    return said


def test_a_trial_that_goes_on_says_first_where_it_stands_and_reports_the_epochs_that_its_commit_has(
    store: Store, data_dir: Path
) -> None:
    said = reports(store, HALF.key, data_dir)
    commit = store.commits.training(HALF.key)
    assert commit is not None
    expected = [{**asdict(record), "training_iteration": record.epoch} for record in commit.history]
    for values in expected:
        del values["kl"], values["terms"]  # HALF is a DAE: a tracker gets numbers only
    assert said == [
        {"done": False, "outcome": "training", "resumed": True, **expected[0]},
        {"done": True, "outcome": "trained", "test_bce": commit.result.test_bce, **expected[1]},
    ]


def test_a_trial_that_begins_reports_its_epochs_alone(store: Store, data_dir: Path) -> None:
    said = reports(store, FAILED.key, data_dir)
    assert [(r["epoch"], r["outcome"], "resumed" in r) for r in said] == [(1, "training", False), (2, "trained", False)]


def test_a_trial_that_goes_on_and_is_asked_to_stop_keeps_its_place(store: Store, data_dir: Path) -> None:
    actor = trainable(store, HALF.key, data_dir, "progress/x.stop")
    assert actor.step()["resumed"]
    store.storage.write("progress/x.stop", b"")
    assert actor.trial_attempt is not None
    actor.trial_attempt._last_look = -1e9  # it looks once a second
    assert actor.step() == {"done": True, "outcome": "stopped"}
    assert [r["epoch"] for r in reports(store, HALF.key, data_dir)] == [1, 2]
