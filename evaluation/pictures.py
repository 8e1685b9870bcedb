"""Grids of pictures as PNG, large enough to be looked at.

A 32 pixel image is a stamp on a screen: each is enlarged by a whole number, by repeating pixels, so that what is seen
is what was scored.
"""

import io

import numpy as np
from PIL import Image

LEGIBLE_SIDE = 96  # pixels per side to which an image is enlarged, about
MARGIN = 4  # pixels around and between images
BACKGROUND = 255


def image_grid(images: np.ndarray, columns: int = 8) -> bytes:
    """`images` uint8 (N, H, W, 3) in rows of `columns`, as PNG bytes. Raises `ValueError` for no images."""
    if len(images) == 0 or columns < 1:
        raise ValueError(f"a grid of {len(images)} images in {columns} columns")
    enlarged = _enlarged(images)
    n, height, width, _ = enlarged.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    shape = (rows * (height + MARGIN) + MARGIN, columns * (width + MARGIN) + MARGIN, 3)
    canvas = np.full(shape, BACKGROUND, dtype=np.uint8)
    for index, image in enumerate(enlarged):
        row, column = divmod(index, columns)
        top, left = MARGIN + row * (height + MARGIN), MARGIN + column * (width + MARGIN)
        canvas[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, format="PNG")  # `optimize` would save 1 % and cost ten times the time
    return buffer.getvalue()


def reconstruction_grid(originals: np.ndarray, reconstructions: np.ndarray, columns: int = 8) -> bytes:
    """Pairs of rows, originals above their reconstructions; both uint8 (N, H, W, 3). PNG bytes."""
    if originals.shape != reconstructions.shape:
        raise ValueError(f"originals {originals.shape} and reconstructions {reconstructions.shape} differ in shape")
    n = len(originals)
    columns = max(1, min(columns, n))
    blank = np.full((-n % columns, *originals.shape[1:]), BACKGROUND, dtype=np.uint8)  # fills the last pair of rows
    rows = []
    for first in range(0, n, columns):
        for images in (originals, reconstructions):
            row = np.asarray(images[first : first + columns])
            rows.append(row if len(row) == columns else np.concatenate([row, blank]))
    if not rows:
        raise ValueError("a grid of no images")
    return image_grid(np.concatenate(rows), columns)


def _enlarged(images: np.ndarray) -> np.ndarray:
    scale = max(1, round(LEGIBLE_SIDE / images.shape[1]))
    return np.asarray(images).repeat(scale, axis=1).repeat(scale, axis=2)
