"""What a local Ray needs of the limits of this process (`ulimit`) and of its cgroup: with less it waits for minutes, or dies.

The numbers were found by experiment: `aesweep launch` of one small trial under falling limits, with Ray 2.60, torch 2.12 and
two CPUs. They refuse what cannot work there. More CPUs and more trials at once need more.
"""

import os
import resource
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from aesweep.cluster.capacity import control_groups
from aesweep.cluster.errors import ClusterError

MIB = 1 << 20
ADDRESS_SPACE, ADDRESS_SPACE_CUDA = 3072 * MIB, 6656 * MIB
"""What a worker maps with torch, without and with its CUDA libraries."""
FILE_SIZE = 256 * MIB
OPEN_FILES = 64
TASKS = 250
"""Processes and threads of Ray, its agents and one worker."""
STORE_LEAST, STORE_MOST = 128 * MIB, 2048 * MIB
SHARED_MEMORY = "/dev/shm"


def object_store_bytes() -> int | None:
    """The size of Ray's object store under a limit of address space or file size; None where Ray may choose it.

    Ray takes 30 % of the memory, in one file that each process maps as a whole. What this program keeps there is small.
    """
    limits = [(resource.RLIMIT_AS, 8), (resource.RLIMIT_FSIZE, 2)]
    sizes = [limit // part for kind, part in limits if (limit := resource.getrlimit(kind)[0]) != resource.RLIM_INFINITY]
    return max(STORE_LEAST, min(*sizes, STORE_MOST)) if sizes else None


def check_address_space() -> None:
    """Raise `ClusterError` for a limit of address space under which a worker cannot load torch."""
    torch = find_spec("torch")
    folders = torch.submodule_search_locations if torch else None
    has_cuda = any(Path(folder, "lib", "libtorch_cuda.so").exists() for folder in folders or ())
    _require(resource.RLIMIT_AS, "ulimit -v", ADDRESS_SPACE_CUDA if has_cuda else ADDRESS_SPACE, 1024)


def check_file_size() -> None:
    """Raise `ClusterError` for a limit of file size that the file of Ray's object store exceeds."""
    _require(resource.RLIMIT_FSIZE, "ulimit -f", FILE_SIZE, 1024)


def check_open_files() -> None:
    """Raise `ClusterError` for a hard limit of open files that is too low; Ray raises the soft limit to it."""
    _require(resource.RLIMIT_NOFILE, "ulimit -n", OPEN_FILES, 1, which=1)


def _require(kind: int, option: str, least: int, unit: int, which: int = 0) -> None:
    limit = resource.getrlimit(kind)[which]
    if limit == resource.RLIM_INFINITY or limit >= least:
        return
    raise ClusterError(
        option, limit // unit, f"A local Ray needs {least // unit} or more. {_way_out(kind, option, least, unit)}"
    )


def _way_out(kind: int, option: str, least: int, unit: int) -> str:
    hard = resource.getrlimit(kind)[1]
    if hard == resource.RLIM_INFINITY or hard >= least:
        return f"Raise it: {option} {'unlimited' if hard == resource.RLIM_INFINITY else hard // unit}"
    return "The hard limit is as low: raise it where this session or job is set up (limits.conf, the batch system)."


def check_processes() -> None:
    """Raise `ClusterError` where the user, or this cgroup, may not start the processes and threads that Ray needs."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit != resource.RLIM_INFINITY and not _is_root_outside() and (used := _tasks_of_user()) + TASKS > limit:
        least = used + TASKS
        remedy = f"User {os.getuid()} has {used} processes and threads, and Ray needs {TASKS} more. "
        raise ClusterError("ulimit -u", limit, remedy + _way_out(resource.RLIMIT_NPROC, "ulimit -u", least, 1))
    for folder in control_groups("pids"):
        limit_text, used = _read(folder / "pids.max"), int(_read(folder / "pids.current") or 0)
        if limit_text.isdecimal() and used + TASKS > int(limit_text):
            remedy = f"It holds {used} processes and threads, and Ray needs {TASKS} more: docker run --pids-limit=-1"
            raise ClusterError(str(folder / "pids.max"), int(limit_text), remedy)


def check_shared_memory() -> None:
    """Raise `ClusterError` where Ray cannot make the file of its object store; too little room there is no trouble."""
    if not os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
        remedy = "Ray's object store is a file there, and it cannot be written to. Mount it as any system does: mode 1777, read-write."
        raise ClusterError("shared memory", SHARED_MEMORY, remedy)


def _is_root_outside() -> bool:
    """Whether the user is root in the first user namespace, for whom the number of processes is not limited."""
    for line in _read(Path("/proc/self/uid_map")).splitlines():
        inside, outside, length = map(int, line.split())
        if inside <= os.getuid() < inside + length:
            return outside + os.getuid() - inside == 0
    return False


def _tasks_of_user() -> int:
    """Processes and threads of this user, as far as they are visible from here."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if process.stat().st_uid == os.getuid():
                count += len(os.listdir(process / "task"))
    return count


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


LIMITS: tuple[Callable[[], None], ...] = (
    check_address_space,
    check_file_size,
    check_open_files,
    check_processes,
    check_shared_memory,
)
