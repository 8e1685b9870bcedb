"""What a user's Ray Tune callbacks, such as W&B's and MLflow's, see of a sweep, and what one that raises does to it."""

from pathlib import Path
from typing import Any

import pytest
from ray.tune import Callback
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event

from aesweep import launch, open_store
from aesweep.models.errors import InputError
from aesweep.sweep.driver.callbacks import plain_fields
from tests.sweep.conftest import FinishedLaunch
from tests.sweep.driver.aftermath import read

PLAIN = (bool, int, float, str)


def test_a_tracker_sees_every_field_of_a_trial_and_its_readable_name(finished_launch: FinishedLaunch) -> None:
    trials = open_store(finished_launch.store).trials
    configs = [trials.config(key) for key in trials.known_keys()]
    assert finished_launch.tracker.configs == {c.name: {"key": c.key, **plain_fields(c)} for c in configs}
    for config in finished_launch.tracker.configs.values():
        assert all(isinstance(value, (*PLAIN, list)) for value in config.values()), "JSON keeps it as it is"


def test_a_tracker_sees_the_rows_of_the_table_epochs_while_a_trial_trains(finished_launch: FinishedLaunch) -> None:
    epochs, trials = (read(finished_launch.store, table) for table in ("epochs", "trials"))
    for name, results in finished_launch.tracker.results.items():
        trial = trials[trials.name == name].iloc[0]
        rows = epochs[epochs.key == trial.key].drop(columns="key").sort_values("epoch")
        assert len(results) == len(rows) == 3
        for result, row in zip(results, rows.to_dict("records"), strict=True):
            measured = {column: value for column, value in row.items() if value == value}  # a DAE has no KL part
            assert {column: result.get(column) for column in measured} == measured
            assert ("kl" in result) == (trial.model == "vae")
            assert result["training_iteration"] == result["epoch"]
        assert [result.get("test_bce") for result in results] == [None, None, trial.test_bce]
        assert all(type(value) in (*PLAIN, dict) for result in results for value in result.values())


def scalars(file: Path) -> dict[str, list[float]]:
    """The curves of a TensorBoard file: records of an event each, between a length and two checksums."""
    curves: dict[str, list[float]] = {}
    data = file.read_bytes()
    while data:
        length = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + length])
        for value in event.summary.value:
            curves.setdefault(value.tag, []).append(value.simple_value)
        data = data[16 + length :]
    return curves


def test_the_documented_tensorboard_callback_writes_the_curves(finished_launch: FinishedLaunch) -> None:
    epochs, trials = (read(finished_launch.store, table) for table in ("epochs", "trials"))
    for key, name, test_bce in zip(trials.key, trials.name, trials.test_bce, strict=True):
        (file,) = (finished_launch.curves / name).iterdir()
        curves, rows = scalars(file), epochs[epochs.key == key].sort_values("epoch")
        for column in curves.keys() - {"test_bce"}:
            assert curves[column] == pytest.approx(rows[column].tolist()), "TensorBoard keeps 32 bits"
        assert curves["test_bce"] == pytest.approx([test_bce])
    assert curves.keys() >= {"loss", "reconstruction", "test_bce"}


def test_a_callback_that_raises_is_named_once_and_costs_no_result(finished_launch: FinishedLaunch) -> None:
    said = [line for line in finished_launch.printed.splitlines() if "callback" in line]
    assert len(said) == 1
    assert (
        "callback Unreachable raised ConnectionError in on_trial_result: [no route]; it gets no more events" in said[0]
    )
    assert finished_launch.unreachable.calls == ["setup", "on_trial_result"]
    assert set(read(finished_launch.store, "trials").state) == {"done"}


class WithoutLogin(Callback):
    """A tracker that the user has no key for."""

    def setup(self, *words: Any, **info: Any) -> None:
        raise PermissionError("not logged in")


def test_a_callback_that_cannot_start_ends_the_launch_before_anything_trains(
    tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    with pytest.raises(InputError) as refused:
        launch(str(tiny_spec), tmp_path / "store", callbacks=[WithoutLogin()], console=Console(quiet=True))
    assert str(refused.value).splitlines() == [
        "callbacks: 'WithoutLogin' cannot be used.",
        "Its setup raised PermissionError: not logged in",
    ]
    assert not list((tmp_path / "store").glob("trials/*/attempts"))
