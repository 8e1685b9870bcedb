"""What the data say of a sentence: supported, contradicted, or not enough data, with the numbers.

A sentence makes one or more comparisons. One that goes the other way contradicts it; one that is missing, or that the
spread of training seeds does not settle, leaves it open; else it is supported. With a single seed the sign of a
difference decides, and the words show no interval.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.results import Results
from analysis.text_tables import format_score
from analysis.uncertainty import compare

Outcome = Literal["supported", "contradicted", "not enough data"]
SUPPORTED: Outcome = "supported"
CONTRADICTED: Outcome = "contradicted"
OPEN: Outcome = "not enough data"
OUTCOMES = (SUPPORTED, CONTRADICTED, OPEN)


@dataclass(frozen=True)
class Finding:
    """One comparison that a sentence makes."""

    outcome: Outcome
    words: str
    """The comparison with its numbers, such as `64 filters, GMM: DAE 77.36, VAE 93.60 (-16.24)`."""


@dataclass(frozen=True)
class Verdict:
    """What the findings say together."""

    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper."""

    name: str
    """The function's name."""
    section: str
    sentence: str
    """As printed, or our wording where the paper spreads it over several sentences."""
    judge: Callable[[Results], Verdict]
    data: tuple[str, ...]
    """Data sets that the sentence speaks of; empty: any."""


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


def missing(words: str) -> Finding:
    """A comparison that cannot be made; `words` says what lacks."""
    return Finding(OPEN, words)


def lower(where: str, names: tuple[str, str], first: np.ndarray, second: np.ndarray) -> Finding:
    """Whether the first network's score is lower than the second's; one value per training seed each."""
    found = compare(first, second)
    if found is None:
        lacks = " and ".join(name for name, values in zip(names, (first, second), strict=True) if not len(values))
        return missing(f"{where}: no score of {lacks}")
    noise = "" if math.isnan(found.half_width) else f" ± {format_score(found.half_width)}, 95 %"
    words = f"{names[0]} {format_score(found.first)}, {names[1]} {format_score(found.second)}"
    words = f"{where}: {words} ({found.difference:+.4g}{noise})"
    if found.difference == 0:
        return Finding(CONTRADICTED, words)
    outcome = {-1: SUPPORTED, 0: OPEN, 1: CONTRADICTED}[found.sign]
    return Finding(outcome, words + (", not settled by the seeds" if outcome == OPEN else ""))
