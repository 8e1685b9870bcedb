"""Plug-ins in the user's own Python file, which a spec or the command line names, and never a store.

The file is a program that runs with the user's rights, so its path only ever comes from the user (docs/security.md). Its
bytes are read once: what runs here is what a launch ships to the workers (cluster/staging.py), as a module of the package
`aesweep.own_plugins`, so that an object made by one process can be read by another.
"""

import re
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from aesweep.models.errors import one_line
from aesweep.models.plugins.plugin import Plugin, PluginError

PACKAGE = "own_plugins"
"""Folder of the package `aesweep` that a launch puts the files into, in the copy that it ships."""
MOST_BYTES = 10_000_000
LONGEST_ERROR = 300  # characters


@dataclass(frozen=True)
class PluginFile:
    """One file and what it declares."""

    path: str
    source: bytes
    plugins: tuple[Plugin, ...]

    @property
    def module(self) -> str:
        """The last part of its module's name."""
        return _module(self.path)


_LOADED: dict[str, PluginFile] = {}
"""What this process has loaded, by path."""


def load_files(paths: Iterable[str | Path], field: str = "plugins") -> tuple[PluginFile, ...]:
    """Run each file that has not been run yet, or has changed since, and make its plug-ins known to this process.

    Raises `PluginError`, whose field is `field`, for a file that cannot be read or run, declares nothing, or whose module
    would have the name of another's.
    """
    return tuple(_load(str(Path(path).absolute()), field) for path in paths)


def loaded_files() -> tuple[PluginFile, ...]:
    """The files that this process has loaded, those included that a launch shipped to it."""
    _load_shipped()
    return tuple(_LOADED.values())


def forget_files() -> None:
    """Forget every file, as a new process would."""
    for file in _LOADED.values():
        sys.modules.pop(f"aesweep.{PACKAGE}.{file.module}", None)
    _LOADED.clear()
    _load_shipped.cache_clear()


@cache
def _load_shipped() -> None:
    """Load the files that a launch shipped with the code that this worker runs."""
    for path in sorted((Path(__file__).parents[2] / PACKAGE).glob("*.py")):
        _load(str(path), "plugins")


def _load(path: str, field: str) -> PluginFile:
    source = _read(path, field)
    known = _LOADED.get(path)
    if known is not None and known.source == source:
        return known
    for other in _LOADED.values():
        if other.path != path and _module(other.path) == _module(path):
            raise PluginError(field, path, f"{one_line(other.path)} has the same name. Rename one of the two files.")
    declared = _run(path, source, field)
    found = tuple(dict.fromkeys(one for one in declared.values() if isinstance(one, Plugin) and one.use))
    if not found:
        sys.modules.pop(f"aesweep.{PACKAGE}.{_module(path)}")
        raise PluginError(field, path, "It declares no plug-in. docs/extending.md shows how to write one.")
    _LOADED[path] = PluginFile(path, source, found)
    return _LOADED[path]


def _read(path: str, field: str) -> bytes:
    try:
        if not Path(path).is_file():
            trouble = "It is not a regular file" if Path(path).exists() else "There is no such file"
            raise PluginError(field, path, f"{trouble}. Give a Python file with your plug-ins.")
        with open(path, "rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, PluginError):
            raise
        raise PluginError(field, path, f"It cannot be read ({error}). Give a Python file that you may read.") from error
    if len(data) > MOST_BYTES:
        raise PluginError(
            field, path, f"It is longer than {MOST_BYTES:,} bytes. Give a Python file with your plug-ins."
        )
    return data


def _run(path: str, source: bytes, field: str) -> dict[str, object]:
    name = f"aesweep.{PACKAGE}.{_module(path)}"
    before, module = sys.modules.get(name), ModuleType(name)
    if getattr(before, "__file__", "") == path and path not in _LOADED:  # a worker has read an object of this module's
        return vars(before)
    module.__file__ = path
    sys.modules[name] = module
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise PluginError(field, path, f"It cannot be loaded: {said(error, path)}. Correct it there.") from error
    return module.__dict__


def _module(path: str) -> str:
    """A module's name made of the file's."""
    return re.sub(r"\W", "_", Path(path).stem)


def said(error: BaseException, path: str = "") -> str:
    """An error, with the line of the user's file that it comes from: `NameError: name 'x' is not defined (line 7)`."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if path and frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else lines[-1] if lines else None
    message = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    text = one_line(f"{type(error).__name__}: {message}".removesuffix(": ").removesuffix(".")[:LONGEST_ERROR])
    return f"{text} (line {line})" if line else text
