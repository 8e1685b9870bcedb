"""Grids of pictures as PNG: stored pixel by pixel, enlarged only where they are shown; walks between images among them.

A stored grid holds each image at its own size, with `MARGIN` pixels around and between images, and says the side of its
images in a text chunk (`SIDE_KEY`). Grids of release 0.1.0 have no such chunk: they are enlarged already.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

LEGIBLE_SIDE = 96  # pixels per side to which an image is enlarged, about: 32 pixels are a stamp on a screen
MARGIN = 1  # pixels around and between images
BACKGROUND = 255
WALKS = 8  # shown of every scored trial
STEPS = 9  # decoded images of one walk, its two ends included
SIDE_KEY = "aesweep image side"
"""Keyword of the PNG's text chunk."""


def image_grid(images: np.ndarray, columns: int = 8) -> bytes:
    """`images` uint8 (N, H, W, C) in rows of `columns`, as PNG bytes. Raises `ValueError` for no images."""
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
    """Pairs of rows, originals above their reconstructions; both uint8 (N, H, W, C). PNG bytes."""
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


def straight_walks(ends_P2Z: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """`steps` latents at equal distances on the line between two, ends included: float32 (P, 2, Z) -> (P, steps, Z)."""
    weights = np.linspace(0.0, 1.0, steps, dtype=np.float32)[None, :, None]
    return np.asarray((1 - weights) * ends_P2Z[:, :1] + weights * ends_P2Z[:, 1:])


def interpolation_grid(images: np.ndarray, ends_P2Z: np.ndarray, decoded: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """One row per pair, real images at both ends of its decoded walk, as PNG bytes.

    `images` are the pairs themselves, uint8 (P, 2, H, W, C), `ends_P2Z` their latents; `decoded` takes latents (N, Z) to
    uint8 (N, H, W, C). Raises `ValueError` for no pairs.
    """
    pairs, _, size = ends_P2Z.shape
    walks = decoded(straight_walks(ends_P2Z).reshape(pairs * STEPS, size)).reshape(pairs, STEPS, *images.shape[2:])
    rows = np.concatenate([images[:, :1], walks, images[:, 1:]], axis=1)
    return image_grid(rows.reshape(-1, *images.shape[2:]), columns=STEPS + 2)
