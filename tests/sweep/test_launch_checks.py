"""What a launch and an evaluation refuse before anything happens."""

from pathlib import Path

import pytest

from cluster.errors import ClusterError
from models.config import TrialConfig
from models.errors import InputError
from sweep.run import evaluate, launch
from sweep.spec import Block, SweepSpec, change_spec, load_spec


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
