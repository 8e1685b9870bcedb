"""Whether a verdict is confirmatory: its claim, the thresholds and its trials were frozen before any trial was scored.

A verdict uses the trials of its data set under one evaluation. It is confirmatory if one record of the store freezes the
same code and thresholds for the same evaluation, names all of these trials, and lists none of them as scored before, in
this way or in another. Two records that only cover them together mean that the grid was extended after a first look.
Everything else is exploratory, and says why. Whoever may write to the store can forge a record.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from aesweep.analysis.claims.claims_table import Judged, Judgement
from aesweep.analysis.claims.own import OwnClaims
from aesweep.analysis.claims.verdicts import ERROR
from aesweep.analysis.data.evaluations import NO_DISTANCES
from aesweep.analysis.data.results import Results
from aesweep.analysis.frozen import Frozen, claims_sha256, threshold_values

CONFIRMATORY = "confirmatory"
MEANING = (
    "A verdict is confirmatory if its claim, the thresholds and all trials that it uses were frozen in the store before any of "
    "these trials was scored; otherwise, it is exploratory and suggests what to test on new trials. Whoever may write to the "
    "store could forge this."
)


def with_standing(judgement: Judgement, frozen: Sequence[Frozen], own: OwnClaims | None) -> Judgement:
    """The verdicts with what the records of the store make of them."""
    results = judgement.results
    standings = {is_own: standing(results, frozen, _sha256(is_own, own)) for is_own in (False, True)}
    judged = (
        replace(one, standing="" if one.ours.outcome == ERROR else standings[one.claim.is_own])
        for one in judgement.judged
    )
    return replace(judgement, judged=tuple(judged), standing=_in_words(results, frozen, judgement.judged, own))


def _sha256(is_own: bool, own: OwnClaims | None) -> str:
    return own.sha256 if is_own and own is not None else ""


def standing(results: Results, frozen: Sequence[Frozen], own: str = "") -> str:
    """`confirmatory`, or `exploratory: ` and why. `own` is the SHA-256 of the user's file, for claims of it."""
    if not frozen:
        return "exploratory: no claims were frozen in this store"
    same = _same_rules(frozen, own)
    if not same:
        return f"exploratory: {_what_changed(frozen, own)}"
    same = _same_scoring(same, results)
    if not same:
        return "exploratory: this way of scoring was not frozen"
    used = frozenset(results.trials["key"])
    return CONFIRMATORY if _covering(same, used) else f"exploratory: {_what_was_seen(same, used)}"


def missing_own(frozen: Sequence[Frozen], own: OwnClaims | None, address: str) -> str:
    """A sentence on the claims that were frozen here and not given to the report; "" where there are none."""
    named = max((one for one in frozen if one.own), key=lambda one: one.time, default=None)
    if named is None or own is not None:
        return ""
    command = f"aesweep report {shlex.quote(address)} --claims {shlex.quote(named.own_file)}"
    return (
        f"A launch on {_day(named)} froze claims of its own, in {named.own_file}, that this report was not given. "
        f"If you trust that file, judge them with: {command}"
    )


def _same_rules(frozen: Sequence[Frozen], own: str) -> list[Frozen]:
    code, thresholds = claims_sha256(), threshold_values()
    return [f for f in frozen if f.claims == code and f.thresholds == thresholds and own in ("", f.own)]


def _same_scoring(frozen: Sequence[Frozen], results: Results) -> list[Frozen]:
    any_scoring = results.evaluation == NO_DISTANCES  # what needs no distance may come from several evaluations
    return [f for f in frozen if any_scoring or f.evaluation == results.evaluation.id]


def _covering(frozen: Sequence[Frozen], used: frozenset[str]) -> Frozen | None:
    """The first record that names these trials, none of which had been scored."""
    found = (one for one in frozen if used <= one.keys and not used & (one.seen | one.seen_otherwise))
    return min(found, key=lambda one: one.time, default=None)


def _what_changed(frozen: Sequence[Frozen], own: str) -> str:
    if own and not any(one.own for one in frozen):
        return "your claims were not frozen"
    if own and all(one.own != own for one in frozen):
        return "your claims file has changed since it was frozen"
    code, now = claims_sha256(), threshold_values()
    last = max((f for f in frozen if own in ("", f.own)), key=lambda one: (one.claims == code, one.time))
    if last.claims != code:
        return f"the code that judges has changed since it was frozen with aesweep {last.aesweep}"
    changed = [
        name for name in sorted(now.keys() | last.thresholds.keys()) if now.get(name) != last.thresholds.get(name)
    ]
    said = (
        f"{name} {last.thresholds.get(name, float('nan')):g}, now {now.get(name, float('nan')):g}" for name in changed
    )
    return f"thresholds have changed since ({'; '.join(said)})"


def _what_was_seen(frozen: Sequence[Frozen], used: frozenset[str]) -> str:
    """Why no single record covers these trials."""
    if all(any(key in one.keys - one.seen - one.seen_otherwise for one in frozen) for key in used):
        return "the grid was extended after trials had been scored"
    best = max(frozen, key=lambda one: (len(used & one.keys), -len(used & (one.seen | one.seen_otherwise))))
    among = f"of {len(used)} trials"
    if seen := len(used & best.seen):
        return f"{seen} {among} had been scored before"
    if seen := len(used & best.seen_otherwise):
        return f"{seen} {among} had been scored in another way before"
    return f"{len(used - best.keys)} {among} were not in the frozen sweep"


def _in_words(results: Results, frozen: Sequence[Frozen], judged: Sequence[Judged], own: OwnClaims | None) -> str:
    """What the standings mean, and what the record says that makes verdicts confirmatory."""
    kinds = {_sha256(one.claim.is_own, own) for one in judged}
    used = frozenset(results.trials["key"])
    for kind in sorted(kinds):
        if (found := _covering(_same_scoring(_same_rules(frozen, kind), results), used)) is not None:
            return f"{MEANING} Frozen on {_day(found)}; {len(used)} of the {len(found.keys)} frozen trials are scored here."
    return MEANING


def _day(frozen: Frozen) -> str:
    return f"{frozen.time[:16].replace('T', ' ')} UTC"
