"""Loading feature networks. The 2015 weights are not here: a file of random weights of the same architecture plays them.

What the network computes is judged in test_inception.py."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import checked, load_extractor, load_inception
from aesweep.evaluation.networks.weights import INCEPTION_SHA256, inception_path
from aesweep.models.errors import InputError
from aesweep.models.plugins.files import forget_files, load_files
from tests.evaluation.networks.random_inception import hash_and_size
from tests.fresh_process import REPOSITORY

CPU = torch.device("cpu")


def test_a_network_without_classes_says_so(random_conv: Extractor, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="random-conv-64 has no classes"):
        random_conv.features_and_logits(digits[:3])


def test_features_can_be_computed_with_like_any_tensor(random_conv: Extractor, digits: np.ndarray) -> None:
    features = random_conv.features(digits[:3])
    features += 1  # a tensor made in inference mode would refuse
    assert not features.is_inference()


class SmallMemory(nn.Module):
    """A network on a GPU that has room for so many pictures."""

    def __init__(self, network: nn.Module, room: int) -> None:
        super().__init__()
        self.network, self.room = network, room

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        features: torch.Tensor = self.network(images)
        return features


@pytest.mark.parametrize("room", [1, 7, 64])
def test_a_gpu_with_little_memory_left_measures_smaller_batches(
    random_conv: Extractor, digits: np.ndarray, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    small = replace(random_conv, network=SmallMemory(random_conv.network, room))
    found, at_once = small.features(digits[:100]), random_conv.features(digits[:100])
    assert float((found - at_once).abs().max() / at_once.abs().max()) < 1e-5
    assert "too little GPU memory for 100 pictures at once; random-conv-64 continues with 50" in caplog.text


def test_a_gpu_without_room_for_one_picture_is_an_error(random_conv: Extractor, digits: np.ndarray) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        replace(random_conv, network=SmallMemory(random_conv.network, 0)).features(digits[:9])


class Coarse(nn.Module):
    """A network whose features are rounded to 10 bits, as TF32's are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network(images)
        return features.half().float()


