"""Scoring on a GPU against scoring on a CPU: `pytest -m gpu tests/evaluation/test_on_gpu.py`. Needs no Ray."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import jackknife_error
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_extractor, load_inception
from aesweep.evaluation.networks.inception import Computation, ReferenceInception
from aesweep.models.config import TrialConfig
from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.networks.reconstruction import decode_latents
from tests.evaluation.pictures import smooth_pictures

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(
    params=["random-conv-64", "inception-2015, fast", "inception-2015, reference", "inception-2015, tensor-cores"]
)
def extractors(request: pytest.FixtureRequest) -> tuple[Extractor, Extractor]:
    """The same network on the GPU and on the CPU."""
    if request.param == "random-conv-64":
        return load_extractor(request.param, Path("/nowhere"), GPU), load_extractor(
            request.param, Path("/nowhere"), CPU
        )
    path = request.getfixturevalue("random_inception")
    computation: Computation = request.param.split(", ")[1]
    if computation == "tensor-cores":
        skip_without_tensor_cores()
    from tests.evaluation.networks.random_inception import hash_and_size

    on_gpu = load_inception(path, *hash_and_size(path), device=GPU, computation=computation)
    return on_gpu, load_inception(path, *hash_and_size(path), device=CPU, computation="reference")


def skip_without_tensor_cores() -> None:
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("needs a GPU of compute capability 8")


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest difference against the root mean square."""
    return float((found.cpu() - expected).abs().max() / expected.square().mean().sqrt())


def summed(extractor: Extractor, *batches: np.ndarray | torch.Tensor) -> FeatureStatistics:
    statistics = FeatureStatistics(extractor.dimension)
    for batch in batches:
        statistics.update(extractor.features(batch))
    return statistics


def test_features_agree_and_stay_on_the_device(extractors: tuple[Extractor, Extractor], smooth: np.ndarray) -> None:
    on_gpu, on_cpu = extractors
    features = on_gpu.features(smooth[:16])
    assert features.is_cuda
    assert relative(features, on_cpu.features(smooth[:16])) < 1e-4
    torch.testing.assert_close(on_gpu.features(torch.from_numpy(smooth[:16]).to(GPU)), features, rtol=0, atol=0)


def test_the_callers_reduced_precision_changes_nothing(
    extractors: tuple[Extractor, Extractor], smooth: np.ndarray
) -> None:
    on_gpu, _ = extractors
    expected = on_gpu.features(smooth[:16])
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    try:
        torch.backends.cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cuda", dtype=torch.bfloat16):
            torch.testing.assert_close(on_gpu.features(smooth[:16]), expected, rtol=0, atol=0)
    finally:
        torch.backends.cudnn.allow_tf32 = before[0]
        torch.set_float32_matmul_precision(before[1])


def test_tensor_cores_agree_to_1e5_in_features_and_1e6_in_distance(random_inception: Path) -> None:
    from tests.evaluation.networks.random_inception import hash_and_size

    skip_without_tensor_cores()
    from aesweep.evaluation.networks.tensor_cores import TensorCoreInception

    chosen = load_inception(random_inception, *hash_and_size(random_inception), device=GPU)
    assert isinstance(chosen.network, TensorCoreInception), "the fastest computation was not chosen"
    reference = load_inception(random_inception, *hash_and_size(random_inception), device=GPU, computation="reference")
    pictures, others = smooth_pictures(3000, 0).to(GPU), smooth_pictures(3000, 1).to(GPU).roll(3, dims=1) // 2 + 40
    assert relative(chosen.features(pictures), reference.features(pictures).cpu()) < 1e-5
    found, expected = (frechet_distance(summed(e, pictures), summed(e, others)) for e in (chosen, reference))
    assert found == pytest.approx(expected, rel=1e-6)


def test_tensor_cores_give_a_picture_the_same_bits_in_any_batch(random_inception: Path) -> None:
    from tests.evaluation.networks.random_inception import hash_and_size

    skip_without_tensor_cores()
    extractor = load_inception(
        random_inception, *hash_and_size(random_inception), device=GPU, computation="tensor-cores"
    )
    pictures = smooth_pictures(1100, 2).to(GPU)  # more than the network takes at once
    together = replace(extractor, batch_size=1100).features(pictures)
    torch.testing.assert_close(extractor.features(pictures), together, rtol=0, atol=0)
    torch.testing.assert_close(extractor.features(pictures[-3:]), together[-3:], rtol=0, atol=0)


