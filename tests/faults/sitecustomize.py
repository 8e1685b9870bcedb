"""Injects faults into the process that imports this when it starts, and into those that it starts.

`FAULTS_DEATH` is `WHEN PATTERN`, such as `before */train.json`: the process that writes or commits such a file of a store
kills the driver (the first process that had the variable) and then itself, with SIGKILL. WHEN is `before`, `inside` (half
of the bytes are in a temporary file, which does not get its name) or `after`.

`FAULTS_IN_TRIALS` makes single trials fail, as real machines do: words `KIND:STAGE:KEY` or `KIND:STAGE:KEY:LAST`,
separated by spaces, with the start of a trial's key and the number of the last attempt that is hit. STAGE is `train` or a
function of the evaluation (`encode`, `fit`, …); KIND is `crash` (a segmentation fault), `kill` (SIGKILL of this process alone),
`out-of-memory` or `cuda-error` (the exceptions that torch raises).
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial, wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from io import BytesIO
from types import ModuleType
from typing import Any, BinaryIO

WHEN, _, PATTERN = os.environ.get("FAULTS_DEATH", "").partition(" ")
WORDS = [word.split(":") for word in os.environ.get("FAULTS_IN_TRIALS", "").split()]
DRIVER = int(os.environ.setdefault("FAULTS_DRIVER", str(os.getpid())))


class FaultyStorage:
    """A storage whose process dies at the chosen moment."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def write(self, name: str, data: bytes) -> None:
        self._perform(name, data, partial(self._storage.write, name))

    def commit(self, name: str, data: bytes) -> bool:
        return bool(self._perform(name, data, partial(self._storage.commit, name)))

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        return bool(self._perform(name, data, partial(self._storage.replace, name, found)))

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        file.seek(0)
        exchange = partial(self._storage.exchange, name, found)
        return bool(self._perform(name, file.read(), lambda data: exchange(BytesIO(data or b""))))

    def _perform(self, name: str, data: bytes | None, action: Callable[[bytes | None], Any]) -> Any:
        if data is None or not fnmatchcase(name, PATTERN):
            return action(data)
        if WHEN == "before":
            die()
        if WHEN == "inside":
            os.replace = os.link = die  # the step in which a written file gets its name
            action(data[: len(data) // 2])
            raise RuntimeError(f"{name} was written without os.replace and os.link: mend this injection")
        action(data)
        die()


def die(*_: object, **__: object) -> None:
    """Kill the driver, then this process."""
    if os.getpid() != DRIVER:
        with suppress(ProcessLookupError):  # another worker reached the moment first
            os.kill(DRIVER, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def fail(stage: str, key: str, attempt: str) -> None:
    """Fail if this stage of this trial is one of those chosen."""
    number = int(attempt.split("-")[1])
    for kind, where, prefix, *last in WORDS:
        if where != stage or not key.startswith(prefix) or number > int(last[0] if last else number):
            continue
        if kind in ("crash", "kill"):
            os.kill(os.getpid(), signal.SIGSEGV if kind == "crash" else signal.SIGKILL)
        import torch

        if kind == "out-of-memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Injected by a test.")
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered. Injected by a test.")


def change_storages(module: Any) -> None:
    """Every storage that the module opens is a faulty one."""
    opened = module.open_storage
    module.open_storage = wraps(opened)(lambda *given, **named: FaultyStorage(opened(*given, **named)))


def change_training(module: Any) -> None:
    """Chosen trials fail in their next epoch."""
    run_epoch = module.TrainingAttempt.run_epoch

    def run_epoch_or_fail(attempt: Any) -> Any:
        fail("train", attempt.config.key, attempt.attempt)
        return run_epoch(attempt)

    module.TrainingAttempt.run_epoch = run_epoch_or_fail


def change_evaluation(module: Any) -> None:
    """Chosen stages of an evaluation fail."""

    def failing(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(stage)
        def stage_or_fail(job: Any, *arguments: Any) -> Any:
            fail(name, job.key, job.attempt)
            return stage(job, *arguments)

        return stage_or_fail

    for name in {where for _, where, *_ in WORDS} - {"train"}:
        setattr(module, name, failing(name, getattr(module, name)))


CHANGES: dict[str, Callable[[Any], None]] = {}
if WHEN:
    CHANGES["aesweep.sweep.store.store"] = change_storages
if WORDS:
    CHANGES["aesweep.sweep.worker.training_attempt"] = change_training
    CHANGES["aesweep.sweep.worker.evaluation_stages"] = change_evaluation


class ChangedModules(MetaPathFinder):
    """Finds the modules of `CHANGES`, so that each is changed as soon as it has run and before anybody has its names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in CHANGES else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            CHANGES[fullname](module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, ChangedModules())
