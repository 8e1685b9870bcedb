"""A user's own images as a data set: which files they are, and one hash of their content. Imports no torch.

A path says nothing about what was trained on. The identity of a folder is therefore the SHA-256 of its images: the same
pictures on another machine are the same data set, and a changed picture is another. Reading every file takes a while
for many images, so the answer is kept for as long as no path, size or modification time changes.

Layout (torchvision's ImageFolder): FOLDER/train/<label>/<name>.jpg and FOLDER/test/<label>/<name>.jpg; labels do
not matter.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import InputError

# the types that torchvision's ImageFolder reads
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
LAYOUT = "Expected FOLDER/train/<label>/*.jpg and FOLDER/test/<label>/*.jpg"


def list_images(folder: Path, split: str) -> list[Path]:
    """The images of `split` ("train" or "test") under `folder`, sorted by their path inside it.

    Hidden files are left out. Raises `InputError` for a missing folder or split, and for a split without images.
    """
    root = folder / split
    if not folder.is_dir():
        raise InputError("data.path", str(folder), f"There is no such folder. {LAYOUT}.")
    if not root.is_dir():
        raise InputError("data.path", str(folder), f"It has no {split}/ folder. {LAYOUT}.")
    images = []
    for parent, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        images += [
            Path(parent, name)
            for name in names
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
        ]
    if not images:
        kinds = " ".join(sorted(IMAGE_SUFFIXES))
        raise InputError("data.path", str(root), f"It holds no images ({kinds}). {LAYOUT}.")
    return sorted(images, key=lambda path: path.relative_to(root).as_posix())


def folder_identity(folder: Path, data_dir: Path) -> str:
    """SHA-256 (64 hex digits) over the sorted relative paths and the bytes of all images of train/ and test/.

    Kept in `data_dir`/folders/ for equal lists of path, size and modification time. Raises as `list_images`, and where
    nothing can be kept there.
    """
    folder = folder.absolute()
    images = [path for split in ("train", "test") for path in list_images(folder, split)]
    listing = hashlib.sha256()
    for path in images:
        state = path.stat()
        listing.update(f"{path.relative_to(folder).as_posix()}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    where = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    cache = data_dir / "folders" / f"{where}.json"
    with _usable(data_dir):
        known = _read_cache(cache)
    if known.get("listing") == listing.hexdigest():
        return known["identity"]
    identity = _hash_content(folder, images)
    with _usable(data_dir):
        _write_cache(cache, {"folder": str(folder), "listing": listing.hexdigest(), "identity": identity})
    return identity


@contextmanager
def _usable(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = (
            f"The data folder {data_dir} cannot be used ({error.strerror}). Give one that can be written to: --data."
        )
        raise InputError("--data", str(data_dir), remedy) from error


def _hash_content(folder: Path, images: list[Path]) -> str:
    content = hashlib.sha256()
    for path in images:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        content.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return content.hexdigest()


def _read_cache(path: Path) -> dict[str, str]:
    """The kept answer; an absent or torn file is no answer, and the images are read again."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return known if isinstance(known, dict) and len(str(known.get("identity"))) == 64 else {}


def _write_cache(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    os.replace(aside, path)
