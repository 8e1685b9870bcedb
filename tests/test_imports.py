"""Who may import whom, and the promise that light modules start fast.

    models  <-  evaluation  <-  sweep  ->  cluster          analysis  ->  sweep/store/beneath.py, sweep/tables/{schemas,reading}.py

Read from the files' syntax trees, so that imports inside functions and under TYPE_CHECKING count as well. A *room* is a
folder below a top-level folder, such as `sweep/store`. A file that is in no room counts as a room of its own: it may join
rooms (`evaluation/score.py`) or be what they share (`models/config.py`), but not both for the same room.
"""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.fresh_process import REPOSITORY, modules_after

OURS = {"models", "evaluation", "sweep", "cluster", "analysis"}
# What each folder may import of ours (itself always), and which libraries it must not.
MAY_IMPORT: dict[str, set[str]] = {
    "models": set(),
    "evaluation": {"models"},
    "sweep": {"models", "evaluation", "cluster"},
    "cluster": set(),
    "analysis": set(),
}
MUST_NOT_IMPORT: dict[str, set[str]] = {
    "models": {"ray"},
    "evaluation": {"ray"},
    "sweep": set(),
    "cluster": {"torch", "torchvision", "pandas", "sklearn", "scipy", "matplotlib"},
    "analysis": {"torch", "torchvision", "ray"},
}
# What a folder may import of another that it may not import otherwise: `analysis` reads the tables that `sweep` writes, and
# follows no link in a store.
SHARED = {"analysis": {"aesweep.sweep.tables.schemas", "aesweep.sweep.tables.reading", "aesweep.sweep.store.beneath"}}
# The command line calls the report and the page of `explore`, and says what a plan's seeds can show; a launch freezes what will
# judge it; a notebook gets averages with the report's errors. No other file of sweep may know analysis.
EXCEPTIONS = {
    (file, "aesweep.analysis")
    for file in (
        "sweep/commands/results.py",
        "sweep/commands/seeds.py",
        "sweep/freezing.py",
        "sweep/opened.py",
        "sweep/commands/explore/explore.py",
        "sweep/commands/explore/live_page.py",
        "sweep/commands/explore/shown_trials.py",
    )
}
# What each room of `sweep` may import of the others: driver and worker never meet.
ROOMS_OF_SWEEP: dict[str, set[str]] = {
    "sweep.spec": set(),
    "sweep.store": {"sweep.spec"},
    "sweep.tables": {"sweep.spec", "sweep.store"},
    "sweep.worker": {"sweep.spec", "sweep.store", "sweep.tables"},
    "sweep.driver": {"sweep.spec", "sweep.store", "sweep.tables"},
    "sweep.export": {"sweep.spec", "sweep.store"},
    "sweep.pair": {"sweep.spec", "sweep.store"},
    "sweep.commands": {
        "sweep.spec",
        "sweep.store",
        "sweep.tables",
        "sweep.driver",
        "sweep.worker",
        "sweep.export",
        "sweep.pair",
    },
}
MOST_FILES = 20  # of one folder; a reader takes in no more

HEAVY = {"torch", "torchvision", "ray", "pandas", "sklearn", "scipy", "matplotlib"}
PLUGIN_SEARCH = {"email"}  # comes with importlib.metadata, which finds installed plug-ins: built-in names need none
# What a process does, and what it must not have imported then.
LIGHT = {
    "import aesweep": HEAVY | {"numpy", "pyarrow", "pydantic"},
    "from aesweep.models import config, cost, errors, identity\nfrom aesweep.models.architectures import registry\n"
    "from aesweep.models.data import datasets, folder\nconfig.TrialConfig().name": HEAVY
    | {"numpy", "PIL"}
    | PLUGIN_SEARCH,
    "from pathlib import Path\nimport aesweep.evaluation.config\n"
    "from aesweep.evaluation.networks.weights import resolve_extractor\n"
    "resolve_extractor('auto', Path('/nowhere'))": HEAVY | {"numpy"},
    "from aesweep.sweep.spec.load import load_spec\nload_spec('paper').hash": HEAVY
    | {"numpy", "pyarrow", "pydantic"}
    | PLUGIN_SEARCH,
    "from aesweep.sweep.spec.load import load_spec\nload_spec('docs/examples/minimal.yaml', ['epochs=5'])": HEAVY
    | {"numpy", "pyarrow"},
    "import aesweep.sweep.spec.execution, aesweep.sweep.spec.presets, aesweep.sweep.cli": HEAVY,
    "import aesweep.sweep.tables.schemas": HEAVY | {"pydantic"},
    # A launch imports the claims before it starts; the distributions of SciPy take half a second.
    "import aesweep.analysis.claims\nfrom aesweep.analysis import load_tables, write_report": {
        *("torch", "torchvision", "ray", "sklearn", "pydantic", "scipy.stats")
    },
    # Every stage of every evaluation may be a new process; torchmetrics alone takes 2 s of it.
    "import aesweep.sweep.worker.evaluation_stages": {"torchmetrics", "torchvision", "sklearn", "pandas"},
}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}


