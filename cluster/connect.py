"""Connecting to Ray: one machine, the cluster that this machine belongs to, or one at an address.

Problem: `ray.init` alone prints pages, opens a dashboard, listens on the network, waits long for a cluster that is not
there, and answers mistakes with tracebacks.
Decision: one context manager with three kinds of address, quiet, with our code shipped to the workers (staging.py), and
every failure a `ClusterError`.
Consequence: the same call serves a laptop, a test, a Slurm job and a submitted job. A Ray that this process already uses
is used as it is and left running.

A local Ray must die with its driver, also when that is killed by SIGKILL. The kernel sees to it (PR_SET_PDEATHSIG), but
counts the *thread* that started Ray as the parent: hence the main thread only. What the kernel leaves is guard.py's.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import ray
from ray import _raylet
from ray._private import ray_constants, services, utils
from ray.exceptions import AuthenticationError

from aesweep.cluster.address import check_address, require_head, require_own
from aesweep.cluster.capacity import allowed_cpus
from aesweep.cluster.environment import ENVIRONMENT, LOCAL_SWITCH, LOOPBACK, require_sound_environment, users_variables
from aesweep.cluster.errors import ClusterError
from aesweep.cluster.local.ending import shut_down, sigterm_left_alone
from aesweep.cluster.local.guard import guarded
from aesweep.cluster.local.isolation import isolated, own_token
from aesweep.cluster.process_limits import object_store_bytes
from aesweep.cluster.scoped import in_background, replaced
from aesweep.cluster.scratch import temporary_folder
from aesweep.cluster.staging import NOTHING_MORE, job_has_working_dir, staged_code
from aesweep.cluster.temporary import RAYS_FOLDER
from aesweep.cluster.user import complete_environment
from aesweep.cluster.watch import Watch, watched

START_SECONDS = 180.0
"""How long Ray may take to start or to join: some 5 seconds on an idle machine, a minute on a very busy one."""
GRACE_SECONDS = 30.0  # in which a start that is given up ends in order
LOOK_SECONDS = 0.5
STDERR = 2  # file descriptor
RUN_AGAIN = "Start it again where it is not local, and run the same command again."


@dataclass(frozen=True)
class Connection:
    """The Ray that this process uses now."""

    address: str
    """HOST:PORT of its head."""
    started_here: bool
    """Whether it runs for this process alone and ends with it."""
    watch: Watch
    """Notices when it dies."""


@contextmanager
def connect(
    address: str = "local", *, after_death: str = RUN_AGAIN, more_code: Mapping[str, bytes] = NOTHING_MORE, **local: Any
) -> Iterator[Connection]:
    """Use Ray inside the `with` block.

    `address` is `local` (start one on this machine, on loopback), `auto` (the running one that this machine belongs to,
    or `RAY_ADDRESS`) or HOST:PORT of a cluster's head; `local` are options of `ray.init` for one that is started;
    `after_death` says what to do when this Ray dies; `more_code` are files to ship inside our package (`staging.stage`).
    Raises `ClusterError` when there is no cluster at the address, when it cannot be used, when it dies (`RayDiedError`,
    watch.py), or outside the main thread.
    """
    set_environment()
    joined_before = ray.is_initialized()
    require_sound_environment(address)
    start_or_join = (
        nullcontext()
        if joined_before
        else _started(local, more_code)
        if address == "local"
        else _joined(address, more_code)
    )
    with start_or_join:
        head = ray.get_runtime_context().gcs_address
        with watched(head, after_death, str if joined_before else shut_down) as watch:
            yield Connection(head, address == "local" and not joined_before, watch)


def set_environment() -> None:
    """Set what Ray, Tune and torch read from the environment, where the user has not."""
    complete_environment()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


@contextmanager
def _started(options: dict[str, Any], more_code: Mapping[str, bytes]) -> Iterator[None]:
    """Start a Ray that ends with this process."""
    if threading.current_thread() is not threading.main_thread():
        name = threading.current_thread().name
        remedy = "Start a local Ray from the main thread: it ends with the thread that started it."
        raise ClusterError("thread", name, remedy)
    with temporary_folder("ray") as folder, guarded() as watch_over, own_token(folder) as token:
        watch_over(os.path.realpath(folder))  # as /proc names its files
        own = {
            "include_dashboard": False,
            "num_cpus": allowed_cpus(),  # Ray's own count leaves out the affinity
            "object_store_memory": object_store_bytes(),
            "_node_ip_address": LOOPBACK,
            "_temp_dir": str(folder / RAYS_FOLDER),
        }
        with isolated(token), _apart():
            _initialise("local", own | options, more_code)
        yield


@contextmanager
def _apart() -> Iterator[None]:
    """A Ray that is started inside the `with` block listens on loopback and does not get the signals of this process's group.

    `timeout`, job control and many supervisors signal the whole group. The driver stops in order then, and needs its Ray for
    that. Ray 2.60 has no setting for either: it reads the switch when it is imported, even a node address of 127.0.0.2 listens
    on every interface, and its processes always join this process's group. It calls the function replaced here in each of
    them, before the program starts.
    """
    end_with_parent, given = utils.set_kill_on_parent_death_linux, os.environ.get(LOCAL_SWITCH)

    def end_with_parent_in_own_group() -> None:
        end_with_parent()
        os.setpgid(0, 0)

    os.environ[LOCAL_SWITCH] = "0"  # Ray's processes inherit it
    own_group = replaced(utils, "set_kill_on_parent_death_linux", end_with_parent_in_own_group)
    try:
        with replaced(ray_constants, "ENABLE_RAY_CLUSTER", False), own_group:
            yield
    finally:
        del os.environ[LOCAL_SWITCH]
        os.environ.update({LOCAL_SWITCH: given} if given is not None else {})


@contextmanager
def _joined(address: str, more_code: Mapping[str, bytes]) -> Iterator[None]:
    """Join a running cluster; it stays when this process ends."""
    check_address(address)
    try:
        head = services.canonicalize_bootstrap_address(address)  # `auto`: from RAY_ADDRESS, or what runs here
    except (ConnectionError, ValueError, OSError) as error:
        raise ClusterError("--address", address, _remedy(address, error)) from error
    require_head("--address", address, str(head))
    if address == "auto" and os.environ.get("RAY_ADDRESS") in (None, "", "auto"):
        require_own(str(head))
    _require_token(address, str(head))
    _initialise(address, {}, more_code)
    yield


def _require_token(address: str, head: str) -> None:
    """Raise `ClusterError` where the head does not take the token of this process: Ray tries it twenty times, in as many seconds."""
    raylet: Any = _raylet  # compiled; its stub does not name the client
    try:
        with _silent_errors():
            raylet.GcsClient(address=head)
    except AuthenticationError as error:
        mode = os.environ.get("RAY_AUTH_MODE", "disabled")
        remedy = (
            f"The cluster wants another token than this process has (RAY_AUTH_MODE is {mode}). Set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a file with the token of the cluster."
        )
        raise ClusterError("--address", address, remedy) from error
    except Exception:  # whatever else is wrong `ray.init` meets too
        return


@contextmanager
def _silent_errors() -> Iterator[None]:
    """Let the C++ code of Ray write nothing to stderr inside the `with` block."""
    kept, nothing = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nothing)


def _initialise(address: str, options: dict[str, Any], more_code: Mapping[str, bytes]) -> None:
    """`ray.init` with our code, quietly. Every failure becomes a `ClusterError`."""
    staged = nullcontext() if job_has_working_dir() else staged_code(more_code)
    with staged as code, _printable_command_line(), sigterm_left_alone(), _bounded(address):
        try:
            ray.init(
                address=address,
                runtime_env={"working_dir": str(code)} if code else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **options,
            )
        except Exception as error:
            shut_down()
            if isinstance(error, ClusterError):
                raise
            raise ClusterError("--address", address, _remedy(address, error)) from error


@contextmanager
def _bounded(address: str) -> Iterator[None]:
    """End a start of Ray, inside the `with` block, that takes longer than `START_SECONDS`.

    Ray waits without limit for a process of its own that hangs, as after a machine was suspended. The main thread is woken
    by a signal, whose handler raises. Where Ray's C++ code keeps it from running, the whole process ends with the same two
    lines; what it started ends with it (guard.py).
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    reason = TimeoutError(f"there was no answer within {START_SECONDS:.0f} seconds")
    late = ClusterError("--address", address, _remedy(address, reason))

    def wake(*_: object) -> None:
        raise late

    def watch(started: threading.Event) -> None:
        if not _waits_longer(START_SECONDS, started):
            return
        if in_main_thread:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        if _waits_longer(GRACE_SECONDS, started):
            print(late, file=sys.stderr, flush=True)
            os._exit(2)

    before = signal.signal(signal.SIGALRM, wake) if in_main_thread else None
    try:
        with in_background(watch):
            yield
    finally:
        if in_main_thread:
            signal.signal(signal.SIGALRM, before)


