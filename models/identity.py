"""Names made of content: the same configuration has the same hash on every machine and in every version.

A trial and an evaluation are found again by a hash of what decides their numbers. Two rules keep a store of old results
valid while the code grows: the JSON holds a frozen list of fields, and a field added later enters it only where it
differs from its default.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys, no spaces and shortest floats: equal values give equal text."""
    return _ENCODER.encode(value)


def content_hash(value: Any, digits: int = 12) -> str:
    """The first `digits` hex digits of the SHA-256 of `value`'s canonical JSON."""
    return text_hash(canonical_json(value), digits)


def text_hash(text: str, digits: int = 12) -> str:
    """The first `digits` hex digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def text_around(content: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The canonical JSON of `content` before and after the value of `name`, which has names before and after it."""
    before, after = ({key: content[key] for key in content if is_there(key)} for is_there in (name.__gt__, name.__lt__))
    return f'{canonical_json(before)[:-1]},"{name}":', f",{canonical_json(after)[1:]}"


def identity_fields(config: Any, frozen: Collection[str]) -> dict[str, Any]:
    """What enters the hash of a dataclass: the `frozen` fields, and any later field that is not its default.

    Fields that do not take part in comparisons are labels, and never enter it.
    """
    values = vars(config)
    always, later = _deciding(config.__class__, tuple(frozen))
    found = {name: values[name] for name in always}
    found.update((name, values[name]) for name, default in later if values[name] != default)
    return found


@cache
def _deciding(kind: type, frozen: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """Fields that always enter the hash, and the later ones with their defaults; looked up once for thousands of trials."""
    deciding = [field for field in fields(kind) if field.compare]
    later = tuple((field.name, field.default) for field in deciding if field.name not in frozen)
    return tuple(field.name for field in deciding if field.name in frozen), later


def stream_seed(*words: str | int) -> int:
    """A seed below 2^60 for one named stream of random numbers, such as ("order", seed, epoch)."""
    return int(content_hash(list(words), digits=15), 16)
