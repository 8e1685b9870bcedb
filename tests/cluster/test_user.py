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

COMPILES = """
import os, sys
from aesweep.cluster.user import complete_environment
from torch._inductor.runtime.cache_dir_utils import cache_dir, triton_cache_dir  # loaded once: it takes seconds
for home in sys.argv[1:]:
    if not os.fork():
        os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)  # torch sets it when it is loaded and it is not set
        os.environ["HOME"] = home
        complete_environment()
        print(cache_dir(), triton_cache_dir(0), os.environ.get("TRITON_HOME", "-"), flush=True)
        os._exit(0)
    os.wait()
"""


def compiles_into(*homes: Path) -> list[list[Path]]:
    """For each home the folders of code that torch, Triton and Inception's kernels compile, in a process of its own.

    Triton's own is below the home unless it is set.
    """
    lines = run_python(COMPILES, *homes).stdout.splitlines()
    found = [line.split() for line in lines]
    return [[Path(a), Path(b), home if c == "-" else Path(c)] for home, (a, b, c) in zip(homes, found, strict=True)]


def test_code_is_compiled_into_a_home_that_is_private_and_else_into_a_folder_that_is(tmp_path: Path) -> None:
    own, *shared = homes = [tmp_path / f"{mode:o}" for mode in (0o700, 0o1777, 0o777, 0o775)]
    for home in homes:
        home.mkdir()
        home.chmod(int(home.name, 8))
    found, *others = compiles_into(*homes)
    assert all(folder.is_relative_to(own) for folder in found), "where others may be first"
    for home, folders in zip(shared, others, strict=True):
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