def test_weights_too_large_for_float16_go_through_fp32(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tests.evaluation.networks.random_inception import hash_and_size, random_state_dict

    skip_without_tensor_cores()
    state, path = random_state_dict(), tmp_path / "large.pth"
    for name, factor in {
        "Conv2d_1a_3x3.bn.weight": 1e6,
        "Conv2d_1a_3x3.bn.bias": 1e6,
        "Conv2d_2a_3x3.conv.weight": 1e-6,
    }.items():
        state[name] = state[name] * factor
    torch.save(state, path)
    extractor = load_inception(path, *hash_and_size(path), device=GPU)
    assert isinstance(extractor.network, ReferenceInception)
    assert extractor.features(smooth_pictures(4, 0)).isfinite().all()
    assert "off by nan" in caplog.text


def test_class_scores_agree(random_inception: Path, smooth: np.ndarray) -> None:
    from tests.evaluation.networks.random_inception import hash_and_size

    pair = [load_inception(random_inception, *hash_and_size(random_inception), device=device) for device in (GPU, CPU)]
    found, expected = (extractor.features_and_logits(smooth[:16])[1] for extractor in pair)
    assert found.is_cuda
    assert relative(found, expected) < 1e-4


def test_distances_agree(extractors: tuple[Extractor, Extractor], smooth: np.ndarray) -> None:
    darker = smooth[24:] // 2
    found, expected = (frechet_distance(summed(e, darker), summed(e, smooth[:24])) for e in extractors)
    assert found == pytest.approx(expected, rel=1e-5)


def test_standard_errors_agree() -> None:
    generator = np.random.default_rng(0)
    images = (generator.normal(size=(900, 32)) @ generator.normal(size=(32, 32))).astype(np.float32)
    blurred = (0.8 * images + generator.normal(size=images.shape)).astype(np.float32)
    sample, real = FeatureStatistics.of(blurred), FeatureStatistics.of(images)
    for paired in (False, True):
        found, expected = (
            jackknife_error(
                torch.from_numpy(blurred).to(device), sample, real, torch.from_numpy(images).to(device), paired=paired
            )
            for device in (GPU, CPU)
        )
        assert found == pytest.approx(expected, rel=1e-8)


def test_statistics_summed_on_the_device_agree() -> None:
    generator = np.random.default_rng(0)
    features = (generator.normal(size=(3000, 256)) @ generator.normal(size=(256, 256)) + 5).astype(np.float32)
    on_cpu, on_gpu = FeatureStatistics(256), FeatureStatistics(256)
    for batch in np.array_split(features, 4):
        on_cpu.update(batch)
        on_gpu.update(torch.from_numpy(batch).to(GPU))
    assert on_gpu.n == on_cpu.n
    scale = np.abs(on_cpu.covariance).max()
    np.testing.assert_allclose(on_gpu.mean, on_cpu.mean, rtol=1e-10)
    np.testing.assert_allclose(on_gpu.covariance, on_cpu.covariance, rtol=0, atol=1e-10 * scale)
    assert on_gpu.trace == pytest.approx(on_cpu.trace, rel=1e-10)


def test_statistics_of_both_kinds_mix_and_travel_as_arrays() -> None:
    features = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    mixed = FeatureStatistics(8)
    mixed.update(features[:30])
    mixed.update(torch.from_numpy(features[30:60]).to(GPU))
    assert b"torch" not in pickle.dumps(mixed)  # its reader may have no GPU
    mixed = pickle.loads(pickle.dumps(mixed))
    mixed.update(torch.from_numpy(features[60:]).to(GPU))
    assert mixed.n == 90
    np.testing.assert_allclose(mixed.covariance, np.cov(features.astype(float), rowvar=False), rtol=1e-10, atol=1e-12)


def test_values_that_are_not_finite_never_enter_on_the_device() -> None:
    statistics = FeatureStatistics(2)
    statistics.update(torch.ones(3, 2, device=GPU))
    with pytest.raises(NonFiniteError):
        statistics.update(torch.full((3, 2), torch.nan, device=GPU))
    assert statistics.n == 3


def test_decoded_pictures_are_measured_where_they_are() -> None:
    model = build_autoencoder(TrialConfig(filters=4, latent_size=6))
    latents = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    pictures = decode_latents(model, latents, GPU, "fp32")
    assert pictures.is_cuda and pictures.dtype == torch.uint8
    on_cpu = decode_latents(model, latents, CPU, "fp32")
    assert (pictures.cpu().int() - on_cpu.int()).abs().max() <= 1
    extractor = load_extractor("random-conv-64", Path("/nowhere"), GPU)
    copied = summed(extractor, pictures.cpu().numpy())
    assert summed(extractor, pictures).to_bytes() == copied.to_bytes()
