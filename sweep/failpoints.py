"""Named moments at which a test can kill the sweep, so that "killed between model and commit" is exact and not a race.

`AESWEEP_FAILPOINT=between-model-and-commit` makes the first process that passes that moment kill the driver and then
itself with SIGKILL. `AESWEEP_FAILPOINT=inside-write:checkpoint.pt` waits for a file whose name ends so. Without the
variable a failpoint is one dictionary look-up.

`AESWEEP_FAULT` makes single trials fail, as real machines do: words `KIND:STAGE:KEY` or `KIND:STAGE:KEY:LAST`, separated
by spaces, with the start of a trial's key and the number of the last attempt that is hit. STAGE is `train` or one of the
evaluation's (`encode`, `fit`, …); KIND is `die` (SIGKILL of the process alone), `out-of-memory` or `cuda-error` (the
exceptions that torch raises).
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VARIABLE = "AESWEEP_FAILPOINT"
FAULTS = "AESWEEP_FAULT"
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


def fault(stage: str, key: str, attempt: str) -> None:
    """Fail here, if this stage of this trial was asked to."""
    number = int(attempt.split("-")[1])
    for word in os.environ.get(FAULTS, "").split():
        kind, where, prefix, *last = word.split(":")
        if where == stage and key.startswith(prefix) and number <= int(last[0] if last else number):
            _fail(kind)


def _fail(kind: str) -> None:
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    import torch

    if kind == "out-of-memory":
        raise torch.OutOfMemoryError("CUDA out of memory. Injected by AESWEEP_FAULT.")
    raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered. Injected by AESWEEP_FAULT.")
