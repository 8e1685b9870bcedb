"""What Python opens, lists, moves or removes while a test runs, from an audit hook."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVENTS = "open os.listdir os.scandir os.rename os.remove os.link os.symlink os.mkdir os.rmdir os.truncate".split()
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
    _watchers.append(seen)
    try:
        yield
    finally:
        _watchers.remove(seen)
    touched = [path for path in seen if Path(path).absolute().resolve().is_relative_to(folder.resolve())]
    assert not touched
    assert _contents(folder) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
