"""Images of every data set as one read-only uint8 array per split.

Decoding 160,000 JPEG files for each of 300 trials would cost more than training. Each data set is decoded once into
`DATA/prepared/<data_name>/{train,test}.npy` (N, size, size, channels), written aside and renamed, so that two processes that
prepare at once do no harm; afterwards it is a memory map whose pages all actors of a node share.
"""

import hashlib
import logging
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from aesweep.models.aside import folder_aside, remove_abandoned
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import (
    PREPARED,
    SPLITS,
    DataSource,
    check_source,
    data_name,
    is_prepared,
    open_prepared,
    prepared_path,
)
from aesweep.models.data.reading import Pictures, pictures
from aesweep.models.data.refused import PictureError, all_refused
from aesweep.models.errors import InputError

log = logging.getLogger(__name__)

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}
MOST_THREADS = 16  # that decode
DECODE_CHUNK = 512  # pictures handed to the threads at a time
PROGRESS_SECONDS = 10.0


class ImageSet(NamedTuple):
    """Both splits, uint8 (N, size, size, channels), read-only memory maps."""

    train: np.ndarray
    test: np.ndarray


def load_images(config: TrialConfig, source: DataSource, *, verify: bool = False) -> ImageSet:
    """The images of `config`'s data set at its size, prepared first where they are not, or no longer are what they were.

    A file that was cut short is always found; `verify` reads all of it and finds a flipped bit too. Raises `InputError`
    if the files are absent, changed or unreadable, saying which and what to do.
    """
    if is_prepared(config, source):
        try:
            return _open(config, source, verify)
        except (ValueError, OSError) as error:
            log.warning("prepared images of %s are damaged (%s); prepared again", data_name(config), error)
            for split in SPLITS:
                path = prepared_path(config, source, split)
                with suppress(FileNotFoundError):  # another process was faster
                    os.replace(path, path.with_name(f"{path.name}.damaged"))
    check_source(config, source)
    try:
        _prepare(config, source)
    except OSError as error:  # of the pictures themselves an InputError says which
        remedy = f"Prepared images cannot be written there ({error.strerror}). Make room, or give another folder."
        raise InputError("--data", str(source.data_dir), remedy) from error
    return _open(config, source)


def _open(config: TrialConfig, source: DataSource, verify: bool = False) -> ImageSet:
    """Both arrays as memory maps. Raises ValueError or OSError where they are not what was prepared."""
    found = [open_prepared(config, source, split) for split in SPLITS]
    for path in (prepared_path(config, source, split) for split in SPLITS if verify):
        checksum = _checksum_path(path)
        if checksum.exists() and checksum.read_text() != _sha256(path):
            raise ValueError(f"the checksum of {path.name} differs")
    return ImageSet(*found)


def _checksum_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fit_square(image: Image.Image, size: int, resize: str) -> Image.Image:
    """The central square of `image` at `size` pixels per side, by the filter `resize` (antialiased when reducing)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.size != (side, side):
        image = image.crop((left, top, left + side, top + side))
    return image if side == size else image.resize((size, size), FILTERS[resize])


def _prepare(config: TrialConfig, source: DataSource) -> None:
    """Decode both splits into a folder aside, then rename the finished arrays into place."""
    final = prepared_path(config, source, "train").parent
    refused, total, remedy = [], 0, ""
    with folder_aside(final) as aside:
        for split in SPLITS:
            found = pictures(config, source, split)
            refused += _write(aside / f"{split}.npy", found, config, source.threads)
            total, remedy = total + len(found.items), found.remedy
            _checksum_path(aside / f"{split}.npy").write_text(_sha256(aside / f"{split}.npy"))
        if refused:
            raise all_refused(refused, total, remedy)
        for split in SPLITS:
            _checksum_path(final / f"{split}.npy").unlink(missing_ok=True)  # no array beside another one's checksum
            os.replace(aside / f"{split}.npy", final / f"{split}.npy")
            os.replace(_checksum_path(aside / f"{split}.npy"), _checksum_path(final / f"{split}.npy"))


def remove_abandoned_images(data_dir: Path) -> None:
    """Remove the images that killed processes were preparing, of any data set."""
    for folder in (data_dir / PREPARED).glob("*/"):
        remove_abandoned(folder)


def _write(path: Path, source: Pictures, config: TrialConfig, threads: int) -> list[PictureError]:
    """Decode one split into the array at `path`; the pictures that cannot be used, all of which are found."""
    refused: list[PictureError] = []
    shape = (len(source.items), *config.image_shape)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map ends the process without a word
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)

    def decode(item: Any) -> np.ndarray | PictureError:
        try:
            picture = source.open(item).convert("RGB" if config.channels == 3 else "L")
            return np.asarray(fit_square(picture, config.image_size, config.resize)).reshape(config.image_shape)
        except PictureError as error:
            return error

    started = told = time.monotonic()
    # Pillow decodes and resizes outside the interpreter lock. Its warning of large pictures speaks of an attack.
    with ThreadPoolExecutor(min(threads, MOST_THREADS)) as decoders, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for first in range(0, len(array), DECODE_CHUNK):
            chunk = source.items[first : first + DECODE_CHUNK]
            for index, picture in enumerate(decoders.map(decode, chunk), start=first):
                if isinstance(picture, PictureError):
                    refused.append(picture)
                else:
                    array[index] = picture
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS:
                told, done = now, first + len(chunk)
                left = (now - started) * (len(array) / done - 1)
                log.info("preparing %s: %d of %d images, %.0f s left", path.stem, done, len(array), left)
    array.flush()  # a memory map is on disk before its name appears
    return refused
