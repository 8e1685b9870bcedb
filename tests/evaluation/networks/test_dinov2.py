"""DINOv2 from random weights of its smallest network, judged by PyTorch's own transformer inside torch-fidelity's extractor."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.networks.dinov2 import DinoV2
from aesweep.evaluation.networks.extractors import load_extractor
from aesweep.evaluation.networks.weights import dinov2_path, resolve_extractor
from aesweep.models.errors import InputError

CPU = torch.device("cpu")
NAME: Final = "dinov2-vit-s-14"
SIZE, BLOCKS, HEADS = 384, 12, 6
ONES = ("gamma", "norm.weight", "norm1.weight", "norm2.weight")  # weights that are drawn around 1


def random_state_dict() -> dict[str, torch.Tensor]:
    """Weights with the names and shapes of the published file, dinov2_vits14_pretrain.pth."""
    linear = {
        "attn.qkv": (3 * SIZE, SIZE),
        "attn.proj": (SIZE, SIZE),
        "mlp.fc1": (4 * SIZE, SIZE),
        "mlp.fc2": (SIZE, 4 * SIZE),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, SIZE),
        "pos_embed": (1, 1370, SIZE),
        "mask_token": (1, SIZE),
        "patch_embed.proj.weight": (SIZE, 3, 14, 14),
        "patch_embed.proj.bias": (SIZE,),
        "norm.weight": (SIZE,),
        "norm.bias": (SIZE,),
    }
    for block in range(BLOCKS):
        for name in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "ls1.gamma", "ls2.gamma"):
            shapes[f"blocks.{block}.{name}"] = (SIZE,)
        for name, shape in linear.items():
            shapes |= {f"blocks.{block}.{name}.weight": shape, f"blocks.{block}.{name}.bias": shape[:1]}
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator) * 0.05 + name.endswith(ONES) for name, shape in shapes.items()
    }


class _Judge(nn.Module):
    """The same network from PyTorch's encoder layers, the blocks' scales multiplied into their last linear layers."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.state = state
        self.layers = [self.layer(f"blocks.{block}.") for block in range(BLOCKS)]

    def layer(self, prefix: str) -> nn.Module:
        layer = nn.TransformerEncoderLayer(
            SIZE, HEADS, 4 * SIZE, 0.0, F.gelu, 1e-6, batch_first=True, norm_first=True
        ).eval()
        theirs = {name.removeprefix(prefix): value for name, value in self.state.items() if name.startswith(prefix)}
        first, second = theirs.pop("ls1.gamma"), theirs.pop("ls2.gamma")
        names = {
            "attn.qkv.": "self_attn.in_proj_",
            "attn.proj.": "self_attn.out_proj.",
            "mlp.fc1.": "linear1.",
            "mlp.fc2.": "linear2.",
        }
        for old, new in names.items():
            scale = {"attn.proj.": first, "mlp.fc2.": second}.get(old, torch.ones(1))
            theirs[f"{new}weight"] = theirs.pop(f"{old}weight") * scale[:, None]
            theirs[f"{new}bias"] = theirs.pop(f"{old}bias") * scale
        layer.load_state_dict(theirs)
        return layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        s = self.state
        patches = F.conv2d(x, s["patch_embed.proj.weight"], s["patch_embed.proj.bias"], stride=14).flatten(2).mT
        grid = s["pos_embed"][:, 1:].mT.reshape(1, SIZE, 37, 37)
        places = F.interpolate(grid, scale_factor=(16.1 / 37, 16.1 / 37), mode="bicubic").flatten(2).mT
        first = (s["cls_token"] + s["pos_embed"][:, :1]).expand(len(x), -1, -1)
        x = torch.cat([first, patches + places], dim=1)
        for layer in self.layers:
            x = layer(x)
        return F.layer_norm(x, (SIZE,), s["norm.weight"], s["norm.bias"], 1e-6)[:, 0]


class _Theirs(FeatureExtractorDinoV2):
    """torch-fidelity's preparation of pictures around a given network; its own constructor downloads one."""

    def __init__(self, model: nn.Module) -> None:
        FeatureExtractorBase.__init__(self, NAME, ["dinov2"])
        self.feature_extractor_internal_dtype = torch.float32
        self.model = model


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A data folder with weights."""
    path = dinov2_path(NAME, tmp_path)
    path.parent.mkdir(parents=True)
    torch.save(random_state_dict(), path)
    return tmp_path


@torch.no_grad()
def test_features_are_those_of_pytorchs_transformer_in_torch_fidelitys_extractor(
    data_folder: Path, smooth: np.ndarray
) -> None:
    (expected,) = _Theirs(_Judge(random_state_dict()))(torch.from_numpy(smooth[:3]).permute(0, 3, 1, 2).contiguous())
    features = load_extractor(NAME, data_folder, CPU).features(smooth[:3])
    assert features.shape == (3, 384)
    assert expected.std(0).mean() > 0.01
    assert (features - expected).abs().max() < 1e-5 * expected.square().mean().sqrt()


@torch.no_grad()
def test_pictures_are_prepared_to_the_bits_of_torch_fidelity(smooth: np.ndarray) -> None:
    network = DinoV2("dinov2_vits14", random_state_dict())
    images = torch.from_numpy(smooth[:2]).permute(0, 3, 1, 2).contiguous()
    np.testing.assert_array_equal(network(images), _Theirs(network.transformer)(images)[0])


def test_its_scores_carry_the_hash_of_the_file_and_are_no_fid(data_folder: Path) -> None:
    sha256 = hashlib.sha256(dinov2_path(NAME, data_folder).read_bytes()).hexdigest()
    assert resolve_extractor(NAME, data_folder) == (NAME, sha256)
    assert load_extractor(NAME, data_folder, CPU).sha256 == sha256
    assert EvaluationConfig(extractor=NAME, extractor_sha256=sha256).frechet_name == "fd"


def test_it_is_taken_by_name_alone(data_folder: Path) -> None:
    assert resolve_extractor("auto", data_folder)[0] == "random-conv-64"


def test_what_is_missing_is_named_with_where_it_comes_from_and_goes(tmp_path: Path) -> None:
    for use in (resolve_extractor, lambda name, folder: load_extractor(name, folder, CPU)):
        with pytest.raises(InputError) as caught:
            use(NAME, tmp_path)
        assert len(str(caught.value).splitlines()) == 2
        assert str(dinov2_path(NAME, tmp_path)) in caught.value.remedy
        assert "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth" in caught.value.remedy


def test_weights_of_something_else_are_refused(data_folder: Path) -> None:
    path = dinov2_path(NAME, data_folder)
    short = random_state_dict()
    del short["norm.bias"]
    for other in (short, {**random_state_dict(), "norm.bias": torch.zeros(7)}, {"norm.bias": torch.zeros(384)}, [1]):
        torch.save(other, path)
        with pytest.raises(InputError, match="does not hold the weights"):
            load_extractor(NAME, data_folder, CPU)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="does not hold the weights"):
        load_extractor(NAME, data_folder, CPU)


def test_weights_that_would_run_code_do_not_run_it(data_folder: Path, tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (tmp_path / "it ran",))

    torch.save({"norm.bias": Malicious()}, dinov2_path(NAME, data_folder))
    with pytest.raises(InputError):
        load_extractor(NAME, data_folder, CPU)
    assert not (tmp_path / "it ran").exists()
