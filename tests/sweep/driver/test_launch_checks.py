"""What a launch and an evaluation refuse before anything happens."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from aesweep.cluster.errors import ClusterError
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.evaluating import evaluate
from aesweep.sweep.launch import launch
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.load import change_spec, load_spec
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.store import Store, open_store
from tests.records import trained


def test_a_launch_at_no_address_leaves_nothing_behind(tiny_spec: Path, tmp_path: Path, data_dir: Path) -> None:
    before = set(data_dir.rglob("*"))
    with pytest.raises(ClusterError, match="--address"):
        launch(str(tiny_spec), tmp_path / "store", address="bogus", overrides=["image_size=64"])
    assert not (tmp_path / "store").exists()
    assert set(data_dir.rglob("*")) == before


def test_an_evaluation_at_no_address_is_refused_also_where_nothing_is_left_to_do(small_store: Path) -> None:
    with pytest.raises(ClusterError, match="--address"):
        evaluate(small_store, {}, address="a..b:6379")


def test_a_spec_object_takes_overrides_and_a_data_folder_as_a_file_does(tmp_path: Path) -> None:
    spec = load_spec("quickstart")
    there = launch_of(spec, tmp_path, overrides=["dataset=cifar10"], data_dir=tmp_path / "elsewhere")
    assert there == launch_of("quickstart", tmp_path, overrides=["dataset=cifar10"], data_dir=tmp_path / "elsewhere")
    assert there == ("--data", str(tmp_path / "elsewhere"))
    assert launch_of(spec, tmp_path, overrides=["latent_sizes=3"]) == ("--set latent_sizes", "3")


def test_the_trials_of_a_spec_object_stay_as_they_are_given(tmp_path: Path) -> None:
    spec = SweepSpec(name="idle", blocks=(Block("all", (TrialConfig(dataset="cifar10", beta=0.5),)),))
    changed = change_spec(spec, (), tmp_path)
    assert changed.blocks == spec.blocks
    assert changed.execution.data_dir == str(tmp_path)


def launch_of(spec: SweepSpec | str, tmp_path: Path, **words: object) -> tuple[str, object]:
    """What a launch refuses."""
    with pytest.raises(InputError) as refused:
        launch(spec, tmp_path / "store", **words)  # type: ignore[arg-type]
    return refused.value.field, refused.value.value


def test_an_evaluation_without_its_images_is_refused_and_fails_no_trial(tmp_path: Path) -> None:
    config = TrialConfig(dataset="cifar10", filters=2, latent_size=2, epochs=1)
    store = trained_store(tmp_path, config)
    with pytest.raises(InputError, match=r"(?s)--data.*aesweep fetch cifar10"):
        evaluate(store.root, {"samples": 50}, data_dir=tmp_path / "data")
    assert store.attempts.failures(config.key) == []


def test_a_failed_evaluation_is_tried_again_by_the_command_that_asked_for_it(tmp_path: Path) -> None:
    config = TrialConfig(filters=2, latent_size=2, epochs=1)
    store = trained_store(tmp_path, config)
    asked = store.trials.stored_specs()[0].evaluation_config()
    other = replace(asked, samples=50)
    store.attempts.record_failure(
        config.key, store.attempts.new(config.key, "evaluate", other.id), "evaluate", OSError("x"), other.id
    )
    said = io.StringIO()
    console = Console(file=said, width=300)
    assert evaluate(store.root, {"samples": 50}, data_dir=tmp_path / "data", console=console).exit_code == 1
    assert "Try them again with: the same command --retry-failed" in said.getvalue()
    assert "aesweep resume" not in said.getvalue(), "that one would score as the stored spec says"


def trained_store(tmp_path: Path, config: TrialConfig) -> Store:
    """A store whose one trial counts as trained."""
    execution = ExecutionConfig(data_dir=str(tmp_path / "data"), device="cpu")
    spec = SweepSpec(name="one", blocks=(Block("all", (config,)),), extractor="random-conv-64", execution=execution)
    store = open_store(tmp_path / "store", create=True)
    store.trials.write_config(config)
    store.trials.write_spec(spec, spec.evaluation_config().id)
    weights = store.attempts.write_file(config.key, "train-0001-aaaaaa", "model.safetensors", b"weights")
    store.commits.commit_training(config.key, trained("train-0001-aaaaaa", {"model.safetensors": weights}))
    return store
