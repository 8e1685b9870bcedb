"""Do the checks have teeth? One step of a score is made wrong at a time, and the check that should see it must fail.

Two checks: scores of random samples against a slow chain written here from the paper's sentences with nothing of ours but the
networks, and Inception's features against torch-fidelity's.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_inception
from aesweep.evaluation.networks.random_conv import RandomConv
from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256
from aesweep.evaluation.score import score_trial
from aesweep.models.config import TrialConfig
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from tests.evaluation.networks.random_inception import hash_and_size

# Pictures from 6 latents do not fill 64 features; the slow chain's root is still right to 1e-6.
pytestmark = pytest.mark.filterwarnings("ignore:Matrix is singular")

CPU = torch.device("cpu")
TRIAL = TrialConfig(filters=4, latent_size=6, precision="fp32")
EVALUATION = EvaluationConfig(
    samples=70,
    reference_size=100,
    sampling_seeds=(3,),
    priors=("standard_normal",),
    extractor_sha256=RANDOM_CONV_SHA256,
)


@pytest.fixture(scope="module")
def images(digits: np.ndarray) -> ImageSet:
    return ImageSet(digits[:100], digits[200:290])


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    model = build_autoencoder(TRIAL).eval()
    with torch.no_grad():
        model.decoder.last.weight *= 30  # an untrained network's pictures are grey
    return model


def slow_distance(model: Autoencoder, pictures: np.ndarray, samples: np.ndarray) -> float:
    """The Fréchet distance of decoded `samples` (N, Z) to `pictures` (N, H, W, 3), step by step."""
    network = RandomConv()
    with torch.no_grad():
        probabilities = model.decode(torch.from_numpy(samples)).sigmoid().numpy()  # NCHW
        generated = network(torch.from_numpy(np.rint(255 * probabilities).astype(np.uint8))).double().numpy()
        real = network(torch.from_numpy(pictures).permute(0, 3, 1, 2)).double().numpy()
    first, second = np.cov(generated, rowvar=False, ddof=1), np.cov(real, rowvar=False, ddof=1)
    step = generated.mean(0) - real.mean(0)
    return float(step @ step + np.trace(first + second - 2 * scipy.linalg.sqrtm(first @ second).real))


def check_score(model: Autoencoder, images: ImageSet, extractor: Extractor, evaluation: EvaluationConfig) -> None:
    rows, _, priors = score_trial(TRIAL, evaluation, model, images, extractor, CPU, threads=1)
    (row,) = (row for row in rows if row.source == "standard_normal")
    prior = priors["standard_normal"]
    assert not isinstance(prior, str)
    samples = prior.sample(EVALUATION.samples, EVALUATION.seeds[0])
    assert row.value == pytest.approx(slow_distance(model, images.test, samples), rel=1e-6)


def truncated(logits: torch.Tensor) -> torch.Tensor:
    return logits.float().sigmoid().mul(255).to(torch.uint8).permute(0, 2, 3, 1)


def test_a_score_is_what_the_slow_chain_gives(model: Autoencoder, images: ImageSet, random_conv: Extractor) -> None:
    check_score(model, images, random_conv, EVALUATION)


def test_truncated_pictures_are_seen(
    monkeypatch: pytest.MonkeyPatch, model: Autoencoder, images: ImageSet, random_conv: Extractor
) -> None:
    monkeypatch.setattr("aesweep.models.networks.reconstruction.to_uint8", truncated)
    with pytest.raises(AssertionError):
        check_score(model, images, random_conv, EVALUATION)


def test_a_covariance_divided_by_n_is_seen(
    monkeypatch: pytest.MonkeyPatch, model: Autoencoder, images: ImageSet, random_conv: Extractor
) -> None:
    covariance = vars(FeatureStatistics)["covariance"].fget
    by_n = property(lambda statistics: covariance(statistics) * (statistics.n - 1) / statistics.n)
    monkeypatch.setattr(FeatureStatistics, "covariance", by_n)
    monkeypatch.setattr(FeatureStatistics, "trace", property(lambda statistics: np.trace(statistics.covariance)))
    with pytest.raises(AssertionError):
        check_score(model, images, random_conv, EVALUATION)


def test_the_other_reference_split_is_seen(model: Autoencoder, images: ImageSet, random_conv: Extractor) -> None:
    with pytest.raises(AssertionError):
        check_score(model, images, random_conv, replace(EVALUATION, reference_split="train"))


@pytest.fixture(scope="module")
def expected(random_inception: Path, smooth: np.ndarray) -> torch.Tensor:
    judge = FeatureExtractorInceptionV3("theirs", ["2048"], feature_extractor_weights_path=str(random_inception))
    features: torch.Tensor = judge(torch.from_numpy(smooth[:2]).permute(0, 3, 1, 2).contiguous())[0]
    return features


@pytest.fixture(scope="module")
def inception(random_inception: Path) -> Extractor:
    return load_inception(random_inception, *hash_and_size(random_inception), device=CPU)


def check_features(extractor: Extractor, pictures: np.ndarray, expected: torch.Tensor) -> None:
    """As test_inception.py's check of the fast computation."""
    scale = expected.square().mean().sqrt()
    assert (extractor.features(pictures) - expected).abs().max() < 1e-5 * scale


def resized(**how: object) -> Callable[[torch.Tensor, int], torch.Tensor]:
    return lambda images, side: F.interpolate(images, size=(side, side), **how)  # type: ignore[arg-type]


MUTATIONS: dict[str, tuple[str, object]] = {
    "bilinear at pixel centres": ("resize_like_tensorflow1", resized(mode="bilinear")),
    "antialiased": ("resize_like_tensorflow1", resized(mode="bilinear", antialias=True)),
    "at outer corners": ("resize_like_tensorflow1", resized(mode="bilinear", align_corners=True)),
    "bicubic": ("resize_like_tensorflow1", resized(mode="bicubic")),
    "nearest pixel": ("resize_like_tensorflow1", resized(mode="nearest")),
    "centred at 127.5": ("CENTRE", 127.5),
    "scaled by 127.5": ("SCALE", 127.5),
}


def test_inceptions_features_are_those_of_torch_fidelity(
    inception: Extractor, smooth: np.ndarray, expected: torch.Tensor
) -> None:
    check_features(inception, smooth[:2], expected)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_another_resize_or_normalisation_is_seen(
    mutation: str, monkeypatch: pytest.MonkeyPatch, inception: Extractor, smooth: np.ndarray, expected: torch.Tensor
) -> None:
    name, value = MUTATIONS[mutation]
    monkeypatch.setattr(f"aesweep.evaluation.networks.inception.{name}", value)
    with pytest.raises(AssertionError):
        check_features(inception, smooth[:2], expected)


def test_truncated_pictures_are_seen_by_inception_too(
    inception: Extractor, smooth: np.ndarray, expected: torch.Tensor
) -> None:
    with pytest.raises(AssertionError):  # a level less, as truncation gives for most pixels
        check_features(inception, np.maximum(smooth[:2], 1) - 1, expected)
