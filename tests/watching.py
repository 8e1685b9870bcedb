"""What Python opens, lists, moves or removes while a test runs, from an audit hook."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVENTS = "open os.listdir os.scandir os.rename os.remove os.link os.symlink os.mkdir os.rmdir os.truncate".split()
_seen: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is not None and event in _EVENTS:
        _seen.extend(str(part) for part in arguments[:2] if isinstance(part, str | Path))


sys.addaudithook(_watch)  # cannot be removed again; does nothing outside the `with` block


@contextmanager
def nothing_happens_in(folder: Path) -> Iterator[None]:
    """Nothing in `folder` is opened, listed, moved or changed inside the `with` block."""
    global _seen
    before = _contents(folder)
    _seen = []
    try:
        yield
    finally:
        seen, _seen = _seen, None
    touched = [path for path in seen if Path(path).absolute().resolve().is_relative_to(folder.resolve())]
    assert not touched
    assert _contents(folder) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
