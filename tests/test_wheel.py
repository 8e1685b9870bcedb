"""What is installed is what is kept under version control: every module and template, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fresh_process import REPOSITORY
from tests.test_imports import OURS


@pytest.mark.slow
def test_the_wheel_holds_every_tracked_file_of_the_packages_and_no_other(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    tracked = [name for name in listed.split("\0") if name and os.path.lexists(REPOSITORY / name)]
    for name in tracked:  # so that no left-over of this working tree can be taken along
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / "tree" / name, follow_symlinks=False)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--verbose",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
    ]
    built = subprocess.run([*command, tmp_path / "tree"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "is absent from the `packages` configuration" not in built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    linked = {f"aesweep/{name}" for name in tracked if name.partition("/")[0] in OURS}
    own = {name for name in tracked if name.startswith("aesweep/") and not (REPOSITORY / name).is_symlink()}
    assert held == linked | own
