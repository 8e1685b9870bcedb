"""What the data say of a sentence: supported, contradicted, or not enough data, with the numbers.

A sentence makes one or more comparisons, each with a p-value for it and one against it (`aesweep.analysis.statistics`). It
is supported where every comparison supports it (an intersection–union test, which needs no correction). It is contradicted
where one comparison does after Holm's correction for their number: among many, one goes the wrong way by chance. All else,
and everything with one training seed, is not enough data.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from aesweep.analysis.data.results import Results
from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import Estimate, Sample, contrast, holm
from aesweep.analysis.text.text_tables import format_score

Outcome = Literal["supported", "contradicted", "not enough data", "error"]
SUPPORTED: Outcome = "supported"
CONTRADICTED: Outcome = "contradicted"
OPEN: Outcome = "not enough data"
ERROR: Outcome = "error"
"""A claim of the user's own whose function failed."""
OUTCOMES = (SUPPORTED, CONTRADICTED, OPEN)
"""Those that a claim can have where its function works."""
CIRCULAR = "circular"
OURS = "ours"
"""`section` of a claim that the paper does not make."""
YOURS = "yours"
"""`section` of a claim from a file of the user's own."""
ONE_SEED = "not settled: one training seed decides nothing, train three"


class Interval(NamedTuple):
    """What a comparison estimates, measured from what decides it, so that the report can draw it.

    A sentence about a difference is decided on either side of 0, one about little difference at `margin` on both sides of 0.
    """

    value: float
    half_width: float  # of the 95 % interval
    margin: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One comparison that a sentence makes."""

    outcome: Outcome
    words: str  # the comparison with its numbers, such as `64 filters, GMM: DAE 77.36, VAE 93.60 (-16.24 ± 2.1, 95 %)`
    p_for: float = 1.0  # that the sentence is wrong here; small: supported
    p_against: float = 1.0  # that it is right here; small: contradicted
    circular: bool = False  # the sentence itself states the numbers, which therefore cannot test it
    intervals: tuple[Interval, ...] = field(default=(), compare=False)  # to be drawn; several where settings are pooled


@dataclass(frozen=True)
class Verdict:
    """What the findings say together."""

    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def words(self) -> str:
        """The outcome, or `circular` where the sentence states the numbers that would have to test it."""
        return CIRCULAR if self.findings and all(one.circular for one in self.findings) else self.outcome

    @property
    def numbers(self) -> str:
        """All comparisons with their numbers, in one line."""
        return "; ".join(finding.words for finding in self.findings)


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper, one of ours, or one of the user's."""

    name: str  # the function's name
    section: str  # of the paper, `OURS` or `YOURS`
    quote: str  # the paper's words exactly, " … " where it leaves something out; our own words for a claim of ours
    judge: Callable[[Results], Verdict]
    data: tuple[str, ...]  # data sets that the sentence speaks of; empty: any
    threshold: str = ""  # the field of `Thresholds` that the verdict depends on; "" for none

    @property
    def of_paper(self) -> bool:
        """Whether the paper says it."""
        return self.section not in (OURS, YOURS)

    @property
    def is_own(self) -> bool:
        """Whether it is the user's."""
        return self.section == YOURS

    @property
    def source(self) -> str:
        """Who says it, for a reader."""
        sections = f"Section{'s' * (',' in self.section)} {self.section.replace(', ', ' and ')}"
        return {OURS: "ours, not in the paper", YOURS: "yours"}.get(self.section, sections)

    def tested(self, results: Results) -> str:
        """What the function tests, in words: the first line of its text, with the latent size of these data."""
        line = (self.judge.__doc__ or "").partition("\n")[0]
        size = f"{results.comparison_size} latent units"
        return line.replace("At the comparison size", f"At {size}").replace("at the comparison size", f"at {size}")

    def __call__(self, results: Results) -> Verdict:
        """What these data say of it."""
        return self.judge(results)


def claim(section: str, quote: str, *data: str, threshold: str = "") -> Callable[[Callable[[Results], Verdict]], Claim]:
    """Make a function the claim of its name, on `data` (none: any data set); its first line says what it tests."""
    return lambda judge: Claim(judge.__name__, section, quote, judge, data, threshold)


def together(findings: Iterable[Finding]) -> Verdict:
    """All support: supported. One contradicts even among this many (Holm): contradicted. Otherwise it is left open."""
    found = tuple(findings)
    made = [
        i for i, finding in enumerate(found) if min(finding.p_for, finding.p_against) < 1
    ]  # comparisons with an answer
    counts = dict(zip(made, holm([found[i].p_against for i in made]), strict=True))
    found = tuple(_corrected(finding, counts.get(i, False), len(made)) for i, finding in enumerate(found))
    outcomes = {finding.outcome for finding in found}
    if CONTRADICTED in outcomes:
        return Verdict(CONTRADICTED, found)
    return Verdict(OPEN if OPEN in outcomes or not found else SUPPORTED, found)


