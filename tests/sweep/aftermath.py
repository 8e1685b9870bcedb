"""What must not be left after a fault: processes of a Ray, temporary files, progress files."""

import os
import select
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.guard import left_of

SETTLE_SECONDS = 60.0
THEIRS = ("ray", "torchinductor_", "pymp-")
"""Folders that Ray and torch leave there: logs, and empty ones (`pymp-…` of an agent that died with its machine)."""


@contextmanager
def own_temporary_folder() -> Iterator[dict[str, str]]:
    """An environment whose commands keep their temporary files, Ray's sessions among them, in a folder of their own.

    After the block no process of these Rays runs any more, and there are no files but Ray's logs (the last command
    has removed what killed ones left). The folder's name is
    short: Ray makes sockets in it, whose paths may have 107 characters.
    """
    folder = Path(tempfile.mkdtemp(prefix="aes-"))
    try:
        yield {"TMPDIR": str(folder)}
        _assert_no_process_remains(folder / "ray")
        left = [path.name for path in folder.iterdir() if not path.name.startswith(THEIRS)]
        assert left == [], left
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assert_nothing_left_in(store: Path) -> None:
    """No half-written file, and no driver or request to one."""
    assert list(store.rglob(".tmp-*")) == []
    assert list(store.glob("progress/*")) == []


def _assert_no_process_remains(sessions: Path) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (left := left_of(str(sessions))) and time.monotonic() < deadline:
        select.select([], [], [], 0.2)
    assert not left, [_title(pid) for pid in left]


def _title(pid: int) -> str:
    try:
        return f"{pid} {os.fsdecode(Path(f'/proc/{pid}/cmdline').read_bytes()[:120])}"
    except OSError:
        return str(pid)
