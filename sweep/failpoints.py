"""Named moments at which a test can kill the sweep, so that "killed between model and commit" is exact and not a race.

`AESWEEP_FAILPOINT=between-model-and-commit` makes the first process that passes that moment kill the driver and then
itself with SIGKILL. `AESWEEP_FAILPOINT=inside-write:checkpoint.pt` waits for a file whose name ends so. Without the
variable a failpoint is one dictionary look-up.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VARIABLE = "AESWEEP_FAILPOINT"
DRIVER = "AESWEEP_DRIVER_PID"


@contextmanager
def driver_of_failpoints() -> Iterator[None]:
    """Inside the `with` block, workers started from here know this process as their driver."""
    os.environ[DRIVER] = str(os.getpid())
    try:
        yield
    finally:
        del os.environ[DRIVER]


def failpoint(moment: str, detail: str = "") -> None:
    """Die here, driver first, if this moment was asked for."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, ending = wanted.partition(":")
    if name != moment or not detail.endswith(ending):
        return
    driver = os.environ.get(DRIVER)
    if driver is not None and int(driver) != os.getpid():
        with suppress(ProcessLookupError):  # another worker came to this moment first
            os.kill(int(driver), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