def _corrected(finding: Finding, counts: bool, among: int) -> Finding:
    if finding.outcome != CONTRADICTED or counts:
        return finding
    return replace(finding, outcome=OPEN, words=f"{finding.words}, which among {among} comparisons may be chance")


def decided(words: str, p_for: float, p_against: float, remark: str = "", *intervals: Interval) -> Finding:
    """A finding by its p-values; `remark` says what an open one lacks, `intervals` are drawn."""
    outcome = SUPPORTED if p_for <= ALPHA else CONTRADICTED if p_against <= ALPHA else OPEN
    words = f"{words}, {remark}" if remark and outcome == OPEN else words
    return Finding(outcome, words, p_for, p_against, intervals=intervals)


def below(words: str, found: Estimate) -> Finding:
    """A finding that an estimate is below 0."""
    return decided(words, found.p_below(), found.p_above(), unsettled(found), *drawn(found))


def above(words: str, found: Estimate) -> Finding:
    """A finding that an estimate is above 0."""
    return decided(words, found.p_above(), found.p_below(), unsettled(found), *drawn(found))


def drawn(found: Estimate, margin: float = 0.0) -> tuple[Interval, ...]:
    """The interval of an estimate; none where one seed leaves it unknown."""
    return (Interval(found.value, found.half_width, margin),) if math.isfinite(found.half_width) else ()


def every(parts: Sequence[Finding], words: str, remark: str = "not settled") -> Finding:
    """One finding for a statement about several settings: so for all of them, or not so for one (Bonferroni)."""
    against = min(1.0, len(parts) * min(part.p_against for part in parts))
    intervals = (interval for part in parts for interval in part.intervals)
    return decided(words, max(part.p_for for part in parts), against, remark, *intervals)


def holds(fact: bool, words: str) -> Finding:
    """A finding that is simply so, or not: a count of parameters, not a score."""
    return decided(words, 0.0 if fact else 1.0, 1.0 if fact else 0.0)


def left_open(words: str) -> Finding:
    """A comparison that cannot be made; `words` says what is missing."""
    return Finding(OPEN, words)


def circular(words: str) -> Finding:
    """A comparison of printed numbers that the sentence itself states: they cannot test it."""
    return Finding(OPEN, f"{words}: circular, since the sentence itself states the printed numbers", circular=True)


def lower(where: str, names: tuple[str, str], first: Sample, second: Sample, factor: float = 1.0) -> Finding:
    """Whether `factor` times the first network's expected score is lower than the second's."""
    if not first.known or not second.known:
        return no_score(where, names, first, second)
    if factor != 1 and not positive(first, second):
        return left_open(f"{where}: {NO_SHARE}")
    found = contrast((factor, first), (-1.0, second))
    times = "" if factor == 1 else f"{factor:.3g} times "
    words = f"{times}{names[0]} {format_score(factor * first.mean)}, {names[1]} {format_score(second.mean)}"
    return below(f"{where}: {words} ({change_words(found)})", found)


NO_SHARE = "shares of a distance of 0 or below mean nothing"
"""Kernel distances are unbiased, so they can be negative."""


def positive(*samples: Sample) -> bool:
    """Whether all means are above 0, so that factors and shares of them mean something."""
    return all(sample.mean > 0 for sample in samples)


def change_words(found: Estimate) -> str:
    """The difference, and its interval where there is one: `-5 ± 0.2267, 95 %`."""
    if math.isnan(found.half_width):
        return f"{found.value:+.4g}"
    nominal = "" if found.seeds else " with the nominal error"
    together = f" for the best of {found.among}" if found.among > 1 else ""
    return f"{found.value:+.4g} ± {format_score(found.half_width)}, 95 %{together}{nominal}"


def unsettled(found: Estimate) -> str:
    """What an open comparison lacks: a second seed, or how many there should be."""
    if not found.seeds:
        return "not settled by printed numbers of one seed"
    if found.seeds == 1:
        return ONE_SEED
    more = found.seeds_needed()
    enough = f"about {more} would settle a difference of this size" if more else "the difference is too small"
    return f"not settled by {found.seeds} seeds; {enough}"


def no_score(where: str, names: tuple[str, str], first: Sample, second: Sample) -> Finding:
    """A comparison of which a score is missing or no finite number."""
    lacks = " and ".join(name for name, scores in zip(names, (first, second), strict=True) if not scores.known)
    return left_open(f"{where}: no score of {lacks}")
