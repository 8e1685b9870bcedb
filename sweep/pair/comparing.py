"""What two stores say of the same trials: equal bits, equal within their errors, or different.

The same trial, trained twice, has the same key. Its weights are the same bits where device, threads and versions are; where
they are not, its scores should differ by no more than chance: two scores agree if their difference is at most `WIDTH` times
its standard error, which takes the two as independent.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.errors import InputError
from aesweep.sweep.store.records.commits import ScoresRecord
from aesweep.sweep.store.store import Store

WIDTH = 1.96
"""About 5 in 100 scores of two honest stores differ by more."""
Verdict = Literal["equal", "within errors", "beyond errors", "no errors"]


@dataclass(frozen=True)
class ComparedScore:
    """One score that both stores have."""

    evaluation: str
    source: str
    split: str
    metric: str
    seed: int
    values: tuple[float | None, float | None]
    stderrs: tuple[float | None, float | None]

    @property
    def verdict(self) -> Verdict:
        """How the two values compare. Without a standard error in both, only equal ones can be judged."""
        (a, b), (error_a, error_b) = self.values, self.stderrs
        if a == b:
            return "equal"
        if a is None or b is None:
            return "beyond errors"
        if error_a is None or error_b is None:
            return "no errors"
        return "within errors" if abs(a - b) <= WIDTH * math.hypot(error_a, error_b) else "beyond errors"


@dataclass(frozen=True)
class ComparedTrial:
    """One trial that both stores have trained."""

    key: str
    name: str
    same_weights: bool
    scores: tuple[ComparedScore, ...]
    only_one: int
    """Scores that one store has and the other lacks, of evaluations that both have."""

    @property
    def counts(self) -> Counter[Verdict]:
        """How many scores have which verdict."""
        return Counter(score.verdict for score in self.scores)


@dataclass(frozen=True)
class Comparison:
    """Two stores side by side."""

    trials: tuple[ComparedTrial, ...]
    only_first: tuple[str, ...]
    """Keys that only the first store has trained."""
    only_second: tuple[str, ...]

    @property
    def differ(self) -> bool:
        """Whether any two scores differ by more than their errors, or any score is missing in one of two evaluations."""
        return any(trial.counts["beyond errors"] or trial.only_one for trial in self.trials)


def compare(first: Store, second: Store) -> Comparison:
    """Compare every trial that both have trained."""
    first, second = first.snapshot(), second.snapshot()
    trained = [
        {key for key in store.trials.known_keys() if store.commits.has_training(key)} for store in (first, second)
    ]
    both = sorted(trained[0] & trained[1])
    found = first.storage.map(lambda key: _trial(first, second, key), both)
    return Comparison(
        tuple(one for one in found if one is not None),
        tuple(sorted(trained[0] - trained[1])),
        tuple(sorted(trained[1] - trained[0])),
    )


def _trial(first: Store, second: Store, key: str) -> ComparedTrial | None:
    """None for a trial whose commit turns out to be damaged."""
    commits = [store.commits.training(key) for store in (first, second)]
    if commits[0] is None or commits[1] is None:
        return None
    scores, only_one = list[ComparedScore](), 0
    for evaluation in sorted(set(first.commits.scored(key)) & set(second.commits.scored(key))):
        both = first.commits.scores(key, evaluation), second.commits.scores(key, evaluation)
        if both[0] is not None and both[1] is not None:
            a, b = _rows(both[0]), _rows(both[1])
            scores += _compared(evaluation, a, b)
            only_one += len(a.keys() ^ b.keys())
    return ComparedTrial(key, _name(first, key), commits[0].weights == commits[1].weights, tuple(scores), only_one)


def _compared(
    evaluation: str, a: dict[tuple[object, ...], ScoreRow], b: dict[tuple[object, ...], ScoreRow]
) -> Iterator[ComparedScore]:
    for place, one in a.items():
        if (other := b.get(place)) is not None:
            yield ComparedScore(
                evaluation,
                one.source,
                one.split,
                one.metric,
                one.sampling_seed,
                (one.value, other.value),
                (one.stderr, other.stderr),
            )


def _rows(scores: ScoresRecord) -> dict[tuple[object, ...], ScoreRow]:
    """Rows by what they measure; several rows that measure the same are numbered."""
    seen, found = Counter[tuple[object, ...]](), dict[tuple[object, ...], ScoreRow]()
    for row in scores.rows:
        place = (
            row.source,
            row.split,
            row.metric,
            row.extractor,
            row.reference_split,
            row.sampling_seed,
            row.gmm_components,
        )
        found[(*place, seen[place])] = row
        seen[place] += 1
    return found


def _name(store: Store, key: str) -> str:
    try:
        return store.trials.config(key).name
    except InputError:  # lost, or of a newer aesweep
        return key
