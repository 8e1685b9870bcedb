"""Arrays as the bytes of an npz file, whose checksums tell where it is damaged."""

import io
import math
from typing import IO, Any

import numpy as np

from aesweep.models.archive import require_sound_zip


def to_npz(**arrays: Any) -> bytes:
    """The bytes of an npz file with these arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def from_npz(data: bytes, what: str, *names: str) -> dict[str, np.ndarray]:
    """All arrays of an npz file. Raises `ValueError`, which says `what` is damaged, also where one of `names` is missing."""
    try:
        require_sound_zip(io.BytesIO(data))
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            for part in file.zip.infolist():
                _require_length(file.zip.open(part), part.file_size)
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zip and array headers fail in many ways
        raise ValueError(f"damaged {what}: {error}") from error
    if missing := set(names) - set(arrays):
        raise ValueError(f"damaged {what}: no {', '.join(sorted(missing))}")
    return arrays


def _require_length(part: IO[bytes], size: int) -> None:
    """Refuse an array that is said to be larger than its bytes: its memory would be taken before they are read."""
    with part:
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, kind = read[np.lib.format.read_magic(part)](part)
        if kind.hasobject or part.tell() + math.prod(shape) * kind.itemsize != size:
            raise ValueError(f"an array of {shape} {kind} in {size} bytes")