def _files() -> list[Path]:
    return sorted(path for folder in OURS for path in (REPOSITORY / folder).rglob("*.py"))


def _module(path: Path) -> str:
    """The dotted name without `aesweep.`: `sweep.store.layout`, and `sweep.store` for its `__init__.py`."""
    return path.relative_to(REPOSITORY).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


MODULES = {_module(path): path for path in _files()}


def _imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in it; relative imports count as its own package."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names, level=0):
                within = {f"{module}.{alias.name}" for alias in names if _ours(f"{module}.{alias.name}") in MODULES}
                found |= within or {module}
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def _ours(name: str) -> str:
    return name.removeprefix("aesweep.")


def _room(module: str) -> str:
    """`sweep.store` for what is in that folder, the module itself for a file that is in no room."""
    room = ".".join(module.split(".")[:2])
    return room if (REPOSITORY / room.replace(".", "/")).is_dir() else module


def _arrows() -> dict[str, set[str]]:
    """Module of ours -> the modules of ours that it imports. Packages' own `__init__` import lazily, by name."""
    return {
        module: {_ours(name) for name in _imported(path) if name.startswith("aesweep.")} & set(MODULES)
        for module, path in MODULES.items()
        if path.name != "__init__.py"
    }


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_folder_imports_only_what_the_rule_allows() -> None:
    wrong = []
    for path in _files():
        name = path.relative_to(REPOSITORY).as_posix()
        folder = name.partition("/")[0]
        ours = {f"aesweep.{other}" for other in OURS - MAY_IMPORT[folder] - {folder}}
        imported = _imported(path) - SHARED.get(folder, set())
        tops = {".".join(m.split(".")[: 2 if m.startswith("aesweep.") else 1]) for m in imported}
        forbidden = tops & (ours | MUST_NOT_IMPORT[folder] | OURS)
        wrong += [f"{name} imports {module}" for module in forbidden if (name, module) not in EXCEPTIONS]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert _cycle(_arrows()) == []


def test_no_import_points_back_up_between_rooms() -> None:
    rooms: dict[str, set[str]] = {}
    for module, imported in _arrows().items():
        rooms.setdefault(_room(module), set()).update({_room(other) for other in imported} - {_room(module)})
    assert _cycle(rooms) == []


def test_the_rooms_of_the_sweep_import_downwards_and_the_driver_never_the_worker() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, imported in _arrows().items()
        if (room := _room(module)) in ROOMS_OF_SWEEP
        for other in imported
        if _room(other) in ROOMS_OF_SWEEP and _room(other) not in ROOMS_OF_SWEEP[room] | {room}
    ]
    assert wrong == []
    assert set(ROOMS_OF_SWEEP) == {f"sweep.{f.name}" for f in (REPOSITORY / "sweep").iterdir() if list(f.glob("*.py"))}


def test_no_folder_holds_more_files_than_a_reader_takes_in() -> None:
    tests = sorted((REPOSITORY / "tests").rglob("*.py"))
    counted = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in [*_files(), *tests])
    assert {folder: n for folder, n in counted.items() if n > MOST_FILES} == {}


def test_the_search_sees_imports_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text(
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from ray.tune import Callback\n"
        "def f():\n    import torch.nn as nn\n    import importlib\n    importlib.import_module('scipy.stats')\n"
        "from aesweep.sweep.store import layout, nothing\n"
        "from . import sibling\n"
    )
    assert _imported(file) == {
        "__future__", "typing", "ray.tune", "torch.nn", "importlib", "scipy.stats", "aesweep.sweep.store.layout"
    }  # fmt: skip


def test_circles_are_found() -> None:
    assert set(_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})) == {"a", "b", "c"}
    assert _cycle({"a": {"b"}, "b": {"c"}}) == []


def test_no_file_is_a_drawer_for_everything() -> None:
    assert [str(path) for path in _files() if path.name in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("code", LIGHT)
def test_what_must_start_fast_imports_nothing_heavy(code: str) -> None:
    assert modules_after(code) & LIGHT[code] == set()


def test_the_package_links_to_every_folder_and_every_folder_is_a_package() -> None:
    """A folder missing there works nowhere; one without `__init__.py` works from the source tree and not from a wheel."""
    links = {link.name: link.readlink().as_posix() for link in (REPOSITORY / "aesweep").iterdir() if link.is_symlink()}
    assert links == {name: f"../{name}" for name in OURS}
    assert {p.parent for p in _files()} == {p.parent for p in _files() if p.name == "__init__.py"}
