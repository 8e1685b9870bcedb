"""The hash of the code that judges covers all that decides a verdict, and nothing changes it but the source."""

import re
import shutil
from pathlib import Path

import pytest

from aesweep.analysis import frozen, thresholds
from tests.test_imports import _arrows

WORDS_ONLY = {"analysis.text.text_tables", "analysis.text.latex", "analysis.errors", "analysis.commands"}
"""What judging code imports and no verdict depends on."""
APART = {"analysis.thresholds", "analysis.frozen", "analysis.claims"}
"""Compared number by number; what compares; the folder's own `__init__.py`, which the hash covers under that name."""


def test_the_hash_covers_everything_that_judging_code_imports() -> None:
    arrows = _arrows()
    reached = {module for module in arrows if module.startswith("analysis.claims.")}
    while more := {m for one in reached for m in arrows.get(one, ()) if m.startswith("analysis.")} - reached:
        reached |= more
    hashed = {
        "analysis." + path.relative_to(frozen.HERE).with_suffix("").as_posix().replace("/", ".")
        for path in frozen.hashed_files()
        if path.name != "__init__.py"
    }
    assert len(hashed) > 15
    assert reached - hashed == WORDS_ONLY | APART


def test_a_changed_comment_changes_the_hash_and_a_copy_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = frozen.claims_sha256()
    shutil.copytree(frozen.HERE, tmp_path / "analysis", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(frozen, "HERE", tmp_path / "analysis")
    assert frozen.claims_sha256() == before
    file = tmp_path / "analysis/claims/discussion.py"
    file.write_text(file.read_text() + "# one more word\n")
    assert frozen.claims_sha256() != before


def test_every_number_of_the_thresholds_is_frozen() -> None:
    found = frozen.threshold_values()
    assert found["much"] == 1.5 and found["far_out"] == 512 and found["nominal_spread"] == 0.015
    names = re.findall(r"^([A-Z_]+) = [0-9.]+$", Path(thresholds.__file__).read_text(), re.MULTILINE)
    assert len(names) > 10 and {name.lower() for name in names} == found.keys()
