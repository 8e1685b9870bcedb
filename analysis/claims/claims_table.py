"""Every claim judged on every data set of a store, next to the verdicts of the paper's own numbers and of other readings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import pandas as pd

from aesweep.analysis.claims import CLAIMS
from aesweep.analysis.claims.readings import the_objective_of_vaes_is_the_papers
from aesweep.analysis.claims.verdicts import CONTRADICTED, ERROR, OPEN, OUTCOMES, SUPPORTED, Claim, Outcome, Verdict
from aesweep.analysis.commands import resume
from aesweep.analysis.data.published import published_tables
from aesweep.analysis.data.readings import Reading
from aesweep.analysis.data.results import Results, all_results, seeds_of_networks
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable
from aesweep.analysis.thresholds import SHARES, SWEPT

NO_TRIALS = "no such trials"


@dataclass(frozen=True)
class Judged:
    """One claim on one data set."""

    claim: Claim
    ours: Verdict
    paper: Verdict | None  # the verdict of the printed numbers; None for a data set that the paper does not have
    results: Results
    standing: str = ""  # confirmatory or exploratory, and why (standing.py); "" if that was not asked
    others: dict[Reading, Verdict] = field(default_factory=dict)
    """Its verdicts under the readings that it depends on: those that give other findings."""

    @property
    def statement(self) -> str:
        """What the verdict is about: the sentence, or, where the paper speaks of its own data, what was tested on these."""
        return self.claim.quote if self.results.of_paper or not self.claim.of_paper else self.claim.tested(self.results)

    @cached_property
    def _swept(self) -> dict[str, Outcome]:
        """The verdict at a smaller and a larger value of its threshold, by the value in words."""
        values = SWEPT.get(self.claim.threshold, ())
        thresholds = (replace(self.results.thresholds, **{self.claim.threshold: value}) for value in values)
        words = (f"{value:.0%}" if self.claim.threshold in SHARES else f"{value:g}" for value in values)
        return {
            word: self.claim.judge(self.results.under(other)).outcome
            for word, other in zip(words, thresholds, strict=True)
        }

    @property
    def _threshold(self) -> str:
        """The word that the threshold gives a meaning to, in quotes."""
        return f"“{self.claim.threshold.replace('_', ' ')}”"

    @property
    def flips(self) -> str:
        """How the verdict changes at a smaller and a larger value of its threshold; "" where it stays the same."""
        return "; ".join(
            f"{outcome} with {self._threshold} at {value}"
            for value, outcome in self._swept.items()
            if outcome != self.ours.outcome
        )

    @property
    def sweep(self) -> str:
        """What the threshold means for the verdict, in a sentence; "" without one, and where nothing is decided at any value."""
        if self.flips:
            return f"Depends on the threshold: {self.flips}."
        if not self._swept or self.ours.outcome in (OPEN, ERROR):
            return ""
        return f"The same with {self._threshold} at {' and at '.join(self._swept)}."

    @property
    def kernel(self) -> str:
        """The verdict under the kernel distance of the same features, in words; "" where it does not depend on it."""
        return next((self.words(reading) for reading in self.others if reading.is_kernel), "")

    def flipped(self, reading: Reading) -> bool:
        """Whether this reading turns the verdict into its opposite."""
        found = self.others.get(reading, self.ours)
        return {found.outcome, self.ours.outcome} == {SUPPORTED, CONTRADICTED}

    def words(self, reading: Reading) -> str:
        """The verdict under a reading: `supported`, `FLIPS: contradicted`; a dash where the claim does not depend on it."""
        if reading not in self.others:
            return MISSING
        return f"{'FLIPS: ' if self.flipped(reading) else ''}{self.others[reading].outcome}"


@dataclass(frozen=True)
class Judgement:
    """All claims that speak of one data set under one way of scoring, in the order of the paper."""

    results: Results
    judged: tuple[Judged, ...]
    standing: str = ""  # what the standings of the verdicts mean, in words
    readings: tuple[Reading, ...] = ()
    """Every other reading of these results under which the claims were judged again."""

    @property
    def kernel(self) -> str:
        """What the kernel distance of the same features is called; "" where the store has none."""
        return next((reading.words for reading in self.readings if reading.is_kernel), "")

    @property
    def exploratory(self) -> list[str]:
        """Why verdicts are exploratory, each reason once; those on your claims may have another one."""
        found: dict[str, bool] = {}
        for one in self.judged:  # the paper's claims come first
            found.setdefault(one.standing.partition(": ")[2], one.claim.is_own)
        return [
            f"Verdicts{' on your claims' if own else ''} are exploratory: {reason}."
            for reason, own in found.items()
            if reason
        ]

    @property
    def condition(self) -> str:
        """The reading of the objective under which the verdicts on VAEs hold, and whether it is the paper's."""
        vaes = self.results.of(model="vae")
        checks = [one.ours for one in self.judged if one.claim is the_objective_of_vaes_is_the_papers]
        if vaes.empty or not checks:
            return ""
        usual = vaes.iloc[0]
        return (
            f"Every verdict on VAEs holds for one reading of their objective: reduction {usual['reduction']}, beta "
            f"{usual['beta']:g}. That it is the paper's reading (N(0, I) and MVG hardly differ): {checks[0].outcome}."
        )

    @property
    def certainty(self) -> str:
        """How sure the verdicts are, in words, and the command that makes them surer."""
        trials = self.results.trials
        _, seeds = seeds_of_networks(trials)
        first = int(trials["seed"].min())
        if seeds < 2:
            return (
                "With one training seed per network, the spread over seeds is unknown, so no comparison of scores is decided. "
                "Three seeds detect a difference of 3.5 standard deviations over seeds, five one of 2.1. To train more: "
                f"{resume(self.results.store, trials, f'--set seeds={first}..{first + 2}')}; the first seed is kept."
            )
        return (
            f"Up to {seeds} training seeds per network; ± is half of a 95 % interval over them (Welch). A sentence is "
            "contradicted where one of its comparisons is, after Holm's correction for their number."
        )

    @property
    def counts(self) -> dict[str, int]:
        """Claims per outcome, every outcome named; errors only where there are any."""
        found = [one.ours.outcome for one in self.judged]
        return {outcome: found.count(outcome) for outcome in (*OUTCOMES, *({ERROR} & {*found}))}


