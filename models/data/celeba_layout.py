"""Where CelebA's pictures and its list of splits are in the data folder. Imports neither torch nor Pillow.

Every public copy has its own layout: torchvision's `celeba/`, the authors' `CelebA/Img` and `CelebA/Eval`, and Kaggle's,
which nests the pictures and writes the list as CSV. All of them are read where they are; copies that hold other files
(Parquet, PNG) are named in the error.
"""

from pathlib import Path
from typing import NamedTuple

# In order of preference; "" is for `--data` that points into the copy itself.
ROOTS = ("celeba", "CelebA", "celeba-dataset", "")
PLACES_OF_IMAGES = ("img_align_celeba", "Img/img_align_celeba")
PLACES_OF_LIST = (
    "list_eval_partition.txt",
    "Eval/list_eval_partition.txt",
    "list_eval_partition.csv",
    "Eval/list_eval_partition.csv",
)
# Files of copies that cannot be read as they are, and what to say of them.
OTHER_COPIES = {
    "*.parquet": "Parquet files, as on Hugging Face, are not read",
    "data/*.parquet": "Parquet files, as on Hugging Face, are not read",
    "*/img_align_celeba_png*": "the PNG copy is not read; take the JPEGs of img_align_celeba.zip",
    "img_align_celeba_png*": "the PNG copy is not read; take the JPEGs of img_align_celeba.zip",
    "archive*.zip": "unpack it there",
    "celeba-dataset*.zip": "unpack it there",
}


class CelebaFiles(NamedTuple):
    """What was found of CelebA."""

    images: Path | None
    """The folder of the pictures, or the zip where they are not unpacked."""
    partition: Path | None
    """The list of splits, `list_eval_partition.txt` or Kaggle's `.csv`."""


def find_celeba(data_dir: Path) -> CelebaFiles:
    """The files of CelebA in `data_dir`, in any of the public layouts. Reads none of them."""
    roots = [data_dir / root for root in ROOTS]
    folders = [root / place for root in roots for place in PLACES_OF_IMAGES]
    images = next((folder for folder in folders if folder.is_dir()), None)
    if images is not None and (images / images.name).is_dir():  # Kaggle's zip, unpacked
        images = images / images.name
    if images is None:
        zips = (folder.with_suffix(".zip") for folder in folders)
        images = next((path for path in zips if path.is_file()), None)
    lists = (root / place for root in roots for place in PLACES_OF_LIST)
    return CelebaFiles(images, next((path for path in lists if path.is_file()), None))


def missing_celeba(data_dir: Path) -> str:
    """What of CelebA is missing in `data_dir`, and what is there that cannot be used, in sentences; "" if it is complete."""
    found = find_celeba(data_dir)
    missing = []
    if found.images is None:
        missing.append("celeba/img_align_celeba/ (or .zip)")
    if found.partition is None:
        missing.append("celeba/list_eval_partition.txt (or .csv)")
    if not missing:
        return ""
    others = {
        about: path.relative_to(data_dir)
        for root in ROOTS[:-1]
        for pattern, about in OTHER_COPIES.items()
        for path in sorted((data_dir / root).glob(pattern))[:1]
    }
    return " ".join(
        [f"It lacks {' and '.join(missing)}.", *(f"It holds {path}: {about}." for about, path in others.items())]
    )
