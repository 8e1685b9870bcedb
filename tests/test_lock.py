"""requirements.lock holds the tested versions, with hashes, of everything that an installation here needs, and nothing else."""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
