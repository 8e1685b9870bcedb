"""Arrays as the bytes of an npz file, whose checksums tell where it is damaged."""

import io
from typing import Any

import numpy as np


def to_npz(**arrays: Any) -> bytes:
    """The bytes of an npz file with these arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def from_npz(data: bytes, what: str, *names: str) -> dict[str, np.ndarray]:
    """All arrays of an npz file. Raises `ValueError`, which says `what` is damaged, also where one of `names` is missing."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zip and array headers fail in many ways
        raise ValueError(f"damaged {what}: {error}") from error
    if missing := set(names) - set(arrays):
        raise ValueError(f"damaged {what}: no {', '.join(sorted(missing))}")
    return arrays
