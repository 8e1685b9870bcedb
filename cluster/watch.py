"""Notices that the Ray in use has died, and ends this process in order.

Problem: when the raylet of this machine dies (killed, out of memory, one of Ray's agents crashed), calls of Ray wait for
ever or report dead processes, and after about ten seconds Ray's C++ code ends this process without a word. When the head
cannot be reached, it does so after a minute.
Decision: a thread waits for the end of the raylet's process (and the head's, if it is local) and looks whether the head's
port can be reached.
`Watch.require` raises `RayDiedError` then, and so does the end of the `with` block, whatever was raised inside.
Consequence: whoever calls `require` in a loop ends like after any other error. A main thread that Ray does not give back
gets `GRACE_SECONDS`; then the thread itself says the two lines and ends the process.
"""

import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.scratch import remove_own_folders

GRACE_SECONDS = 8.0  # for the main thread, after which Ray might end the process
LOOK_EVERY_SECONDS = 5.0
LONGEST_WITHOUT_HEAD = 40.0  # a head may be started again; after 60 s Ray ends the process
EXIT_CODE = 2  # that of every `ClusterError`


class RayDiedError(ClusterError):
    """The Ray that this process uses has died; `value` says which part of it."""

    def __str__(self) -> str:
        return f"Ray has died: {self.value}.\n{self.remedy}"


class Watch:
    """Watches over the Ray that this process is connected to."""

    def __init__(self, head: str, remedy: str) -> None:
        """`head`: HOST:PORT; `remedy`: the second of the two lines."""
        self.died = ""
        """What has died; "" while Ray lives."""
        self.last_act: Callable[[], object] = str
        """Called before the process is ended because its main thread is stuck."""
        self._head, self._remedy = head, remedy
        self._handles, self._agents = self._open_handles()
        self._head_seen = time.monotonic()
        self._grace = GRACE_SECONDS
        self._ended = threading.Event()
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _open_handles(self) -> tuple[dict[int, str], list[int]]:
        """Handles of the processes without which Ray is dead, with what to say then, and of the agents of a Ray started here."""
        node: Any = ray._private.worker._global_node
        raylet = _raylet(node)
        heads = node.all_processes.get("gcs_server", []) if node is not None else []  # where it was started here
        found = {_handle(raylet): "its raylet on this machine has ended"} if raylet else {}
        found |= {_handle(head.process.pid): "its head (gcs_server) has ended" for head in heads}
        agents = map(_handle, _agents(raylet) if heads and raylet else [])
        return {handle: what for handle, what in found.items() if handle is not None}, [
            h for h in agents if h is not None
        ]

    def require(self) -> None:
        """Raise `RayDiedError` if Ray has died."""
        self._look_at_processes()
        if self.died:
            raise self.error

    @property
    def error(self) -> RayDiedError:
        """What `require` raises."""
        return RayDiedError("Ray", self.died, self._remedy)

    def release(self) -> None:
        """From now on Ray may end. After its death the rest of this process is still bounded, until `close`."""
        self._look_at_processes()
        if not self.died:
            self._end_thread()

    def close(self) -> None:
        """End the thread and close the handles."""
        self._end_thread()
        for handle in (self._wake, self._waker, *self._handles, *self._agents):
            os.close(handle)

    def _end_thread(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            os.write(self._waker, b" ")
        self._thread.join()

    def _watch(self) -> None:
        while not self.died and not self._ended.is_set():
            self._look_at_processes(LOOK_EVERY_SECONDS)
            self._look_at_head()
        if self.died and not self._ended.wait(self._grace):
            self._end_process()

    def _look_at_processes(self, seconds: float = 0.0) -> None:
        """Wait so long for the end of the raylet or the head, or until the thread shall end."""
        poll = select.poll()  # select() takes no handle above 1,023
        for handle in (self._wake, *self._handles, *self._agents):
            poll.register(handle, select.POLLIN)
        ready = {handle for handle, _ in poll.poll(1000 * seconds)}
        if self._ended.is_set():
            return
        if ready.intersection(self._agents) and not self.died:
            # The raylet announces its end now, and Ray's code in this process may end it a tenth of a second later.
            self.died, self._grace = "one of its agents on this machine has ended", 0.0
        for handle in ready.intersection(self._handles):
            self.died = self.died or self._handles[handle]

    def _look_at_head(self) -> None:
        """Whether the head's port accepts a connection, and how long it has not."""
        if self.died or self._ended.is_set():
            return
        host, _, port = self._head.rpartition(":")
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), LOOK_EVERY_SECONDS):
            self._head_seen = time.monotonic()
        if time.monotonic() - self._head_seen >= LONGEST_WITHOUT_HEAD:
            self.died = f"its head at {self._head} cannot be reached"

    def _end_process(self) -> None:
        act = threading.Thread(target=self.last_act, daemon=True)
        act.start()
        act.join(GRACE_SECONDS)
        print(self.error, file=sys.stderr, flush=True)
        remove_own_folders()
        os._exit(EXIT_CODE)


@contextmanager
def watched(head: str, remedy: str, end: Callable[[], object]) -> Iterator[Watch]:
    """Watch over Ray inside the `with` block; `end` disconnects from it afterwards.

    Raises `RayDiedError` in place of whatever else is raised after Ray's death.
    """
    watch = Watch(head, remedy)
    try:
        yield watch
    except Exception as error:
        if not isinstance(error, RayDiedError):
            watch.require()
        raise
    finally:
        watch.release()
        end()
        watch.close()


def _handle(pid: int) -> int | None:
    """A handle of a process, ready to read when it has ended; None where there is none, or the kernel gives none."""
    with suppress(OSError):
        return os.pidfd_open(pid)
    return None


def _raylet(node: Any) -> int:
    """Process id of the raylet of this machine, 0 where it has another meaning there (a container)."""
    with suppress(OSError, AttributeError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.connect(node.raylet_socket_name)
        pid, _, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid)
    return 0


def _agents(raylet: int) -> list[int]:
    """Ray's agents that this raylet started."""
    with suppress(OSError):
        children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
        return [int(child) for child in children if b"Agent" in Path(f"/proc/{child}/cmdline").read_bytes()[:30]]
    return []
