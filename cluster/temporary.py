"""The folder in which aesweep makes its temporary folders: there, writable, with room, and fit for Ray's sockets.

Problem: batch systems and containers set TMPDIR to folders that are too long for a socket's path (107 bytes), full,
read-only or not there, and Ray says so late and at length.
Decision: a folder that a variable names must be there and have room, or the launch is refused before Ray starts. One that
only is too long for Ray, or that others could exchange, is passed over for the next: RAY_TMPDIR, TMPDIR, then the usual
places.
Consequence: a long TMPDIR does not matter, and every other trouble is two lines that name the variable.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aesweep.cluster.errors import ClusterError

VARIABLES = ("RAY_TMPDIR", "TMPDIR")
SOCKET_BYTES = 107  # of a socket's path (unix(7))
LONGEST_SOCKET = "/session_2026-11-28_03-55-25_741006_4194304/sockets/plasma_store"
RAYS_FOLDER = "r"  # Ray makes its own writable for everybody (mode 0777), so that it must be inside one of ours
LONGEST_OWN = f"/aesweep-ray-12345678/{RAYS_FOLDER}"  # what scratch.py makes there
LONGEST_BYTES = SOCKET_BYTES - len(LONGEST_SOCKET) - len(LONGEST_OWN)
LEAST_BYTES = 16 * 2**20  # Ray's logs and our code have 2 MB at the start
NO_ROOM = "It has no room"
FULL = (errno.ENOSPC, errno.EDQUOT)
OVERFLOW_USER = 65534  # as whom a user namespace shows everybody from outside


def find_folder() -> Path:
    """The folder for our temporary folders. Raises `ClusterError` where one that is named, or every one, cannot be used."""
    for trouble in _named_troubles():
        raise trouble
    return _first_fit()


def troubles() -> list[ClusterError]:
    """What keeps aesweep from making temporary folders; empty where nothing does."""
    found = _named_troubles()
    if not found:
        try:
            _first_fit()
        except ClusterError as trouble:
            found.append(trouble)
    return found


def _named_troubles() -> list[ClusterError]:
    """What is wrong with the folders that variables name."""
    named = {name: folder for name in VARIABLES if (folder := _named(name))}
    return [
        ClusterError(name, str(folder), f"{why}. {remedy_for(why, folder, name)}.")
        for name, folder in named.items()
        if (why := why_unusable(folder))
    ]


def _first_fit() -> Path:
    """The first place that will do; the others are not written to. Raises `ClusterError` where there is none."""
    reasons: dict[Path, str] = {}
    for place in _places():
        reasons[place] = why_unfit(place) or why_unusable(place)
        if not reasons[place]:
            return place
    told = "; ".join(f"{place}: {reason[0].lower()}{reason[1:]}" for place, reason in reasons.items())
    remedy = f"Set RAY_TMPDIR to a folder of at most {LONGEST_BYTES} bytes that you may write to. {told}."
    raise ClusterError("temporary folder", ", ".join(map(str, reasons)), remedy)


def why_unusable(folder: Path, room: int = LEAST_BYTES) -> str:
    """Why no file of `room` bytes can be written to `folder`, as a sentence without its full stop; "" where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            left = memoryview(bytes(room))
            while left:
                left = left[file.write(left) :]
    except FileNotFoundError:
        return "It does not exist"
    except NotADirectoryError:
        return "It is not a folder"
    except OSError as error:
        if error.errno in FULL:
            return f"{NO_ROOM} for {room / 1e6:.0f} MB ({error.strerror})"
        return f"It cannot be written to ({error.strerror})"
    return ""


def why_unfit(folder: Path) -> str:
    """Why Ray's files cannot be in `folder`, though it may be fit for others; "" where they can."""
    length = len(os.fsencode(folder))
    if length > LONGEST_BYTES:
        return f"Its path has {length} bytes, and Ray's sockets need one of at most {LONGEST_BYTES}"
    if not str(folder).isascii():
        return "Ray cannot start in a folder whose name is not ASCII"
    environment = os.environ.get("VIRTUAL_ENV")
    if environment and folder.resolve().is_relative_to(Path(environment).resolve()):
        return "Ray does not start in a virtual environment's folder"
    if exchangeable := exchangeable_part(folder):
        return f"Others may exchange what is in {exchangeable}"
    return ""


def remedy_for(why: str, folder: Path, name: str = "") -> str:
    """What to do about an unusable folder, without full stop; `name` is the variable that led there, if it is known."""
    name = name or next((n for n in VARIABLES if _named(n) == folder), "RAY_TMPDIR")
    make = "Make room there" if why.startswith(NO_ROOM) else "Make it one that you may write to"
    return f"{make}, or set {name} to another folder"


def _named(variable: str) -> Path | None:
    """The folder that a variable names; an empty one names none, as for Python's `tempfile`."""
    value = os.environ.get(variable)
    return Path(os.path.abspath(value)) if value else None


def _places() -> Iterator[Path]:
    """Folders to try, in this order."""
    for name in VARIABLES:
        if folder := _named(name):
            yield folder
    yield Path("/tmp")
    yield Path("/var/tmp")
    if folder := _named("XDG_RUNTIME_DIR"):
        yield folder
    yield Path("/dev/shm")


def exchangeable_part(folder: Path) -> Path | None:
    """The part of a folder's path in which another user could exchange what is there; None where there is none."""
    real = folder.resolve()
    return next((part for part in (real, *real.parents) if _others_may_exchange(part)), None)


def _others_may_exchange(folder: Path) -> bool:
    """Whether another user could put a folder of their own in the place of one in `folder`: code and logs lie there."""
    try:
        found = folder.stat()
    except OSError:
        return False  # `why_unusable` says more
    foreign = found.st_uid not in (0, os.geteuid(), OVERFLOW_USER)
    open_to_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return foreign or bool(open_to_others)
