"""Download the public data sets into the data folder and prepare them, before a sweep needs them.

Clusters often have no way out, and CelebA's host turns away busy days: each failure therefore says which file to copy
where.
"""

import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from aesweep.models.config import TrialConfig
from aesweep.models.data.celeba_layout import missing_celeba
from aesweep.models.data.datasets import CIFAR10_FOLDER, DataSource, has_cifar10, is_prepared
from aesweep.models.data.images import ImageSet, load_images
from aesweep.models.errors import InputError

log = logging.getLogger(__name__)


def fetch_cifar10(data_dir: Path, threads: int = 1) -> ImageSet:
    """CIFAR-10 (163 MB) into `data_dir`/cifar-10-batches-py, and its prepared arrays. A folder that is there is used.

    Raises `InputError` if it cannot be downloaded, naming what to copy where.
    """

    def download() -> None:
        from torchvision.datasets import CIFAR10

        CIFAR10(root=data_dir, download=True)  # checks the archive's MD5 and unpacks it

    remedy = (
        f"Copy the folder {CIFAR10_FOLDER} into {data_dir}, unpacked from cifar-10-python.tar.gz of "
        "https://www.cs.toronto.edu/~kriz/cifar.html."
    )
    source = DataSource(data_dir=data_dir, threads=threads)
    return _fetch(TrialConfig(dataset="cifar10"), source, None if has_cifar10(data_dir) else download, remedy)


def fetch_celeba(data_dir: Path, threads: int = 1) -> ImageSet:
    """CelebA, aligned and cropped (1.4 GB), into `data_dir`/celeba, and its prepared arrays at 64 pixels.

    Files that are there are used. torchvision downloads them from Google Drive with the package `gdown`, the optional
    dependency `celeba`. Raises `InputError` if that fails, naming what to copy where.
    """

    def download() -> None:
        from torchvision.datasets import CelebA

        CelebA(root=str(data_dir), split="all", download=True)

    remedy = (
        f"Copy img_align_celeba.zip and list_eval_partition.txt into {data_dir / 'celeba'} "
        "(https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html); the zip need not be unpacked."
    )
    if find_spec("gdown") is None:
        remedy = f"Run `pip install gdown`, which Google Drive needs, and fetch again. Or without it: {remedy}"
    config = TrialConfig(dataset="celeba", image_size=64)
    source = DataSource(data_dir=data_dir, threads=threads)
    return _fetch(config, source, download if missing_celeba(data_dir) else None, remedy)


def _fetch(config: TrialConfig, source: DataSource, download: Callable[[], object] | None, remedy: str) -> ImageSet:
    """The prepared images, downloaded first where `download` is given.

    Arrays prepared before serve without a network, but do not spare the download: another size may be wanted later.
    """
    if download is not None:
        try:
            source.data_dir.mkdir(parents=True, exist_ok=True)
            download()
        except Exception as error:  # gdown and Google Drive fail in many ways, each with an exception of its own
            if not is_prepared(config, source):
                raise InputError(config.dataset, f"download failed: {error}", remedy) from error
            log.warning("%s: download failed (%s); the images prepared before are used", config.dataset, error)
    return load_images(config, source)
