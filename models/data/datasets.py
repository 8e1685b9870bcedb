"""Which data a trial trains on, where it lies and how large it is. Imports no torch: `plan` asks here.

Each data set describes itself (`aesweep.models.datasets`). Preparation brings it to one uint8 `.npy` per split under
`DATA/prepared/<data_name>/`, which every later run on any node opens as a memory map.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from aesweep.models.config import TrialConfig
from aesweep.models.data.celeba_layout import missing_celeba
from aesweep.models.data.folder import folder_identity, list_images
from aesweep.models.datasets.dataset import DataSet
from aesweep.models.errors import InputError
from aesweep.models.plugins.files import said
from aesweep.models.plugins.plugin import Code, function
from aesweep.models.plugins.registry import recorded_version

if TYPE_CHECKING:
    import numpy as np

Split = Literal["train", "test"]
PREPARED = "prepared"
"""Folder of the prepared images, in the data folder."""
SPLITS: tuple[Split, ...] = get_args(Split)

CIFAR10_FOLDER = "cifar-10-batches-py"


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Where data sets lie on this machine. Not part of a trial's identity."""

    data_dir: Path
    """Folder of the data sets' files, of prepared images and of weights."""
    folder: Path | None = None
    """The user's images, for the data set `folder` alone."""
    threads: int = 1
    """Threads that decode images while they are prepared; the images do not depend on it."""


def default_data_dir() -> Path:
    """$AESWEEP_DATA, or ~/.cache/aesweep. Raises `InputError` where there is no such home folder."""
    given = os.environ.get("AESWEEP_DATA")
    try:
        return Path(given or "~/.cache/aesweep").expanduser().absolute()
    except RuntimeError:
        if given:
            raise InputError("AESWEEP_DATA", given, "There is no such user; give the folder in full.") from None
        remedy = f"Without it, user {os.getuid()} has no folder for data sets. Set AESWEEP_DATA, or give --data DIR."
        raise InputError("HOME", None, remedy) from None


def data_name(config: TrialConfig) -> str:
    """One name for one set of prepared pixels, such as `cifar10-32`, `celeba-64-bilinear`, `folder-3fa9c2e1b0d4-32`.

    A plug-in's has its version: `stripes-1.0-32-grey`.
    """
    words: list[str] = [config.dataset]
    if config.dataset == "folder":
        words.append(config.data_identity[:12])
    if version := recorded_version(config.plugin_versions, "dataset", config.dataset):
        words.append(version)
    words.append(str(config.image_size))
    if config.dataset == "celeba" or config.resize != "bilinear":
        words.append(config.resize)
    if config.channels == 1:
        words.append("grey")
    return "-".join(words)


def prepared_path(config: TrialConfig, source: DataSource, split: Split) -> Path:
    """The uint8 array (N, size, size, channels) of one split."""
    return source.data_dir / PREPARED / data_name(config) / f"{split}.npy"


def is_prepared(config: TrialConfig, source: DataSource) -> bool:
    """Whether both splits have been prepared. Raises `InputError` for a data folder that cannot be read."""
    with _reading(source):
        return all(prepared_path(config, source, split).is_file() for split in SPLITS)


def open_prepared(config: TrialConfig, source: DataSource, split: Split) -> "np.ndarray":
    """The prepared uint8 array (N, size, size, channels) of one split as a memory map. Raises ValueError where it is damaged."""
    import numpy as np

    path = prepared_path(config, source, split)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # the header is Python's text: cut short or overwritten it ends in nearly any exception
        raise ValueError(f"{path.name} cannot be read: {type(error).__name__}: {error}") from error
    if array.dtype != np.uint8 or array.shape[1:] != config.image_shape:
        raise ValueError(f"{path.name} holds {array.dtype} of shape {array.shape}")
    return array


