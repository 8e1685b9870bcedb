"""Download the public data sets into the data folder and prepare them, before a sweep needs them.

Clusters often have no way out, and CelebA's host turns away busy days: each failure therefore says which file to copy
where.
"""

from pathlib import Path

from models.config import TrialConfig
from models.datasets import CELEBA_IMAGES, CELEBA_PARTITION, CIFAR10_FOLDER, DataSource, is_prepared
from models.errors import InputError
from models.images import ImageSet, load_images


def fetch_cifar10(data_dir: Path) -> ImageSet:
    """CIFAR-10 (163 MB) into `data_dir`/cifar-10-batches-py, and its prepared arrays.

    Raises `InputError` if it cannot be downloaded, naming what to copy where.
    """
    from torchvision.datasets import CIFAR10

    source = DataSource(dataset="cifar10", data_dir=data_dir)
    config = TrialConfig(dataset="cifar10")
    if not is_prepared(config, source) and not (data_dir / CIFAR10_FOLDER).is_dir():
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            CIFAR10(root=data_dir, download=True)  # checks the archive's MD5 and unpacks it
        except (OSError, RuntimeError) as error:
            remedy = (
                f"Copy the folder {CIFAR10_FOLDER} into {data_dir}, unpacked from cifar-10-python.tar.gz of "
                "https://www.cs.toronto.edu/~kriz/cifar.html."
            )
            raise InputError("cifar10", f"download failed: {error}", remedy) from error
    return load_images(config, source)


def fetch_celeba(data_dir: Path) -> ImageSet:
    """CelebA, aligned and cropped (1.4 GB), into `data_dir`/celeba, and its prepared arrays at 64 pixels.

    torchvision downloads it from Google Drive with the package `gdown`. Raises `InputError` if that fails, naming what
    to copy where.
    """
    from torchvision.datasets import CelebA

    source = DataSource(dataset="celeba", data_dir=data_dir)
    config = TrialConfig(dataset="celeba", image_size=64)
    images = data_dir / CELEBA_IMAGES
    there = (images.is_dir() or images.with_suffix(".zip").is_file()) and (data_dir / CELEBA_PARTITION).is_file()
    if not is_prepared(config, source) and not there:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            CelebA(root=str(data_dir), split="all", download=True)
        except Exception as error:  # gdown and Google Drive fail in many ways, each with an exception of its own
            remedy = (
                f"Copy img_align_celeba.zip and list_eval_partition.txt into {data_dir / 'celeba'} "
                "(https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html); the zip need not be unpacked."
            )
            raise InputError("celeba", f"download failed: {error}", remedy) from error
    return load_images(config, source)
