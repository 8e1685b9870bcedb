"""Walks between test images: ends, equal steps, and what the picture shows where."""

import io

import numpy as np
import pytest
from PIL import Image

from aesweep.evaluation.draws import pair_indices
from aesweep.evaluation.pictures import MARGIN, STEPS, interpolation_grid, straight_walks


def test_pairs_are_a_seeded_draw_of_different_images() -> None:
    pairs = pair_indices(100, 8, seed=0)
    assert pairs.shape == (8, 2)
    assert len(np.unique(pairs)) == 16
    assert pairs.min() >= 0 and pairs.max() < 100
    np.testing.assert_array_equal(pairs, pair_indices(100, 8, seed=0))
    assert not np.array_equal(pairs, pair_indices(100, 8, seed=1))


@pytest.mark.parametrize(("images", "pairs"), [(0, 0), (1, 0), (2, 1), (7, 3)])
def test_few_images_make_fewer_pairs(images: int, pairs: int) -> None:
    assert pair_indices(images, 8, seed=0).shape == (pairs, 2)


def test_a_walk_goes_from_one_end_to_the_other_in_equal_steps() -> None:
    ends = np.random.default_rng(0).normal(size=(3, 2, 5)).astype("f4")
    walks = straight_walks(ends)
    assert walks.shape == (3, STEPS, 5) and walks.dtype == np.float32
    np.testing.assert_array_equal(walks[:, 0], ends[:, 0])
    np.testing.assert_array_equal(walks[:, -1], ends[:, 1])
    np.testing.assert_allclose(walks[:, STEPS // 2], ends.mean(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.diff(walks, axis=1), np.diff(walks, axis=1)[:, :1].repeat(STEPS - 1, 1), atol=1e-5)


def test_each_row_stands_between_its_two_real_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 32, 32, 3)).astype(np.uint8)
    ends = np.array([[[0.0], [80.0]], [[8.0], [16.0]], [[240.0], [0.0]]], "f4")

    def decoded(z: np.ndarray) -> np.ndarray:  # a grey of the latent's level
        return np.broadcast_to(z[:, :, None, None], (len(z), 32, 32, 3)).astype(np.uint8)

    with Image.open(io.BytesIO(interpolation_grid(images, ends, decoded))) as picture:
        grid = np.asarray(picture)
    assert grid.shape == (3 * 33 + MARGIN, 11 * 33 + MARGIN, 3)
    tiles = grid[MARGIN:, MARGIN:].reshape(3, 33, 11, 33, 3).transpose(0, 2, 1, 3, 4)[:, :, :32, :32]
    np.testing.assert_array_equal(tiles[:, [0, -1]], images)
    assert tiles[:, 1:-1, 0, 0, 0].tolist() == [
        [0, 10, 20, 30, 40, 50, 60, 70, 80],
        [8, 9, 10, 11, 12, 13, 14, 15, 16],
        [240, 210, 180, 150, 120, 90, 60, 30, 0],
    ]
