"""Folders that this user has named to aesweep: the spec of a store leads to no other.

Problem: a spec in a store names the folder of data sets and folders of images. A store that somebody sent could so make
your machine read any folder, keep pictures and statistics of it in the store, and write prepared images anywhere.
Decision: a folder counts once you gave it yourself: on a command line, in a spec of yours, in `AESWEEP_DATA`, or as the
default. What you launch is remembered in a file of your home, so that `resume` of your own sweep asks for nothing.
Consequence: on a machine with another home, and for a store that another user launched, you name the folder once.
"""

import json
import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from aesweep.models.aside import folder_aside
from aesweep.models.data.datasets import default_data_dir
from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import ExecutionConfig, absolute
from aesweep.sweep.spec.sweep_spec import SweepSpec

FILE = "aesweep/folders.json"
"""A list of paths, below $XDG_STATE_HOME or ~/.local/state."""
MOST = 1000
"""Folders that are remembered; the oldest are forgotten."""


def own_spec(
    stored: SweepSpec, data_dir: str | Path | None = None, images: str | Path | None = None, option: str = "--data "
) -> SweepSpec:
    """The spec of a store, with the folders given here in place of those that this user never named, and of images that moved.

    Raises `InputError` for one that only the store names; `option` is how the caller is given the data folder. A folder of
    images is compared with the trials by its content before it is used, so the same `images` may replace several.
    """
    execution, known = stored.execution, _known()
    if data_dir is not None:
        execution = replace(execution, data_dir=absolute(data_dir, option.strip(" =")))
    elif execution.data_dir not in known:
        remedy = (
            "The store names this data folder, but you have never used it on this machine. "
            f"If you trust it, add {option}{shlex.quote(execution.data_dir)}; otherwise, give your own."
        )
        raise InputError("data_dir", execution.data_dir, remedy)
    folders = {identity: execution.folders[identity] for identity in _identities(stored) & execution.folders.keys()}
    if images is not None:
        here = {path for path in folders.values() if path in known and Path(path).is_dir()}
        folders = {i: path if path in here else absolute(images, "--images") for i, path in folders.items()}
    elif unknown := sorted(set(folders.values()) - known):
        remedy = (
            "The store names this folder of images, but you have never used it on this machine. "
            f"If you trust it, add --images {shlex.quote(unknown[0])} to `aesweep resume` or `evaluate`."
        )
        raise InputError("data.path", unknown[0], remedy)
    return replace(stored, execution=replace(execution, folders=folders))


def remember(execution: ExecutionConfig) -> None:
    """Note the folders of a sweep that this user launches: its resumption may use them."""
    given = [execution.data_dir, *execution.folders.values()]
    before = _remembered()
    if set(given) <= set(before):
        return
    with suppress(OSError, RuntimeError):  # no home, or a full one: `resume` then asks for --data
        path = _file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with folder_aside(path.parent) as folder:
            aside = folder / path.name
            aside.write_text(json.dumps(list(dict.fromkeys([*before, *given]))[-MOST:], indent=1))
            os.replace(aside, path)


def _identities(spec: SweepSpec) -> set[str]:
    return {config.data_identity for config, _ in spec.trials if config.dataset == "folder"}


def _known() -> set[str]:
    with suppress(InputError):  # no home
        return {*_remembered(), str(default_data_dir())}
    return set(_remembered())


def _remembered() -> list[str]:
    with suppress(OSError, RuntimeError, ValueError, TypeError):  # RuntimeError: no home, or too deep
        found: Iterable[object] = json.loads(_file().read_text())
        return [path for path in found if isinstance(path, str)]
    return []


def _file() -> Path:
    """Raises RuntimeError where this user has no home."""
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / FILE