def source_sizes(config: TrialConfig, source: DataSource) -> tuple[int, int]:
    """Training and test images: of the prepared arrays, else as the data set says.

    Raises `InputError` for a folder that is not there, or holds a single training image: nothing can be learned from it.
    """
    train, test = _sizes(config, source)
    if train < 2:
        raise InputError("data.path", str(source.folder), "Its train/ holds one image; training needs two or more.")
    return train, test


def _sizes(config: TrialConfig, source: DataSource) -> tuple[int, int]:
    if is_prepared(config, source):
        try:
            train, test = (len(open_prepared(config, source, split)) for split in SPLITS)
            return train, test
        except ValueError:
            pass  # damaged; `load_images` prepares it again
    sizes = config.data.sizes
    if isinstance(sizes, tuple):
        return sizes
    train, test = asked(config.data, sizes, config, source)
    return int(train), int(test)


def has_cifar10(data_dir: Path) -> bool:
    """Whether CIFAR-10's files are there; they are read, and may be found damaged, when images are prepared."""
    return (data_dir / CIFAR10_FOLDER).is_dir()


def check_source(config: TrialConfig, source: DataSource) -> None:
    """Raise `InputError`, saying what to fetch or copy where, if the images of `config` are not on this machine."""
    if is_prepared(config, source) or config.data.missing is None:
        return
    if lacking := asked(config.data, config.data.missing, config, source):
        raise InputError("--data", str(source.data_dir), str(lacking))


def asked(one: DataSet, code: Code, *arguments: object) -> Any:
    """What a function of a data set returns. Whatever a plug-in's raises becomes an `InputError`; ours say more."""
    if not one.use:
        return function(code)(*arguments)
    try:
        return function(code)(*arguments)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"dataset {one.name}", one.version, f"{said(error)}. Correct the plug-in or its files."
        ) from error


def missing_from_cifar10(_: TrialConfig, source: DataSource) -> str:
    """What to do where CIFAR-10's files are not there; "" where they are."""
    where = source.data_dir
    lacks = f"It holds no {CIFAR10_FOLDER}/. Run `aesweep fetch cifar10 --to {where}`, or copy it there."
    with _reading(source):
        return "" if has_cifar10(where) else lacks


def missing_from_celeba(_: TrialConfig, source: DataSource) -> str:
    """What to do where files of CelebA are not there; "" where all are."""
    with _reading(source):
        missing = missing_celeba(source.data_dir)
    return f"{missing} Run `aesweep fetch celeba --to {source.data_dir}`, or copy both there." if missing else ""


def missing_from_folder(config: TrialConfig, source: DataSource) -> str:
    """Raises `InputError` where the user's folder is not there, or holds other images than the trial was made for."""
    folder = require_folder(source)
    if not folder.is_dir():
        remedy = "There is no such folder. If it has moved, give the new one to `aesweep resume` or `evaluate`: --images FOLDER"
        raise InputError("data.path", str(folder), remedy)
    if (found := folder_identity(folder, source.data_dir)) != config.data_identity:
        remedy = (
            f"Its images have changed: the trial was made for {config.data_identity[:12]}…, the folder now holds "
            f"{found[:12]}…. Restore the images, or make a new spec from the folder."
        )
        raise InputError("data.path", str(folder), remedy)
    return ""


def folder_sizes(_: TrialConfig, source: DataSource) -> tuple[int, int]:
    """Images in the user's folder."""
    folder = require_folder(source)
    return len(list_images(folder, "train")), len(list_images(folder, "test"))


@contextmanager
def _reading(source: DataSource) -> Iterator[None]:
    """A data folder that may not be looked into, such as one in another user's home, becomes an `InputError`."""
    try:
        yield
    except OSError as error:
        remedy = f"It cannot be read ({error.strerror}: {error.filename}). Set AESWEEP_DATA, or give --data DIR."
        raise InputError("--data", str(source.data_dir), remedy) from error


def require_folder(source: DataSource) -> Path:
    """The folder of the user's images. Raises `InputError` where none was given."""
    if source.folder is None:
        raise InputError("data.path", None, "Give the folder that holds train/ and test/ with your images.")
    return source.folder
