"""Checks of the machines and of Ray, as data: what was found, whether it will do, and the remedy.

Each check is a function that returns a `Check` and raises nothing: a doctor that stops at the first illness finds one.
Checks of data, weights and precision belong to the layers that know them.
"""

import importlib.metadata
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aesweep.cluster import temporary
from aesweep.cluster.capacity import allowed_cpus, allowed_memory
from aesweep.cluster.environment import troubles
from aesweep.cluster.errors import ClusterError
from aesweep.cluster.staging import job_has_working_dir, package_folder

Status = Literal["ok", "warn", "fail"]

LIBRARIES = ("torch", "torchvision", "ray", "scikit-learn", "torchmetrics", "torch-fidelity", "pyarrow", "pandas")
GIB = 1024**3
LEAST_MEMORY_GIB = 4.0  # Ray itself takes about 1, each worker with torch about 0.7
LEAST_SHARED_MEMORY_GIB = 1.0  # Ray's object store lies there; a container's default is 0.06
LEAST_OPEN_FILES = 8192  # what Ray recommends
LEAST_DISK_GIB = 5.0
TASK_SECONDS = 60.0
NO_COMPILER = "There is no C compiler: Inception's features take three times as long. Install gcc."


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def _judged(name: str, found: str, trouble: str = "") -> Check:
    """A check that warns where there is `trouble`, which says what to do."""
    return Check(name, "warn" if trouble else "ok", found, trouble)


def machine_checks() -> list[Check]:
    """Everything about this machine that needs no Ray."""
    return [
        _python(),
        _libraries(),
        _memory(),
        check_gpus(),
        *check_gpu_sharing(),
        check_shared_memory(),
        _open_files(),
        *_temporary_folder(),
    ]


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}, host {socket.gethostname()}"
    return _judged("Python", found, "" if sys.platform.startswith("linux") else "Only Linux is tested.")


