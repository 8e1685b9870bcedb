"""The labels of the data sets that have some: of digits, of CIFAR-10, and the folders' names of your own images.

Trials need none. A classifier that measures them does (`evaluation/networks/classifier.py`), so labels are read from the source when
it is trained, in the order of the prepared images, and are not kept.
"""

import numpy as np

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, Split, check_source, has_cifar10, source_sizes
from aesweep.models.data.folder import folder_identity, list_images
from aesweep.models.errors import InputError

OTHERS = "Choose another extractor, such as random-conv-64."


def check_labels(config: TrialConfig, source: DataSource, extractor: str = "classifier") -> None:
    """Raise `InputError` where the training images of a trial have no labels, or one for all. Reads no image.

    `extractor` is the network that wants them.
    """
    if config.dataset == "cifar10" and not has_cifar10(source.data_dir):
        remedy = f"Its labels are in the files of CIFAR-10. Run `aesweep fetch cifar10 --to {source.data_dir}`."
        raise InputError("--data", str(source.data_dir), remedy)
    if config.dataset == "folder":
        _folder_labels(config, source, "train")
    elif config.dataset not in ("digits", "cifar10"):
        raise InputError("extractor", extractor, f"The images of {config.dataset} have no labels here. {OTHERS}")


def load_labels(config: TrialConfig, source: DataSource, split: Split = "train") -> np.ndarray:
    """The label of each image of a split, int64 (N,), from 0 up, in the order of the prepared images.

    Raises `InputError` where there are none, where all are equal, and where the images are not those of the trial.
    """
    check_labels(config, source)
    match config.dataset:
        case "digits":
            found = _digits_labels(split)
        case "cifar10":
            found = _cifar10_labels(source, split)
        case _:
            found = _folder_labels(config, source, split)
    n = source_sizes(config, source)[split == "test"]
    if len(found) != n:
        raise InputError("extractor", "classifier", f"There are {len(found)} labels for {n} images. {OTHERS}")
    return found


def _digits_labels(split: Split) -> np.ndarray:
    from sklearn.datasets import load_digits

    from aesweep.models.data.reading import digits_order

    target: np.ndarray = load_digits().target
    return np.asarray(target[digits_order(len(target), split)], np.int64)


def _cifar10_labels(source: DataSource, split: Split) -> np.ndarray:
    from aesweep.models.data.reading import cifar10_arrays

    return np.concatenate([np.asarray(one, np.int64) for one in cifar10_arrays(source.data_dir, split, b"labels")])


def _folder_labels(config: TrialConfig, source: DataSource, split: Split) -> np.ndarray:
    """The first folder below the split: FOLDER/train/<label>/…; numbered by the labels of the training images."""
    if source.folder is None:
        check_source(config, source)  # says what to give
    assert source.folder is not None
    if folder_identity(source.folder, source.data_dir) != config.data_identity:
        remedy = f"Its images have changed since, so their labels may not be those of the trial. {OTHERS}"
        raise InputError("data.path", str(source.folder), remedy)
    root, trained = source.folder / split, source.folder / "train"
    names = sorted({path.relative_to(trained).parts[0] for path in list_images(source.folder, "train")})
    parts = [path.relative_to(root).parts for path in list_images(source.folder, split)]
    where = "FOLDER/train/<label>/*.jpg gives each image a label."
    if any(len(part) == 1 for part in parts):
        raise InputError("data.path", str(root), f"It holds images without a label. {where} {OTHERS}")
    if len(names) < 2:
        raise InputError("data.path", str(root), f"All of its images have one label. {where} {OTHERS}")
    number = {name: index for index, name in enumerate(names)}
    return np.array([number.get(part[0], len(names)) for part in parts], dtype=np.int64)
