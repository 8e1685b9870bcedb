"""The standard error of a Fréchet distance, held against what it estimates: the spread over fresh samples."""

import io
import math

import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.metrics.frechet_error import (
    PARTS,
    as_text,
    bootstrap_error,
    difference_error,
    influences,
    jackknife_error,
    shared_parts,
    standard_error,
)

statistics = FeatureStatistics.of


def reference(dimension: int, rank: int | None = None) -> FeatureStatistics:
    generator = np.random.default_rng(99)
    mix = generator.normal(size=(rank or dimension, dimension)) / np.sqrt(dimension)
    return statistics(generator.normal(size=(5000, rank or dimension)) @ mix)


def draw(n: int, dimension: int, seed: int) -> np.ndarray:
    """Features of one distribution that is neither Gaussian nor the reference's."""
    mix = np.random.default_rng(7).normal(size=(dimension, dimension)) / np.sqrt(dimension)
    return np.asarray(np.tanh(np.random.default_rng(seed).normal(size=(n, dimension))) @ mix + 0.3, dtype=np.float32)


def jackknife(features: np.ndarray, real: FeatureStatistics) -> float:
    """Of the samples alone, the real images fixed."""
    found = influences(torch.from_numpy(features), statistics(features), real, torch.from_numpy(features))
    return standard_error(found.sample_N)


def spread(n: int, dimension: int, real: FeatureStatistics, times: int = 200) -> float:
    distances = [frechet_distance(statistics(draw(n, dimension, 1000 + i)), real) for i in range(times)]
    return float(np.std(distances, ddof=1))  # known to 5 %


@pytest.mark.parametrize(("n", "dimension"), [(500, 8), (1000, 64), (60, 80)])
def test_the_jackknife_says_how_far_fresh_samples_move_the_distance(n: int, dimension: int) -> None:
    real = reference(dimension)
    errors = [jackknife(draw(n, dimension, seed), real) for seed in range(10)]
    assert np.mean(errors) == pytest.approx(spread(n, dimension, real), rel=0.2)


def real_images(m: int, dimension: int, seed: int) -> np.ndarray:
    return 1.2 * draw(m, dimension, 70_000 + seed).astype(np.float64) + 0.1


@pytest.mark.parametrize(("n", "m", "dimension"), [(500, 500, 8), (1000, 300, 32), (300, 1000, 32), (60, 70, 80)])
def test_the_error_counts_other_samples_and_other_real_images(n: int, m: int, dimension: int) -> None:
    """Both sets drawn anew: the distance, and the difference of two distances from the same real images."""
    distances, errors, difference_errors = [], [], []
    for i in range(150):
        real = real_images(m, dimension, i)
        samples = [draw(n, dimension, 20_000 + i).astype(np.float64), 0.8 * draw(n, dimension, 30_000 + i)]
        distances.append([frechet_distance(statistics(sample), statistics(real)) for sample in samples])
        if i < 10:
            compared = statistics(real), torch.from_numpy(real)
            found = [influences(torch.from_numpy(sample), statistics(sample), *compared) for sample in samples]
            errors.append(jackknife_error(torch.from_numpy(samples[0]), statistics(samples[0]), *compared))
            difference_errors.append(difference_error(found[0], found[1]))
    first, second = np.array(distances).T
    spread = first.std(ddof=1)
    if max(n, m) < dimension:  # both covariances singular: the expansion is of the first order only, and errs upwards
        assert spread < np.mean(errors) < 1.4 * spread
        return
    assert np.mean(errors) == pytest.approx(spread, rel=0.2)
    assert np.mean(difference_errors) == pytest.approx((first - second).std(ddof=1), rel=0.2)


def test_what_a_table_keeps_of_two_scores_gives_the_error_of_their_difference() -> None:
    """Also where both move with the real images alike, so that hardly anything is left of their part."""
    for second in (lambda i: 0.8 * draw(300, 16, 30_000 + i), lambda i: draw(300, 16, 40_000 + i)):
        kept, exact = [], []
        for i in range(10):
            real = real_images(300, 16, i)
            found = [
                influences(torch.from_numpy(sample), statistics(sample), statistics(real), torch.from_numpy(real))
                for sample in (draw(300, 16, 20_000 + i), second(i))
            ]
            parts = [np.array(as_text(shared_parts(one.reference_M)).split(), dtype=float) for one in found]
            for one, numbers in zip(found, parts, strict=True):
                assert float(numbers @ numbers) == pytest.approx(standard_error(one.reference_M) ** 2, rel=1e-3)
            kept.append(math.sqrt(sum(one.error**2 for one in found) - 2 * float(parts[0] @ parts[1])))
            exact.append(difference_error(found[0], found[1]))
        assert np.mean(kept) == pytest.approx(np.mean(exact), rel=0.1)
        assert kept == pytest.approx(exact, rel=0.35)


