"""Files of a store on a local or NFS path, written so that a reader never meets half a file.

A process can be killed between any two instructions. So nothing is written in place: bytes go into `.tmp-…` beside the
target, reach the disk (fsync), and take their name in one step. A commit takes its name only if nobody has it yet: the
first writer wins, and two drivers on one store can never replace each other's results.
"""

import errno
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from models.errors import InputError
from sweep.failpoints import failpoint

TEMPORARY = ".tmp-"


class Storage:
    """The files under one root folder, addressed by relative paths with `/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """The file's place. Raises ValueError for a name that would leave the root."""
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"{name!r} is not a path inside the store")
        return self.root / name

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none."""
        try:
            return self.path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        return self.path(name).exists()

    def names(self, name: str) -> list[str]:
        """Sorted names in a folder, temporary files left out; empty where there is no folder."""
        try:
            return sorted(n for n in os.listdir(self.path(name)) if not n.startswith(TEMPORARY))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, replacing what was there."""
        temporary = self._write_aside(name, data)
        os.replace(temporary, self.path(name))
        _sync_folder(self.path(name).parent)

    def commit(self, name: str, data: bytes) -> bool:
        """Write a file whole unless it exists; False where another writer was first."""
        temporary = self._write_aside(name, data)
        try:
            os.link(temporary, self.path(name))
        except FileExistsError:
            return False
        except OSError as error:  # file systems without hard links
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            if self.exists(name):
                return False
            os.replace(temporary, self.path(name))
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(self.path(name).parent)
        return True

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        self.path(name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> str:
        """Rename a damaged file so that it is kept but no longer found; its new name."""
        aside = f"{name}.damaged-{uuid.uuid4().hex[:6]}"
        os.replace(self.path(name), self.path(aside))
        return aside

    def remove_temporary(self) -> None:
        """Remove what killed writers left. Only for when nobody else writes."""
        for file in self.root.rglob(f"{TEMPORARY}*"):
            file.unlink(missing_ok=True)

    def _write_aside(self, name: str, data: bytes) -> Path:
        target = self.path(name)
        temporary = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                file.write(data[: len(data) // 2])
                failpoint("inside-write", name)
                file.write(data[len(data) // 2 :])
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            temporary.unlink(missing_ok=True) if target.parent.is_dir() else None
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
                raise InputError(
                    "--store",
                    str(self.root),
                    f"It cannot be written to ({error.strerror}). Give a folder you may write to.",
                ) from error
            raise
        return temporary


def file_record(data: bytes) -> dict[str, Any]:
    """What a commit says of a file: its SHA-256 and length in bytes."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def to_json_bytes(value: Any) -> bytes:
    """JSON for a store: sorted keys, one space of indent, so that a person can read it and diff it."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse it; the rename itself is still atomic
        pass
    finally:
        os.close(descriptor)
