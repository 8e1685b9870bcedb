"""Actions in a forked child, within limits of time and memory, with a record of all that they touch outside their store.

The parent has imported every library, so a child begins in milliseconds. Three watches see what it does: an audit hook sees
what Python opens, changes, starts and connects to; inotify sees every access to the bait, relative names and C++ included;
and the bait is compared with what it was.
"""

import ctypes
import math
import os
import pickle
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.watching import nothing_happens_in

SECONDS, MEGABYTES = 10, 2_000
"""What one action may take: time of the processor, whatever it waits for, and memory beyond what the parent held."""
CLOCK_SECONDS = 120  # after which a child that only waits is ended; a busy machine may be as slow as that
LARGEST_FILE = 2**30  # that a child may write
_STARTS = (
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_SOCKETS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg")
_CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.link": 2, "os.symlink": 0, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.setxattr": 1, "shutil.rmtree": 1, "tempfile.mkdtemp": 1,
}  # fmt: skip
"""Audit events that change files, and how many of their first arguments are paths."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_READABLE = tuple(
    str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/proc", "/sys")
)
_ALSO_READABLE = ("/dev/urandom", "/etc", "/var/cache/fontconfig")  # time zone, users, fonts
ADDRESSES = ("127.0.0.1", "192.0.2.2")
"""Where an action may connect to: nobody listens at the first, and a UDP socket to the second tells this machine's address."""


@dataclass(frozen=True)
class Ended:
    """How an action ended."""

    trouble: str
    """A traceback, or how the child was ended; "" where all was well."""
    result: Any
    seconds: float
    """Seconds of processor time."""
    megabytes: float
    """The most resident memory during the action beyond what the parent held."""
    touched: tuple[str, ...]
    """What it did outside the folders that it may use."""


class _Audit:
    """Notes what leads out of some folders; does nothing in a process that did not call `begin`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._inside: tuple[str, ...] = ()
        self._readable: tuple[str, ...] = ()
        self._on = False

    def begin(self, folders: tuple[Path, ...], readable: tuple[Path, ...]) -> None:
        """From now on everything outside these folders is noted, but for reading what may be read."""
        self._inside = tuple(os.path.realpath(folder) for folder in folders)
        repository = str(Path(__file__).resolve().parents[4])
        self._readable = (*self._inside, *map(os.path.realpath, readable), *_READABLE, *_ALSO_READABLE, repository)
        self._on = True

    def end(self) -> None:
        """Note no more."""
        self._on = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        self._on = False
        try:
            self._look(event, arguments)
        finally:
            self._on = True

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        connects = event in _SOCKETS and not any(address in repr(arguments) for address in ADDRESSES)
        if event in _STARTS or connects:
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open":
            path, _, flags = arguments
            is_nameless = flags & _WRITING and not isinstance(path, int) and os.path.isdir(path)  # a temporary file
            if not is_nameless:
                self._path(event, path, self._inside if flags & _WRITING else self._readable)
        elif event in ("os.listdir", "os.scandir", "ctypes.dlopen"):
            self._path(event, arguments[0], self._readable)
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                self._path(event, path, self._inside)

    def _path(self, event: str, path: Any, allowed: tuple[str, ...]) -> None:
        """Note an absolute path outside; what is relative to an open folder is seen by inotify alone."""
        if isinstance(path, str | bytes | Path) and os.path.isabs(name := os.fsdecode(path)) and name != "/dev/null":
            real = os.path.realpath(name)
            if not any(real == place or real.startswith(place.rstrip("/") + "/") for place in allowed):
                self.seen.append(f"{event} {name}")


audit = _Audit()
sys.addaudithook(audit)  # cannot be removed again


def run_limited(
    actions: Sequence[Callable[[], Any]], bait: Path, *folders: Path, readable: tuple[Path, ...] = ()
) -> list[Ended]:
    """Run them one after the other in a forked child; a limit that one exceeds ends it, and the rest is not begun.

    They may write to `folders` alone, in the last of which they run, and must not look at `bait`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _act(actions, writer, bait, folders, readable)
    os.close(writer)
    found = []
    with open(reader, "rb") as file, suppress(EOFError, pickle.UnpicklingError):
        while True:
            found.append(pickle.load(file))  # of our own child
    _, status, usage = os.wait4(child, 0)
    if status or len(found) < len(actions):
        how = f"ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"ended with {status}"
        found.append(Ended(how, None, usage.ru_utime + usage.ru_stime, 0.0, ()))
    return found


def _act(
    actions: Sequence[Callable[[], Any]],
    writer: int,
    bait: Path,
    folders: tuple[Path, ...],
    readable: tuple[Path, ...],
) -> None:
    """The child's whole life."""
    code = 1
    try:
        os.chdir(folders[-1] if folders else bait)  # names that are relative to it are no bait
        own = str(folders[-1] if folders else bait)
        os.environ.update(HOME=str(bait / "home"), XDG_STATE_HOME=own, TORCHINDUCTOR_CACHE_DIR=own)
        tempfile.tempdir = own if folders else None  # a folder of temporary files has a name
        before, most = _resident(), int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (most + MEGABYTES * 1_000_000,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _give_up_privileges()
        with open(writer, "wb") as file:
            for action in actions:
                pickle.dump(_watched(action, before, bait, folders, readable), file)
                file.flush()
        code = 0
    finally:
        os._exit(code)


def _watched(
    action: Callable[[], Any], before: int, bait: Path, folders: tuple[Path, ...], readable: tuple[Path, ...]
) -> Ended:
    """One action with its ten seconds; `before` is the memory that the child began with."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of this action alone
    trouble, result, started = "", None, time.process_time()
    ended = started
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(started) + SECONDS, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the parent's handler may be that of pytest's own time limit
    signal.alarm(CLOCK_SECONDS)
    try:
        with nothing_happens_in(bait):
            audit.begin(folders, readable)
            try:
                result = action()
            finally:
                audit.end()
                ended = time.process_time()  # what the watch does afterwards is no part of the action
                resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except BaseException:
        trouble = traceback.format_exc()[-4000:]
    seconds, megabytes = ended - started, max(0, _peak() - before) / 1e6
    if not trouble and (seconds > SECONDS or megabytes > MEGABYTES):
        trouble = f"took {seconds:.1f} s and {megabytes:,.0f} MB"
    touched = tuple(dict.fromkeys(audit.seen))
    audit.seen.clear()
    return Ended(trouble, result, seconds, megabytes, touched)


def _give_up_privileges() -> None:
    """Root reads files of mode 000; without these two capabilities it is told off as anybody is."""
    if os.geteuid():
        return
    version_3, dac_override, dac_read_search = 0x20080522, 1, 2
    header, data = (ctypes.c_uint32 * 2)(version_3, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    for word in (0, 1):  # effective and permitted
        data[word] &= ~(1 << dac_override | 1 << dac_read_search)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak() -> int:
    """The most resident memory since the last `clear_refs`, in bytes."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024


def make_bait(folder: Path) -> Path:
    """A folder of files that a hostile store could be after: a home, and folders of other work."""
    for name in ("home/.ssh", "home/.aws", "outside", "outside/images/train/a", "outside/images/test/a"):
        (folder / name).mkdir(parents=True)
    for name in ("file", "file.json", "config.json", "train.json", "store.json", "x", "notes.damaged-abcdef"):
        (folder / "outside" / name).write_text('{"spec": "x"}')
    for name in (".ssh/id_rsa", ".aws/credentials", ".bashrc", "thesis.tex"):
        (folder / "home" / name).write_text("precious")
    return folder
