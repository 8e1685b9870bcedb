"""A user's own images as a data set: which files they are, and one hash of their content. Imports no torch.

A path says nothing about what was trained on. The identity of a folder is therefore the SHA-256 of its images: the same
pictures on another machine are the same data set, and a changed picture is another. Reading every file takes a while
for many images, so the answer is kept for as long as no path, size or modification time changes.

Layout (torchvision's ImageFolder): FOLDER/train/<label>/<name>.jpg and FOLDER/test/<label>/<name>.jpg; labels do
not matter. A folder without train/ and test/ is split first (flat_folder.py).
"""

import hashlib
import json
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aesweep.models.aside import folder_aside
from aesweep.models.data.refused import READABLE, PictureError, all_refused
from aesweep.models.errors import InputError, one_line

log = logging.getLogger(__name__)

# the types that torchvision's ImageFolder reads
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
# JPEGs under other names. They are left out: taken, they would change the identity of folders that stores were made from.
JPEG_SUFFIXES = frozenset({".jfif", ".jfi", ".jif", ".jpe", ".pjpeg", ".pjp"})
# Folders that network drives and archives fill by themselves. What they hold has always been taken, so it is only reported.
SYSTEM_FOLDERS = frozenset({"@eaDir", "__MACOSX", "#recycle", "@Recycle", "$RECYCLE.BIN", "lost+found"})
KINDS_NAMED = 6  # kinds of files, or names, that one line lists
LONGEST_SUFFIX = 8  # characters of an ending that is shown
LAYOUT = "Expected FOLDER/train/<label>/*.jpg and FOLDER/test/<label>/*.jpg; for images without these folders give `test_fraction: 0.1`"
ORIGIN = ".origin"
"""File of a folder of links (flat_folder.py): where they lead, and what was left out there."""


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split: those that are taken, and how many are left out."""

    images: list[Path]
    """Sorted by their path inside the split."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Kind, such as `.gif`, `hidden` or `without an ending` -> number."""
    in_system_folders: Counter[str] = field(default_factory=Counter)
    """Name of a system folder, such as `@eaDir` -> number of images taken from folders of that name."""


def list_images(folder: Path, split: str) -> list[Path]:
    """The images of `split` ("train" or "test") under `folder`, sorted by their path inside it.

    Hidden files are left out. Raises `InputError` for a missing folder or split, and for a split without images.
    """
    return list_files(folder, split).images


def list_files(folder: Path, split: str) -> SplitFiles:
    """The images of `split` ("train" or "test") under `folder`, and what else is there. Raises as `list_images`."""
    root = folder / split
    if not folder.is_dir():
        raise InputError("data.path", str(folder), f"There is no such folder. {LAYOUT}.")
    if not root.is_dir():
        raise InputError("data.path", str(folder), f"It has no {split}/ folder. {LAYOUT}.")
    return files_in(root)


def files_in(root: Path) -> SplitFiles:
    """The images below a folder, sorted by their path inside it, and what else is there. Raises `InputError` without images."""
    found = SplitFiles([])
    for path, system in _files(root):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
            found.left_out[f"in {system}" if system else _kind(path)] += 1
            continue
        found.images.append(path)
        if system:
            found.in_system_folders[system] += 1
    if not found.images:
        kinds, others = " ".join(sorted(IMAGE_SUFFIXES)), " ".join(describe_left_out(found.left_out))
        raise InputError("data.path", str(root), f"It holds no images ({kinds}). {others} {LAYOUT}.".replace("  ", " "))
    found.images.sort(key=lambda path: path.relative_to(root).as_posix())
    return found


def describe_left_out(left_out: Counter[str]) -> list[str]:
    """One sentence or none on files that are left out, with what to do about them."""
    return [f"Left out: {_counted(left_out)}.{_rename_hint(left_out)}"] if left_out else []


def describe_folder(folder: Path) -> list[str]:
    """Sentences for a person: how many images are taken from `folder`, and how many files of which kind are left out.

    Raises as `list_images`.
    """
    train, test = list_files(folder, "train"), list_files(folder, "test")
    where, *about = _origin(folder)
    lines = [f"Images: {len(train.images)} for training and {len(test.images)} for testing, in {where}"]
    lines += about or describe_left_out(train.left_out + test.left_out)
    if beside := [name for name in _names(folder) if name not in ("train/", "test/") and not name.startswith(".")]:
        more = f" and {len(beside) - KINDS_NAMED} more" if len(beside) > KINDS_NAMED else ""
        lines.append(f"Not used, because they are not in train/ or test/: {', '.join(beside[:KINDS_NAMED])}{more}.")
    if systems := train.in_system_folders + test.in_system_folders:
        among = ", ".join(f"{count} in {name}" for name, count in systems.most_common())
        lines.append(
            f"Warning: thumbnails or system files are among the images: {among}. "
            "Remove these folders to train without them."
        )
    return lines


