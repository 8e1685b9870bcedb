"""Images of every data set as one read-only uint8 array per split, downloaded first where one asks for it.

Decoding 160,000 JPEG files for each of 300 trials would cost more than training. Each data set is decoded once into
`DATA/prepared/<data_name>/{train,test}.npy` (N, size, size, 3), written aside and renamed, so that two processes that
prepare at once do no harm; afterwards it is a memory map whose pages all actors of a node share.

Clusters often have no way out, and CelebA's host turns away busy days: each failed download says which file to copy where.
"""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import (
    CIFAR10_FOLDER,
    SPLITS,
    DataSource,
    check_source,
    data_name,
    has_celeba,
    has_cifar10,
    is_prepared,
    open_prepared,
    prepared_path,
)
from aesweep.models.data.reading import Pictures, pictures
from aesweep.models.errors import InputError

log = logging.getLogger(__name__)

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}
DECODE_THREADS = min(16, os.cpu_count() or 1)
DECODE_CHUNK = 512  # pictures handed to the threads at a time
PROGRESS_SECONDS = 10.0


class ImageSet(NamedTuple):
    """Both splits, uint8 (N, size, size, 3), read-only memory maps."""

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
    final.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=final, prefix=".tmp-"))
    try:
        for split in SPLITS:
            _write(aside / f"{split}.npy", pictures(config, source, split), config)
            _checksum_path(aside / f"{split}.npy").write_text(_sha256(aside / f"{split}.npy"))
        for split in SPLITS:
            _checksum_path(final / f"{split}.npy").unlink(missing_ok=True)  # no array beside another one's checksum
            os.replace(aside / f"{split}.npy", final / f"{split}.npy")
            os.replace(_checksum_path(aside / f"{split}.npy"), _checksum_path(final / f"{split}.npy"))
    finally:
        shutil.rmtree(aside)


def _write(path: Path, source: Pictures, config: TrialConfig) -> None:
    shape = (len(source.items), config.image_size, config.image_size, 3)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map ends the process without a word
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)

    def decode(item: Any) -> np.ndarray:
        return np.asarray(fit_square(source.open(item), config.image_size, config.resize))

    started = told = time.monotonic()
    with ThreadPoolExecutor(DECODE_THREADS) as threads:  # Pillow decodes and resizes outside the interpreter lock
        for first in range(0, len(array), DECODE_CHUNK):
            chunk = source.items[first : first + DECODE_CHUNK]
            array[first : first + len(chunk)] = list(threads.map(decode, chunk))
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS:
                told, done = now, first + len(chunk)
                left = (now - started) * (len(array) / done - 1)
                log.info("preparing %s: %d of %d images, %.0f s left", path.stem, done, len(array), left)
    array.flush()  # a memory map is on disk before its name appears


def fetch_cifar10(data_dir: Path) -> ImageSet:
    """CIFAR-10 (163 MB) into `data_dir`/cifar-10-batches-py, and its prepared arrays. A folder that is there is used.

    Raises `InputError` if it cannot be downloaded, naming what to copy where.
    """
    from torchvision.datasets import CIFAR10

    download = partial(CIFAR10, root=data_dir, download=True)  # checks the archive's MD5 and unpacks it
    remedy = (
        f"Copy the folder {CIFAR10_FOLDER} into {data_dir}, unpacked from cifar-10-python.tar.gz of "
        "https://www.cs.toronto.edu/~kriz/cifar.html."
    )
    return _fetch(TrialConfig(dataset="cifar10"), data_dir, None if has_cifar10(data_dir) else download, remedy)


def fetch_celeba(data_dir: Path) -> ImageSet:
    """CelebA, aligned and cropped (1.4 GB), into `data_dir`/celeba, and its prepared arrays at 64 pixels.

    Files that are there are used. torchvision downloads them from Google Drive with the package `gdown`. Raises
    `InputError` if that fails, naming what to copy where.
    """
    from torchvision.datasets import CelebA

    download = partial(CelebA, root=str(data_dir), split="all", download=True)
    remedy = (
        f"Copy img_align_celeba.zip and list_eval_partition.txt into {data_dir / 'celeba'} "
        "(https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html); the zip need not be unpacked."
    )
    config = TrialConfig(dataset="celeba", image_size=64)
    return _fetch(config, data_dir, None if has_celeba(data_dir) else download, remedy)


def _fetch(config: TrialConfig, data_dir: Path, download: Callable[[], object] | None, remedy: str) -> ImageSet:
    """The prepared images, downloaded first where `download` is given.

    Arrays prepared before serve without a network, but do not spare the download: another size may be wanted later.
    """
    source = DataSource(data_dir=data_dir)
    if download is not None:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            download()
        except Exception as error:  # gdown and Google Drive fail in many ways, each with an exception of its own
            if not is_prepared(config, source):
                raise InputError(config.dataset, f"download failed: {error}", remedy) from error
            log.warning("%s: download failed (%s); the images prepared before are used", config.dataset, error)
    return load_images(config, source)
