"""One picture file: opened as RGB, or refused with the reason.

Pillow chooses a decoder by a file's content, not by its name, and some of its decoders start other programs (PostScript
runs Ghostscript). Only the formats in `FORMATS` are opened.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from aesweep.models.data.refused import READABLE, PictureError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM", "GIF")  # GIF because collections from the web hold it as .jpg
SMALLER = "Make it smaller or remove it."


class _UnknownWhite(ValueError):
    """32 bits per pixel: no one says which value is white."""


def open_image(file: Path | io.BytesIO, name: str | None = None, remedy: str | None = None) -> Image.Image:
    """One picture as RGB, upright. Raises `PictureError` naming the file, with `remedy`, if it cannot be used."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            image.load()
            return _as_rgb(image)
    except Exception as error:  # Pillow meets damaged files with nearly any exception
        reason, advice = _explain(error, file)
        raise PictureError(name or str(file), reason, remedy or advice) from error


def _explain(error: Exception, file: Path | io.BytesIO) -> tuple[str, str]:
    """Why a picture cannot be used, to follow "It is", and what to do about it."""
    match error:
        case FileNotFoundError():
            return "not there", "Put it back."
        case Image.DecompressionBombError():
            most = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # where Pillow raises the error
            return f"too large: more than {most:,} pixels", SMALLER
        case MemoryError():
            return "too large for the memory of this machine", SMALLER
        case _UnknownWhite():
            what = "a picture of 32 bits per pixel, and nothing says which value is white"
            return what, "Save it with 8 or 16 bits per pixel."
        case OSError(strerror=str(reason)):
            return f"a file that cannot be read ({reason})", READABLE
        case UnidentifiedImageError():
            is_empty = isinstance(file, Path) and file.stat().st_size == 0
            why = "an empty file" if is_empty else f"none of {', '.join(FORMATS)}"
        case _:
            why = (
                str(error).partition(" (")[0] or type(error).__name__
            )  # no numbers of bytes: equal reasons are grouped
    return f"not a readable image ({why})", "Remove it or put a sound copy in its place."


def _as_rgb(image: Image.Image) -> Image.Image:
    # Of the modes of more than 8 bits only 16-bit grey has a white that is known. PGM files have it in mode "I", scaled to it.
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        raise _UnknownWhite
    sixteen_bits = image.mode.startswith("I")
    image = ImageOps.exif_transpose(image)
    if sixteen_bits:  # Pillow's own conversion would clip it to white
        pixels = np.asarray(image, dtype=np.float64) / 257.0
        image = Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    return image.convert("RGB")