def _origin(folder: Path) -> list[str]:
    """The folder, and what to know of it: of links that flat_folder.py made, the one that they lead to."""
    try:
        return (folder / ORIGIN).read_text(errors="replace").splitlines()
    except OSError:
        return [str(folder)]


def folder_identity(folder: Path, data_dir: Path) -> str:
    """SHA-256 (64 hex digits) over the sorted relative paths and the bytes of all images of train/ and test/.

    Kept in `data_dir`/folders/, where that can be written, for equal lists of path, size and modification time. Raises as
    `list_images`, and for images that cannot be read, naming the first of them.
    """
    folder = folder.absolute()
    images = [path for split in ("train", "test") for path in list_images(folder, split)]
    listing = listing_hash(folder, images)
    where = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    cache = data_dir / "folders" / f"{where}.json"
    known = _read_cache(cache)
    if known.get("listing") == listing:
        return known["identity"]
    identity = _hash_content(folder, images)
    _write_cache(cache, {"folder": str(folder), "listing": listing, "identity": identity})
    return identity


def listing_hash(folder: Path, images: list[Path]) -> str:
    """SHA-256 over path, size and modification time of each image. Raises `InputError` for what is no readable file."""
    listing = hashlib.sha256()
    refused = []
    for path in images:
        try:
            state = path.stat()
        except OSError as error:  # a link to nowhere
            refused.append(_unreadable(path, error))
            continue
        if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for
            refused.append(PictureError(str(path), "a pipe, socket or device", "Remove it."))
        listing.update(_name(path, folder) + f"\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    if refused:
        raise all_refused(refused, len(images))
    return listing.hexdigest()


def hash_of_file(path: Path) -> str:
    """SHA-256 of an image's bytes. Raises `PictureError` where they cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _files(folder: Path, above: tuple[Path, ...] = (), system: str = "") -> Iterator[tuple[Path, str]]:
    """All files under `folder` and the name of the system folder that each is in, "" for none.

    Links are followed, except one that leads back up. A hidden folder is yielded and not entered. `above` are the folders
    that were entered on the way, by their real paths.
    """
    real = folder.resolve()
    if any(entered.is_relative_to(real) for entered in above):
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise InputError("data.path", str(folder), f"{folder} cannot be read: {error.strerror}.") from None
    for entry in entries:
        if not entry.name.startswith(".") and _is_folder(entry):
            inside = entry.name if entry.name in SYSTEM_FOLDERS else system
            yield from _files(Path(entry.path), (*above, real), inside)
        else:
            yield Path(entry.path), system


def _names(folder: Path) -> list[str]:
    """What a folder holds, folders with a slash."""
    with os.scandir(folder) as entries:
        return sorted(f"{entry.name}/" if _is_folder(entry) else entry.name for entry in entries)


def _kind(path: Path) -> str:
    """Words for a file that is left out: its ending in lower case where that says something."""
    if path.name.startswith("."):
        return "hidden"
    suffix = path.suffix.lower()
    if not suffix:
        return "without an ending"
    return (
        suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= LONGEST_SUFFIX else "with other endings"
    )


def _counted(kinds: Counter[str]) -> str:
    """Such as `30 .gif, 2 hidden`, the most frequent first, the tail summed up."""
    common = kinds.most_common()
    named = [f"{count} {kind}" for kind, count in common[:KINDS_NAMED]]
    if rest := sum(count for _, count in common[KINDS_NAMED:]):
        named.append(f"{rest} with other endings")
    return ", ".join(named)


def _rename_hint(kinds: Counter[str]) -> str:
    jpegs = sorted(JPEG_SUFFIXES & set(kinds))
    return f" Rename {' and '.join(jpegs)}, which are JPEGs, to .jpg to use them." if jpegs else ""


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
    refused = []
    for path in images:
        try:
            content.update(_name(path, folder) + f"\0{hash_of_file(path)}\n".encode())
        except PictureError as error:
            refused.append(error)
    if refused:
        raise all_refused(refused, len(images))
    return content.hexdigest()


def _unreadable(path: Path, error: OSError) -> PictureError:
    return PictureError(str(path), f"a file that cannot be read ({error.strerror})", READABLE)


def _read_cache(path: Path) -> dict[str, str]:
    """The kept answer; a file that is absent, torn or another user's is no answer, and the images are read again."""
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) and len(str(known.get("identity"))) == 64 else {}


def _write_cache(path: Path, content: dict[str, str]) -> None:
    """Keep the answer where that is possible: shared data are often for reading only."""
    try:
        with folder_aside(path.parent) as folder:
            aside = folder / path.name
            aside.write_text(json.dumps(content))  # with the permissions of any new file: others read it too
            os.replace(aside, path)
    except OSError as error:
        log.info("the identity of %s is not kept: %s", one_line(content["folder"]), error)
