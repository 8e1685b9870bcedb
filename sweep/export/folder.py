"""The folder of an export: it appears whole or not at all, and takes the place of nothing but an export.

All files are written to a folder next to it, which is then renamed. What an export wrote is listed in its `config.json`, so
that a folder with other files in it, such as notes of yours, is left alone.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aesweep.models.errors import InputError, one_line

CONFIG = "config.json"
FORMAT_KEY = "aesweep_export"
FILES_KEY = "files"
KEPT = (".cache", ".git", ".gitattributes", "__pycache__")
"""What tools leave in a folder that they upload, download or load; lost with an older export."""


def require_place(folder: Path) -> None:
    """Raise `InputError` unless an export may be written to `folder`."""
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise InputError("--to", str(folder), "That is a file. Give a folder, new or empty.")
        strange = _strange(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    if strange:
        names = one_line(", ".join(strange[:3]))
        remedy = f"It holds other files ({names}). Give a folder that is new, empty or an older export."
        raise InputError("--to", str(folder), remedy)


def _strange(folder: Path) -> list[str]:
    """Names in a folder that no export wrote. Looks below its top only where that is an export's."""
    exported = _exported(folder)
    tops = {path.name for path in folder.iterdir()} - set(KEPT)
    if strange := tops - {name.partition("/")[0] for name in exported}:
        return sorted(strange)
    paths = (path for top in tops for path in (folder / top, *(folder / top).rglob("*")) if not path.is_dir())
    return sorted({path.relative_to(folder).as_posix() for path in paths} - exported)


def _exported(folder: Path) -> set[str]:
    """Names of the files of an export; none for a folder that is no export."""
    try:
        config = json.loads((folder / CONFIG).read_text())
        files = config[FILES_KEY] if FORMAT_KEY in config else ()
        return {CONFIG, *map(str, files)} if files else set()
    except (OSError, ValueError, TypeError, KeyError):
        return set()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files` (by names with `/`, all of them ours) where `require_place` found room. Raises `InputError` where it cannot."""
    place = Path(os.path.realpath(folder))  # a link stays, and leads to the export
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".aesweep-export-", dir=place.parent) as aside:
            new, old = Path(aside, "new"), Path(aside, "old")
            new.mkdir()
            for name, data in files.items():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (new / name).write_bytes(data)
            require_place(place)  # once more: the files took a while to make
            if place.exists():
                os.rename(place, old)
            try:
                os.rename(new, place)
            except OSError:
                if old.exists():
                    os.rename(old, place)
                raise
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> InputError:
    return InputError(
        "--to", str(folder), f"It cannot be written ({error.strerror}). Give a folder that you may write to."
    )
