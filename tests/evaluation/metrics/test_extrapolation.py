import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import extrapolated_distance, frechet_distance


def statistics(features: np.ndarray) -> FeatureStatistics:
    found = FeatureStatistics(features.shape[1])
    found.update(features)
    return found


def exact_reference(size: int) -> FeatureStatistics:
    """N(0, I), without the noise of a sample: two points on each axis, so far out that the variance is 1."""
    axes = np.sqrt((2 * size - 1) / 2) * np.eye(size)
    return statistics(np.concatenate([axes, -axes]))


def test_it_is_nearer_to_the_truth_than_the_distance_of_the_sample() -> None:
    """Against N(0, I), samples of N(0.1, I) in 32 dimensions are at a distance of 0.32."""
    reference = exact_reference(32)
    plain, extrapolated = [], []
    for seed in range(10):
        sample = np.random.default_rng(seed).normal(0.1, size=(1000, 32)).astype(np.float32)
        plain.append(frechet_distance(statistics(sample), reference))
        extrapolated.append(extrapolated_distance(torch.from_numpy(sample), reference, seed))
    assert np.mean(plain) - 0.32 > 0.2  # 32 * 33 / 4 / 1000 by a Taylor expansion, and the mean's 32 / 1000
    assert np.mean(extrapolated) == pytest.approx(0.32, abs=0.04)


def test_it_is_decided_by_the_seed() -> None:
    sample = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 4)))
    first, again, other = (extrapolated_distance(sample, exact_reference(4), seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(("size", "least"), [(4, 100), (64, 256)])
def test_few_images_against_features_are_refused(size: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"needs {least} images, there are {least - 1}"):
        extrapolated_distance(torch.zeros(least - 1, size), exact_reference(size), 0)


def test_the_fewest_images_that_are_taken_give_no_invented_distance() -> None:
    """N(0.1, I) against N(0, I) in 64 dimensions: 0.64; the sample's own distance is 5 times that."""
    found = [
        extrapolated_distance(
            torch.from_numpy(np.random.default_rng(seed).normal(0.1, size=(256, 64))), exact_reference(64), seed
        )
        for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(0.64, abs=0.64)
