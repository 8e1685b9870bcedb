"""Loading feature networks. The 2015 weights are not here: a file of random weights of the same architecture plays them."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from evaluation.config import EvaluationConfig
from evaluation.extractors import Extractor, load_extractor, load_inception
from evaluation.weights import INCEPTION_SHA256, inception_path
from models.errors import InputError

CPU = torch.device("cpu")


class _Unloaded(FeatureExtractorInceptionV3):
    """The network with the weights that its layers were made with."""

    def load_state_dict(self, *_: object, **__: object) -> None:  # type: ignore[override]
        return None


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of the right architecture."""
    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _Unloaded("generated", ["2048"], feature_extractor_weights_path=empty)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


def named(path: Path) -> tuple[str, int]:
    """Hash and size of a file, to expect of it."""
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size


def test_inception_gives_what_torch_fidelity_gives(generated: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    extractor = load_inception(generated, *named(generated), device=CPU)
    theirs = FeatureExtractorInceptionV3("theirs", ["2048"], feature_extractor_weights_path=str(generated))
    (expected,) = theirs(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    features = extractor.features(images).numpy()
    assert features.shape == (3, 2048)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, expected.numpy())
    np.testing.assert_allclose(extractor.features(images[1:2]).numpy(), features[1:2], rtol=1e-4, atol=1e-6)


def test_class_scores_are_the_unbiased_ones_of_torch_fidelity(generated: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    wanted = ["2048", "logits_unbiased"]
    theirs = FeatureExtractorInceptionV3("theirs", wanted, feature_extractor_weights_path=str(generated))
    expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    found = load_inception(generated, *named(generated), device=CPU).features_and_logits(images)
    for ours, their in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy(), their.numpy())
    assert found[1].shape == (3, 1008)


def test_a_network_without_classes_says_so(random_conv: Extractor, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="random-conv-64 has no classes"):
        random_conv.features_and_logits(digits[:3])


def test_features_can_be_computed_with_like_any_tensor(random_conv: Extractor, digits: np.ndarray) -> None:
    features = random_conv.features(digits[:3])
    features += 1  # a tensor made in inference mode would refuse
    assert not features.is_inference()


def test_inception_from_other_weights_does_not_pass_for_the_real_one(generated: Path) -> None:
    sha256, size = named(generated)
    assert load_inception(generated, sha256, size, device=CPU).sha256 == sha256
    assert EvaluationConfig(extractor="inception-2015", extractor_sha256=sha256).frechet_name == "fd"
    assert EvaluationConfig(extractor="inception-2015", extractor_sha256=INCEPTION_SHA256).frechet_name == "fid"
    assert EvaluationConfig(extractor="random-conv-64").frechet_name == "fd"


def test_inception_is_refused_before_it_is_read_if_its_hash_is_wrong(generated: Path, tmp_path: Path) -> None:
    sha256, size = named(generated)
    changed = bytearray(generated.read_bytes())
    changed[size // 2] ^= 1
    path = tmp_path / "changed.pth"
    path.write_bytes(changed)
    with pytest.raises(InputError, match="SHA-256"):
        load_inception(path, sha256, size, device=CPU)


def test_inception_is_refused_if_its_file_is_truncated_or_missing(generated: Path, tmp_path: Path) -> None:
    sha256, size = named(generated)
    path = tmp_path / "short.pth"
    path.write_bytes(generated.read_bytes()[: size // 2])
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
        load_inception(path, *named(path), device=CPU)
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("change", ["a layer less", "a layer more", "another shape", "no dictionary"])
def test_weights_that_do_not_fit_the_network_exactly_are_refused(change: str, generated: Path, tmp_path: Path) -> None:
    state = dict(torch.load(generated, weights_only=True))
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
        load_inception(path, *named(path), device=CPU)


def test_extractors_are_found_by_name(tmp_path: Path) -> None:
    assert load_extractor("random-conv-64", tmp_path, CPU).dimension == 64
    with pytest.raises(InputError, match="is missing"):
        load_extractor("inception-2015", tmp_path, CPU)
    inception_path(tmp_path).write_bytes(b"something else")
    with pytest.raises(InputError, match="14 bytes"):
        load_extractor("inception-2015", tmp_path, CPU)
    with pytest.raises(InputError, match="random-conv-64"):
        load_extractor("vgg", tmp_path, CPU)


def test_features_do_not_change_under_the_callers_autocast(digits: np.ndarray) -> None:
    extractor = load_extractor("random-conv-64", Path("/nowhere"), CPU)
    expected = extractor.features(digits[:16])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(extractor.features(digits[:16]), expected)


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