def _waits_longer(seconds: float, event: threading.Event) -> bool:
    """Whether the event does not come within so many seconds, those not counted in which this process was stopped."""
    return not any(event.wait(LOOK_SECONDS) for _ in range(round(seconds / LOOK_SECONDS)))


@contextmanager
def _printable_command_line() -> Iterator[None]:
    """Let Ray record the command line of this process although a path in it is not UTF-8; Ray fails to start on one."""
    before = utils.get_entrypoint_name
    with replaced(utils, "get_entrypoint_name", lambda: before().encode(errors="backslashreplace").decode()):
        yield


def _remedy(address: str, error: Exception) -> str:
    """What to do about a failed `ray.init`, with its reason on the same line."""
    reason = " ".join(str(error).split())[:300]
    if "ersion mismatch" in reason:
        return f"The cluster runs other versions; use the same Python and Ray on both sides: {reason}"
    if address == "local":
        tuned = "".join(f" (with your {', '.join(names)})" for names in [users_variables()] if names)
        return (
            f"Ray does not start here{tuned}; docs/operations.md lists what it needs (What all machines need): {reason}"
        )
    if address == "auto":
        return f"No running Ray cluster was found. Start one with `ray start --head`; a launch can also start its own: {reason}"
    return (
        "Something listens there, but Ray cannot join it. Run on a machine of the cluster (or by `ray job submit`), with the "
        f"cluster's RAY_AUTH_MODE: {reason}"
    )
