"""The fast distance against its definition: analytic cases first, then the textbook formula with a matrix root."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.metrics.frechet import frechet_distance

of = FeatureStatistics.of


def textbook(sample: FeatureStatistics, reference: FeatureStatistics) -> float:
    """Heusel et al. 2017 as published code has it: the root of the product of both covariances."""
    product_root = scipy.linalg.sqrtm(sample.covariance @ reference.covariance)
    step = sample.mean - reference.mean
    return float(step @ step + np.trace(sample.covariance + reference.covariance - 2 * product_root.real))


def exact(covariance: np.ndarray, mean: np.ndarray | float = 0.0) -> FeatureStatistics:
    """Statistics with exactly this mean and covariance, as those of 2 D points along its principal axes."""
    values, vectors = np.linalg.eigh(covariance)
    d = len(values)
    points = (vectors * np.sqrt(values * (2 * d - 1) / 2)).T
    return of(np.concatenate([points, -points]) + mean)


def random_features(n: int, d: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) + generator.normal(size=d)


def moved_points(
    n: int, d: int, rank_of_points: int, rank_of_map: int, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Points (n, d), the same points moved, and the exact distance of the two.

    A symmetric positive semidefinite map T is the optimal transport between Gaussians of covariance S and T S T, whatever
    their ranks (Brenier), so the distance is what the points themselves are moved by: no root of a matrix is needed.
    """
    generator = np.random.default_rng(seed)
    basis = np.linalg.qr(generator.normal(size=(d, d)))[0]
    stretch = np.where(np.arange(d) < rank_of_map, generator.uniform(1.5, 3, d), 0)  # nothing stays where it is
    points = generator.normal(size=(n, rank_of_points)) @ generator.normal(size=(rank_of_points, d))
    moved = points @ (basis * stretch) @ basis.T + generator.normal(size=d)
    way = moved - points
    return points, moved, float((way.mean(0) ** 2).sum() + ((way - way.mean(0)) ** 2).sum() / (n - 1))


def test_equal_sets_are_at_distance_zero() -> None:
    features = random_features(400, 30, seed=0)
    assert frechet_distance(of(features), of(features)) == pytest.approx(0, abs=1e-9)


def test_a_shift_costs_its_squared_length() -> None:
    features = random_features(400, 30, seed=0)
    shift = np.linspace(-1, 1, 30)
    assert frechet_distance(of(features + shift), of(features)) == pytest.approx(shift @ shift, rel=1e-10)


def test_scaling_a_centred_set_costs_the_trace_times_the_squared_change() -> None:
    features = random_features(400, 30, seed=0)
    features -= features.mean(0)
    expected = (3 - 1) ** 2 * np.trace(np.cov(features, rowvar=False))
    assert frechet_distance(of(3 * features), of(features)) == pytest.approx(expected, rel=1e-10)


def test_diagonal_covariances_give_the_squared_difference_of_their_roots() -> None:
    a, b = np.array([1.0, 4.0, 9.0, 0.0]), np.array([4.0, 4.0, 1.0, 2.0])
    mean = np.array([1.0, 0.0, -2.0, 0.5])
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum() + mean @ mean
    assert frechet_distance(exact(np.diag(a), mean), exact(np.diag(b))) == pytest.approx(expected, rel=1e-12)


def test_two_by_two_covariances_that_do_not_commute_agree_with_the_closed_form() -> None:
    # tr (S1 S2)^(1/2) = sqrt(tr S1 S2 + 2 sqrt(det S1 S2)) in two dimensions.
    first, second = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[4.0, -1.0], [-1.0, 1.0]])
    root_trace = np.sqrt(np.trace(first @ second) + 2 * np.sqrt(np.linalg.det(first @ second)))
    expected = np.trace(first) + np.trace(second) - 2 * root_trace
    assert frechet_distance(exact(first), exact(second)) == pytest.approx(expected, rel=1e-12)


