"""Where pages are, and how they are written."""

import os
import uuid
from contextlib import suppress

from aesweep.sweep.store.beneath import Beneath, write_new

PAGE = "index.html"
"""The report, in its folder."""
EXPLORE = "explore.html"
"""The interactive page, if `aesweep explore` wrote one into the same folder."""


def write_whole(files: Beneath, name: str, data: bytes) -> None:
    """Write one file into a folder that is there: under a temporary name, then renamed. No link below `files` is followed."""
    with files.parent(name) as (folder, last):
        aside = f".tmp-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        try:
            write_new(folder, aside, data)
            os.replace(aside, last, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(aside, dir_fd=folder)
