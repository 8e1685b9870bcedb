"""The same data give the same bytes, whatever the machine, the shell or the notebook has set; and your settings stay."""

import hashlib
import inspect
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import matplotlib
import pytest

from aesweep.analysis import figures, load_tables
from aesweep.analysis.data.results import all_results
from aesweep.analysis.figures.width_and_depth import figure_1
from tests.fresh_process import REPOSITORY, command_environment
from tests.in_process import run_aesweep

STORE = REPOSITORY / "tests" / "fixtures" / "store-0.1.0" / "store"
HOSTILE: dict[str, Any] = {
    "text.usetex": True,
    "font.family": "serif",
    "font.size": 30,
    "figure.dpi": 50,
    "figure.autolayout": True,
    "savefig.dpi": 37,
    "savefig.bbox": "tight",
    "axes.facecolor": "black",
    "axes.formatter.use_locale": True,
    "lines.antialiased": False,
    "legend.labelspacing": 3,
    "pdf.fonttype": 42,
    "path.simplify": False,
}
NO_BACKEND = "module://matplotlib_of_a_kernel.backend_inline"
# Nearly everything at once, then each alone: {folder} holds a matplotlibrc with the settings above.
SETTINGS: dict[str, dict[str, str]] = {
    "all": {
        "MPLBACKEND": NO_BACKEND, "MATPLOTLIBRC": "{folder}", "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo",
        "LC_ALL": "C", "PYTHONUTF8": "0", "SOURCE_DATE_EPOCH": "0",
    },
    "a notebook's backend": {"MPLBACKEND": NO_BACKEND},
    "a matplotlibrc": {"MATPLOTLIBRC": "{folder}"},
    "a personal matplotlibrc": {"HOME": "{folder}/home"},
    "a local matplotlibrc": {"PWD": "{folder}"},
    "no folder for matplotlib": {"MPLCONFIGDIR": "/proc/nowhere"},
    "another hash seed": {"PYTHONHASHSEED": "2"},
    "another locale and zone": {"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "0"},
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with tables, which is reported again and again."""
    copy = tmp_path_factory.mktemp("settings") / "store"
    shutil.copytree(STORE, copy)
    assert run_aesweep("tables", copy).code == 0
    return copy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, and a home, with a matplotlibrc that changes how everything looks."""
    folder = tmp_path_factory.mktemp("settings")
    personal = folder / "home" / ".config" / "matplotlib"
    personal.mkdir(parents=True)
    for place in (folder, personal):
        (place / "matplotlibrc").write_text("".join(f"{name}: {value}\n" for name, value in HOSTILE.items()))
    return folder


def report(store: Path, out: Path, cwd: Path, **variables: str) -> dict[str, str]:
    """SHA-256 of each file of a report that a fresh process draws; of the page, without the line that tells the time."""
    done = subprocess.run(
        [sys.executable, "-m", "aesweep.sweep.cli", "report", store, "--out", out],
        cwd=cwd,
        env=command_environment(**variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (out / "index.html").read_bytes().splitlines(keepends=True)
    (out / "index.html").write_bytes(b"".join(line for line in lines if b" UTC with Python " not in line))
    files = [path for path in out.rglob("*") if path.is_file()]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def expected(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The report of a process in which nothing is set."""
    found = report(store, tmp_path_factory.mktemp("report") / "report", store, PYTHONHASHSEED="1")
    assert any(name.endswith(".pdf") for name in found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_a_report_is_the_same_bytes_under_any_setting(
    name: str, store: Path, folder: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    variables = {key: value.format(folder=folder) for key, value in SETTINGS[name].items()}
    assert report(store, tmp_path / "report", Path(variables.get("PWD", store)), **variables) == expected


def test_settings_of_a_notebook_change_no_figure_and_stay_as_they_are(store: Path) -> None:
    (results, *_) = all_results(load_tables(store))
    plain = figure_1(results)
    assert plain is not None
    hostile: Any = {"backend": "svg"} | HOSTILE
    with matplotlib.rc_context(hostile):
        before = dict(matplotlib.rcParams)
        drawn = figure_1(results)
        assert drawn is not None
        assert [drawn.to_bytes(form) for form in ("png", "pdf")] == [plain.to_bytes(form) for form in ("png", "pdf")]
        assert dict(matplotlib.rcParams) == before


def test_every_function_that_draws_is_shielded_from_settings() -> None:
    modules = [import_module(f"{figures.__name__}.{module.name}") for module in iter_modules(figures.__path__)]
    functions = {f for module in modules for _, f in inspect.getmembers(module, inspect.isfunction)}
    drawing = {f for f in functions if "Drawing" in str(inspect.signature(f).return_annotation)}
    public = {
        f for f in drawing if not f.__name__.startswith("_") and f.__qualname__ != "draw"
    }  # of a chart, by others
    assert len(public) >= 17
    assert {f.__qualname__ for f in public if not hasattr(f, "__wrapped__")} == set()
