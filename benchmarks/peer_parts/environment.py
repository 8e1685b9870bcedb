"""A Python environment with the peers' packages: this one's torch and ours, and theirs on top.

What is installed here stays as it is. The new environment looks into this one's packages, so that all train with the same torch.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from page import REPOSITORY

PACKAGES = ("pythae", "lightning")


@dataclass(frozen=True)
class Environment:
    """How a process starts that finds the peers' packages, this repository and what is installed here."""

    python: Path
    variables: Mapping[str, str]

    def run(self, words: Sequence[str], **more: str) -> str:
        """The standard output of a Python process with these arguments and `more` variables; raises where it fails."""
        found = subprocess.run(
            [self.python, *words], env={**self.variables, **more}, capture_output=True, text=True, check=False
        )
        if found.returncode:
            raise RuntimeError(f"{' '.join(words)}: exit code {found.returncode}\n{found.stdout}{found.stderr}")
        return found.stdout


@contextmanager
def with_peers(wheels: Path | None) -> Iterator[Environment]:
    """Make the environment in a temporary folder, from the package registry or, without one, from a folder of wheels."""
    with TemporaryDirectory(prefix="peers-") as folder:
        venv.create(folder, with_pip=False)
        python = Path(folder, "bin", "python")
        packages = next(Path(folder, "lib").glob("python3*/site-packages"))
        outer = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        (packages / "outer.pth").write_text("\n".join(outer) + "\n", encoding="utf-8")
        _install(python, wheels)
        path = [str(REPOSITORY), str(REPOSITORY / "benchmarks"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        yield Environment(python, {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))})


def _install(python: Path, wheels: Path | None) -> None:
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    if wheels:
        words += ["--no-index", "--no-deps", *map(str, sorted(wheels.glob("*.whl")))]
    else:
        words += ["--constraint", str(REPOSITORY / "constraints.txt"), *PACKAGES]
    subprocess.run(words, check=True)
