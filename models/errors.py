"""Exceptions that several layers share: bad input, which the command line prints without a traceback, and NaN pictures."""

import difflib
from collections.abc import Collection

LONGEST_SHOWN = 120  # characters of a value in a message
LONGEST_LINE = 1000  # characters of one line of a message: it may quote a file, which may hold anything


class InputError(ValueError):
    """A value given by the user that cannot be used.

    `field` says where it was given (`trials[0].latent_size`, `--store`, a file), `value` what was found there (None if nothing
    was given), and `remedy` what to write instead. The command line prints the two lines of `str(error)` and exits with code 2.
    """

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field = field
        self.value = value
        self.remedy = remedy
        super().__init__(field, value, remedy)

    def __str__(self) -> str:
        trouble = " is missing." if self.value is None else f": {_shown(self.value)} cannot be used."
        return f"{one_line(self.field + trouble)}\n{one_line(self.remedy)}"


class NonFiniteError(ValueError):
    """Generated pixels or features that are not finite numbers: a score that cannot be computed, with this reason."""


def one_line(text: str) -> str:
    """`text` on one line of bounded length; line breaks, terminal codes and the like are written as escapes."""
    safe = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:LONGEST_LINE])
    return safe if len(text) <= LONGEST_LINE else f"{safe}…"


def _shown(value: object) -> str:
    """`repr(value)` on one line of a readable length."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print whole numbers of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


SAME_THING = {"fid": "frechet", "fd": "frechet", "gpu": "cuda"}
"""What people write -> the name that it has here, although others are spelt more alike."""


def nearest(word: str, known: Collection[str]) -> str:
    """`Did you mean filters? ` or "", for the start of a remedy."""
    if (meant := SAME_THING.get(word.lower(), "")) in known:
        return f"Did you mean {meant}? "
    if len(begun := [name for name in known if name.startswith(word.lower())]) == 1:
        return f"Did you mean {begun[0]}? "
    found = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.5)
    found.sort(key=lambda name: name[0] != word[0].lower())  # of equally near ones, the same first letter
    return f"Did you mean {found[0]}? " if found else ""
