"""DINOv2 from the data folder. Its code is not here: a hub folder with a tiny network of the same interface plays it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

from evaluation.config import EvaluationConfig
from evaluation.extractors import load_extractor
from evaluation.weights import dinov2_code, dinov2_path, resolve_extractor
from models.errors import InputError

CPU = torch.device("cpu")
NAME = "dinov2-vit-s-14"

HUBCONF = """
import torch

dependencies = ["torch"]


def dinov2_vits14(*, pretrained=True):
    if pretrained:
        raise RuntimeError("a download would start here")
    return torch.nn.Sequential(torch.nn.Conv2d(3, 384, 14, stride=14), torch.nn.AvgPool2d(16), torch.nn.Flatten())
"""


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A data folder with code and weights."""
    code, path = dinov2_code(tmp_path), dinov2_path(NAME, tmp_path)
    code.mkdir(parents=True)
    (code / "hubconf.py").write_text(HUBCONF)
    path.parent.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    shapes = {"0.weight": (384, 3, 14, 14), "0.bias": (384,)}
    torch.save({name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}, path)
    return tmp_path


class _Theirs(FeatureExtractorDinoV2):
    """torch-fidelity's preparation of pictures around a given network; its own constructor asks the network for one."""

    def __init__(self, model: torch.nn.Module) -> None:
        FeatureExtractorBase.__init__(self, NAME, ["dinov2"])
        self.feature_extractor_internal_dtype = torch.float32
        self.model = model


def test_features_are_those_of_torch_fidelity(data_folder: Path, smooth: np.ndarray) -> None:
    extractor = load_extractor(NAME, data_folder, CPU)
    theirs = _Theirs(torch.hub.load(str(dinov2_code(data_folder)), "dinov2_vits14", source="local", pretrained=False))
    theirs.model.load_state_dict(torch.load(dinov2_path(NAME, data_folder), weights_only=True))
    with torch.no_grad():
        (expected,) = theirs(torch.from_numpy(smooth[:3]).permute(0, 3, 1, 2).contiguous())
    features = extractor.features(smooth[:3])
    assert features.shape == (3, 384)
    np.testing.assert_array_equal(features, expected)


def test_its_scores_carry_the_hash_of_the_file_and_are_no_fid(data_folder: Path) -> None:
    sha256 = hashlib.sha256(dinov2_path(NAME, data_folder).read_bytes()).hexdigest()
    assert resolve_extractor(NAME, data_folder) == (NAME, sha256)
    assert load_extractor(NAME, data_folder, CPU).sha256 == sha256
    assert EvaluationConfig(extractor=NAME, extractor_sha256=sha256).frechet_name == "fd"


def test_it_is_taken_by_name_alone(data_folder: Path) -> None:
    assert resolve_extractor("auto", data_folder)[0] == "random-conv-64"


def test_what_is_missing_is_named_with_where_it_comes_from_and_goes(data_folder: Path) -> None:
    path, hubconf = dinov2_path(NAME, data_folder), dinov2_code(data_folder) / "hubconf.py"
    path.unlink()
    for remove, missing in ((path, path), (hubconf, hubconf.parent)):
        remove.unlink(missing_ok=True)
        for use in (resolve_extractor, lambda name, folder: load_extractor(name, folder, CPU)):
            with pytest.raises(InputError) as caught:
                use(NAME, data_folder)
            assert len(str(caught.value).splitlines()) == 2
            assert str(missing) in caught.value.remedy and "https://" in caught.value.remedy


def test_weights_and_code_of_something_else_are_refused(data_folder: Path) -> None:
    path = dinov2_path(NAME, data_folder)
    good = path.read_bytes()
    torch.save({"0.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="does not hold the weights"):
        load_extractor(NAME, data_folder, CPU)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="does not hold the weights"):
        load_extractor(NAME, data_folder, CPU)
    path.write_bytes(good)
    (dinov2_code(data_folder) / "hubconf.py").write_text("dependencies = []\n")
    with pytest.raises(InputError, match="does not make the network dinov2_vits14"):
        load_extractor(NAME, data_folder, CPU)


def test_weights_that_would_run_code_do_not_run_it(data_folder: Path, tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (tmp_path / "it ran",))

    torch.save({"0.bias": Malicious()}, dinov2_path(NAME, data_folder))
    with pytest.raises(InputError):
        load_extractor(NAME, data_folder, CPU)
    assert not (tmp_path / "it ran").exists()
