"""A folder of images without train/ and test/: its images are split by what each file holds. Imports no torch.

    FOLDER/**/*.jpg ─► DATA/split/<hash>/train/**/*.jpg and test/**/*.jpg, links to the same files

Everything else sees a folder with both splits (folder.py). An image is for testing if a hash of its bytes, taken as a number from 0
to 1, lies below `test_fraction`. So each image stays in its split when others are added, removed or renamed, on every machine, and
copies of one image are never in both. The fraction is met on average: of 1,000 images, 0.1 gives 100 ± 10.

The links are made once for every list of paths, sizes and modification times. A folder that grows gets other ones, and what
was launched before keeps its own.
"""

import hashlib
import os
from pathlib import Path

from aesweep.models.aside import folder_aside
from aesweep.models.data.folder import ORIGIN, SplitFiles, describe_left_out, files_in, hash_of_file, listing_hash
from aesweep.models.data.refused import PictureError, all_refused
from aesweep.models.errors import InputError

SPLIT = "split"
"""Folder of the links, in the data folder."""
SALT = b"aesweep test split 0\0"
FIELD = "test_fraction"


def split_folder(folder: Path, test_fraction: object, data_dir: Path) -> Path:
    """A folder with train/ and test/ that holds links to the images of `folder`, made where it is not there yet.

    Raises `InputError` for a fraction that is none, a folder that has both splits already, images that cannot be read, and
    too few images for two splits.
    """
    if isinstance(test_fraction, bool) or not isinstance(test_fraction, int | float) or not 0 < test_fraction < 1:
        raise InputError(FIELD, test_fraction, "Give a number between 0 and 1, such as 0.1.")
    if has_splits(folder):
        remedy = f"{folder} has train/ and test/ already. Leave {FIELD} out to use them."
        raise InputError(FIELD, test_fraction, remedy)
    folder = folder.absolute()
    found = files_in(folder)
    listed = hashlib.sha256(f"{os.fsencode(folder)!r} {test_fraction!r} {listing_hash(folder, found.images)}".encode())
    place = data_dir / SPLIT / listed.hexdigest()[:16]
    if not place.is_dir():
        _link(folder, found, float(test_fraction), place)
    return place


def has_splits(folder: Path) -> bool:
    """Whether a folder of images is split by its owner."""
    return (folder / "train").is_dir() and (folder / "test").is_dir()


def is_for_testing(digest: str, test_fraction: float) -> bool:
    """Whether the image whose bytes have this SHA-256 is a test image."""
    number = hashlib.sha256(SALT + bytes.fromhex(digest)).digest()[:8]
    return int.from_bytes(number) < test_fraction * 2**64


def _link(folder: Path, found: SplitFiles, test_fraction: float, place: Path) -> None:
    splits = _splits(found.images, test_fraction)
    for split, name in ((True, "test"), (False, "train")):
        if not any(is_test is split for is_test in splits.values()):
            remedy = f"Of the {len(splits)} images of {folder}, none is for {name}ing. Give another fraction, or more images."
            raise InputError(FIELD, test_fraction, remedy)
    try:
        with folder_aside(place.parent) as aside:
            for image, is_test in splits.items():
                link = aside / ("test" if is_test else "train") / image.relative_to(folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(image)
            about = [f"{folder}, split by {FIELD}: {test_fraction:g}", *describe_left_out(found.left_out)]
            (aside / ORIGIN).write_text("\n".join(about), errors="backslashreplace")
            os.replace(aside, place)
    except OSError as error:
        if place.is_dir():  # another process was faster
            return
        remedy = f"Links to your images cannot be made there ({error.strerror}). Give another folder of data sets."
        raise InputError("--data", str(place), remedy) from error


def _splits(images: list[Path], test_fraction: float) -> dict[Path, bool]:
    """Each image, and whether it is for testing."""
    splits, refused = {}, []
    for image in images:
        try:
            splits[image] = is_for_testing(hash_of_file(image), test_fraction)
        except PictureError as error:
            refused.append(error)
    if refused:
        raise all_refused(refused, len(images))
    return splits
