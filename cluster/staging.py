"""The code that Ray workers run: the package `aesweep` and the user's files of plug-ins, copied into a temporary folder.

Problem: a worker looks for modules in its driver's current folder first, and other machines may have another version of
aesweep. Sending the user's whole folder as `working_dir` would upload data and results with it.
Decision: copy the package into an empty folder and give that as the job's `working_dir`; Ray uploads it under the hash of
its content and puts it first on every worker's path.
Consequence: workers run the driver's version of the code on every node, whatever is in the user's folder; the copy is
needed only until `ray.init` returns.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.scratch import temporary_folder

# Code and package data; data sets, caches and compiled files that lie in a source folder stay behind.
SUFFIXES = frozenset({".py", ".pyi", ".j2", ".yaml", ".yml", ".json", ".csv", ".txt", ".sh", ".sbatch", ".dockerfile"})
NOTHING_MORE: Mapping[str, bytes] = MappingProxyType({})
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # set by `ray job submit` for the job's driver


def package_folder() -> Path:
    """The folder of the package `aesweep`: in site-packages of an installed wheel, or in the source tree.

    It is found from this file and not by a search along `sys.path`, which may hold another package of that name.
    """
    return Path(__file__).parents[1]  # not resolved: in a source tree this file is reached through a link


def stage(target: Path, package: Path | None = None, more: Mapping[str, bytes] = NOTHING_MORE) -> Path:
    """Copy `aesweep` into the empty folder `target`, links followed; raises `ClusterError` when it is not there.

    `more` are files to put into the package: their paths below it and their bytes.
    """
    package = package or package_folder()
    if not (package / "__init__.py").is_file():
        raise ClusterError("code", str(package), "This package is missing. Install aesweep again.")
    shutil.copytree(package, target / "aesweep", ignore=_left_behind)
    for name, data in more.items():
        file = target / "aesweep" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    return target


@contextmanager
def staged_code(more: Mapping[str, bytes] = NOTHING_MORE) -> Iterator[Path]:
    """A temporary folder with the package and what `stage` adds to it; it is removed at the end of the `with` block."""
    with temporary_folder("code") as folder:
        yield stage(folder, more=more)


def code_was_removed(error: BaseException) -> bool:
    """Whether a worker met this error because the code that it runs is gone: Ray removes it with the node that unpacked it."""
    is_ours = isinstance(error, ImportError) and f"{error.name}.".startswith("aesweep.")
    return is_ours or not Path(__file__).exists()


def job_has_working_dir() -> bool:
    """Whether this process is the driver of a submitted job that carries its own code (giving a second one is an error)."""
    text = os.environ.get(JOB_CONFIG)
    return bool(text and (json.loads(text).get("runtime_env") or {}).get("working_dir"))


def _left_behind(folder: str, names: list[str]) -> set[str]:
    """The entries of one folder that workers do not need."""

    def is_needed(path: Path) -> bool:
        return not path.name.startswith((".", "__pycache__")) and (path.is_dir() or path.suffix in SUFFIXES)

    return {name for name in names if not is_needed(Path(folder, name))}
