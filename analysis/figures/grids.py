"""Pages made of stored picture grids, pixel for pixel.

The evaluation joins images with margins (`evaluation/pictures.py`; `analysis` imports nothing of ours, so its geometry is
repeated here and a test compares the two). Release 0.1.0 enlarged each image first; newer grids say in a text chunk that
they did not. A page enlarges each image by a whole number and places it on whole pixels of the figure: nothing is blurred.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from aesweep.analysis.figures.style import DPI, GREY, finish, new_figure
from aesweep.analysis.pictures import LEGIBLE_SIDE, MOST_PIXELS, NO_PICTURE, SIDE_KEY

_MARGIN, _OLD_MARGIN = 1, 4  # pixels around and between images; the second in grids without that chunk
_SHOWN_SIDE = 64  # pixels to which an image is enlarged, about
_GAP, _CELL_GAP, _WORDS = 2, 14, 24  # pixels: between images, between cells, for the words under a cell
_AROUND = 0.42  # inches: heads above the pictures, air below
_AIR = 12  # pixels at the left and right


class Cell(NamedTuple):
    """Images uint8 (R, C, side, side, 3), None for a missing picture, and the words under them."""

    images: np.ndarray | None
    words: str = ""


class Row(NamedTuple):
    """A label at the left, and the cells."""

    label: str
    cells: tuple[Cell, ...]


def grid_images(png: bytes, side: int) -> np.ndarray | None:
    """The images of a stored grid at their own pixels, uint8 (R, C, side, side, 3); None for what is no such grid."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            old = max(1, round(LEGIBLE_SIDE / side)), _OLD_MARGIN
            scale, margin = (1, _MARGIN) if SIDE_KEY in picture.info else old
            pixels = np.asarray(picture.convert("RGB"))
    except NO_PICTURE:
        return None
    pitch = side * scale + margin
    rows, columns = ((length - margin) // pitch for length in pixels.shape[:2])
    if rows < 1 or columns < 1:
        return None
    inner = pixels[margin:, margin:][: rows * pitch, : columns * pitch]
    images = inner.reshape(rows, pitch, columns, pitch, 3)[:, : side * scale : scale, :, : side * scale : scale]
    return np.ascontiguousarray(images.transpose(0, 2, 1, 3, 4))


def picture_page(
    title: str, heads: Sequence[str], rows: Sequence[Row], label_inches: float, data_hash: str, notice: str
) -> Figure:
    """A page with a head over each column of cells; at least one must hold images, and all images have the same side."""
    columns = [[row.cells[j].images for row in rows] for j in range(len(heads))]
    found = [[images for images in column if images is not None] for column in columns]
    side = next(images.shape[2] for column in found for images in column)
    zoom = max(1, round(_SHOWN_SIDE / side))
    widths = [max((_length(images, 1, zoom) for images in column), default=side * zoom) for column in found]
    cell_height = max(_length(images, 0, zoom) for column in found for images in column)
    lefts = [_AIR + round(label_inches * DPI) + sum(widths[:j]) + j * _CELL_GAP for j in range(len(heads))]
    width = lefts[-1] + widths[-1] + _AIR
    height = len(rows) * (cell_height + _WORDS + _CELL_GAP) - _CELL_GAP
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)
    figure, axes = new_figure(width / DPI, height / DPI + _AROUND, 1, 1)
    ax: Axes = axes[0, 0]
    ax.set_axis_off()
    for left, head in zip(lefts, heads, strict=True):
        ax.text(left, -8, head, fontsize=9.5, va="bottom")
    for i, row in enumerate(rows):
        top = i * (cell_height + _WORDS + _CELL_GAP)
        ax.text(_AIR, top, row.label, fontsize=8.5, va="top", linespacing=1.35)
        for left, cell_width, cell in zip(lefts, widths, row.cells, strict=True):
            if cell.images is None:
                place = left + cell_width / 2, top + cell_height / 2
                ax.text(*place, "no picture", fontsize=8.5, color=GREY, ha="center", va="center")
                canvas[top : top + cell_height, left : left + cell_width] = 240
            else:
                _paste(canvas, cell.images, top, left, zoom)
            ax.text(left, top + cell_height + 3, cell.words, fontsize=8.5, color=GREY, va="top")
    ax.imshow(canvas, interpolation="none", aspect="auto", extent=(0, width, height, 0))
    finish(figure, title, [], data_hash, notice)
    _place_on_pixels(ax, width, height)
    return figure


def _length(images: np.ndarray, axis: int, zoom: int) -> int:
    """Pixels along an axis of the enlarged cell."""
    return int(images.shape[axis] * (images.shape[2] * zoom + _GAP) - _GAP)


def _paste(canvas: np.ndarray, images: np.ndarray, top: int, left: int, zoom: int) -> None:
    side = images.shape[2] * zoom
    for i, row in enumerate(images):
        for j, image in enumerate(row):
            y, x = top + i * (side + _GAP), left + j * (side + _GAP)
            canvas[y : y + side, x : x + side] = image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _place_on_pixels(ax: Axes, width: int, height: int) -> None:
    """One pixel of the canvas on one of the figure, under the room that `finish` left for heads."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches_wide, inches_high = figure.get_size_inches()
    top = round(ax.get_position().y1 * inches_high * DPI)
    to_fraction = 1 / (inches_wide * DPI), 1 / (inches_high * DPI)
    ax.set_position((0.0, (top - height) * to_fraction[1], width * to_fraction[0], height * to_fraction[1]))
