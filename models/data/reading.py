"""The pictures of each data set, one at a time, from the files as their authors publish them.

torchvision's classes refuse data whose MD5 is not the official one, unpickle CIFAR-10 without restriction and need
CelebA's zip unpacked into 200,000 files. The layouts are simple, so they are read here: torchvision's folders, a
restricted unpickler, the zip as it is. Files that are not the official ones are used, with a warning.
"""

import hashlib
import io
import logging
import pickle
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.celeba_layout import find_celeba
from aesweep.models.data.datasets import (
    CIFAR10_FOLDER,
    SPLITS,
    DataSource,
    Split,
    asked,
    require_folder,
)
from aesweep.models.data.folder import ORIGIN, list_images
from aesweep.models.data.picture import open_image
from aesweep.models.data.refused import SEVERAL, PictureError
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.errors import InputError

log = logging.getLogger(__name__)

CELEBA_SIZE = (178, 218)  # width and height of the aligned pictures
CELEBA_CROP = (19, 39, 159, 179)  # left, top, right, bottom: the central 140x140 of 178x218 pixels (Section 3)
CELEBA_PARTS = {"train": "0", "test": "2"}
UNOFFICIAL = "scores will not compare with published ones"
CIFAR10_BATCHES: dict[Split, dict[str, str]] = {
    "train": {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
}
"""File -> MD5 of the official one. torchvision has the same, but takes three seconds to import."""
DIGITS_SPLIT_SEED = 0


class Pictures(NamedTuple):
    """One split: `open(items[i])` is picture i, grey or RGB, before cropping to a square and resizing."""

    items: Sequence[Any] | np.ndarray
    open: Callable[[Any], Image.Image]
    remedy: str = SEVERAL
    """What to do about several pictures that cannot be used."""


def pictures(config: TrialConfig, source: DataSource, split: Split) -> Pictures:
    """The pictures of one split, in the same order everywhere. Raises `InputError` for what cannot be read."""
    found = asked(config.data, config.data.pictures, config, source, split)
    if isinstance(found, Pictures):
        return found
    if not hasattr(found, "__len__") or not len(found):
        is_what = f"{type(found).__name__} as its pictures of {split}"
        raise InputError(
            f"dataset {config.dataset}", is_what, "Return an array of images, or a list of images or files."
        )
    return Pictures(found, partial(_picture, config))


def _picture(config: TrialConfig, item: object) -> Image.Image:
    """One item of a plug-in's pictures: a path, or an array uint8 (H, W), (H, W, 1) or (H, W, 3)."""
    if isinstance(item, str | Path):
        return open_image(Path(item))
    pixels = np.asarray(item)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        is_what = f"an image of {pixels.dtype} and shape {pixels.shape}"
        raise InputError(f"dataset {config.dataset}", is_what, "Return uint8 images of shape (H, W) or (H, W, 3).")
    return Image.fromarray(pixels)


def digits_pictures(_: TrialConfig, __: DataSource, split: Split) -> Pictures:
    """scikit-learn's digits."""
    return Pictures(_digits(split), Image.fromarray)


def cifar10_pictures(_: TrialConfig, source: DataSource, split: Split) -> Pictures:
    """CIFAR-10's photographs."""
    return Pictures(_cifar10(source.data_dir, split), Image.fromarray)


def folder_pictures(_: TrialConfig, source: DataSource, split: Split) -> Pictures:
    """The user's own images."""
    folder = require_folder(source)
    is_split = (folder / ORIGIN).is_file()  # links to the user's files, made by flat_folder.py
    return Pictures(list_images(folder, split), _linked_picture if is_split else open_image)


def _linked_picture(link: Path) -> Image.Image:
    """The picture behind a link of flat_folder.py. An error names the user's file: removing the link would help only once."""
    return open_image(link, str(link.readlink()) if link.is_symlink() else None)


def official_sizes(name: str) -> tuple[int, int]:
    """Training and test images of a data set whose numbers are known."""
    sizes = DATASETS.built_in[name].sizes
    assert isinstance(sizes, tuple)
    return sizes


def _fetch_again(path: Path | str, dataset: str, data_dir: Path) -> str:
    """Nothing is downloaded over what is there."""
    return f"Remove {path} and run `aesweep fetch {dataset} --to {data_dir}`, or put a sound copy in its place."


def _digits(split: Split) -> np.ndarray:
    """scikit-learn's 1,797 grey digits (N, 8, 8) as uint8, split by a fixed seed."""
    from sklearn.datasets import load_digits

    pixels: np.ndarray = np.round(load_digits().images * (255 / 16)).astype(np.uint8)  # 17 grey levels, 0 to 16
    chosen: np.ndarray = pixels[digits_order(len(pixels), split)]
    return chosen


def digits_order(n: int, split: Split) -> np.ndarray:
    """Which of scikit-learn's `n` digits are in a split, in its order."""
    order = np.random.default_rng(DIGITS_SPLIT_SEED).permutation(n)
    n_train = official_sizes("digits")[0]
    chosen: np.ndarray = order[:n_train] if split == "train" else order[n_train:]
    return chosen


def _cifar10(data_dir: Path, split: Split) -> np.ndarray:
    """CIFAR-10's "python version": uint8 (N, 32, 32, 3)."""
    return np.concatenate(cifar10_arrays(data_dir, split, b"data", (-1, 3, 32, 32))).transpose(0, 2, 3, 1)


def cifar10_arrays(data_dir: Path, split: Split, part: bytes, shape: tuple[int, ...]) -> list[np.ndarray]:
    """One part of each batch of a split, `data` or `labels`, as uint8 of this shape.

    Raises `InputError` for a file that holds no such part.
    """
    batches, folder = [], data_dir / CIFAR10_FOLDER
    for name, official in CIFAR10_BATCHES[split].items():
        path = folder / name
        try:
            content = path.read_bytes()
            values = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()[part]
            batches.append(np.asarray(values, dtype=np.uint8).reshape(shape))
        except Exception as error:  # a damaged pickle ends in nearly any exception
            reason = f"It is not a batch of CIFAR-10's python version ({type(error).__name__}: {error})."
            again = _fetch_again(folder, "cifar10", data_dir)
            raise InputError("--data", str(path), f"{reason} {again}") from error
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != official:
            log.warning("%s is not the official CIFAR-10 file: %s", path, UNOFFICIAL)
    return batches


class _ArrayUnpickler(pickle.Unpickler):
    """Reads lists, bytes and NumPy arrays; a pickle that asks for anything else could run code and is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for older protocols
            return super().find_class(module, name)
        arrays = {"numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric"}
        if module in arrays and name in {"_reconstruct", "ndarray", "dtype", "_frombuffer"}:
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def celeba_pictures(_: TrialConfig, source: DataSource, split: Split) -> Pictures:
    """Aligned and cropped CelebA, from the folder or, where it was not unpacked, from the zip."""
    data_dir = source.data_dir
    path, partition = find_celeba(data_dir)
    assert path is not None and partition is not None  # `check_source` has seen to it
    names = _celeba_names(partition, data_dir, split)
    again = _fetch_again(path, "celeba", data_dir)
    if path.is_dir():
        return Pictures(
            names, lambda name: _celeba_crop(open_image(path / name, remedy=again), path / name, again), again
        )
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # most often a web page that says that the host is busy today
        raise InputError("--data", str(path), f"It cannot be opened as a zip file ({error}). {again}") from error
    first = f"/{names[0]}"  # Kaggle's copy nests the folder
    folder = next((name.removesuffix(first) for name in archive.namelist() if name.endswith(first)), "img_align_celeba")

    def open_member(name: str) -> Image.Image:
        where = path / name
        try:
            content = archive.read(f"{folder}/{name}")
        except Exception as error:  # absent, or damaged in one of many ways
            raise PictureError(str(where), f"not readable in the zip ({error})", again) from error
        return _celeba_crop(open_image(io.BytesIO(content), str(where), again), where, again)

    return Pictures(names, open_member, again)


def _celeba_names(path: Path, data_dir: Path, split: Split) -> list[str]:
    """The file names of one split, from lines such as "000001.jpg 0", or "000001.jpg,0" under a heading."""
    wanted = CELEBA_PARTS[split]
    try:
        words = path.read_text().replace(",", " ").split()
        if words[:2] == ["image_id", "partition"]:
            words = words[2:]
        names = [name for name, part in zip(words[::2], words[1::2], strict=True) if part == wanted]
    except (OSError, ValueError) as error:
        reason = f"It is not CelebA's list of splits, or not all of it ({type(error).__name__})."
        raise InputError("--data", str(path), f"{reason} {_fetch_again(path, 'celeba', data_dir)}") from error
    if not names:
        remedy = f'It names no image of the {split} split (lines such as "000001.jpg {wanted}").'
        raise InputError("--data", str(path), remedy)
    if len(names) != (official := official_sizes("celeba")[SPLITS.index(split)]):
        log.warning("%s names %d %s images, not the official %d: %s", path, len(names), split, official, UNOFFICIAL)
    return names


def _celeba_crop(image: Image.Image, path: Path, again: str) -> Image.Image:
    """The central square. Of a picture of another size the box would cut something else, and black where there is nothing."""
    if image.size != CELEBA_SIZE:
        size = f"{image.width}x{image.height} pixels"
        raise PictureError(str(path), f"of {size}; aligned and cropped CelebA has 178x218", again)
    return image.crop(CELEBA_CROP)