def judge(results: Results, own: Iterable[Claim] = (), readings: Sequence[Reading] = ()) -> Judgement:
    """Every claim that speaks of these data, then the user's own, also under other readings of the data."""
    paper = published_verdicts().get(results.data, {}) if results.of_paper else {}
    under = {reading: _verdicts(reading.results, own) for reading in readings}
    judged = []
    for claim, verdict in _verdicts(results, own).items():
        others = {
            reading: found[claim] for reading, found in under.items() if found[claim].findings != verdict.findings
        }
        judged.append(Judged(claim, verdict, paper.get(claim.name), results, others=others))
    return Judgement(results, tuple(judged), readings=tuple(readings))


@lru_cache(maxsize=1)
def published_verdicts() -> dict[str, dict[str, Verdict]]:
    """Data set -> name of a claim -> what the printed numbers say."""
    every = {results.data: _verdicts(results) for results in all_results(published_tables(corrected=True))}
    return {data: {claim.name: verdict for claim, verdict in verdicts.items()} for data, verdicts in every.items()}


def _verdicts(results: Results, own: Iterable[Claim] = ()) -> dict[Claim, Verdict]:
    return {claim: claim.judge(results) for claim in (*CLAIMS, *own) if not claim.data or results.data in claim.data}


def claims_table(judgement: Judgement) -> TextTable:
    """The verdicts with their numbers as a table."""
    results = judgement.results
    rows = [
        {
            "section": one.claim.section,
            "sentence": one.claim.quote,
            "tested": one.claim.tested(results),
            "verdict": one.ours.outcome,
            "numbers": one.ours.numbers or NO_TRIALS,
            "kernel": one.kernel or MISSING,
            "flips": one.flips,
            "standing": one.standing,
            "paper": one.paper.words if one.paper else MISSING,
            "claim": one.claim.name,
        }
        for one in judgement.judged
    ]
    heads = {"section": "Section", "sentence": "The paper says" if results.of_paper else "The paper says of its data"}
    heads |= {"tested": f"Tested on {results.title}", "verdict": "These data say", "numbers": "Numbers"}
    heads |= {"kernel": f"Under {judgement.kernel}"} if judgement.kernel else {}
    heads |= {"flips": "Verdict at other thresholds"} if any(one.flips for one in judgement.judged) else {}
    heads |= {"standing": "Confirmatory or exploratory"} if judgement.standing else {}
    heads |= {"paper": "The paper's printed numbers say"} if any(one.paper for one in judgement.judged) else {}
    frame = pd.DataFrame(rows).assign(data=results.data, evaluation=results.evaluation.id)
    title = f"Claims on {results.title}: {results.evaluation.title}"
    notice = f"{results.notice}." if results.notice else ""
    notices = [notice, judgement.certainty, judgement.condition, judgement.standing, results.aside_notice]
    caption = " ".join(filter(None, notices))
    headings = {name: Heading(text) for name, text in heads.items()}
    return TextTable(
        f"claims-{results.evaluation.slug}-{results.data}", title, caption, headings, frame, results.data_hash
    )
