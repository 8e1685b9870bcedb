"""The records of an attempt at training or scoring a trial: its beginning, its signs of life and its end."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, Strict, StringConstraints

from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.store.records.fields import (
    AnyVersion,
    Count,
    CutLine,
    CutText,
    How,
    Name,
    Share,
    ShortText,
    Time,
    or_else,
)
from aesweep.sweep.store.records.record import Record, SealedRecord


class EpochsRecord(SealedRecord):
    """`epochs.json`: the epochs of a training that has not been committed, for people to look at. It is no result."""

    attempt: Name
    history: tuple[Annotated[EpochRecord, AnyVersion], ...]


class FailureRecord(Record):
    """`failures/*.json`: why an attempt failed."""

    key: CutLine
    attempt: CutLine
    stage: CutLine
    evaluation: CutLine
    type: CutLine
    message: CutText
    traceback: CutText
    node: CutText
    time: Time

    @property
    def reason(self) -> str:
        """The error in one text."""
        return f"{self.type}: {self.message}"


class TrainingSettings(Record):
    """What decides the bits of a training in addition to the trial's configuration."""

    device: ShortText
    threads: int
    precision_used: ShortText
    torch_version: ShortText
    compile: bool
    deterministic: bool


class TrainingPart(Record):
    """A part of a training that ended at this place, and the settings it ran with (None where they are unknown)."""

    settings: Annotated[TrainingSettings | None, or_else(None)]
    epoch: Count
    """Whole epochs."""
    step: Count
    """Steps of the next epoch."""


class StartRecord(Record):
    """`start.json`: who began an attempt and, once it is known, where it resumed training.

    A value that does not fit counts as unknown: without the rest, an attempt of a living driver would count as dead.
    """

    driver: str
    node: Annotated[str, or_else("")]
    pid: Annotated[int, or_else(0)] = 0
    time: Annotated[str, or_else("")] = ""
    epoch: Annotated[Count, or_else(0)] = 0
    step: Annotated[Count, or_else(0)] = 0
    resumed_from: Annotated[str, or_else("none")] = "none"
    settings: Annotated[TrainingSettings | None, or_else(None)] = None
    parts: Annotated[Annotated[tuple[TrainingPart, ...], Strict(False)] | None, or_else(None)] = ()
    """The parts before this one; None where that cannot be read."""

    def to_json(self) -> Mapping[str, object]:
        """The fields that were given: an evaluation has no place."""
        return self.model_dump(exclude_unset=True)


class EndRecord(Record):
    """`end.json`: how an attempt ended that left neither a commit nor a failure."""

    how: How
    reason: CutText
    share: Share
    """The part of a GPU that it held."""
    time: str = ""


class PrunedAttempts(SealedRecord):
    """`pruned.json`: attempts that lost files, so that they still count and never commit (docs/store.md)."""

    attempts: tuple[Name, ...]


class BeatRecord(Record):
    """`progress/*.alive`: the Ray node and the process that work on an attempt."""

    node: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,100}$")]
    pid: Annotated[int, Field(gt=0, lt=2**31)]
