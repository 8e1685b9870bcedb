"""A user's own images as a data set: which files they are, and one hash of their content. Imports no torch.

A path says nothing about what was trained on. The identity of a folder is therefore the SHA-256 of its images: the same
pictures on another machine are the same data set, and a changed picture is another. Reading every file takes a while
for many images, so the answer is kept for as long as no path, size or modification time changes.

Layout (torchvision's ImageFolder): FOLDER/train/<label>/<name>.jpg and FOLDER/test/<label>/<name>.jpg; labels do
not matter.
"""

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aesweep.models.errors import InputError, one_line

log = logging.getLogger(__name__)

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
    images = [path for path in _files(root) if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        kinds = " ".join(sorted(IMAGE_SUFFIXES))
        raise InputError("data.path", str(root), f"It holds no images ({kinds}). {LAYOUT}.")
    return sorted(images, key=lambda path: path.relative_to(root).as_posix())


def folder_identity(folder: Path, data_dir: Path) -> str:
    """SHA-256 (64 hex digits) over the sorted relative paths and the bytes of all images of train/ and test/.

    Kept in `data_dir`/folders/, where that can be written, for equal lists of path, size and modification time. Raises as
    `list_images`.
    """
    folder = folder.absolute()
    images = [path for split in ("train", "test") for path in list_images(folder, split)]
    listing = hashlib.sha256()
    for path in images:
        state = path.stat()
        listing.update(_name(path, folder) + f"\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    where = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    cache = data_dir / "folders" / f"{where}.json"
    known = _read_cache(cache)
    if known.get("listing") == listing.hexdigest():
        return known["identity"]
    identity = _hash_content(folder, images)
    _write_cache(cache, {"folder": str(folder), "listing": listing.hexdigest(), "identity": identity})
    return identity


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """All files under `folder` whose names are not hidden, through links too, but not through one that leads back up.

    `above`: the folders that were entered on the way, by their real paths.
    """
    real = folder.resolve()
    if any(entered.is_relative_to(real) for entered in above):
        return
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError("data.path", str(folder), f"{folder} cannot be read: {error.strerror}.") from None
    for entry in entries:
        if _is_folder(entry):
            yield from _files(Path(entry.path), (*above, real))
        else:
            yield Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _name(path: Path, folder: Path) -> bytes:
    """The path of an image inside its folder, as the file system has it: an old name need not be UTF-8."""
    return os.fsencode(path.relative_to(folder).as_posix())


def _hash_content(folder: Path, images: list[Path]) -> str:
    content = hashlib.sha256()
    for path in images:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        content.update(_name(path, folder) + f"\0{digest}\n".encode())
    return content.hexdigest()


def _read_cache(path: Path) -> dict[str, str]:
    """The kept answer; a file that is absent, torn or another user's is no answer, and the images are read again."""
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) and len(str(known.get("identity"))) == 64 else {}


def _write_cache(path: Path, content: dict[str, str]) -> None:
    """Keep the answer where that is possible: shared data are often for reading only."""
    aside = path.with_name(f".tmp-{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(content))  # with the permissions of any new file: others read it too
        os.replace(aside, path)
    except OSError as error:
        log.info("the identity of %s is not kept: %s", one_line(content["folder"]), error)
        with suppress(OSError):
            aside.unlink()
