"""What happens to the files of a folder while a test runs: what Python names (an audit hook) and what the kernel sees.

Names that are relative to the descriptor of an open folder tell an audit hook nothing, and neither does C++; inotify sees
every process that opens, lists, reads or changes something in the folder.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVENTS = "open os.listdir os.scandir os.rename os.remove os.link os.symlink os.mkdir os.rmdir os.truncate".split()
_ALL_EVENTS = 0xFFF
_watchers: list[list[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        for seen in _watchers:
            seen.extend(str(part) for part in arguments[:2] if isinstance(part, str | Path))


sys.addaudithook(_watch)  # cannot be removed again; does nothing outside the `with` block


@contextmanager
def nothing_happens_in(folder: Path) -> Iterator[None]:
    """Nothing in `folder` is opened, listed, moved or changed inside the `with` block."""
    before = _contents(folder)
    seen: list[str] = []
    kernel = _watch_kernel(folder)
    _watchers.append(seen)
    try:
        yield
    finally:
        _watchers.remove(seen)
        happened = _read_events(kernel)
    assert not happened, happened
    inside = folder.resolve()
    names = dict.fromkeys(seen)  # a few thousand of the hundred thousand that a large store leads to
    touched = [path for path in names if Path(path).absolute().resolve().is_relative_to(inside)]
    assert not touched, touched
    assert _contents(folder) == before


def _watch_kernel(folder: Path) -> int:
    """Descriptor of a watch on a folder and all that are in it now."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(place), _ALL_EVENTS) < 0:
            raise OSError(ctypes.get_errno(), "inotify refuses to watch", str(place))
    return watch


def _read_events(watch: int) -> bytes:
    """What happened, as the kernel tells it; the names in it are readable."""
    try:
        return os.read(watch, 65536)
    except BlockingIOError:
        return b""
    finally:
        os.close(watch)


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
