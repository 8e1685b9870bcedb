"""The folder for caches of a user without a home: kept from one process to the next, and nobody else's."""

import os
from pathlib import Path

import pytest

from tests.fresh_process import run_python

ASK = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
os.environ["HOME"] = os.path.join(sys.argv[1], "no-home")
from aesweep.cluster.user import complete_environment
complete_environment()
print(os.environ["TRITON_HOME"])
"""

COMPILES = """
import os, sys
os.environ["HOME"] = sys.argv[1]
os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)
from aesweep.cluster.user import complete_environment
complete_environment()
from torch._inductor.runtime.cache_dir_utils import cache_dir, triton_cache_dir
print(cache_dir(), triton_cache_dir(0), os.environ.get("TRITON_HOME", "-"))
"""


def compiles_into(home: Path) -> list[Path]:
    """The folders of code that torch, Triton and Inception's kernels compile (Triton's own is below the home unless set)."""
    inductor, torchs_triton, triton = run_python(COMPILES, home).stdout.split()
    return [Path(inductor), Path(torchs_triton), home if triton == "-" else Path(triton)]


def test_code_is_compiled_into_the_home_and_not_where_others_may_be_first(tmp_path: Path) -> None:
    assert all(folder.is_relative_to(tmp_path) for folder in compiles_into(tmp_path))


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775])
def test_a_home_that_others_may_write_to_holds_no_compiled_code(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    folders = compiles_into(home)
    private = next(part for part in (folders[0], *folders[0].parents) if part.name.startswith("aesweep-"))
    assert not home.is_relative_to(private) and all(folder.is_relative_to(private) for folder in folders)
    assert private.stat().st_mode & 0o777 == 0o700 and private.stat().st_uid == os.getuid()


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
