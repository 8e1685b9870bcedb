"""Several values in one short text: `8..64 step 8`, `8..64 x2`, `16, 32, 100..400 step 100`.

A grid is mostly ranges, and a list of forty numbers hides the one that is wrong. A range holds both its ends where a
step falls on them. It is counted before it is written out, so that `0..1e12` is refused instead of filling the memory.
"""

import re
from decimal import Decimal

from aesweep.models.errors import InputError

MOST_TRIALS = 100_000
"""Most trials of one spec, and most values of one range. The preset of the paper has 1,116."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s+step\s+({_NUMBER})|\s*[x*]\s*({_NUMBER}))?")
_RUN = re.compile(r"[^()]+\)?|[()]")  # up to a bracket: the comma of min(8f,1024) separates nothing
_KEPT = "\0"  # such a comma meanwhile
_FORMS = "Write a range as 8..64, 8..64 step 8 or 8..64 x2, and several values as 8, 16, 32."


def split_values(field: str, text: str) -> list[str | int | float]:
    """The values that `text` names, in its order: words and numbers between commas, and ranges written out.

    Single words come back as text (`"16"`, `"1e-3"`, `"vae"`); ranges give int where both ends and the step are whole
    numbers, float otherwise. Raises `InputError` naming `field` for empty entries and for ranges without a value.
    """
    values: list[str | int | float] = []
    runs = (run.replace(",", _KEPT) if run.endswith(")") else run for run in _RUN.findall(text))
    for part in "".join(runs).split(","):
        word = part.replace(_KEPT, ",").strip()
        if not word:
            raise InputError(field, text, f"A value is missing. {_FORMS}")
        values += _expand_range(field, word) if ".." in word else [word]
        if len(values) > MOST_TRIALS:
            raise InputError(field, text, f"Give at most {MOST_TRIALS:,} values.")
    return values


def _expand_range(field: str, text: str) -> list[int | float]:
    match = _RANGE.fullmatch(text)
    if not match or len(text) > 200:
        raise InputError(field, text, f"This range cannot be read. {_FORMS}")
    # Decimal keeps 0.1..0.3 step 0.1 at three values that read 0.1, 0.2, 0.3.
    first, last, step, factor = (Decimal(number) if number else None for number in match.groups())
    assert first is not None and last is not None  # both stand outside the optional group
    if max((abs(number.adjusted()) for number in (first, last, step, factor) if number), default=0) > 30:
        raise InputError(field, text, "These numbers are too large or too small for a range.")
    if first > last:
        raise InputError(field, text, f"The range is empty: {first} is above {last}. Begin with the smaller number.")
    if factor is not None:
        return _multiples(field, text, first, last, factor)
    step = Decimal(1) if step is None else step
    if step <= 0:
        raise InputError(field, text, "The range is endless: give a step above 0.")
    count = int((last - first) / step) + 1
    if count > MOST_TRIALS:
        raise InputError(field, text, f"The range has {count:,} values; give at most {MOST_TRIALS:,}: a larger step.")
    return _plain([first + index * step for index in range(count)])


def _multiples(field: str, text: str, first: Decimal, last: Decimal, factor: Decimal) -> list[int | float]:
    if first <= 0 or factor <= 1:
        raise InputError(field, text, "A range by a factor begins above 0 and its factor is above 1, as in 8..64 x2.")
    count = (last / first).ln() / factor.ln() + 1
    if count > MOST_TRIALS:
        raise InputError(field, text, f"The range has {count:,.0f} values; give at most {MOST_TRIALS:,}.")
    values = [first]
    while values[-1] * factor <= last:
        values.append(values[-1] * factor)
    return _plain(values)


def _plain(values: list[Decimal]) -> list[int | float]:
    whole = all(value == value.to_integral_value() for value in values)
    return [int(value) if whole else float(value) for value in values]
