"""What a user's Ray Tune callbacks, such as W&B's and MLflow's, see of a sweep, and what one that raises does to it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.tune import Callback
from ray.tune.experiment import Trial
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aesweep import launch
from aesweep.models.errors import InputError
from aesweep.sweep.driver.callbacks import plain_fields
from aesweep.sweep.store.store import open_store
from tests.sweep.conftest import FinishedLaunch
from tests.sweep.driver.aftermath import read
from tests.sweep.event_files import scalars
from tests.waiting import wait_until

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
        rows = epochs[epochs.key == trial.key].drop(columns=["key", "state"]).sort_values("epoch")
        assert len(results) == len(rows) == 3
        for result, row in zip(results, rows.to_dict("records"), strict=True):
            measured = {column: value for column, value in row.items() if value == value}  # a DAE has no KL part
            assert {column: result.get(column) for column in measured} == measured
            assert ("kl" in result) == (trial.model == "vae")
            assert result["training_iteration"] == result["epoch"]
        assert [result.get("test_bce") for result in results] == [None, None, trial.test_bce]
        assert all(type(value) in (*PLAIN, dict) for result in results for value in result.values())


def expected_curves(store: Path) -> Iterator[tuple[str, str, list[tuple[int, float]]]]:
    """Name of a trial, a column of `epochs`, and its values by epoch."""
    epochs, trials = (read(store, table) for table in ("epochs", "trials"))
    for key, name, model in zip(trials.key, trials.name, trials.model, strict=True):
        rows = epochs[epochs.key == key].sort_values("epoch")
        for column in ("loss", "reconstruction", "test_sample_bce", *(["kl"] if model == "vae" else [])):
            yield name, column, list(zip(rows["epoch"], rows[column], strict=True))


def test_tensorboard_files_with_every_curve_are_in_the_store_and_the_launch_says_how_to_see_them(
    finished_launch: FinishedLaunch,
) -> None:
    folder = finished_launch.store / "trackers"
    assert f"tensorboard: tensorboard --logdir {folder}" in finished_launch.printed.splitlines()
    for name, column, values in expected_curves(finished_launch.store):
        epochs, found = zip(*scalars(folder / name)[f"ray/tune/{column}"], strict=True)
        assert epochs == tuple(epoch for epoch, _ in values)
        assert found == pytest.approx([value for _, value in values]), "32 bits"


class Reader(Callback):
    """Keeps the curves that TensorBoard could read before the last result of each trial was logged."""

    def __init__(self, trackers: Path) -> None:
        self.trackers = trackers
        self.curves: dict[str, dict[str, list[tuple[int, float]]]] = {}

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        if result["epoch"] == 3:
            wanted = {
                f"ray/tune/{name}" for name in ("loss", "reconstruction", "test_sample_bce", "kl") if name in result
            }
            self.curves[str(trial)] = wait_until(lambda: self._with_two_epochs(trial, wanted), 60, "two epochs on disk")

    def _with_two_epochs(self, trial: Trial, wanted: set[str]) -> dict[str, list[tuple[int, float]]]:
        curves = scalars(self.trackers / str(trial))
        return curves if all(len(curves.get(tag, ())) >= 2 for tag in wanted) else {}


@pytest.mark.slow  # tensorboardX writes what it was given within half a minute
def test_tensorboard_can_read_a_trials_curves_while_it_trains(
    tiny_spec: Path, ray_cluster: None, tmp_path: Path
) -> None:
    reader = Reader(tmp_path / "store" / "trackers")
    outcome = launch(str(tiny_spec), tmp_path / "store", callbacks=[reader], track=["tensorboard"])
    assert outcome.exit_code == 0, outcome.failures
    for name, column, values in expected_curves(tmp_path / "store"):
        curve = reader.curves[name][f"ray/tune/{column}"]
        assert [epoch for epoch, _ in curve[:2]] == [epoch for epoch, _ in values[:2]]
        assert [value for _, value in curve[:2]] == pytest.approx([value for _, value in values[:2]])


def test_a_launch_ends_with_the_next_command(finished_launch: FinishedLaunch) -> None:
    assert finished_launch.printed.splitlines()[-1] == f"Draw the report with: aesweep report {finished_launch.store}"


def test_the_real_tensorboard_reads_them(finished_launch: FinishedLaunch) -> None:
    for name, column, values in expected_curves(finished_launch.store):
        found = EventAccumulator(str(finished_launch.store / "trackers" / name))
        found.Reload()
        curve = found.Scalars(f"ray/tune/{column}")
        assert [one.step for one in curve] == [epoch for epoch, _ in values]
        assert [one.value for one in curve] == pytest.approx([value for _, value in values])


def test_mlflow_has_one_run_per_trial_with_its_settings_and_curves(finished_launch: FinishedLaunch) -> None:
    import mlflow  # takes seconds

    database = finished_launch.store / "trackers" / "mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{database}")
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == set(read(finished_launch.store, "trials").name)
    for name, column, values in expected_curves(finished_launch.store):
        history = client.get_metric_history(runs[name].info.run_id, column)
        assert [(one.step, one.value) for one in history] == values
        assert runs[name].data.params["latent_size"] == "3"


def test_files_of_a_users_own_logger_are_in_the_store_too(finished_launch: FinishedLaunch) -> None:
    for name in read(finished_launch.store, "trials").name:
        lines = (finished_launch.store / "trackers" / name / "progress.csv").read_text().splitlines()
        assert len(lines) == 1 + 3
        assert "test_sample_bce" in lines[0]


def test_a_callback_that_asks_for_scores_gets_the_rows_of_the_table_when_a_trial_is_scored(
    finished_launch: FinishedLaunch,
) -> None:
    table, trials = (read(finished_launch.store, name) for name in ("scores", "trials"))
    assert finished_launch.tracker.scores.keys() == set(trials.name)
    for name, rows in finished_launch.tracker.scores.items():
        shown = table[table.key == trials[trials.name == name].key.iloc[0]]
        columns = ["source", "split", "metric", "value", "stderr", "seed"]
        given = [tuple(getattr(row, column) for column in columns) for row in rows]
        assert given == list(shown[columns].itertuples(index=False, name=None))


def test_the_example_of_the_documentation_writes_a_line_for_every_scored_trial(finished_launch: FinishedLaunch) -> None:
    lines = [json.loads(line) for line in finished_launch.score_log.read_text().splitlines()]
    assert {line["trial"] for line in lines} == set(read(finished_launch.store, "trials").name)
    assert all(line.keys() == {"trial", "reconstruction", "standard_normal", "mvg", "gmm"} for line in lines)


@pytest.mark.parametrize(("name", "reason"), [("tensorbord", "Choose one of"), ("mlflow", "pip install mlflow")])
def test_a_tracker_that_is_not_known_or_not_installed_is_refused_at_once(
    tiny_spec: Path, tmp_path: Path, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)  # as where only mlflow-skinny is installed
    with pytest.raises(InputError, match=reason) as refused:
        launch(str(tiny_spec), tmp_path / "store", track=[name], console=Console(quiet=True))
    assert (refused.value.field, refused.value.value) == ("--track", name)
    assert not (tmp_path / "store").exists()


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
