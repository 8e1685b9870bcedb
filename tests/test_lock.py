"""requirements.lock holds the tested versions, with hashes, of everything that an installation here needs, and nothing else."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SMALL = ("markupsafe", "threadpoolctl", "typing-inspection", "zipp")
"""Packages of some kilobytes, one of them compiled."""
REPOSITORY = Path(__file__).resolve().parents[1]
LOCK = (REPOSITORY / "requirements.lock").read_text()
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def versions(text: str) -> dict[str, str]:
    """Name -> version of the lines `name==version`."""
    return {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    }


def needed(texts: list[str]) -> set[str]:
    """Names of these requirements, and of all that the installed packages ask for in turn."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in texts]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in {(name, ""), *((name, extra) for extra in requirement.extras)} - found:
            found.add(wanted)
            waiting += [(Requirement(text), wanted[1]) for text in requires(name) or []]
    return {name for name, _ in found}


def test_the_locked_versions_are_the_tested_ones() -> None:
    tested = versions((REPOSITORY / "constraints.txt").read_text())
    locked = versions(LOCK)
    assert len(locked) > 100
    assert {name: (version, tested.get(name)) for name, version in locked.items() if version != tested.get(name)} == {}


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the lock is that of Python 3.11")
def test_the_lock_holds_what_the_project_needs_and_nothing_else() -> None:
    assert set(versions(LOCK)) == needed([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])


def test_the_locked_versions_lie_in_the_projects_ranges() -> None:
    locked = versions(LOCK)
    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier, text


def test_each_version_has_hashes_and_no_line_names_a_place() -> None:
    parts = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(parts) == len(versions(LOCK))
    assert all(re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", part) for part in parts)


def install(python: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """`pip install --require-hashes` of files with hashes, in another environment."""
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the lock is that of Python 3.11")
def test_the_lock_is_installed_with_its_hashes(tmp_path: Path) -> None:
    """pip fetches all of it (some GB) and compares the hashes, in a fresh environment; some small packages are really installed."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh/bin/python"
    looked_up = install(python, "--dry-run", "--no-deps", "-r", REPOSITORY / "requirements.lock")
    assert looked_up.returncode == 0, looked_up.stderr[-2000:]
    assert looked_up.stdout.rpartition("Would install ")[2].count(" ") >= len(versions(LOCK)) - 3

    parts = [part for part in re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE) if part.startswith(SMALL)]
    some = tmp_path / "some.lock"
    some.write_text("".join(parts))
    installed = install(python, "--no-deps", "-r", some)
    assert installed.returncode == 0, installed.stderr[-2000:]
    found = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    assert versions(some.read_text()) == versions(found)

    some.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", "".join(parts)))
    refused = install(python, "--no-deps", "--force-reinstall", "--no-cache-dir", "-r", some)
    assert refused.returncode != 0 and "DO NOT MATCH THE HASHES" in refused.stderr
