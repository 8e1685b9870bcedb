"""A disk of a few megabytes, which a test can fill, make read-only and unmount: a tmpfs. Needs the right to mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import wait_until

MEGABYTE = 2**20
REMOUNT_SECONDS = 100.0


class SmallDisk:
    """A mounted disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self._ballast = folder / "ballast"

    @property
    def free_bytes(self) -> int:
        """What can still be written."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int) -> None:
        """Leave so many bytes (a tmpfs counts in pages of 4096)."""
        self.make_room()
        self._ballast.write_bytes(bytes(max(0, self.free_bytes - leave)))

    def make_room(self) -> None:
        """Remove what `fill` wrote."""
        self._ballast.unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Inside the `with` block nothing can be written. Begins when no file is open for writing."""
        wait_until(
            lambda: not _mount("-o", "remount,ro", str(self.folder)), REMOUNT_SECONDS, "no file is being written"
        )
        try:
            yield
        finally:
            assert not _mount("-o", "remount,rw", str(self.folder))


@contextmanager
def mounted(folder: Path, size: int = 16 * MEGABYTE) -> Iterator[SmallDisk]:
    """A small disk at `folder`. Skips the test where mounting is refused."""
    folder.mkdir()
    refused = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    if refused:
        pytest.skip(f"a small disk cannot be mounted here: {refused}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: str) -> str:
    """What `mount` complained of; "" where it did not."""
    try:
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""
