"""Temporary folders: removed by their process, or after its death by the next one that needs such a folder."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aesweep.cluster.scratch import temporary_folder

HOLD = """
import sys
from aesweep.cluster.scratch import temporary_folder
with temporary_folder("kind") as folder:
    (folder / "file").write_text("mine")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def tmp_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files with a path that is short enough for Ray; pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="aes-") as name:
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


def test_a_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with temporary_folder("kind") as folder:
        (folder / "file").write_text("mine")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    theirs = Path(owner.stdout.readline().strip())
    with temporary_folder("kind"), temporary_folder("other kind"):
        assert (theirs / "file").read_text() == "mine"
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert theirs.exists(), "nobody removes it at once"
    with temporary_folder("kind") as ours:
        assert list(tmp_path.iterdir()) == [ours]


def test_launches_that_begin_at_the_same_moment_take_no_folder_from_each_other(tmp_path: Path) -> None:
    """A folder that was just made is not locked yet, and looks abandoned to whoever begins then."""

    def begin(_: int) -> bool:
        with temporary_folder("test") as folder:
            return folder.is_dir()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(begin, range(400)))
