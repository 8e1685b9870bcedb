"""The code that Ray workers run: our packages alone, copied into a temporary folder.

Problem: `models` and `sweep` are top-level import names, and a worker looks for them in its driver's current folder first;
a stray `models/` there wins over ours, even when ours is sent with `py_modules`. Sending the user's whole folder as
`working_dir` would upload data and results with it.
Decision: copy exactly our packages into an empty folder and give that as the job's `working_dir`; Ray uploads it under the
hash of its content and puts it first on every worker's path.
Consequence: workers run the driver's version of the code, on every node, whatever lies in the user's folder; the folder is
needed only until `ray.init` returns.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.errors import ClusterError
from cluster.scratch import temporary_folder

PACKAGES = ("models", "evaluation", "sweep", "cluster")
# Code and package data; data sets, caches and compiled files that lie in a source folder stay behind.
SUFFIXES = frozenset({".py", ".pyi", ".j2", ".yaml", ".yml", ".json", ".csv", ".txt", ".sh", ".sbatch", ".dockerfile"})
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # set by `ray job submit` for the job's driver


def code_root() -> Path:
    """The folder that holds our packages: site-packages of an installed wheel, or the source tree.

    It is found from this file and not by a search along `sys.path`, which may hold other packages of the same names.
    """
    return Path(__file__).resolve().parent.parent


def stage(target: Path, root: Path | None = None) -> Path:
    """Copy our packages from `root` (default: where this one lies) into the empty folder `target`; returns `target`.

    Raises `ClusterError` when a package is not there.
    """
    root = root or code_root()
    for package in PACKAGES:
        source = root / package
        if not (source / "__init__.py").is_file():
            raise ClusterError("code", str(source), "This package of aesweep is missing. Install aesweep again.")
        shutil.copytree(source, target / package, ignore=_left_behind)
    return target


@contextmanager
def staged_code() -> Iterator[Path]:
    """A temporary folder with our packages; it is removed at the end of the `with` block."""
    with temporary_folder("code") as folder:
        yield stage(folder)


def job_has_working_dir() -> bool:
    """Whether this process is the driver of a submitted job that carries its own code (giving a second one is an error)."""
    text = os.environ.get(JOB_CONFIG)
    return bool(text and (json.loads(text).get("runtime_env") or {}).get("working_dir"))


def _left_behind(folder: str, names: list[str]) -> set[str]:
    """The entries of one folder that workers do not need."""
    return {
        name
        for name in names
        if name.startswith((".", "__pycache__"))
        or (not (Path(folder) / name).is_dir() and Path(name).suffix not in SUFFIXES)
    }
