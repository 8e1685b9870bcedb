"""What a launch and an evaluation refuse before anything happens."""

from pathlib import Path

import pytest

from cluster.errors import ClusterError
from sweep.run import evaluate, launch


def test_a_launch_at_no_address_leaves_nothing_behind(tiny_spec: Path, tmp_path: Path, data_dir: Path) -> None:
    before = set(data_dir.rglob("*"))
    with pytest.raises(ClusterError, match="--address"):
        launch(str(tiny_spec), tmp_path / "store", address="bogus", overrides=["image_size=64"])
    assert not (tmp_path / "store").exists()
    assert set(data_dir.rglob("*")) == before


def test_an_evaluation_at_no_address_is_refused_also_where_nothing_is_left_to_do(small_store: Path) -> None:
    with pytest.raises(ClusterError, match="--address"):
        evaluate(small_store, {}, address="a..b:6379")