def _libraries() -> Check:
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("libraries", "fail", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("libraries", "ok", ", ".join(found))


def _memory() -> Check:
    cpus, gib = allowed_cpus(), allowed_memory() / GIB
    found = f"{cpus} CPU{'s' * (cpus != 1)}, {gib:.1f} GiB of memory"
    trouble = f"Less than {LEAST_MEMORY_GIB:g} GiB: run with --max-concurrent 1."
    return _judged("machine", found, trouble if gib < LEAST_MEMORY_GIB else "")


def check_gpus() -> Check:
    """The GPUs and their memory, as the driver program `nvidia-smi` tells them."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    if shutil.which(command[0]) is None:
        return Check("GPUs", "warn", "none (no nvidia-smi)", "Trials run on the CPU here: fine for small sweeps only.")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("GPUs", "fail", f"nvidia-smi: {error}", "Look at the GPU driver.")
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode or not lines:
        found = " ".join((done.stdout + done.stderr).split())[:200] or "none"
        remedy = "nvidia-smi is here, but sees no GPU: look at the driver, or the container's runtime."
        return Check("GPUs", "fail", found, remedy)
    return _judged("GPUs", f"{len(lines)}: {'; '.join(lines)}", "" if _has_c_compiler() else NO_COMPILER)


def check_gpu_sharing() -> list[Check]:
    """Whether NVIDIA's MPS daemon answers, which lets trials on one GPU compute at the same time; empty where it is not installed."""
    command = "nvidia-cuda-mps-control"
    if shutil.which("nvidia-smi") is None or shutil.which(command) is None:
        return []
    try:
        done = subprocess.run(
            [command], input="get_server_list\n", capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Check("GPU sharing", "warn", f"{command}: {error}", "Restart the MPS daemon, or end it.")]
    answers = done.returncode == 0
    found = (
        "MPS runs: trials on one GPU compute at the same time" if answers else "no MPS: trials on one GPU take turns"
    )
    return [Check("GPU sharing", "ok", found)]


def _has_c_compiler() -> bool:
    """Whether there is one where Triton looks, which compiles Inception's layers for GPUs."""
    return "CC" in os.environ or any(map(shutil.which, ("gcc", "clang")))


def check_shared_memory(folder: str = "/dev/shm") -> Check:
    """The size of the shared memory that Ray's object store lies in."""
    if not Path(folder).is_dir():
        return Check("shared memory", "warn", f"no {folder}", "Ray keeps its objects in /tmp, which is slower.")
    gib = shutil.disk_usage(folder).total / GIB
    trouble = "Give the container more: docker run --shm-size=4g, or an emptyDir of medium Memory."
    return _judged("shared memory", f"{folder}: {gib:.1f} GiB", trouble if gib < LEAST_SHARED_MEMORY_GIB else "")


def _open_files() -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # Ray raises the soft limit to the hard one by itself
    if hard == resource.RLIM_INFINITY:
        return Check("open files", "ok", "no limit")
    trouble = f"Ray recommends {LEAST_OPEN_FILES}: ulimit -n {LEAST_OPEN_FILES}"
    return _judged("open files", f"at most {hard}", trouble if hard < LEAST_OPEN_FILES else "")


def _temporary_folder() -> list[Check]:
    """Where temporary files go; what keeps them from going anywhere is found by `check_environment`."""
    if temporary.troubles():
        return []
    folder = temporary.find_folder()
    return [Check("temporary folder", "ok", f"{folder}: {shutil.disk_usage(folder).free / GIB:.1f} GiB free")]


def check_folder(name: str, folder: str | Path) -> Check:
    """Whether files can be written, replaced and removed in a folder (or its nearest parent), and the room left there."""
    path = Path(folder).expanduser().absolute()
    try:
        if path.exists() and not path.is_dir():
            return Check(name, "fail", f"{path} is a file", "Give a folder.")
        present = next(p for p in (path, *path.parents) if p.exists())
        with tempfile.TemporaryDirectory(prefix=".aesweep-doctor-", dir=present) as inner:
            first, second = Path(inner, "first"), Path(inner, "second")
            first.write_bytes(b"0")
            os.replace(first, second)
        free = shutil.disk_usage(present).free / GIB
    except OSError as error:
        return Check(name, "fail", f"{path}: {error.strerror or error}", "Give a folder that you may write to.")
    found = f"{path}: writable, {free:.1f} GiB free{'' if present == path else ' (will be created)'}"
    trouble = f"Less than {LEAST_DISK_GIB:g} GiB: `aesweep plan` says what a sweep needs."
    return _judged(name, found, trouble if free < LEAST_DISK_GIB else "")


def check_environment(address: str = "local") -> list[Check]:
    """What keeps Ray from being used here, each trouble as a failed check; empty where Ray can be tried."""
    return [Check(found.field, "fail", str(found.value), found.remedy) for found in troubles(address)]


def check_ray(address: str = "local") -> list[Check]:
    """Start or join Ray, say what the cluster has, and run one task with our code on every machine of it."""
    from aesweep.cluster.connect import connect  # Ray, which may not be importable here, from here on
    from aesweep.cluster.resources import cluster_resources

    try:
        with connect(address) as connection:
            cluster = cluster_resources()
            counts = ((len(cluster.nodes), "machine"), (cluster.cpus, "CPU"), (cluster.gpus, "GPU"))
            counted = ", ".join(f"{count:g} {what}{'s' * (count != 1)}" for count, what in counts)
            found = f"{connection.address}: {counted}"
            return [Check("Ray", "ok", found), *_check_nodes()]
    except ClusterError as error:
        return [Check("Ray", "fail", f"{error.field} {error.value}", error.remedy)]


def _look_around() -> tuple[str, Path, bool]:
    """Where this Ray worker runs, in words; the folder of its code; whether it has a C compiler."""
    code = package_folder()
    return f"host {socket.gethostname()}, Python {platform.python_version()}, code in {code}", code, _has_c_compiler()


def _check_nodes() -> list[Check]:
    import ray

    task = ray.remote(num_cpus=0)(_look_around)
    checks = []
    for node in [n for n in ray.nodes() if n["Alive"]]:
        name = f"Ray worker on {node['NodeManagerHostname']}"
        place = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        try:
            found, code, compiles = ray.get(task.options(scheduling_strategy=place).remote(), timeout=TASK_SECONDS)
        except ray.exceptions.RayError as error:  # GetTimeoutError is one too
            reason = " ".join(str(error).split())[:300]
            logs = f"{ray.get_runtime_context().get_temp_dir()}/session_latest/logs"
            checks.append(Check(name, "fail", reason, f"Look at the logs in {logs} there."))
            continue
        trouble = ""
        if node["Resources"].get("GPU", 0) > 0 and not compiles:
            trouble = NO_COMPILER
        elif code == package_folder() and not job_has_working_dir():
            trouble = "It runs the code installed there, not this driver's: connect through `aesweep`."
        checks.append(_judged(name, found, trouble))
    return checks
