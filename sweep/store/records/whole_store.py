"""The records of the store as a whole: its format, its tables and its last verification."""

from typing import Annotated, ClassVar

from pydantic import Field

from aesweep.sweep.store.records.commits import FileRecord
from aesweep.sweep.store.records.fields import Count, CutLine, Finite, Key, Name, ShortLine, Time, Version
from aesweep.sweep.store.records.record import MOST_VALUES, Record, SealedRecord


class StoreMark(Record):
    """`store.json`: the format of the store, and which one it is."""

    format: object = None
    id: str = ""
    created: str = ""


class Publication(SealedRecord):
    """`tables/publisher.json`: who publishes tables, or did last."""

    publication: Name
    """Another word each time."""


class FoldedTables(SealedRecord):
    """`tables/folded.json`: what the tables were made from."""

    most_values: ClassVar[int] = MOST_VALUES
    version: int
    """Version of the tables' columns."""
    aesweep: str
    files: dict[str, FileRecord]
    commits: dict[str, Version]
    """Version of every commit that was read and found whole."""
    signatures: dict[str, str]
    """Signature of each trial."""
    signature: str
    """One signature for all trials."""
    rows: dict[str, Count] = Field(default_factory=dict)
    """Number of rows of each table."""
    folders: dict[str, str] = Field(default_factory=dict)
    """Name of a commit -> its attempt and the version of that one's folder while it held the files of the commit."""
    publication: str = ""
    """The word of `publisher.json`, which all files of one publication carry."""
    poor: dict[Key, tuple[CutLine, CutLine]] | None = None
    """Key of a trial whose training should be looked at -> its name and the warning; None if the fold did not note them."""


class FindingRecord(Record):
    """One file that is missing or damaged."""

    name: str
    trouble: str


class VerifiedRecord(SealedRecord):
    """`verified.json`: when `aesweep verify` read the store last, and what it found."""

    time: Time
    aesweep: ShortLine
    seconds: Annotated[Finite, Field(ge=0)]
    trials: Count
    files: Count
    bytes: Count
    """Total size of the files that were read."""
    missing: Count
    damaged: Count
    repaired: bool
    """Whether what was found was set aside."""
    findings: tuple[FindingRecord, ...]
    """The first of them."""
