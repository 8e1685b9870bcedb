"""docs/python.md: its snippets run from first to last, on the store that its first one makes."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aesweep import load_data, load_model
from aesweep.sweep.spec.load import load_spec
from tests.documents import ROOT, fenced_python

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names(finished_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the snippets leave behind. The tiny sweep is the one that they launch, so launching it has nothing to do."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copytree(finished_store, folder / "runs/tiny")
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for code in fenced_python(PAGE):
            exec(code, found)
        found["pictures_there"] = [Path("samples.png").is_file(), Path("vae.pt").is_file()]
    return found


def test_a_dict_asks_for_the_same_trials_and_scores_as_a_yaml_file(names: dict[str, Any], tiny_spec: Path) -> None:
    assert load_spec(names["spec"]).hash == load_spec(tiny_spec).hash
    assert names["outcome"].exit_code == 0
    assert names["outcome"].counts["done"] == 2


def test_frames_have_one_value_per_trial_and_per_network(names: dict[str, Any]) -> None:
    assert len(names["trials"]) == 2 and len(names["epochs"]) == 6
    assert set(names["best"].name) == set(names["trials"].name)
    assert not names["values"].duplicated(["key", "source", "split", "metric"]).any()
    assert names["means"].seeds.eq(1).all() and names["means"].stderr.isna().all()


def test_the_model_encodes_decodes_samples_and_interpolates(names: dict[str, Any]) -> None:
    assert names["latents"].shape == (8, 3) and names["code"].shape == (1, 3)
    assert names["reconstructions"].shape == names["pixels"].shape == (8, 3, 32, 32)
    assert names["grid"].shape == (64, 32, 32, 3) and names["grid"].dtype == np.uint8
    assert torch.allclose(names["between"][0], names["reconstructions"][0], atol=1e-5)
    assert names["pictures_there"] == [True, True]


def test_sigmoid_of_decode_is_the_picture_that_the_tables_speak_of(names: dict[str, Any], finished_store: Path) -> None:
    key = names["key"]
    images = torch.from_numpy(np.array(load_data(finished_store, key).test)).permute(0, 3, 1, 2) / 255
    model = load_model(finished_store, key)
    with torch.no_grad():
        pictures = torch.sigmoid(model.decode(model.encode(images).mean))
    bce = torch.nn.functional.binary_cross_entropy(pictures, images).item()
    assert bce == pytest.approx(names["trials"].set_index("key").test_bce[key], rel=2**-8), "trained in bf16"


def test_a_trial_is_trained_and_scored_without_ray(names: dict[str, Any]) -> None:
    assert names["epoch"].epoch == 2
    assert not names["model"].training
    found = {(row.source, row.metric) for row in names["rows"] if row.value is not None}
    assert {("gmm", "fd"), ("reconstruction", "fd")} <= found
