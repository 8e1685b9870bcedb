"""A sweep and the machines that it finds."""

from pathlib import Path

import pytest
import ray
from rich.console import Console

from models.errors import InputError
from sweep.run import launch
from sweep.store import open_store


def test_a_sweep_that_wants_gpus_is_refused_where_there_is_none_and_no_trial_fails(
    tiny_spec: Path, tmp_path: Path, ray_cluster: None
) -> None:
    if ray.cluster_resources().get("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="(?s)^device: 'cuda' cannot be used.*has no GPU"):
        launch(str(tiny_spec), tmp_path / "store", overrides=["device=cuda"], console=Console(quiet=True))
    store = open_store(tmp_path / "store")
    assert store.trial_keys()
    assert not any(store.attempts(key, "train") or store.failures(key) for key in store.trial_keys())
