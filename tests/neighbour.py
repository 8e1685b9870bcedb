"""Another user of this machine, who attacks a running sweep. A program, run as root: it loads what it needs, then becomes USER.

Its argument is the JSON of a `Target`. It prints, as JSON, what it should not have been able to do. It knows all names: what
protects is who may do something, and not that a name is hard to guess.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import grpc._channel  # type: ignore[import-untyped]
import grpc.experimental  # type: ignore[import-untyped]

USER = 54321
RPCS = (
    "CoreWorkerService/PushTask", "CoreWorkerService/KillActor", "NodeManagerService/RequestWorkerLease",
    "NodeManagerService/GetNodeStats", "NodeManagerService/ShutdownRaylet", "ObjectManagerService/Push",
    "ObjectManagerService/Pull", "ReporterService/GetTraceback", "ReporterService/MemoryProfiling", "LogService/ListLogs",
    "LogService/StreamLog", "InternalKVGcsService/InternalKVGet", "InternalKVGcsService/InternalKVPut",
    "JobInfoGcsService/GetAllJobInfo", "NodeInfoGcsService/GetAllNodeInfo", "RuntimeEnvGcsService/PinRuntimeEnvURI",
)  # fmt: skip
"""Of Ray's services: those that run code, read logs and objects, or end something."""
REFUSED = ("UNAUTHENTICATED", "UNIMPLEMENTED", "UNAVAILABLE")  # asked for the token; another service's port; no gRPC
ROUTES = ("/get_or_create_runtime_env", "/delete_runtime_env_if_possible", "/api/jobs/", "/logs", "/nodes?view=summary")


def attack(paths: list[str], pids: list[int], ports: list[int]) -> list[str]:
    """What succeeded of: reading and changing `paths`, looking into and signalling processes, using what listens on `ports`."""
    tries = {
        **{f"{what} {path}": lambda act=act, path=path: act(path) for path in paths for what, act in _FILES.items()},
        **{f"{what} {pid}": lambda act=act, pid=pid: act(pid) for pid in pids for what, act in _PROCESSES.items()},
    }
    return [what for what, act in tries.items() if _succeeds(act)] + list(_open_doors(ports))


def _succeeds(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)


_FILES: dict[str, Callable[[str], object]] = {
    "list": os.listdir,
    "read": lambda path: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)),
    "write": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)),
    "make in": lambda path: os.mkdir(f"{path}/planted"),
    "link in": lambda path: os.symlink("/etc/passwd", f"{path}/planted-link"),
    "rename": lambda path: os.rename(path, f"{path}-taken"),
    "connect to": _connect,
}
_PROCESSES: dict[str, Callable[[int], object]] = {
    "read the environment of": lambda pid: Path(f"/proc/{pid}/environ").read_bytes(),
    "read the memory of": lambda pid: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
    "list the open files of": lambda pid: os.listdir(f"/proc/{pid}/fd"),
    "signal": lambda pid: os.kill(pid, 0),
}


def _open_doors(ports: list[int]) -> Iterator[str]:
    """What answers on a port without the token."""
    for port in ports:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for rpc in RPCS:
                try:
                    channel.unary_unary(f"/ray.rpc.{rpc}")(b"", timeout=20)
                    yield f"call {rpc} on {port}"
                except grpc.RpcError as error:
                    if error.code().name not in REFUSED:
                        yield f"call {rpc} on {port}: {error.code()}"
        for route in ROUTES:
            for method in ("GET", "POST"):
                answer = _http(port, method, route)
                # Everybody may read the machine's figures (docs/security.md), whatever path they ask that server for.
                if answer.partition(b" ")[2].startswith(b"200") and b"\n# HELP " not in answer:
                    yield f"{method} {route} on {port}"


def _http(port: int, method: str, route: str) -> bytes:
    """The answer of a server of HTTP; what another one says to that, b"" where it says nothing."""
    answer = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(f"{method} {route} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        while (more := link.recv(65536)) and len(answer) < 65536 and answer[:4] in (b"", b"HTTP"):
            answer += more
    return answer


def become_the_neighbour() -> None:
    """Give up being root, for good; load what `attack` needs first, since the neighbour may not read Python's packages."""
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        channel.unary_unary("/a/b")
    "".encode("idna")
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def attack_as_the_neighbour(paths: list[Path], pids: list[int], ports: list[int]) -> list[str]:
    """`attack`, by another user; what succeeded."""
    target = json.dumps([[str(path) for path in paths], pids, ports])
    done = subprocess.run(
        [sys.executable, "-P", __file__], input=target, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    target = json.load(sys.stdin)
    become_the_neighbour()
    print(json.dumps(attack(*target)))
