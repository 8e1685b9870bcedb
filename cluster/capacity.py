"""How many CPUs and how much memory this process may use: what its affinity and its control groups allow.

Machines are shared: `taskset` and Slurm set an affinity, containers, systemd and Slurm the limits of a control group. Ray and
`os.cpu_count` know some of them. joblib and Ray read a group's limit only at the root of what is mounted, which is right in
a container and misses the groups of Slurm and systemd; here every group from this process's own up to the root counts.
"""

import os
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")


def allowed_cpus(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """CPUs that this process may use at a time, at least 1; a quota of one and a half is 1."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = []
    for folder in control_groups("cpu", groups, mount):
        words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and all(word.isdecimal() and int(word) for word in words):  # "max" and -1 are no limit
            quotas.append(int(words[0]) // int(words[1]))
    return max(1, min([here, *quotas]))


def allowed_memory(groups: Path = GROUPS, mount: Path = MOUNT) -> int:
    """Bytes of memory that this process may use."""
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    folders = list(control_groups("memory", groups, mount))
    words = [
        word for folder in folders for name in ("memory.max", "memory.limit_in_bytes") for word in _words(folder / name)
    ]
    return min([here, *(int(word) for word in words if word.isdecimal())])


def control_groups(controller: str, groups: Path = GROUPS, mount: Path = MOUNT) -> Iterator[Path]:
    """This process's control group and those above it, of version 1 (a tree per controller) and version 2 (one for all)."""
    try:
        lines = groups.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # no Linux, or no /proc
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for root in (mount / controller,) if controllers else (mount, mount / "unified"):
            # In a container the path may be the host's: then only the root of what is mounted is there.
            own = root / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
