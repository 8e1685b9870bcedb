"""What the data say of a sentence: supported, contradicted, or not enough data, with the numbers.

A sentence makes one or more comparisons. One that goes the other way contradicts it; one that is missing, or that its
interval does not settle, leaves it open; else it is supported. The interval is over training seeds, with a single seed
over the images that were compared, and the words say which; without both the sign of a difference decides.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.uncertainty import Comparison, Scores, compare
from aesweep.analysis.text.text_tables import format_score

Outcome = Literal["supported", "contradicted", "not enough data"]
SUPPORTED: Outcome = "supported"
CONTRADICTED: Outcome = "contradicted"
OPEN: Outcome = "not enough data"
OUTCOMES = (SUPPORTED, CONTRADICTED, OPEN)


@dataclass(frozen=True)
class Finding:
    """One comparison that a sentence makes."""

    outcome: Outcome
    words: str  # the comparison with its numbers, such as `64 filters, GMM: DAE 77.36, VAE 93.60 (-16.24)`


@dataclass(frozen=True)
class Verdict:
    """What the findings say together."""

    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper."""

    name: str  # the function's name
    section: str
    sentence: str  # as printed, or our wording where the paper spreads it over several sentences
    judge: Callable[[Results], Verdict]
    data: tuple[str, ...]  # data sets that the sentence speaks of; empty: any

    def __call__(self, results: Results) -> Verdict:
        """What these data say of it."""
        return self.judge(results)


def claim(section: str, sentence: str, *data: str) -> Callable[[Callable[[Results], Verdict]], Claim]:
    """Make a function the claim of its name, on `data` (none: any data set)."""
    return lambda judge: Claim(judge.__name__, section, sentence, judge, data)


def together(findings: Iterable[Finding]) -> Verdict:
    """One contradiction contradicts, one gap leaves open, none of both supports."""
    found = tuple(findings)
    outcomes = {finding.outcome for finding in found}
    if CONTRADICTED in outcomes:
        return Verdict(CONTRADICTED, found)
    return Verdict(OPEN if OPEN in outcomes or not found else SUPPORTED, found)


def holds(fact: bool, words: str) -> Finding:
    """A finding that is simply so, or not."""
    return Finding(SUPPORTED if fact else CONTRADICTED, words)


def agreed(facts: Iterable[bool], words: str) -> Finding:
    """A finding on candidates that the noise leaves open: so where it is so for all, not where for none, else open."""
    outcomes = set(facts)
    return holds(outcomes.pop(), words) if len(outcomes) == 1 else left_open(f"{words}, not settled")


def left_open(words: str) -> Finding:
    """A comparison that cannot be made; `words` says what lacks."""
    return Finding(OPEN, words)


def lower(where: str, names: tuple[str, str], first: Scores, second: Scores) -> Finding:
    """Whether the first network's score is lower than the second's."""
    found = compare(first, second)
    if found is None:
        return no_score(where, names, first, second)
    words = compared_words(where, names, found)
    if found.is_open:
        return unsettled(words, found)
    return holds(found.sign < 0, words)  # equal scores without an interval: not lower


def compared_words(where: str, names: tuple[str, str], found: Comparison) -> str:
    """Both scores and `change_words`."""
    words = f"{names[0]} {format_score(found.first)}, {names[1]} {format_score(found.second)}"
    return f"{where}: {words} ({change_words(found)})"


def change_words(found: Comparison) -> str:
    """The difference, and its interval with what it is over where there is one: `-5 ± 0.2267, 95 %`."""
    noise = "" if math.isnan(found.half_width) else f" ± {format_score(found.half_width)}, 95 %{found.alone}"
    return f"{found.difference:+.4g}{noise}"


def unsettled(words: str, found: Comparison) -> Finding:
    """A comparison whose interval leaves both answers."""
    return left_open(f"{words}, not settled by the {found.over}")


def no_score(where: str, names: tuple[str, str], first: Scores, second: Scores) -> Finding:
    """A comparison of which a score is missing or no finite number."""
    lacks = " and ".join(name for name, scores in zip(names, (first, second), strict=True) if not scores.known)
    return left_open(f"{where}: no score of {lacks}")
