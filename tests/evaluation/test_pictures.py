import io

import numpy as np
import pytest
from PIL import Image

from aesweep.evaluation.pictures import MARGIN, enlarged, image_grid, reconstruction_grid


def opened(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def tile(grid: np.ndarray, row: int, column: int, side: int) -> np.ndarray:
    step = side + MARGIN
    top, left = MARGIN + row * step, MARGIN + column * step
    return grid[top : top + side, left : left + side]


def test_64_images_of_32_pixels_become_8_by_8_tiles() -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3)).astype(np.uint8)
    png = image_grid(images)
    grid = opened(png)
    assert grid.shape == (8 * 33 + MARGIN, 8 * 33 + MARGIN, 3)
    for index in (0, 9, 63):
        np.testing.assert_array_equal(tile(grid, *divmod(index, 8), side=32), images[index])
    shown = opened(enlarged(png))  # tiles of 96
    for row, column in ((0, 0), (1, 2), (2, 1)):
        np.testing.assert_array_equal(shown[row::3, column::3], grid)  # whole pixels repeated, nothing blended


def test_larger_images_are_enlarged_less() -> None:
    for side, scale in ((32, 3), (64, 2), (200, 1)):
        grid = image_grid(np.zeros((1, side, side, 3), np.uint8))
        assert opened(enlarged(grid)).shape[0] == scale * (side + 2 * MARGIN)


def test_an_incomplete_row_is_left_blank() -> None:
    grid = opened(image_grid(np.zeros((5, 32, 32, 3), np.uint8), columns=3))
    assert grid.shape[:2] == (2 * 33 + MARGIN, 3 * 33 + MARGIN)
    assert tile(grid, 1, 1, 32).max() == 0
    assert tile(grid, 1, 2, 32).min() == 255


def test_few_images_make_a_narrow_grid() -> None:
    assert opened(image_grid(np.zeros((2, 32, 32, 3), np.uint8), columns=8)).shape[1] == 2 * 33 + MARGIN


def test_each_original_stands_above_its_reconstruction() -> None:
    generator = np.random.default_rng(0)
    originals, reconstructions = (generator.integers(0, 256, (11, 32, 32, 3)).astype(np.uint8) for _ in range(2))
    grid = opened(reconstruction_grid(originals, reconstructions, columns=8))
    assert grid.shape[0] == 4 * 33 + MARGIN
    for index in range(11):
        pair, column = divmod(index, 8)
        np.testing.assert_array_equal(tile(grid, 2 * pair, column, 32), originals[index])
        np.testing.assert_array_equal(tile(grid, 2 * pair + 1, column, 32), reconstructions[index])
    assert tile(grid, 3, 5, 32).min() == 255


def test_nothing_to_show_is_an_error() -> None:
    empty = np.zeros((0, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="0 images"):
        image_grid(empty)
    with pytest.raises(ValueError, match="0 images"):
        reconstruction_grid(empty, empty)
    with pytest.raises(ValueError, match="differ in shape"):
        reconstruction_grid(empty, np.zeros((1, 32, 32, 3), np.uint8))
