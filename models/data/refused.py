"""Pictures that cannot be used, and one error that names all of them. Imports neither NumPy nor Pillow."""

import os
from collections.abc import Sequence

from aesweep.models.errors import InputError

NAMED = 10  # pictures that one error names
ROOM = 700  # characters for their names: a line of an error holds 1,000
READABLE = "Make it readable or remove it."
SEVERAL = "Remove them, or put copies in their place that can be read."


class PictureError(InputError):
    """A picture that cannot be used."""

    def __init__(self, file: str, reason: str, advice: str) -> None:
        super().__init__("image file", file, f"It is {reason}. {advice}")
        self.args = (file, reason, advice)  # what pickle gives back to __init__
        self.file = file
        self.reason = reason


def all_refused(refused: Sequence[PictureError], pictures: int, remedy: str = SEVERAL) -> InputError:
    """One error for all that cannot be used of so many `pictures`: the first of them by name, with `remedy` for several."""
    if len(refused) == 1:
        return refused[0]
    names = [error.file for error in refused[:NAMED]]
    where = ""
    if sum(map(len, names)) > ROOM:
        parent = os.path.commonpath(names)
        names, where = [os.path.relpath(name, parent) for name in names], f"In {parent}: "
    reasons: dict[str, list[str]] = {}
    for name, error in zip(names, refused, strict=False):
        reasons.setdefault(error.reason, []).append(name)
    groups = "; ".join(f"{', '.join(files)}: {reason}" for reason, files in reasons.items())
    more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return InputError("image files", f"{len(refused)} of {pictures} pictures", f"{where}{groups}{more}. {remedy}")
