"""A small process that ends what is left of a local Ray when its driver is gone.

Problem: after a SIGKILL of the driver the kernel ends Ray's head, and the workers follow; but two of Ray's agents wait a
minute for the dead head (the time is fixed in Ray's code).
Decision: the guard waits for the end of a pipe that only the driver holds; then it kills Ray's processes that still write to
files in that Ray's folder, and removes the folder. (A mark in their environment does not last: Ray writes process titles over it.)
Consequence: a killed driver leaves nothing behind after some seconds, and nobody else's process is touched, neither another
Ray nor a program that reads the logs or joined from outside. Linux only (/proc).
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE_SECONDS = 3.0  # for processes that are ending by themselves
LOOK_SECONDS = 20.0  # a process may still be starting another when the driver dies
_POLL_SECONDS = 0.2


@contextmanager
def guarded() -> Iterator[Callable[[str], None]]:
    """Gives a function that takes a Ray's folder: that and Ray's processes do not outlive this process or the block."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal is for the driver
    )
    assert guard.stdin is not None
    pipe = guard.stdin

    def watch_over(folder: str) -> None:
        pipe.write(os.fsencode(folder))
        pipe.flush()

    try:
        yield watch_over
    finally:
        pipe.close()
        guard.wait()


def left_of(folder: str) -> list[int]:
    """Ray's processes that have a file below `folder` open for writing."""
    pids = (int(process.name) for process in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if _is_rays(pid) and _writes_below(pid, folder)]


def end(pid: int, folder: str) -> None:
    """Kill a process that `left_of` found; the handle makes sure that the id was not given to another process meanwhile."""
    with suppress(OSError):  # it has ended by now
        handle = os.pidfd_open(pid)
        try:
            if _is_rays(pid) and _writes_below(pid, folder):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def main() -> None:
    """Wait until the driver is gone, then end what is left of the Ray in the folder that it named, and remove the folder."""
    folder = os.fsdecode(sys.stdin.buffer.read())
    start = time.monotonic()
    while folder and (left := left_of(folder)) and (waited := time.monotonic() - start) < LOOK_SECONDS:
        if waited > GRACE_SECONDS:
            for pid in left:
                end(pid, folder)
        time.sleep(_POLL_SECONDS)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def _is_rays(pid: int) -> bool:
    """Whether the process carries one of Ray's titles, or runs a program of Ray's package."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].startswith(b"ray::") or any(b"/site-packages/ray/" in word for word in words[:4])


def _writes_below(pid: int, folder: str) -> bool:
    with suppress(OSError):  # it has ended, or belongs to another user
        links = Path(f"/proc/{pid}/fd").iterdir()  # a link's own mode says how the file was opened (proc(5))
        return any(os.readlink(link).startswith(f"{folder}/") and link.lstat().st_mode & 0o200 for link in links)
    return False


if __name__ == "__main__":
    main()
