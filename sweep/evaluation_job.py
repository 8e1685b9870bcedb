"""One evaluation as a message to its tasks, and the names of the files that it writes. Imports no torch."""

from dataclasses import dataclass, fields
from functools import cached_property

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.records.attempts import FailureRecord
from aesweep.sweep.store.records.commits import FileRecord
from aesweep.sweep.store.store import DamagedFileError, Store

Files = dict[str, FileRecord]
"""Name of a file -> its SHA-256 and length, as a commit holds them."""


class TrainedAgainError(RuntimeError):
    """The weights of a trial changed while it was scored: another driver found them damaged and trained it again."""


class MemoryLackedError(RuntimeError):
    """A stage found too little memory on its GPU, for the first time: trials that train on it may have taken it."""


class StageFailedError(RuntimeError):
    """A stage failed and recorded why. Other trials that wait for the same stage fail for the same reason."""

    def __init__(self, failure: FailureRecord) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return self.failure.reason


@dataclass(frozen=True)
class EvaluationJob:
    """One trial, one way of scoring, one attempt."""

    root: str
    key: str
    attempt: str
    evaluation: EvaluationConfig
    execution: ExecutionConfig
    driver: str = "none"
    """Name of the progress file of the driver that waits for signs of life."""
    identity: bytes | None = None
    """Which store the driver works on (`Storage.identity`); None for whichever is found."""

    @cached_property
    def store(self) -> Store:
        """The store that the job reads from and commits to."""
        return Store(self.root, identity=self.identity)

    @cached_property
    def config(self) -> TrialConfig:
        """The trial that is scored."""
        return self.store.trials.config(self.key)

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: each process opens the store itself."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def write(self, name: str, data: bytes) -> Files:
        """Write a file of this attempt; its entry for the commit."""
        return {name: self.store.attempts.write_file(self.key, self.attempt, name, data)}

    def has_lost_its_files(self) -> bool:
        """Whether `prune` removed this attempt, whose driver slept: whatever it meets, it has not failed."""
        return self.attempt in self.store.attempts.pruned(self.key)

    def read(self, name: str, files: Files) -> bytes:
        """Read a file that an earlier stage wrote, checked."""
        return self.store.attempts.read_file(self.key, self.attempt, name, files[name])


def lost_its_model(store: Store, key: str, error: BaseException) -> bool:
    """Whether a stage found the weights damaged, so that the trial counts as untrained: the evaluation did not fail."""
    return isinstance(error, DamagedFileError) and not store.commits.has_training(key)