def test_a_score_that_no_image_moves_keeps_zeros() -> None:
    assert shared_parts(torch.ones(10, dtype=torch.float64)).tolist() == [0.0] * PARTS


@pytest.mark.parametrize(("n", "dimension"), [(500, 8), (1000, 64), (60, 80)])
@pytest.mark.parametrize(("shrink", "noise"), [(0.9, 0.1), (0.5, 0.3)])
def test_reconstructions_move_with_their_images(n: int, dimension: int, shrink: float, noise: float) -> None:
    """Other images bring other reconstructions: the spread over such pairs."""
    errors, distances = [], []
    for i in range(200):
        images = draw(n, dimension, i).astype(np.float64)
        blurred = shrink * images + noise * np.random.default_rng(5000 + i).normal(size=images.shape)
        sample, real = statistics(blurred), statistics(images)
        distances.append(frechet_distance(sample, real))
        if i < 10:
            errors.append(
                jackknife_error(torch.from_numpy(blurred), sample, real, torch.from_numpy(images), paired=True)
            )
    assert np.mean(errors) == pytest.approx(np.std(distances, ddof=1), rel=0.2)


def test_perfect_reconstructions_have_no_error() -> None:
    images = draw(100, 6, 0)
    both = torch.from_numpy(images), statistics(images)
    found = jackknife_error(*both, statistics(images), torch.from_numpy(images), paired=True)
    assert found == pytest.approx(0, abs=1e-9)


def test_the_bootstrap_agrees_where_images_are_many_against_features() -> None:
    real = reference(8)
    assert bootstrap_error(torch.from_numpy(draw(500, 8, 0)), real, 400, 0) == pytest.approx(
        jackknife(draw(500, 8, 0), real), rel=0.2
    )


def test_a_replicate_with_weights_is_the_distance_of_the_resampled_images() -> None:
    """The textbook: draw the images themselves again."""
    features, real = draw(60, 5, 3), reference(5)
    generator = np.random.default_rng(0)
    distances = [frechet_distance(statistics(features[generator.integers(60, size=60)]), real) for _ in range(3000)]
    ours = bootstrap_error(torch.from_numpy(features), real, 3000, 1)
    assert ours == pytest.approx(np.std(distances, ddof=1), rel=0.06)  # both known to 1.3 %


def test_the_derivative_is_that_of_the_distance() -> None:
    """Moving weight to one image by hand: the distance of weighted statistics changes as the influence says."""
    features, real = draw(50, 4, 1).astype(np.float64), reference(4)

    def distance(weights: np.ndarray) -> float:
        mean = weights @ features
        centred = features - mean
        buffer = io.BytesIO()
        np.savez(buffer, n=50, mean=mean, scatter=(centred.T * weights) @ centred * 50)
        return frechet_distance(FeatureStatistics.from_bytes(buffer.getvalue()), real)

    even = np.full(50, 1 / 50)
    step = 1e-5
    influence = []
    for i in range(50):
        towards = even * (1 - step)
        towards[i] += step
        influence.append((distance(towards) - distance(even)) / step)
    by_hand = np.std(influence, ddof=1) / math.sqrt(50)
    assert jackknife(features, real) == pytest.approx(by_hand, rel=1e-3)


def test_the_error_falls_with_the_root_of_the_number_of_images() -> None:
    real = reference(16)
    few, many = (jackknife(draw(n, 16, 5), real) for n in (1000, 16_000))
    assert few / many == pytest.approx(4, rel=0.15)


def test_singular_covariances_have_finite_errors() -> None:
    for real in (reference(20, rank=3), statistics(np.ones((5, 20)))):
        error = jackknife(draw(10, 20, 0), real)
        assert 0 < error < 10
        assert 0 < bootstrap_error(torch.from_numpy(draw(10, 20, 0)), real, 20, 0) < 100


def test_equal_images_have_no_spread() -> None:
    same = torch.ones(10, 6)
    assert jackknife(same.numpy(), reference(6)) == pytest.approx(0, abs=1e-12)
    assert bootstrap_error(same, reference(6), 10, 0) == pytest.approx(0, abs=1e-12)


def test_the_bootstrap_is_decided_by_its_seed() -> None:
    features = torch.from_numpy(draw(100, 4, 0))
    first, again, other = (bootstrap_error(features, reference(4), 20, seed) for seed in (0, 0, 1))
    assert first == again != other


def test_one_image_has_no_error() -> None:
    with pytest.raises(ValueError, match="2 images"):
        jackknife_error(torch.ones(1, 6), statistics(np.ones((1, 6))), reference(6), torch.ones(5, 6))
    with pytest.raises(ValueError, match="2 images"):
        jackknife_error(torch.ones(5, 6), statistics(np.ones((5, 6))), reference(6), torch.ones(1, 6))
    with pytest.raises(ValueError, match="2 replicates"):
        bootstrap_error(torch.ones(5, 6), reference(6), 1, 0)
