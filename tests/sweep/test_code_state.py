"""Provenance: what a launch keeps of the code that it ran from, in a tree of git of its own with all of our files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import REPOSITORY, command_environment

LAUNCH = """
import json, sys
from aesweep.sweep.provenance import describe, read_launch, this_machine, write_launch
from aesweep.sweep.store.store import open_store
store = open_store(sys.argv[1], create=True)
write_launch(store, "a-launch", "spec", "evaluation", [this_machine()])
found = read_launch(store, "a-launch")
print(json.dumps([found.commit, found.changed, found.code_sha256, describe(found)["code"]]))
"""
NOBODY = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *NOBODY, *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Our code, committed as it is now."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("git is not here, or this is no tree of git")
    names = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    folder = tmp_path / "tree"
    for name in names:
        if name.endswith(".py") or (REPOSITORY / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "everything")
    return folder


def launched(tree: Path, store: Path) -> tuple[str, bool | None, str, str]:
    """Commit, whether it was changed, hash, and these in words, as a launch with this code keeps them."""
    environment = command_environment(PYTHONPATH=str(tree), PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, "-c", LAUNCH, str(store)]
    done = subprocess.run(command, cwd=store.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    commit, changed, sha256, words = json.loads(done.stdout)
    return commit, changed, sha256, words


def test_a_launch_keeps_the_commit_of_its_code_and_whether_that_was_changed(tree: Path, tmp_path: Path) -> None:
    head = git(tree, "rev-parse", "HEAD").strip()
    commit, changed, sha256, words = launched(tree, tmp_path / "clean")
    assert (commit, changed) == (head, False) and words == f"commit {head}; SHA-256 {sha256[:16]}"

    with (tree / "sweep" / "provenance.py").open("a") as file:
        file.write("# tried out\n")
    commit, changed, other, words = launched(tree, tmp_path / "changed")
    assert (commit, changed) == (head, True) and other != sha256
    assert words == f"commit {head}, with changes that are not committed; SHA-256 {other[:16]}"

    git(tree, "commit", "--quiet", "--all", "--message", "kept")
    commit, changed, again, _ = launched(tree, tmp_path / "committed")
    assert commit != head and (changed, again) == (False, other)

    (tree / "sweep" / "new_file.py").touch()
    assert launched(tree, tmp_path / "added")[1] is True, "a file that git does not know yet is a change"
    shutil.rmtree(tree / ".git")
    assert launched(tree, tmp_path / "unknown")[:2] == ("", None)
