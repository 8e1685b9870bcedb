"""Where commands and launches write: whole lines in a file or a pipe, and a reader that goes away ends nothing.

Problem: `aesweep launch … 2>&1 | head` closes the pipe while the sweep runs, a log's disk becomes full, a terminal is gone.
Each of them is an error at the next line that is written, anywhere in the driver's loop.
Decision: what cannot be written is dropped below Python's text streams, so that print, Typer, rich and logging all see
streams that work. A command line remembers the error of its standard output (`lost_output`) and tells it at its end.
Consequence: a sweep trains to its end, its exit code is the true one, and nothing is left in a buffer that would fail at exit.
"""

import codecs
import io
import os
import select
import sys
from typing import Any, TextIO

from rich.console import Console

WIDE = 100_000  # columns of what is no terminal: lines stay whole


class _Unfailing(io.FileIO):
    """A file that takes everything: what cannot be written is dropped, and `trouble` is the first reason."""

    trouble: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            while (written := super().write(data)) is None:  # somebody made the pipe non-blocking
                select.select([], [self], [])
        except OSError as error:
            self.trouble = self.trouble or error
            return memoryview(data).nbytes
        return written


def make_console(*, stderr: bool = False, **options: Any) -> Console:
    """A console on standard output or error; lines are wrapped on a terminal only."""
    console = Console(file=_unfailing(sys.stderr if stderr else sys.stdout), stderr=stderr, **options)
    if not console.is_terminal and not console.is_jupyter:
        console.width = WIDE
    return console


def use_standard_streams() -> None:
    """Make this process's standard streams usable whatever they are: closed, full, without a reader, or not UTF-8."""
    _open_closed_ones()
    sys.stdout, sys.stderr = _unfailing(sys.stdout), _unfailing(sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path that is not UTF-8 is printed as it is on disk; a character that the encoding lacks as an escape.
        is_utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


def lost_output() -> OSError | None:
    """Why something that was printed on standard output could not be written; None where all of it was."""
    sys.stdout.flush()
    raw = _raw(sys.stdout)
    return raw.trouble if isinstance(raw, _Unfailing) else None


def _open_closed_ones() -> None:
    """Nothing else may get the number of a stream that is closed: what a library prints would end in a file of the store."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _unfailing(stream: TextIO) -> TextIO:
    """The same stream, from which no error comes. Streams that are no plain ones (a notebook's, a test's) stay."""
    if type(stream) is not io.TextIOWrapper or isinstance(_raw(stream), _Unfailing):
        return stream
    try:
        stream.flush()
        raw = _Unfailing(stream.fileno(), "w", closefd=False)
    except OSError:  # it is in memory, or already broken
        return stream
    by_line = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=by_line)


def _raw(stream: TextIO) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)
