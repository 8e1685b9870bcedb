"""Grids of pictures as PNG: stored pixel by pixel, enlarged only where they are shown.

A stored grid holds each image at its own size, with `MARGIN` pixels around and between images, and says the side of its
images in a text chunk (`SIDE_KEY`). Grids of release 0.1.0 have no such chunk: they are enlarged already.
"""

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

LEGIBLE_SIDE = 96  # pixels per side to which an image is enlarged, about: 32 pixels are a stamp on a screen
MARGIN = 1  # pixels around and between images
BACKGROUND = 255
SIDE_KEY = "aesweep image side"
"""Keyword of the PNG's text chunk."""


def image_grid(images: np.ndarray, columns: int = 8) -> bytes:
    """`images` uint8 (N, H, W, 3) in rows of `columns`, as PNG bytes. Raises `ValueError` for no images."""
    if len(images) == 0 or columns < 1:
        raise ValueError(f"a grid of {len(images)} images in {columns} columns")
    n, height, width, _ = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    shape = (rows * (height + MARGIN) + MARGIN, columns * (width + MARGIN) + MARGIN, 3)
    canvas = np.full(shape, BACKGROUND, dtype=np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = MARGIN + row * (height + MARGIN), MARGIN + column * (width + MARGIN)
        canvas[top : top + height, left : left + width] = image
    side = PngInfo()
    side.add_text(SIDE_KEY, str(height))
    return _png(Image.fromarray(canvas), side)


def reconstruction_grid(originals: np.ndarray, reconstructions: np.ndarray, columns: int = 8) -> bytes:
    """Pairs of rows, originals above their reconstructions; both uint8 (N, H, W, 3). PNG bytes."""
    if originals.shape != reconstructions.shape:
        raise ValueError(f"originals {originals.shape} and reconstructions {reconstructions.shape} differ in shape")
    n = len(originals)
    columns = max(1, min(columns, n))
    blank = np.full((-n % columns, *originals.shape[1:]), BACKGROUND, dtype=np.uint8)  # fills the last pair of rows
    pairs = (np.concatenate([images, blank]) for images in (originals, reconstructions))
    rows = [images.reshape(-1, columns, *images.shape[1:]) for images in pairs]
    return image_grid(np.stack(rows, axis=1).reshape(-1, *originals.shape[1:]), columns)


def enlarged(grid: bytes) -> bytes:
    """A grid that was made here, large enough to be looked at, as PNG bytes.

    Pixels are repeated a whole number of times, so that what is seen is what was scored.
    """
    with Image.open(io.BytesIO(grid), formats=("PNG",)) as picture:
        scale = max(1, round(LEGIBLE_SIDE / int(picture.info[SIDE_KEY])))
        return _png(picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST))


def _png(picture: Image.Image, text: PngInfo | None = None) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=text)  # `optimize` would save 1 % and cost ten times the time
    return buffer.getvalue()
