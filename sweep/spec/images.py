"""Which images a spec's data set names on this machine.

A trial on a user's own folder is named by the content of its images, so that a moved folder keeps its results and a
changed one gets new ones. The spec computes that identity once, when it is read; a stored spec keeps it.
"""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, check_source, data_name, is_prepared
from aesweep.models.data.flat_folder import has_splits, split_folder
from aesweep.models.data.folder import describe_folder, folder_identity
from aesweep.models.datasets.registry import DATASETS
from aesweep.models.errors import InputError, one_line
from aesweep.sweep.spec.execution import ExecutionConfig, absolute


def native_form(dataset: str) -> dict[str, int]:
    """`image_size` and `channels` where a spec gives none: the paper's for CIFAR-10 and CelebA (Section 3)."""
    found = DATASETS.get(dataset, "dataset")
    return {"image_size": found.image_size, "channels": found.channels}


OF_FOLDER = ("path", "test_fraction")
"""Fields of `data` that say which images of a folder are for training and which for testing."""


def locate_folder(
    path: object, relative_to: Path, data_dir: str, test_fraction: object = None, *, unless_split: bool = False
) -> tuple[str, str]:
    """Content identity (64 hex digits) and absolute path of a user's folder of images.

    With `test_fraction` those of a folder of links to the images, split into train/ and test/ (flat_folder.py);
    `unless_split`: only if the folder has not both already. Raises `InputError` for the field `path` where there is no such
    folder, or no images in it.
    """
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise InputError("path", path, "Give the folder that holds train/ and test/.")
    folder = Path(absolute(path, "path", relative_to))
    try:
        if not folder.is_dir():
            raise InputError("path", path, f"There is no folder {folder}. Give the folder that holds train/ and test/.")
        if test_fraction is not None and not (unless_split and has_splits(folder)):
            folder = split_folder(folder, test_fraction, Path(data_dir))
        return folder_identity(folder, Path(data_dir)), str(folder)
    except InputError as error:
        if error.field != "data.path":  # it names images
            raise
        raise InputError("path", path, error.remedy) from None
    except OSError as error:
        raise InputError("path", path, f"The folder or an image in it cannot be read: {error}.") from None


def data_source(config: TrialConfig, execution: ExecutionConfig) -> DataSource:
    """Where a trial's images are on this machine, and the threads that may decode them."""
    place = _folder(config, execution)
    return DataSource(data_dir=Path(execution.data_dir), folder=place, threads=allowed_cpus())


def _folder(config: TrialConfig, execution: ExecutionConfig) -> Path | None:
    """The user's own folder that a trial trains on; None for a known data set."""
    folder = execution.folders.get(config.data_identity)
    return Path(folder) if folder else None


def one_per_data_set(configs: Iterable[TrialConfig]) -> list[TrialConfig]:
    """A trial of each data set that these train on."""
    return list({data_name(config): config for config in configs}.values())


def check_images(configs: Iterable[TrialConfig], execution: ExecutionConfig) -> None:
    """Raise `InputError` for images that are not on this machine, saying how to get them. Reads none."""
    for config in configs:
        check_source(config, data_source(config, execution))


def check_labels(configs: Iterable[TrialConfig], execution: ExecutionConfig, extractor: str) -> None:
    """Raise `InputError` for a data set without labels where the feature network learns from them. Reads no image."""
    if not EXTRACTORS.get(extractor, "extractor").needs_labels:
        return
    from aesweep.models.data.labels import check_labels as check  # numpy from here on

    for config in configs:
        check(config, data_source(config, execution), extractor)


def describe_images(configs: Iterable[TrialConfig], execution: ExecutionConfig) -> list[str]:
    """Lines on each user's folder that these train on: what is taken of it and what is left out. Of an absent one, none."""
    folders = dict.fromkeys(_folder(config, execution) for config in configs)
    there = [folder for folder in folders if folder is not None and folder.is_dir()]
    return [one_line(line) for folder in there for line in describe_folder(folder)]


def prepare_images(configs: Iterable[TrialConfig], execution: ExecutionConfig, console: Console) -> None:
    """Prepare and check each data set now: an unreadable image is told before anything is recorded, and fails no trial."""
    from aesweep.models.data.images import load_images, remove_abandoned_images

    remove_abandoned_images(Path(execution.data_dir))
    for config in configs:
        source = data_source(config, execution)
        if not is_prepared(config, source):
            console.print(f"Preparing {config.data_label or data_name(config)} …", highlight=False)
            for line in describe_images([config], execution):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
        load_images(config, source, verify=True)
