"""What in the environment would keep Ray from starting or from being joined, found before anything of Ray starts.

Problem: under a limit of the process, without a loopback interface, or with a variable that Ray cannot read, Ray waits for
minutes, ends without a word, or prints pages of warnings.
Decision: look once, without Ray. Each trouble is a `ClusterError` that names the limit or the variable.
Consequence: `connect` raises the first trouble, and `aesweep doctor` shows all of them in the same words.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping

from aesweep.cluster import temporary
from aesweep.cluster.address import check_ray_address
from aesweep.cluster.errors import ClusterError
from aesweep.cluster.process_limits import LIMITS

LOOPBACK = "127.0.0.1"
# Without this switch, meant for other systems, Ray replaces 127.0.0.1 by the network's address and listens on every interface.
LOCAL_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
IMPORT_SECONDS = 60.0
LOG_LEVEL = "RAY_LOGGER_LEVEL"

# Read by Ray and Tune when they are imported or started; what the user has set stays.
ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the coming default; unset, every task without a GPU warns
    "RAY_AIR_NEW_OUTPUT": "0",  # progress is ours (verbose=0)
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # under `uv run` Ray would want our staged folder to be a uv project
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard files per trial, which nobody reads
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # the state of Tune's experiment, which nobody reads
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the driver has its own, and Tune's would replace it
}

# What describes another Ray, and is kept from a local one: the cluster's address, storage and security; the job that this
# process belongs to; what its machines are.
ANOTHER_RAYS = (
    "RAY_ADDRESS", "RAY_REDIS_ADDRESS", "RAY_GCS_SERVER_PORT", "RAY_gcs_storage", "RAY_external_storage_namespace",
    "RAY_ENABLE_GCS_LEADER_ELECTION", "RAY_USE_TLS", "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT",
    "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ENABLE_K8S_TOKEN_AUTH", "RAY_grpc_enable_http_proxy",
    "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_NAMESPACE", "RAY_RUNTIME_ENV", "RAY_RUNTIME_ENV_HOOK",
    "RAY_OVERRIDE_RESOURCES", "RAY_OVERRIDE_LABELS", "RAY_OVERRIDE_NODE_ID_FOR_TESTING",
)  # fmt: skip


def troubles(address: str = "local") -> list[ClusterError]:
    """What would keep this process from using the Ray at `address`, which `check_address` accepts; takes a second or two.

    Whether a cluster answers at HOST:PORT is for `connect` to say. A Ray that this process uses already has started, so
    that nothing is looked at.
    """
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        return []
    checks: dict[str, tuple[Callable[[], None], ...]] = {
        "local": (check_loopback, *LIMITS, check_log_level, check_variables),
        "auto": (check_ray_address, check_variables),
    }
    found: list[ClusterError] = []
    for check in checks.get(address, (check_variables,)):
        try:
            check()
        except ClusterError as trouble:
            found.append(trouble)
    return found + temporary.troubles()  # last: under a low limit of file size no folder seems to be fit


def require_sound_environment(address: str = "local") -> None:
    """Raise the first of the `troubles`."""
    for trouble in troubles(address):
        raise trouble


def check_loopback() -> None:
    """Raise `ClusterError` where processes cannot reach each other on 127.0.0.1: Ray would try for minutes."""
    try:
        with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
            pass
    except OSError as error:
        remedy = f"Ray's processes talk through it ({error.strerror or error}). Bring it up: ip link set lo up"
        raise ClusterError("loopback interface", LOOPBACK, remedy) from error


def check_log_level() -> None:
    """Raise `ClusterError` for a level that Ray's agents do not know: they end, and Ray waits half a minute for them."""
    level = os.environ.get(LOG_LEVEL, "info")
    if level.upper() not in logging.getLevelNamesMapping():
        remedy = "Ray knows debug, info, warning, error and critical. Choose one of them, or unset the variable."
        raise ClusterError(LOG_LEVEL, level, remedy)


def check_variables() -> None:
    """Raise `ClusterError` for a variable with which Ray cannot be imported: it ends the process, without a word at times."""
    suspects = {name: value for name, value in os.environ.items() if _may_be_wrong(name, value)}
    if not suspects or not _refusal(suspects) or _refusal({}):
        return
    for name, value in suspects.items():
        if reason := _refusal({name: value}):
            remedy = f"Ray cannot be loaded with this value ({reason}). Correct it, or unset the variable."
            raise ClusterError(name, value, remedy)


def users_variables() -> list[str]:
    """Names of the variables that tune Ray, and that the user has set."""
    return sorted(name for name, value in os.environ.items() if _may_be_wrong(name, value))


def _may_be_wrong(name: str, value: str) -> bool:
    ours = ENVIRONMENT.get(name) == value or name in (LOCAL_SWITCH, "RAY_CLIENT_MODE")  # Ray sets the latter itself
    return name.startswith("RAY_") and not ours and name not in ANOTHER_RAYS


def _refusal(variables: Mapping[str, str]) -> str:
    """Why Ray cannot be imported with these variables and none of the others; "" if it can."""
    others = {name: value for name, value in os.environ.items() if not _may_be_wrong(name, value)}
    command = [sys.executable, "-P", "-c", "import ray"]
    try:
        done = subprocess.run(
            command, env=others | dict(variables), capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""  # a slow disk: Ray itself will tell
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    return (done.stderr.split("\n")[-2:] or ["?"])[0][:200] if done.returncode else ""
