"""The guard ends Ray's processes of one session, and nobody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

from aesweep.cluster.local.guard import guarded, left_of

# Waits with a file open; the first argument is the process's title, as Ray's workers have one.
HOLD = "import sys, time; file = open(sys.argv[1], sys.argv[2]); print('open', flush=True); time.sleep(120)"


def _hold(file: Path, mode: str, title: str) -> subprocess.Popen[str]:
    """A process with that title which holds `file` open."""
    process = subprocess.Popen(
        [title, "-c", HOLD, str(file), mode], executable=sys.executable, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_writers_of_the_session_end_with_the_block_and_others_live_on(tmp_path: Path) -> None:
    session, another = tmp_path / "session_1", tmp_path / "session_10"
    for folder in (session, another):
        folder.mkdir()
        (folder / "worker.out").write_text("")
    others = [
        _hold(another / "worker.out", "a", "ray::IDLE"),  # another Ray
        _hold(session / "worker.out", "r", "ray::reader"),  # only reads
        _hold(session / "worker.out", "a", "my-notebook"),  # joined from outside
    ]
    try:
        with guarded() as watch_over:
            watch_over(str(session))
            ours = _hold(session / "worker.out", "a", "ray::DashboardAgent")
            assert left_of(str(session)) == [ours.pid]
        assert ours.wait(timeout=1) == -9
        assert [other.poll() for other in others] == [None] * len(others)
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.parametrize("named", [True, False])
def test_a_block_with_nothing_left_behind_ends_at_once(named: bool, tmp_path: Path) -> None:
    with guarded() as watch_over:
        if named:
            watch_over(str(tmp_path))
    assert left_of(str(tmp_path)) == []
