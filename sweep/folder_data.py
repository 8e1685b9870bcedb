"""Which images a spec's data set names on this machine.

A trial on a user's own folder is named by the content of its images, so that a moved folder keeps its results and a
changed one gets new ones. The spec computes that identity once, when it is read; a stored spec keeps it.
"""

from pathlib import Path

from models.errors import InputError
from sweep.execution import absolute

NATIVE_IMAGE_SIZES = {"digits": 32, "cifar10": 32, "celeba": 64, "folder": 32}
"""`image_size` where a spec gives none, by data set: the paper's for CIFAR-10 and CelebA (Section 3)."""


def locate_folder(path: object, relative_to: Path, data_dir: str) -> tuple[str, str]:
    """Content identity (64 hex digits) and absolute path of a user's folder of images.

    Raises `InputError` for the field `path` where there is no such folder, or no images in it.
    """
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise InputError("path", path, "Give the folder that holds train/ and test/.")
    folder = Path(absolute(path, "path", relative_to))
    try:
        found = folder.is_dir()
    except OSError as error:
        raise InputError("path", path, f"The folder cannot be opened: {error}.") from None
    if not found:
        raise InputError("path", path, f"There is no folder {folder}. Give the folder that holds train/ and test/.")
    from models.folder import folder_identity

    try:
        return folder_identity(folder, Path(data_dir)), str(folder)
    except InputError as error:
        raise InputError("path", path, error.remedy) from None
    except OSError as error:
        raise InputError("path", path, f"An image cannot be read: {error}.") from None
