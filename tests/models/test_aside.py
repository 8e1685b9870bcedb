"""What a killed process was preparing goes with the next launch, and nobody takes it from a living one."""

import subprocess
import sys
from pathlib import Path

from aesweep.models.aside import folder_aside, remove_abandoned
from aesweep.models.data.images import remove_abandoned_images

OWNER = """
import sys, time
from pathlib import Path
from aesweep.models.aside import folder_aside
with folder_aside(Path(sys.argv[1])) as folder:
    (folder / "train.npy").write_bytes(b"0" * 1000)
    print("ready", flush=True)
    sys.stdin.read()
"""


def start(parent: Path) -> subprocess.Popen[bytes]:
    """A process that prepares something in `parent` until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def test_only_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    parent = tmp_path / "prepared" / "digits-32"
    (parent / ".tmp-of-another-program").mkdir(parents=True)
    killed, living = start(parent), start(parent)
    killed.kill()
    killed.wait()
    assert len(list(parent.glob(".tmp-*/train.npy"))) == 2
    remove_abandoned_images(tmp_path)
    (left,) = parent.glob(".tmp-*/train.npy")
    with folder_aside(parent) as mine:
        remove_abandoned(parent)
        assert left.exists() and mine.exists()
    living.communicate(b"")
    assert [path.name for path in parent.iterdir()] == [".tmp-of-another-program"]


def test_a_lock_whose_folder_was_never_made_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".tmp-0123456789ab.lock").touch()
    remove_abandoned(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".tmp-0123456789ab.lock").symlink_to(tmp_path / "notes")
    remove_abandoned(tmp_path / "data")
    assert (tmp_path / "notes").read_text() == "mine"
