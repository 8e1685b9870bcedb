import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_infinity import both_sides_extrapolated, extrapolated_distance


def exact_reference(size: int) -> FeatureStatistics:
    """N(0, I), without the noise of a sample: two points on each axis, so far out that the variance is 1."""
    return FeatureStatistics.of(axis_points(size))


def axis_points(size: int) -> np.ndarray:
    axes = np.sqrt((2 * size - 1) / 2) * np.eye(size)
    return np.concatenate([axes, -axes])


def extrapolated(sample: torch.Tensor, seed: int) -> float:
    size = sample.shape[1]
    return extrapolated_distance(sample, exact_reference(size), torch.from_numpy(axis_points(size)), seed)[0]


def test_it_is_nearer_to_the_truth_than_the_distance_of_the_sample() -> None:
    """Against N(0, I), samples of N(0.1, I) in 32 dimensions are at a distance of 0.32."""
    reference = exact_reference(32)
    plain, found = [], []
    for seed in range(10):
        sample = np.random.default_rng(seed).normal(0.1, size=(1000, 32)).astype(np.float32)
        plain.append(frechet_distance(FeatureStatistics.of(sample), reference))
        found.append(extrapolated(torch.from_numpy(sample), seed))
    assert np.mean(plain) - 0.32 > 0.2  # 32 * 33 / 4 / 1000 by a Taylor expansion, and the mean's 32 / 1000
    assert np.mean(found) == pytest.approx(0.32, abs=0.04)


def test_it_is_decided_by_the_seed() -> None:
    sample = torch.from_numpy(np.random.default_rng(0).normal(size=(200, 4)))
    first, again, other = (extrapolated(sample, seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(("size", "least"), [(4, 100), (64, 256)])
def test_few_images_against_features_are_refused(size: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"needs {least} images, there are {least - 1}"):
        extrapolated(torch.zeros(least - 1, size), 0)


def test_the_fewest_images_that_are_taken_give_no_invented_distance() -> None:
    """N(0.1, I) against N(0, I) in 64 dimensions: 0.64; the sample's own distance is 5 times that."""
    found = [
        extrapolated(torch.from_numpy(np.random.default_rng(seed).normal(0.1, size=(256, 64))), seed)
        for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(0.64, abs=0.64)


def gaussian_sets(seed: int, n: int, m: int, size: int = 32, shift: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(shift, size=(n, size)), generator.normal(size=(m, size))


def test_extrapolating_the_samples_alone_leaves_the_noise_of_the_real_images_in() -> None:
    """Of N(0.1, I) from N(0, I) in 32 dimensions, 0.32, with as few real images as samples."""
    one_side, both = [], []
    for seed in range(40):
        sample, real = gaussian_sets(seed, 400, 400)
        compared = torch.from_numpy(sample), FeatureStatistics.of(real), torch.from_numpy(real)
        one_side.append(extrapolated_distance(*compared, seed)[0])
        both.append(both_sides_extrapolated(*compared, seed)[0])
    assert np.mean(one_side) > 0.32 + 0.3  # 32 * 33 / 4 / 400 + 32 / 400
    assert np.mean(both) == pytest.approx(0.32, abs=0.05)


@pytest.mark.parametrize(("n", "m"), [(400, 400), (400, 1200)])
def test_both_standard_errors_are_the_spread_over_fresh_images(n: int, m: int) -> None:
    found = []
    for seed in range(80):
        sample, real = gaussian_sets(seed, n, m, size=8)
        compared = torch.from_numpy(sample), FeatureStatistics.of(real), torch.from_numpy(real), seed
        found.append([*extrapolated_distance(*compared), *both_sides_extrapolated(*compared)])
    one, one_error, both, both_error = np.array(found).T
    assert one_error.mean() == pytest.approx(one.std(ddof=1), rel=0.25)
    assert both_error.mean() == pytest.approx(both.std(ddof=1), rel=0.25)


def test_few_real_images_are_refused_where_both_sides_are_extrapolated() -> None:
    sample, real = gaussian_sets(0, 400, 90, size=4)
    with pytest.raises(ValueError, match="needs 100 images, there are 90"):
        both_sides_extrapolated(torch.from_numpy(sample), FeatureStatistics.of(real), torch.from_numpy(real), 0)
