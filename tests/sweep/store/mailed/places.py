"""Changes of the file system: something else than a regular file, other names, other rights."""

import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sweep.store.mailed.damage import Context

Change = Callable[["Context", Path], None]


def _in_place(make: Change) -> Change:
    """Remove the file, or now and then the folder that holds it, and put something else there."""

    def change(context: "Context", path: Path) -> None:
        if context.rng.random() < 0.3 and path.parent != context.store:
            path = path.parent
        _remove(path)
        make(context, path)

    return change


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _link(*targets: str) -> Change:
    def make(context: "Context", path: Path) -> None:
        target = context.rng.choice(targets).format(bait=context.bait, name=path.name, store=context.store)
        path.symlink_to(target)

    return _in_place(make)


def _linked_file(context: "Context", path: Path) -> None:
    """The file itself, sound, in a folder of the reader, and a link in its place."""
    path.unlink()
    path.symlink_to(context.rng.choice(sorted((context.bait / "outside").glob("*"))))


def _linked_inside(context: "Context", path: Path) -> None:
    others = sorted(other for other in context.store.rglob("*") if other != path)
    target = context.rng.choice(others)
    path.unlink()
    path.symlink_to(os.path.relpath(target, path.parent))


def _fifo(context: "Context", path: Path) -> None:
    os.mkfifo(path)


def _socket(context: "Context", path: Path) -> None:
    short = f"/tmp/fuzz-{os.getpid()}-{random.randrange(10**9)}"  # an address has at most 107 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(short)
    shutil.move(short, path) if os.stat("/tmp").st_dev != os.stat(path.parent).st_dev else os.replace(short, path)


def _folders(context: "Context", path: Path) -> None:
    (path / "/".join(["d"] * context.rng.choice([1, 3, 60, 400]))).mkdir(parents=True)


def _crowd(context: "Context", path: Path) -> None:
    """Three thousand names beside the file, each of another kind."""
    text = path.read_bytes()[:2_000]
    for i in range(3_000):
        (path.parent / f"{i:012x}{path.suffix}").write_bytes(text)


def _file_for_folder(context: "Context", path: Path) -> None:
    folder = path.parent if path.parent != context.store else path
    _remove(folder)
    folder.write_bytes(b"{}")


def _huge(context: "Context", path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(context.rng.choice([2**31, 2**36, 2**42]))


def _larger(context: "Context", path: Path) -> None:
    """As long as may be read of a record."""
    filler = context.rng.choice([b" ", b"\0", b"\n", b"0", b'"'])
    data = path.read_bytes()
    path.write_bytes(data + filler * (63 * 2**20 - len(data)))


def _forbidden(context: "Context", path: Path) -> None:
    target = path.parent if context.rng.random() < 0.4 and path.parent != context.store else path
    target.chmod(context.rng.choice([0o000, 0o000, 0o200, 0o444]) if target == path else 0o000)


def _odd_names(context: "Context", path: Path) -> None:
    """Copies of the file under names that a terminal, a page or a shell takes for something else."""
    names = [
        b"\x1b[2J.json", b"a\nb.json", b"<img src=x onerror=fz7canary>.json", b"=fz7canary.json", b"$x$.json", b"-rf.json",
        b"\xff\xfe.json", b"\xe2\x80\xaetxt.json", b".tmp-0123456789ab", b"x.damaged-abcdef", b"..json", b" .json",
        b"con.json", b"a" * 250 + b".json",
        path.name.upper().encode(), path.name.swapcase().encode(), b"latest.json", b"0" * 12 + b".json", b"store.json",
    ]  # fmt: skip
    for name in context.rng.sample(names, 6):
        with open(os.fsencode(path.parent) + b"/" + name, "wb") as file:
            file.write(path.read_bytes())


def _moved(context: "Context", path: Path) -> None:
    """Under the name of another file of the store."""
    others = sorted(other for other in context.store.rglob("*") if other.is_file() and other.suffix == path.suffix)
    os.replace(path, context.rng.choice(others))


def _gone(context: "Context", path: Path) -> None:
    _remove(path.parent if context.rng.random() < 0.3 and path.parent != context.store else path)


PLACES: dict[str, Change] = {
    "a link to a file of the reader": _linked_file,
    "a link to a folder of the reader": _link("{bait}/outside", "{bait}/home", "{bait}", "/", "../../bait/outside"),
    "a link inside": _linked_inside,
    "a link to itself or to nothing": _link("{name}", "nowhere", ".", "..", "{store}"),
    "a link to a device": _link("/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/mem", "/dev/random"),
    "a FIFO": _in_place(_fifo),
    "a socket": _in_place(_socket),
    "folders": _in_place(_folders),
    "a file for a folder": _file_for_folder,
    "holes of terabytes": _huge,
    "63 MB": _larger,
    "no rights": _forbidden,
    "odd names": _odd_names,
    "a crowd of names": _crowd,
    "another name": _moved,
    "missing": _gone,
}