class NarrowRange(nn.Module):
    """A network whose numbers end at those of pictures this bright."""

    def __init__(self, network: nn.Module, brightest: int) -> None:
        super().__init__()
        self.network, self.brightest = network, brightest

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network(images)
        features[images.flatten(1).amax(1) > self.brightest] *= float("nan")
        return features


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_pictures_beyond_a_networks_range_of_numbers_go_through_its_fallback(
    random_conv: Extractor, digits: np.ndarray, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    pictures = digits[:20].copy()
    pictures[::2] //= 2
    narrow = replace(random_conv, network=NarrowRange(random_conv.network, 200), fallback=random_conv)
    found, expected = narrow.features(kind(pictures)), random_conv.features(pictures)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
    assert "10 of 20 pictures" in caplog.text
    caplog.clear()
    narrow.features(kind(pictures[::2]))
    assert not caplog.text


def test_a_computation_that_cannot_run_here_leaves_inception_to_fp32(
    random_inception: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("triton")
    load = partial(load_inception, random_inception, *hash_and_size(random_inception), device=CPU)
    reference = load(computation="reference")
    assert checked("tensor-cores", lambda computation: load(computation=computation), reference) is reference
    assert "continues with cuDNN's fp32, a third as fast, as tensor-cores failed (" in caplog.text


@pytest.mark.slow
def test_a_computation_that_is_off_leaves_inception_to_fp32(
    random_inception: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load = partial(load_inception, random_inception, *hash_and_size(random_inception), device=CPU)
    reference = load(computation="reference")

    right = checked("fast", lambda computation: load(computation=computation), reference)
    assert right is not reference and right.fallback is reference
    wrong = replace(reference, network=Coarse(reference.network))
    assert checked("fast", lambda _: wrong, reference) is reference
    assert "features are off by 2." in caplog.text


def test_inception_from_other_weights_does_not_pass_for_the_real_one(random_inception: Path) -> None:
    sha256, size = hash_and_size(random_inception)
    assert load_inception(random_inception, sha256, size, device=CPU).sha256 == sha256
    assert EvaluationConfig(extractor="inception-2015", extractor_sha256=sha256).frechet_name == "fd"
    assert EvaluationConfig(extractor="inception-2015", extractor_sha256=INCEPTION_SHA256).frechet_name == "fid"
    assert EvaluationConfig(extractor="random-conv-64").frechet_name == "fd"


def test_inception_is_refused_before_it_is_read_if_its_hash_is_wrong(random_inception: Path, tmp_path: Path) -> None:
    sha256, size = hash_and_size(random_inception)
    changed = bytearray(random_inception.read_bytes())
    changed[size // 2] ^= 1
    path = tmp_path / "changed.pth"
    path.write_bytes(changed)
    with pytest.raises(InputError, match="SHA-256"):
        load_inception(path, sha256, size, device=CPU)


def test_inception_is_refused_if_its_file_is_truncated_or_missing(random_inception: Path, tmp_path: Path) -> None:
    sha256, size = hash_and_size(random_inception)
    path = tmp_path / "short.pth"
    path.write_bytes(random_inception.read_bytes()[: size // 2])
    with pytest.raises(InputError, match="bytes instead of"):
        load_inception(path, sha256, size, device=CPU)
    with pytest.raises(InputError, match="is missing"):
        load_inception(tmp_path / "none.pth", sha256, size, device=CPU)


def test_a_file_that_would_run_code_does_not_run_it(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (tmp_path / "it ran",))

    path = tmp_path / "malicious.pth"
    torch.save({"fc.weight": Malicious()}, path)
    with pytest.raises(InputError):
        load_inception(path, *hash_and_size(path), device=CPU)
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("change", ["a layer less", "a layer more", "another shape", "no dictionary"])
def test_weights_that_do_not_fit_the_network_exactly_are_refused(
    change: str, random_inception: Path, tmp_path: Path
) -> None:
    state = dict(torch.load(random_inception, weights_only=True))
    match change:
        case "a layer less":
            del state["fc.bias"]
        case "a layer more":
            state["extra"] = torch.zeros(1)
        case "another shape":
            state["fc.bias"] = torch.zeros(1000)
        case "no dictionary":
            state = [1, 2, 3]  # type: ignore[assignment]
    path = tmp_path / "other.pth"
    torch.save(state, path)
    with pytest.raises(InputError, match="does not hold the weights"):
        load_inception(path, *hash_and_size(path), device=CPU)


def test_extractors_are_found_by_name(tmp_path: Path) -> None:
    assert load_extractor("random-conv-64", tmp_path, CPU).dimension == 64
    with pytest.raises(InputError, match="is missing"):
        load_extractor("inception-2015", tmp_path, CPU)
    inception_path(tmp_path).write_bytes(b"something else")
    with pytest.raises(InputError, match="14 bytes"):
        load_extractor("inception-2015", tmp_path, CPU)
    with pytest.raises(InputError, match="random-conv-64"):
        load_extractor("vgg", tmp_path, CPU)


ON_ANOTHER_NETWORK = """
from aesweep.evaluation.networks.extractors import load_random_conv
from aesweep.plugins import FeatureNetwork

mine = FeatureNetwork(
    name="mine", version="1.0", meaning="mine", preparation="none", weights=lambda folder: "0" * 64, load=load_random_conv
)
"""


def test_a_plugin_that_builds_on_another_network_has_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(ON_ANOTHER_NETWORK)
    load_files([file])
    try:
        assert load_extractor("mine", tmp_path, CPU).name == "mine"
    finally:
        forget_files()


def test_features_do_not_change_under_the_callers_autocast(digits: np.ndarray) -> None:
    extractor = load_extractor("random-conv-64", Path("/nowhere"), CPU)
    expected = extractor.features(digits[:16])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(extractor.features(digits[:16]), expected)


FASTER = {
    "medium": 'torch.set_float32_matmul_precision("medium")',  # bf16 in products of matrices, where the processor has it
    "everywhere": 'torch.backends.fp32_precision = "tf32"',
    "by backend": 'torch.backends.mkldnn.matmul.fp32_precision = "bf16"',
}


@pytest.mark.slow
@pytest.mark.parametrize("how", FASTER)
def test_features_do_not_change_under_the_callers_faster_matrix_products(how: str) -> None:
    # In a process of its own: the two ways of PyTorch to say this do not mix.
    program = f"""
import numpy, pathlib, torch
from aesweep.evaluation.networks.extractors import load_extractor
extractor = load_extractor("random-conv-64", pathlib.Path("/nowhere"), torch.device("cpu"))
images = numpy.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype(numpy.uint8)
state = lambda: (torch.backends.mkldnn.matmul.fp32_precision, torch.backends.cuda.matmul.fp32_precision)
expected = extractor.features(images)
{FASTER[how]}
before = state()
assert torch.equal(extractor.features(images), expected)
assert state() == before
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr


def test_arrays_memory_maps_and_tensors_give_the_same_features(digits: np.ndarray, tmp_path: Path) -> None:
    extractor = load_extractor("random-conv-64", Path("/nowhere"), CPU)
    np.save(tmp_path / "digits.npy", digits[:40])
    mapped = np.load(tmp_path / "digits.npy", mmap_mode="r")
    expected = extractor.features(digits[:40])
    np.testing.assert_array_equal(extractor.features(mapped), expected)
    np.testing.assert_array_equal(extractor.features(torch.from_numpy(digits[:40])), expected)
    assert extractor.features(digits[:0]).shape == (0, 64)


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 32, 32, 3), np.float32), np.zeros((2, 3, 32, 32), np.uint8), np.zeros((2, 32, 32), np.uint8)],
)
def test_other_than_uint8_colour_images_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 images"):
        load_extractor("random-conv-64", Path("/nowhere"), CPU).features(images)
