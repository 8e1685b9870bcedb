from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics, NonFiniteError
from aesweep.evaluation.npz import to_npz


def summed(*batches: np.ndarray) -> FeatureStatistics:
    statistics = FeatureStatistics(batches[0].shape[1])
    for batch in batches:
        statistics.update(batch)
    return statistics


@pytest.fixture
def features() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.normal(3, 2, (500, 6)) @ generator.normal(size=(6, 6))


def test_mean_and_covariance_are_those_of_all_features_however_they_are_split(features: np.ndarray) -> None:
    for statistics in (summed(features), summed(*np.array_split(features, 7)), summed(features[:1], features[1:])):
        assert statistics.n == 500
        np.testing.assert_allclose(statistics.mean, features.mean(0), rtol=1e-12)
        np.testing.assert_allclose(statistics.covariance, np.cov(features, rowvar=False), rtol=1e-11)


@given(st.data())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_any_split_summed_in_any_order_gives_the_whole(data: st.DataObject) -> None:
    n, d = data.draw(st.integers(2, 60), "images"), data.draw(st.integers(1, 8), "features")
    generator = np.random.default_rng(data.draw(st.integers(0, 10_000), "seed"))
    features = generator.normal(generator.normal(0, 10, d), generator.uniform(0.1, 3, d), (n, d))
    order = generator.permutation(n)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=6), "cuts"))
    statistics = summed(*np.split(features[order], cuts))
    assert statistics.n == n
    expected = np.cov(features, rowvar=False).reshape(d, d)
    assert np.abs(statistics.mean - features.mean(0)).max() < 1e-12 * np.abs(features).max()
    assert np.abs(statistics.covariance - expected).max() < 1e-12 * np.abs(features).max() ** 2


def test_a_small_spread_around_a_large_mean_survives(features: np.ndarray) -> None:
    # Plain float64 sums of squares would have lost all digits of the covariance here.
    shifted = summed(*np.array_split(features + 1e8, 5))
    np.testing.assert_allclose(shifted.covariance, np.cov(features, rowvar=False), rtol=1e-4, atol=1e-4)


def test_the_root_times_its_transpose_is_the_covariance(features: np.ndarray) -> None:
    root = summed(features).root
    assert not np.triu(root, 1).any()
    np.testing.assert_allclose(root @ root.T, np.cov(features, rowvar=False), rtol=1e-9, atol=1e-12)


def test_the_root_of_fewer_images_than_features_is_as_narrow_as_their_rank() -> None:
    few = summed(np.random.default_rng(1).normal(size=(5, 20)))
    assert few.root.shape == (20, 4)
    np.testing.assert_allclose(few.root @ few.root.T, few.covariance, atol=1e-12)


def test_a_root_that_is_not_triangular_is_refused(features: np.ndarray) -> None:
    """Distances would take it for triangular, and be wrong."""
    statistics = summed(features)
    values, vectors = np.linalg.eigh(statistics.covariance)
    statistics.__dict__["root"] = vectors * np.sqrt(values)
    with pytest.raises(ValueError, match="damaged"):
        FeatureStatistics.from_bytes(statistics.to_bytes())


def test_adding_images_brings_the_root_up_to_date(features: np.ndarray) -> None:
    statistics = summed(features[:100])
    first = statistics.root
    statistics.update(features[100:])
    assert not np.allclose(first, statistics.root)
    np.testing.assert_allclose(statistics.root @ statistics.root.T, statistics.covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("with_root", [False, True])
def test_statistics_come_back_from_bytes_bit_for_bit(features: np.ndarray, with_root: bool) -> None:
    statistics = summed(features)
    if with_root:
        _ = statistics.root
    back = FeatureStatistics.from_bytes(statistics.to_bytes())
    assert back.n == statistics.n
    np.testing.assert_array_equal(back.mean, statistics.mean)
    np.testing.assert_array_equal(back.covariance, statistics.covariance)
    np.testing.assert_array_equal(back.root, statistics.root)


def test_tensors_are_summed_up_like_arrays(features: np.ndarray) -> None:
    arrays, tensors = summed(*np.array_split(features, 3)), FeatureStatistics(6)
    for batch in np.array_split(features, 3):
        tensors.update(torch.from_numpy(batch))
    assert tensors.to_bytes() == arrays.to_bytes()


def test_damaged_bytes_are_refused(features: np.ndarray) -> None:
    data = summed(features).to_bytes()
    for damaged in (b"", b"not a file", data[: len(data) // 2], data[:-200]):
        with pytest.raises(ValueError, match="damaged"):
            FeatureStatistics.from_bytes(damaged)


@pytest.mark.parametrize("n", ["many", 1j, 2.5, -1, [3]])
def test_a_number_of_images_that_counts_nothing_is_damage(n: Any) -> None:
    with pytest.raises(ValueError, match="damaged"):
        FeatureStatistics.from_bytes(to_npz(n=np.array(n), mean=np.zeros(2), scatter=np.zeros((2, 2))))


def test_values_that_are_not_finite_never_enter(features: np.ndarray) -> None:
    statistics = summed(features)
    features[3, 2] = np.nan
    with pytest.raises(NonFiniteError):
        statistics.update(features)
    assert statistics.n == 500


def test_wrong_shapes_and_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(N, 3\)"):
        FeatureStatistics(3).update(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least 2"):
        _ = summed(np.zeros((1, 3))).covariance
    with pytest.raises(ValueError, match="0 images"):
        _ = FeatureStatistics(3).mean
