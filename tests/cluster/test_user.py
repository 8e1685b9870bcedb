"""The folder for caches of a user without a home: kept from one process to the next, and nobody else's."""

import os
from pathlib import Path

from tests.fresh_process import run_python

ASK = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
os.environ["HOME"] = os.path.join(sys.argv[1], "no-home")
from aesweep.cluster.user import complete_environment
complete_environment()
print(os.environ["TRITON_HOME"])
"""


def test_the_folder_is_private_and_found_again(tmp_path: Path) -> None:
    first, second = (Path(run_python(ASK, tmp_path).stdout.strip()) for _ in range(2))
    assert first == second
    assert first.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    planted = tmp_path / f"aesweep-{os.getuid()}-0"
    planted.mkdir()
    planted.chmod(0o777)
    (tmp_path / f"aesweep-{os.getuid()}-1").symlink_to(planted)
    assert Path(run_python(ASK, tmp_path).stdout.strip()).stat().st_mode & 0o777 == 0o700
