"""Nearest neighbours against the whole matrix of distances, and the dimension of data whose dimension is known."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from aesweep.evaluation.diagnostics.intrinsic_dimension import two_nn
from aesweep.evaluation.diagnostics.neighbours import ROWS, nearest


def own(points: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.from_numpy(points)
    return nearest(x, x, 2, torch.arange(len(x)))


def test_neighbours_are_those_of_the_whole_matrix_and_their_distances_exact_far_from_the_origin() -> None:
    generator = np.random.default_rng(0)
    x, y = (1e4 + generator.standard_normal((n, 7)) for n in (ROWS + 10, 300))
    distances, indices = nearest(torch.from_numpy(x), torch.from_numpy(y), 3)
    every = cdist(x, y)
    assert np.array_equal(indices.numpy(), np.argsort(every, axis=1)[:, :3])
    np.testing.assert_allclose(distances.numpy(), np.sort(every, axis=1)[:, :3], rtol=1e-12)


def test_a_vector_is_not_its_own_neighbour_but_its_duplicate_is() -> None:
    distances, indices = own(np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]]))
    assert indices[:, 0].tolist() == [1, 0, 0] or indices[:, 0].tolist() == [1, 0, 1]
    assert distances.tolist() == [[0, 5], [0, 5], [5, 5]]
    with pytest.raises(ValueError, match="2 nearest neighbours need as many others, there are 1"):
        own(np.zeros((2, 3)))


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_a_curved_surface_is_found_in_the_space_around_it(dimension: int) -> None:
    generator = np.random.default_rng(dimension)
    flat = generator.uniform(size=(2000, dimension))
    curved = np.concatenate([np.sin(flat), np.cos(flat), flat**2], axis=1) @ generator.standard_normal(
        (3 * dimension, 40)
    )
    found, error = two_nn(*(part.numpy() for part in own(curved)))
    assert abs(found - dimension) < 3 * error + 0.03 * dimension
    assert 0.02 < error / dimension < 0.04


def test_the_standard_error_is_the_spread_over_data_sets_and_scale_changes_nothing() -> None:
    found = []
    for seed in range(60):
        points = np.random.default_rng(seed).standard_normal((300, 2))
        found.append(two_nn(*(part.numpy() for part in own(points))))
    values, errors = np.array(found).T
    assert np.mean(errors) == pytest.approx(values.std(ddof=1), rel=0.25)  # 60 data sets know the spread to 9 %
    assert values.mean() == pytest.approx(2, abs=4 * values.std() / 60**0.5)
    again = two_nn(*(part.numpy() for part in own(1000 * points)))
    assert again == pytest.approx(found[-1], rel=1e-4)


def test_many_dimensions_are_underestimated_as_the_docs_say() -> None:
    points = np.random.default_rng(0).standard_normal((5000, 20))
    found, _ = two_nn(*(part.numpy() for part in own(points)))
    assert 14 < found < 19


def test_a_grid_and_too_few_points_have_no_dimension() -> None:
    with pytest.raises(ValueError, match="needs 20 different points, there are 5"):
        two_nn(np.ones((5, 2)), np.zeros((5, 2), dtype=int))
    with pytest.raises(ValueError, match="at one distance"):
        two_nn(np.ones((30, 2)), np.zeros((30, 2), dtype=int))
