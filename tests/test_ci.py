"""What continuous integration and the commit hooks run exists, on the Python versions that the package names."""

import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOW: dict[str, Any] = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
HOOKS: dict[str, Any] = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def test_the_workflow_and_the_script_run_the_same_make_targets() -> None:
    (job,) = WORKFLOW["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    script = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    assert commands == [line for line in script if line.startswith("make ")] == ["make check", "make test"]
    assert {command.split()[1] for command in commands} <= TARGETS


def test_the_workflow_runs_on_the_python_versions_of_the_classifiers() -> None:
    (job,) = WORKFLOW["jobs"].values()
    prefix = "Programming Language :: Python :: 3."
    named = [name.removeprefix(prefix[:-2]) for name in PROJECT["classifiers"] if name.startswith(prefix)]
    assert job["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}", "the variable that the Makefile reads"


def test_the_hooks_run_tools_of_the_projects_own_environment() -> None:
    entries = [hook["entry"].split() for repository in HOOKS["repos"] for hook in repository["hooks"]]
    assert {Path(entry[0]).parent.as_posix() for entry in entries} == {".venv/bin"}
    checked = (REPOSITORY / "Makefile").read_text()
    for program, *_ in entries:
        assert f"$(BIN)/{Path(program).name}" in checked, "what `make check` runs"
        assert shutil.which(Path(program).name, path=str(Path(sys.executable).parent))
