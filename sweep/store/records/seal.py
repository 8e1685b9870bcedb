"""The seal of a record: the SHA-256 of the file's own bytes, with zeros in its place.

A flipped bit in a number is still JSON of the right shape. A file without a seal is judged by its fields alone.
"""

import hashlib
import re
from collections.abc import Mapping

from aesweep.sweep.store.storage import to_json_bytes

ZEROS = "0" * 64
_SEAL = re.compile(rb'\n "seal": "([0-9a-f]{64})"')  # one space of indent: top level only
_SEAL_FIELD = b'\n "seal": "'  # found a hundred times as fast as the expression
_SEAL_LINE = re.compile(rb'\n "(?:seal": "[^\n]*|[^\n]{4}": "[0-9a-f]{64}")')  # also one in which a bit flipped


def sealed_json_bytes(value: Mapping[str, object]) -> bytes:
    """A JSON object with its seal."""
    data = to_json_bytes({**value, "seal": ZEROS})
    place = _seal_place(data)
    assert place is not None
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(ZEROS) :]


def has_sound_seal(data: bytes) -> bool:
    """Whether the bytes are those that were sealed; far faster than reading them as JSON. False without a seal."""
    place = _seal_place(data)
    if place is None:
        return False
    end = place + len(ZEROS)
    unsealed = hashlib.sha256(data[:place])
    unsealed.update(ZEROS.encode())
    unsealed.update(data[end:])
    return unsealed.hexdigest().encode() == data[place:end]


def has_broken_seal(data: bytes) -> bool:
    """Whether there is a seal, of other bytes than these. One in which a bit flipped counts."""
    return not has_sound_seal(data) and _SEAL_LINE.search(data) is not None


def _seal_place(data: bytes) -> int | None:
    found = _SEAL.search(data, max(0, data.find(_SEAL_FIELD)))
    return found.start(1) if found else None
