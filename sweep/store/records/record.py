"""What a record is, and how one is read: its model checks it once, where the file is read."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from aesweep.sweep.store.records.seal import has_broken_seal, sealed_json_bytes
from aesweep.sweep.store.storage import to_json_bytes

_FIELDS = TypeAdapter(dict[str, Any])
_UNCHECKED = {"config", "execution", "spec"}
"""Fields that hold any JSON object."""
MOST_VALUES = 5_000_000
"""Commas of one file: JSON takes some twenty times its length in memory. A spec of 100,000 trials has some two million."""
MOST_FIELD_BYTES = 1_000_000


class Record(BaseModel):
    """One JSON object of a store."""

    model_config = ConfigDict(strict=True, frozen=True)
    most_values: ClassVar[int] = 1_000_000
    """Commas and lists of its file. The scores of 65,536 latent units have some 800,000."""

    def to_json(self) -> Mapping[str, object]:
        """The fields as plain JSON values."""
        return self.model_dump(by_alias=True)

    def to_bytes(self) -> bytes:
        """The content of its file."""
        return to_json_bytes(self.to_json())


class SealedRecord(Record):
    """A record whose file carries the SHA-256 of its own bytes."""

    def to_bytes(self) -> bytes:
        """The content of its file, with the seal."""
        return sealed_json_bytes(self.to_json())


AnyRecord = TypeVar("AnyRecord", bound=Record)


def parse_record(kind: type[AnyRecord], data: bytes) -> AnyRecord | None:
    """The record in `data`; None where there is none of this kind, or where its seal is broken."""
    if (
        not data.lstrip().startswith(b"{")
        or (len(data) > kind.most_values and data.count(b",") + data.count(b"[") > kind.most_values)
        or has_broken_seal(data)
    ):
        return None
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        return _parse_odd_text(kind, data) if error.errors()[0]["type"] == "json_invalid" else None


def _parse_odd_text(kind: type[AnyRecord], data: bytes) -> AnyRecord | None:
    """The record, where pydantic refuses the text alone: a path that is no UTF-8 is half of a surrogate pair in JSON.

    Only fields that are not checked may hold such a path, such as a sweep's data folder; None if another field does.
    """
    try:
        value = json.loads(data)
        known = {name: value[name] for name in kind.model_fields if name in value}
        unchecked = {name: known[name] for name in _UNCHECKED & known.keys() if isinstance(known[name], dict)}
        record = kind.model_validate_json(json.dumps({**known, **{name: {} for name in unchecked}}))
    except (ValueError, TypeError, RecursionError):  # no JSON, no object, or refused
        return None
    return record.model_copy(update=unchecked)


def parse_fields(data: bytes) -> Mapping[str, Any]:
    """The JSON object in `data`, whatever it holds; empty where there is none."""
    try:
        return _FIELDS.validate_json(data) if len(data) <= MOST_FIELD_BYTES else {}
    except ValidationError:
        return {}
