"""One import package: a project with its own `models`, `cluster`, `sweep` and `utils` and this one leave each other alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import REPOSITORY

COMMAND = Path(sys.executable).with_name("aesweep")
FOLDERS = ("models", "evaluation", "sweep", "cluster", "analysis")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project, whose names are those of our folders: packages here, modules there."""
    for name, text in {
        "models/__init__.py": "",
        "models/config.py": "LEARNING_RATE = 1",
        "cluster.py": "nodes = 3",
        "sweep.py": "raise ImportError('this is the sweep of the user')",
        "utils.py": "",
        "evaluation/__init__.py": "",
        "analysis.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def ran(*command: object, folder: Path, **variables: str) -> str:
    """What the command printed, run in `folder` with these environment variables and no PYTHONPATH but theirs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | variables
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_program_with_models_of_its_own_gets_both(project: Path) -> None:
    program = project / "program.py"
    program.write_text(
        "import models.config\n"
        "import aesweep\n"
        "from aesweep import load_model, launch\n"
        "import aesweep.cluster.errors, aesweep.models.config\n"
        "import cluster, utils\n"
        "print(models.config.LEARNING_RATE, cluster.nodes, callable(load_model), aesweep.models.config.KEY_VERSION)\n"
    )
    assert ran(sys.executable, program, folder=project) == "1 3 True 1"


def test_a_program_that_imports_its_own_models_after_a_launch_gets_its_own(project: Path) -> None:
    program = project / "program.py"
    program.write_text("from aesweep import launch\nimport models.config\nprint(models.config.LEARNING_RATE)\n")
    assert ran(sys.executable, program, folder=project) == "1"


def test_the_command_runs_beside_a_project_of_the_same_names(project: Path) -> None:
    """Both with the project as the current folder and with it first on every import path."""
    planned = ran(COMMAND, "plan", "quickstart", folder=project, PYTHONPATH=str(project))
    assert "quickstart: 8 trials" in planned
    assert "slurm: " in ran(COMMAND, "render", folder=project, PYTHONPATH=str(project))


def test_a_source_tree_on_the_path_is_enough(tmp_path: Path) -> None:
    code = "import aesweep.sweep.cli, aesweep; print(aesweep.__file__, aesweep.open_store.__name__)"
    found = ran(sys.executable, "-c", code, folder=tmp_path, PYTHONPATH=str(REPOSITORY), PYTHONSAFEPATH="1")
    assert found == f"{REPOSITORY / 'aesweep' / '__init__.py'} open_store"


def test_an_installation_offers_aesweep_and_no_other_name(tmp_path: Path) -> None:
    code = (
        "from importlib.util import find_spec\n"
        f"print(*(name for name in {('aesweep', *FOLDERS)!r} if find_spec(name) is not None))"
    )
    assert ran(sys.executable, "-c", code, folder=tmp_path, PYTHONSAFEPATH="1") == "aesweep"


@pytest.mark.slow  # mypy reads torch's and pandas' types first
def test_a_type_checker_knows_the_public_functions(project: Path) -> None:
    (project / "program.py").write_text("from aesweep import load_model\nreveal_type(load_model)\n")
    command = (sys.executable, "-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports", "program.py")
    assert "-> aesweep.models.networks.autoencoder.Autoencoder" in ran(
        *command, folder=project, MYPYPATH=str(REPOSITORY)
    )
