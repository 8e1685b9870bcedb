"""One picture file: opened as RGB, or refused with the reason.

Pillow chooses a decoder by a file's content, not by its name, and some of its decoders start other programs (PostScript
runs Ghostscript). Only the formats in `FORMATS` are opened.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from aesweep.models.errors import InputError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM", "GIF")  # GIF because collections from the web hold it as .jpg
NAMED = 10  # pictures that one error names
ROOM = 700  # characters for their names: a line of an error holds 1,000
SMALLER = "Make it smaller or remove it."


class PictureError(InputError):
    """A picture that cannot be used."""

    def __init__(self, file: str, reason: str, advice: str) -> None:
        super().__init__("image file", file, f"It is {reason}. {advice}")
        self.args = (file, reason, advice)  # what pickle gives back to __init__
        self.file = file
        self.reason = reason


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


def all_refused(refused: Sequence[PictureError], pictures: int, remedy: str) -> InputError:
    """One error for all that cannot be used of so many `pictures`: the first of them by name, with `remedy` for several."""
    if len(refused) == 1:
        return refused[0]
    names = [error.file for error in refused[:NAMED]]
    where = ""
    if sum(map(len, names)) > ROOM:
        parent = os.path.commonpath(names)
        names, where = [os.path.relpath(name, parent) for name in names], f"In {parent}: "
    reasons: dict[str, list[str]] = {}
    for name, error in zip(names, refused, strict=False):
        reasons.setdefault(error.reason, []).append(name)
    groups = "; ".join(f"{', '.join(files)}: {reason}" for reason, files in reasons.items())
    more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return InputError("image files", f"{len(refused)} of {pictures} pictures", f"{where}{groups}{more}. {remedy}")


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
            return f"a file that cannot be read ({reason})", "Make it readable or remove it."
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
