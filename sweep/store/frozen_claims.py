"""`claims/<hash>.json`: what a launch will be judged by, written before it trains anything (docs/claims.md).

The name is a hash of what is frozen: the code that judges, its thresholds, the user's file of claims, the spec and the
evaluation. The first record of a name stays, and with it its time and its list of trials that had been scored by then, so
that launching the same thing again neither writes nor claims anything new. Readers take a record only under its own name.
"""

import re
from itertools import accumulate
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from aesweep.models.identity import content_hash
from aesweep.sweep.spec.ranges import MOST_TRIALS
from aesweep.sweep.store.layout import CLAIMS, MERGES, claims_name
from aesweep.sweep.store.reading import Records
from aesweep.sweep.store.records.fields import Finite, Key, Name, ShortText
from aesweep.sweep.store.records.launches import MergeRecord
from aesweep.sweep.store.records.record import MOST_VALUES, Record, SealedRecord, parse_record
from aesweep.sweep.store.storage import is_folder, size_of

MOST_BYTES = 2**28
"""Total size of the records that are read, in the order of their names: one takes 10 kB, and 17 more for each thousand trials."""
_NAME = re.compile(rf"{CLAIMS}/[0-9a-f]{{12}}\.json")

LONGEST_TEXT = 4000
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
UtcTime = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[0-9.]*\+00:00$")
]


class Sentence(Record):
    """One claim, for whoever reads the file."""

    name: Text
    section: Text
    quote: Text
    threshold: Text


class FrozenClaims(SealedRecord):
    """What was frozen, and what had been seen by then. `aesweep.analysis.frozen.Frozen` explains the fields."""

    most_values: ClassVar[int] = MOST_VALUES
    claims: Sha256
    thresholds: dict[Name, Finite]
    own: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    own_file: Annotated[str, StringConstraints(pattern=r"^(/.*)?$", max_length=LONGEST_TEXT)]
    sentences: tuple[Sentence, ...]
    spec: Name
    evaluation: Name
    keys: Annotated[tuple[Key, ...], Field(min_length=1, max_length=MOST_TRIALS)]
    seen: tuple[Key, ...]
    seen_otherwise: tuple[Key, ...]
    time: UtcTime
    aesweep: ShortText

    @property
    def hash(self) -> str:
        """12 hex digits of what is frozen, without when and what was seen."""
        return content_hash([self.claims, self.thresholds, self.own, self.spec, self.evaluation])

    def freezes(self, other: "FrozenClaims") -> bool:
        """Whether this already freezes all that `other` would; `resume` does not know the user's own file."""
        named = other if other.own else other.model_copy(update={"own": self.own})
        return named.hash == self.hash


def read_frozen(records: Records) -> list[FrozenClaims]:
    """Every sound record of a store, oldest first."""
    listed = sorted(records.storage.listing(CLAIMS, 1).items())
    sizes = {name: size_of(version) for name, version in listed if _NAME.fullmatch(name) and not is_folder(version)}
    names = [name for name, so_far in zip(sizes, accumulate(sizes.values()), strict=True) if so_far <= MOST_BYTES]
    found = records.storage.map(lambda name: _read(records, name), names)
    return sorted((one for one in found if one is not None), key=lambda one: (one.time, one.hash))


def merged_keys(records: Records) -> set[str]:
    """Trials whose results came from another store, where they may have been seen before anything was frozen here."""
    names = [f"{MERGES}/{name}" for name in records.storage.names(MERGES) if name.endswith(".json")]
    return {key for name in names if (merge := records.read(name, MergeRecord)) is not None for key in merge.keys}


def write_frozen(records: Records, record: FrozenClaims) -> None:
    """Write a record unless it is there; one that is damaged is set aside first."""
    name = claims_name(record.hash)
    with records.storage.pinned():
        data = records.storage.read(name)
        if data is not None and parse_frozen(name, data) is None:
            records.set_aside(name, data)
        records.storage.commit(name, record.to_bytes())


def parse_frozen(name: str, data: bytes) -> FrozenClaims | None:
    """The record in the bytes of a file; None where that is damaged or has another record's name."""
    record = parse_record(FrozenClaims, data)
    return record if record is not None and claims_name(record.hash) == name else None


def _read(records: Records, name: str) -> FrozenClaims | None:
    data = records.storage.read(name)
    return None if data is None else parse_frozen(name, data)
