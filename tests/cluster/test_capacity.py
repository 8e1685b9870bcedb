"""CPUs and memory are what affinity and control groups allow, wherever they are counted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aesweep.cluster.capacity import allowed_cpus, allowed_memory
from tests.fresh_process import command_environment

HERE = len(os.sched_getaffinity(0))
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
LOOK = """
import ray
from pathlib import Path
from aesweep.cluster.connect import connect
from aesweep.cluster.doctor import machine_checks
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.images import data_source
print(next(check.found for check in machine_checks() if check.name == "machine").partition(",")[0])
print(data_source(TrialConfig(), ExecutionConfig(data_dir="/tmp")).threads)
with connect("local"):
    print(ray.cluster_resources()["CPU"])
"""


def tree(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    """A made-up /proc/self/cgroup that says `own`, and what is mounted: names in `files` have `__` for a slash."""
    (folder / "own").write_text(own)
    for name, text in files.items():
        path = folder / "mount" / name.replace("__", "/").replace("-", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "own", folder / "mount"


@pytest.mark.parametrize(
    ("own", "files", "cpus"),
    [
        ("0::/\n", {"cpu-max": "100000 100000\n"}, 1),  # a container
        ("0::/slurm/job/step\n", {"slurm__job__cpu-max": "150000 100000\n"}, 1),  # a group above this one
        ("0::/user\n", {"user__cpu-max": "max 100000\n"}, HERE),
        ("0::/user\n", {"user__cpu-max": "9900000 100000\n"}, HERE),
        ("0::/user\n", {"user__cpu-max": "20000 100000\n"}, 1),
        ("4:cpu,cpuacct:/a/b\n", {"cpu__a__cpu-cfs_quota_us": "100000\n", "cpu__a__cpu-cfs_period_us": "100000\n"}, 1),
        ("4:cpu,cpuacct:/\n", {"cpu__cpu-cfs_quota_us": "-1\n", "cpu__cpu-cfs_period_us": "100000\n"}, HERE),
        ("4:cpu:/docker/1\n", {"cpu__cpu-cfs_quota_us": "100000\n", "cpu__cpu-cfs_period_us": "100000\n"}, 1),
        ("3:cpuset:/x\n", {"cpuset__x__cpu-max": "100000 100000\n"}, HERE),
        ("", {}, HERE),
    ],
)
def test_a_quota_of_any_group_above_counts(own: str, files: dict[str, str], cpus: int, tmp_path: Path) -> None:
    assert allowed_cpus(*tree(tmp_path, own, **files)) == cpus


def test_the_smallest_limit_of_memory_counts(tmp_path: Path) -> None:
    version_2 = tree(tmp_path, "0::/a/b\n", **{"a__memory-max": "1000000\n", "a__b__memory-max": "max\n"})
    assert allowed_memory(*version_2) == 1_000_000
    (tmp_path / "1").mkdir()
    version_1 = tree(tmp_path / "1", "2:memory:/a\n", **{"memory__a__memory-limit_in_bytes": "9223372036854771712\n"})
    assert allowed_memory(*version_1) == MEMORY
    assert allowed_memory(tmp_path / "none", tmp_path) == MEMORY


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset")
def test_on_one_cpu_the_doctor_the_decoder_and_ray_count_one() -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(
        ["taskset", "-c", cpu, sys.executable, "-c", LOOK],
        env=command_environment(), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["1 CPU", "1", "1.0"], done.stderr


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A real control group of one CPU; skips where none can be made."""
    version_1 = Path("/sys/fs/cgroup/cpu")
    group = (version_1 if version_1.is_dir() else version_1.parent) / f"aesweep-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        quota, text = ("cpu.cfs_quota_us", "100000") if version_1.is_dir() else ("cpu.max", "100000 100000")
        if not (group / quota).exists():
            pytest.skip("the controller of CPUs is not passed on to new groups")
        (group / quota).write_text(text)
        yield group
    finally:
        group.rmdir()


def test_a_real_group_of_one_cpu_counts(limited_group: Path) -> None:
    look = "from aesweep.cluster.capacity import allowed_cpus; print(allowed_cpus())"
    done = subprocess.run(
        ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', limited_group, sys.executable, "-c", look],
        env=command_environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "1\n", done.stderr
