"""The import rule (docs: which folder may import what) and the promise that light modules start fast.

    models  <-  evaluation  <-  sweep  ->  cluster          analysis: nothing of ours

Read from the files' syntax trees, so that imports inside functions and under TYPE_CHECKING count as well.
"""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.fresh_process import modules_after

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = {"models", "evaluation", "sweep", "cluster", "analysis"}
# What each folder may import of ours (itself always), and which libraries it must not.
MAY_IMPORT = {
    "models": set(),
    "evaluation": {"models"},
    "sweep": {"models", "evaluation", "cluster"},
    "cluster": set(),
    "analysis": set(),
}
MUST_NOT_IMPORT = {
    "models": {"ray"},
    "evaluation": {"ray"},
    "sweep": set(),
    "cluster": {"torch", "torchvision", "pandas", "sklearn", "scipy", "matplotlib"},
    "analysis": {"torch", "torchvision", "ray"},
}
# The command line calls the report; it is the one file of sweep that may know analysis.
EXCEPTIONS = {("sweep/commands/look.py", "analysis")}

HEAVY = {"torch", "torchvision", "ray", "pandas", "sklearn", "scipy", "matplotlib"}
# What a process does, and what it must not have imported then.
LIGHT = {
    "import models, models.config, models.architecture, models.errors, models.identity, models.schedule, models.cost, "
    "models.datasets, models.folder": HEAVY | {"numpy", "PIL"},
    "import pathlib, evaluation, evaluation.config, evaluation.weights\n"
    "evaluation.weights.resolve_extractor('auto', pathlib.Path('/nowhere'))": HEAVY | {"numpy"},
    "from sweep.spec import load_spec\nload_spec('paper').hash": HEAVY | {"numpy", "pyarrow", "pydantic"},
    "from sweep.spec import load_spec\nload_spec('docs/examples/minimal.yaml', ['epochs=5'])": HEAVY
    | {"numpy", "pyarrow"},
    "import sweep.execution, sweep.paper, sweep.presets, sweep.cli": HEAVY,
    # Every stage of every evaluation may be a new process; torchmetrics alone takes 2 s of it.
    "import sweep.evaluation_tasks": {"torchmetrics", "torchvision", "sklearn", "pandas"},
}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}


def _files() -> list[Path]:
    return sorted(path for folder in OURS for path in (REPOSITORY / folder).rglob("*.py"))


def _imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it; relative imports count as its own package."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                found |= {a.value.partition(".")[0] for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


def test_every_folder_imports_only_what_the_rule_allows() -> None:
    wrong = []
    for path in _files():
        name = path.relative_to(REPOSITORY).as_posix()
        folder = name.partition("/")[0]
        forbidden = (OURS - MAY_IMPORT[folder] - {folder}) | MUST_NOT_IMPORT[folder]
        wrong += [
            f"{name} imports {module}" for module in _imported(path) & forbidden if (name, module) not in EXCEPTIONS
        ]
    assert wrong == []


def test_the_search_sees_imports_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text(
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from ray.tune import Callback\n"
        "def f():\n    import torch.nn as nn\n    import importlib\n    importlib.import_module('scipy.stats')\n"
        "from . import sibling\n"
    )
    assert _imported(file) == {"__future__", "typing", "ray", "torch", "importlib", "scipy"}


def test_no_file_is_a_drawer_for_everything() -> None:
    assert [str(path) for path in _files() if path.name in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("code", LIGHT)
def test_what_must_start_fast_imports_nothing_heavy(code: str) -> None:
    assert modules_after(code) & LIGHT[code] == set()


def test_every_package_and_every_template_folder_is_in_the_wheels_list() -> None:
    """A folder missing there works from the source tree and fails once installed."""
    tools = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        path.parent.relative_to(REPOSITORY).as_posix().replace("/", ".")
        for path in _files()
        if path.name == "__init__.py"
    }
    assert set(tools["packages"]) == packages
    without_init = {path.parent for path in _files()} - {path.parent for path in _files() if path.name == "__init__.py"}
    assert without_init == set()
    data = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in OURS
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    listed = {
        path.relative_to(REPOSITORY).as_posix()
        for package, patterns in tools["package-data"].items()
        for pattern in patterns
        for path in (REPOSITORY / package.replace(".", "/")).glob(pattern)
    }
    assert data == {name for name in listed if not name.endswith(".py")}