def test_subspaces_at_right_angles_are_as_far_as_their_traces() -> None:
    first, second = np.diag([2.0, 3.0, 0.0, 0.0]), np.diag([0.0, 0.0, 5.0, 7.0])
    assert frechet_distance(exact(first), exact(second)) == pytest.approx(17, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "d", "rank_of_points", "rank_of_map"),
    [
        (500, 40, 40, 40),
        (25, 40, 40, 40),  # fewer images than features
        (500, 40, 12, 40),  # both sets lie in subspaces, not in the same one
        (500, 40, 40, 12),
        (25, 40, 12, 9),
        (2, 40, 40, 40),
        (900, 300, 300, 300),  # several blocks
        (200, 300, 300, 300),
    ],
)
def test_moving_points_by_a_symmetric_map_costs_their_mean_squared_way(
    n: int, d: int, rank_of_points: int, rank_of_map: int
) -> None:
    points, moved, expected = moved_points(n, d, rank_of_points, rank_of_map, seed=0)
    assert frechet_distance(of(moved), of(points)) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(of(points), of(moved)) == pytest.approx(expected, rel=1e-9)


@given(st.integers(2, 60), st.integers(1, 30), st.integers(1, 30), st.integers(0, 30), st.integers(0, 10_000))
@example(21, 5, 11, 12, 736)  # off by 7.6e-8: the furthest of 3,000 nearly singular cases
@example(11, 10, 11, 26, 1854)
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_so_does_any_other_set_of_points_and_any_map(
    n: int, d: int, points_rank: int, map_rank: int, seed: int
) -> None:
    points, moved, expected = moved_points(n, d, min(points_rank, d), min(map_rank, d), seed)
    # S T has the eigenvalues whose sum counts. frechet.py leaves out those whose squares are rounding errors of the largest
    # one's: none that is singular by rank, but one that is so by chance costs up to its own size.
    roots = np.linalg.eigvalsh((points - points.mean(0)) @ (moved - moved.mean(0)).T)
    rank = min(points_rank, map_rank, d, n - 1)
    nearly_singular = rank > 0 and roots[-rank] <= 1e-6 * roots[-1]
    allowed = 1e-7 if nearly_singular else 1e-9
    assert frechet_distance(of(moved), of(points)) == pytest.approx(expected, rel=allowed)


@pytest.mark.parametrize(("n", "d"), [(2000, 64), (300, 200)])
def test_it_equals_the_textbook_matrix_root(n: int, d: int) -> None:
    sample, reference = of(random_features(n, d, seed=1)), of(random_features(n, d, seed=2))
    assert frechet_distance(sample, reference) == pytest.approx(textbook(sample, reference), rel=1e-9)


def test_fewer_samples_than_features_agree_with_a_computation_inside_their_subspace() -> None:
    # 40 points in 100 dimensions that share one 10-dimensional subspace: turned into it, the covariances are regular.
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(100, 10)))[0]
    inside, inside_reference = random_features(40, 10, seed=3), random_features(50, 10, seed=4)
    expected = textbook(of(inside), of(inside_reference))
    turned = frechet_distance(of(inside @ basis.T), of(inside_reference @ basis.T))
    assert turned == pytest.approx(expected, rel=1e-9)


def test_few_samples_compared_with_themselves_are_at_distance_zero() -> None:
    features = random_features(20, 100, seed=5)
    scale = np.trace(np.cov(features, rowvar=False))
    assert frechet_distance(of(features), of(features)) < 1e-9 * scale


def test_variances_over_many_orders_of_magnitude_cost_no_more_than_a_millionth() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 64)))[0]
    features = np.random.default_rng(1).normal(size=(2000, 64)) * np.logspace(0, -6, 64) @ turn.T
    assert frechet_distance(of(features), of(features)) < 1e-6 * of(features).trace


def test_the_order_of_the_two_sets_does_not_matter() -> None:
    for n in (500, 20):
        a, b = of(random_features(n, 40, seed=6)), of(random_features(500, 40, seed=7))
        assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_turning_both_sets_changes_nothing() -> None:
    turn = np.linalg.qr(np.random.default_rng(8).normal(size=(40, 40)))[0]
    a, b = random_features(500, 40, seed=6), random_features(500, 40, seed=7)
    assert frechet_distance(of(a @ turn), of(b @ turn)) == pytest.approx(frechet_distance(of(a), of(b)), rel=1e-9)


def test_a_reference_without_any_spread_is_a_point() -> None:
    sample = of(random_features(100, 5, seed=9))
    point = of(np.ones((10, 5)))
    step = sample.mean - 1
    assert frechet_distance(sample, point) == pytest.approx(step @ step + np.trace(sample.covariance), rel=1e-12)
    assert frechet_distance(point, point) == 0


def test_different_numbers_of_features_are_refused() -> None:
    with pytest.raises(ValueError, match="5 features"):
        frechet_distance(of(np.eye(5)), of(np.eye(6)))
