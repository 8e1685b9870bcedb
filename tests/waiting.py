"""Waiting until something is so, with a bound: what tests of other processes do instead of sleeping."""

import select
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
LOOK_EVERY_SECONDS = 0.05


def wait_until(
    condition: Callable[[], Found],
    seconds: float,
    what: str,
    found_instead: Callable[[], object] = str,
    process: subprocess.Popen[str] | None = None,
) -> Found:
    """What `condition` returned once it was true. Fails with `what` (and what is there instead) after so many seconds, or
    with the errors of `process` if that ends before."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert process is None or process.poll() is None, f"{what}: the command ended\n{process.communicate()[1]}"
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what} {found_instead()}"
        select.select([], [], [], LOOK_EVERY_SECONDS)
    return found
