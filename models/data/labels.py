"""The labels of the data sets that have some: of digits, of CIFAR-10, of plug-ins, and the folders' names of your own images.

Trials need none. A classifier that measures them does (`evaluation/networks/classifier.py`), so labels are read from the source when
it is trained, in the order of the prepared images, and are not kept.
"""

from pathlib import Path

import numpy as np

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, Split, asked, has_cifar10, require_folder, source_sizes
from aesweep.models.data.folder import folder_identity, list_images
from aesweep.models.errors import InputError

WHERE = "FOLDER/train/<label>/*.jpg gives each image a label."
OTHERS = "Choose another extractor, such as random-conv-64."


def check_labels(config: TrialConfig, source: DataSource, extractor: str = "classifier") -> None:
    """Raise `InputError` where the training images of a trial have no labels, or one for all. Reads no image.

    `extractor` is the network that wants them.
    """
    if config.dataset == "folder":
        folder_labels(config, source, "train")
    else:
        _check_others(config, source, extractor)


def load_labels(config: TrialConfig, source: DataSource, split: Split = "train") -> np.ndarray:
    """The label of each image of a split, int64 (N,), from 0 up, in the order of the prepared images.

    Raises `InputError` where there are none, where all are equal, and where the images are not those of the trial.
    """
    if config.dataset != "folder":
        _check_others(config, source, "classifier")
    assert config.data.labels is not None
    found = np.asarray(asked(config.data, config.data.labels, config, source, split))
    if found.dtype.kind not in "iu" or found.ndim != 1 or (len(found) and found.min() < 0):
        is_what = f"labels of {found.dtype} and shape {found.shape}"
        raise InputError(
            f"dataset {config.dataset}", is_what, f"Return whole numbers from 0 up, one per image. {OTHERS}"
        )
    n = source_sizes(config, source)[split == "test"]
    if len(found) != n:
        raise InputError("extractor", "classifier", f"There are {len(found)} labels for {n} images. {OTHERS}")
    return found.astype(np.int64)


def _check_others(config: TrialConfig, source: DataSource, extractor: str) -> None:
    """`check_labels` for a data set that is no folder of the user's."""
    if config.data.labels is None:
        raise InputError("extractor", extractor, f"The images of {config.dataset} have no labels here. {OTHERS}")
    if config.dataset == "cifar10" and not has_cifar10(source.data_dir):
        remedy = f"Its labels are in the files of CIFAR-10. Run `aesweep fetch cifar10 --to {source.data_dir}`."
        raise InputError("--data", str(source.data_dir), remedy)


def digits_labels(_: TrialConfig, __: DataSource, split: Split) -> np.ndarray:
    """Which digit each image shows."""
    from sklearn.datasets import load_digits

    from aesweep.models.data.reading import digits_order

    target: np.ndarray = load_digits().target
    return np.asarray(target[digits_order(len(target), split)], np.int64)


def cifar10_labels(_: TrialConfig, source: DataSource, split: Split) -> np.ndarray:
    """The class of each photograph."""
    from aesweep.models.data.reading import cifar10_arrays

    return np.concatenate(cifar10_arrays(source.data_dir, split, b"labels", (-1,))).astype(np.int64)


def folder_labels(config: TrialConfig, source: DataSource, split: Split) -> np.ndarray:
    """The first folder below the split: FOLDER/train/<label>/…; numbered by the labels of the training images."""
    folder = require_folder(source)
    if folder_identity(folder, source.data_dir) != config.data_identity:
        remedy = f"Its images have changed since, so their labels may not be those of the trial. {OTHERS}"
        raise InputError("data.path", str(folder), remedy)
    trained = _folders_below(folder, "train")
    names = sorted(set(trained))
    if len(names) < 2:
        raise InputError("data.path", str(folder / "train"), f"All of its images have one label. {WHERE} {OTHERS}")
    number = {name: index for index, name in enumerate(names)}
    found = trained if split == "train" else _folders_below(folder, split)
    return np.array([number.get(name, len(names)) for name in found], dtype=np.int64)


def _folders_below(folder: Path, split: Split) -> list[str]:
    """The name of each image's first folder, in the images' order. Raises `InputError` for an image in none."""
    root = folder / split
    parts = [path.relative_to(root).parts for path in list_images(folder, split)]
    if any(len(part) == 1 for part in parts):
        raise InputError("data.path", str(root), f"It holds images without a label. {WHERE} {OTHERS}")
    return [part[0] for part in parts]
