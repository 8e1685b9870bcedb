"""The statistics behind every verdict. Each function says what it estimates; no claim does arithmetic of its own.

The unit is a training seed: what is estimated is always the score that a network gets in expectation over its training
seeds, on the images that the evaluation chose. With one seed the spread is unknown, so one seed decides nothing. Two networks are
taken as independent (Welch), also where seeds have the same number, since another network makes another use of them; what
is measured on the same trained network, such as the gap between two priors, is subtracted before it comes here (paired).

A sentence is tested in both directions at `ALPHA` each, so a sentence about a true difference of zero is decided wrongly in
at most 5 % of cases.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from aesweep.analysis.power import ALPHA, POWER

MOST_SEEDS = 100
"""Where more seeds than these would be needed, no number is given."""
MOST_SETTINGS = 1000
"""The same for settings."""
FEWEST_SETTINGS = 4
"""Fewer settings say nothing about others: two or three differences give no usable estimate of how much they vary."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One network's scores, float (S,), one per training seed.

    `nominal` is the standard deviation over seeds that is assumed of a single printed score; None for measured ones. `noise`
    is the standard error of a single score: seeds that agree better than that do so by luck.
    """

    values: np.ndarray
    nominal: float | None = None
    noise: float = 0.0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> bool:
        """Whether there is a score, and every one is a finite number."""
        return len(self.values) > 0 and bool(np.isfinite(self.values).all())

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.values))

    @cached_property
    def spread(self) -> tuple[float, float]:
        """Squared standard error of the mean, and its degrees of freedom; nan for a single measured seed."""
        if self.nominal is not None:
            return self.nominal**2 / len(self), math.inf
        if len(self) < 2:
            return math.nan, math.nan
        return max(float(np.var(self.values, ddof=1)), self.noise**2) / len(self), len(self) - 1


@dataclass(frozen=True)
class Estimate:
    """A weighted sum of expected scores, with its standard error (nan: some network has one seed)."""

    value: float
    error: float
    freedom: float  # of Student's t; infinite for a known error
    seeds: int = 0  # fewest training seeds of a measured network in it; 0: all are printed
    among: int = 1  # comparisons that this one was picked from: p-values count so many times (Bonferroni)

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval, which holds for all comparisons that this one was picked from."""
        return self.error * float(special.stdtrit(self.freedom, 1 - ALPHA / self.among)) if self.error else self.error

    def p_below(self, threshold: float = 0.0) -> float:
        """One-sided p-value against "it is `threshold` or more"; 1 where nothing can be said."""
        if math.isnan(self.error):
            return 1.0
        if self.error == 0:
            return 0.0 if self.value < threshold else 1.0
        return min(1.0, self.among * float(special.stdtr(self.freedom, (self.value - threshold) / self.error)))

    def p_above(self, threshold: float = 0.0) -> float:
        """One-sided p-value against "it is `threshold` or less"; 1 where nothing can be said."""
        return replace(self, value=-self.value).p_below(-threshold)

    def minus(self, threshold: float) -> "Estimate":
        """How far the estimate is above a threshold."""
        return replace(self, value=self.value - threshold)

    def seeds_needed(self) -> int | None:
        """Seeds of each network that would tell the estimate from 0 in four of five repetitions, if it is the truth.

        None for more than `MOST_SEEDS`, and where the spread is not known.
        """
        if not self.seeds or not self.error > 0 or not self.value:
            return None

        def power(seeds: int) -> float:
            error = self.error * math.sqrt(self.seeds / seeds)
            return _power(self.value, error, self.freedom * (seeds - 1) / max(1, self.seeds - 1), self.among)

        return _fewest(range(self.seeds + 1, MOST_SEEDS + 1), power)


def _power(value: float, error: float, freedom: float, among: int = 1) -> float:
    """Chance that a true mean of `value` is distinguished from 0 by a t test with this error, picked from so many comparisons."""
    if error == 0:
        return 1.0
    critical = special.stdtrit(freedom, 1 - ALPHA / among)
    return 1 - float(special.nctdtr(freedom, abs(value) / error, critical))


def _fewest(counts: range, power: Callable[[int], float]) -> int | None:
    """The first of these counts whose power is enough; None if none has it. Power grows with the count."""
    place = bisect_left(counts, POWER, key=power)
    return counts[place] if place < len(counts) else None


def contrast(*terms: tuple[float, Sample]) -> Estimate:
    """The sum of weight times expected score over independent networks.

    `contrast((1, a), (-1, b))` is the difference of two means by Welch, with unequal variances.
    """
    variances = [(weight**2 * s.spread[0], s.spread[1]) for weight, s in terms]
    value = sum(weight * s.mean for weight, s in terms)
    seeds = min((len(s) for _, s in terms if s.nominal is None), default=0)
    return welch(value, variances, seeds)


def welch(value: float, variances: Sequence[tuple[float, float]], seeds: int, among: int = 1) -> Estimate:
    """An estimate whose squared error is the sum of independent ones, each (variance, degrees of freedom).

    Degrees of freedom of the sum by Welch–Satterthwaite.
    """
    total = sum(variance for variance, _ in variances)
    shares = sum(variance**2 / freedom for variance, freedom in variances if variance > 0)
    return Estimate(value, math.sqrt(total), total**2 / shares if shares > 0 else math.inf, seeds, among)


def logarithm(sample: Sample) -> Sample:
    """The logarithms of positive scores: differences of these are of shares, whatever the scale of a data set."""
    nominal = None if sample.nominal is None else sample.nominal / sample.mean
    return Sample(np.log(sample.values), nominal)


def trend(positions: Sequence[float], samples: Sequence[Sample]) -> Estimate:
    """The slope of the expected score over `positions`, by least squares on the means."""
    x = np.asarray(positions, dtype=float)
    weights = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    return contrast(*zip(weights.tolist(), samples, strict=True))


def mean_difference(first: Sequence[Sample], second: Sequence[Sample]) -> Estimate:
    """The mean over settings of the first network's expected score, minus the second's."""
    share = 1 / len(first)
    return contrast(*((share, s) for s in first), *((-share, s) for s in second))


@dataclass(frozen=True)
class PairedDifference:
    """The mean over settings of one network's expected score minus another's, each pair trained in one setting.

    From `FEWEST_SETTINGS` on, the unit is the setting, not the training: the seeds of a setting are averaged first. So the error
    holds both the noise of the seeds and how much the difference itself depends on the setting. For exactly these settings it
    is never too small on average; for others like them it is right, if these are as good as drawn from them. With fewer
    settings, the estimate is for exactly these settings, and its error is the noise of their seeds.
    """

    estimate: Estimate
    settings: int
    lower: int  # settings in which the first network's mean is the lower one
    noise: float  # the part of the squared error that is the noise of seeds; nan for one seed

    @property
    def has_few_settings(self) -> bool:
        """Whether there are too few settings to say anything about other ones."""
        return self.settings < FEWEST_SETTINGS

    def p_of_no_difference(self) -> float:
        """Two-sided p-value against "the mean difference is 0"; 1 with one seed."""
        return min(1.0, 2 * min(self.estimate.p_below(), self.estimate.p_above()))

    def seeds_needed(self) -> int | None:
        """Seeds of each network that would show a mean difference of this size in these settings; None for no number."""
        if self.has_few_settings:
            return self.estimate.seeds_needed()
        if not self.noise > 0:
            return None
        between = max(0.0, self.estimate.error**2 - self.noise)

        def power(seeds: int) -> float:
            error = math.sqrt(between + self.noise * self.estimate.seeds / seeds)
            return _power(self.estimate.value, error, max(1.0, self.estimate.freedom), self.estimate.among)

        return _fewest(range(self.estimate.seeds + 1, MOST_SEEDS + 1), power)

    def settings_needed(self) -> int | None:
        """Settings like these, with as many seeds, that would show a mean difference of this size; None for no number."""
        if not self.estimate.error > 0 or self.has_few_settings:
            return None

        def power(count: int) -> float:
            error = self.estimate.error * math.sqrt(self.settings / count)
            return _power(self.estimate.value, error, count - 1, self.estimate.among)

        return _fewest(range(self.settings + 1, MOST_SETTINGS + 1), power)


def paired_difference(first: Sequence[Sample], second: Sequence[Sample]) -> PairedDifference:
    """One network's scores and another's, a pair of samples for each setting. In few settings: Welch's test over their seeds."""
    pairs = [contrast((1.0, a), (-1.0, b)) for a, b in zip(first, second, strict=True)]
    means = np.array([pair.value for pair in pairs])
    seeds, count = min(pair.seeds for pair in pairs), len(pairs)
    noise = sum(pair.error**2 for pair in pairs) / count**2
    if count < FEWEST_SETTINGS:
        found = welch(float(means.mean()), [(pair.error**2 / count**2, pair.freedom) for pair in pairs], seeds)
    else:  # with one seed, what all trainings of that seed share would be taken for a difference
        error = float(np.std(means, ddof=1)) / math.sqrt(count) if seeds > 1 else math.nan
        found = Estimate(float(means.mean()), error, count - 1, seeds)
    return PairedDifference(found, count, int((means < 0).sum()), noise)


def may_be_lowest(values: Sequence[Sequence[Sample]]) -> list[bool]:
    """Which of several values may have the lowest expected score, by their scores in the same settings: those not excluded.

    A value is excluded if another one is lower by a paired test at `ALPHA` shared over its rivals (Bonferroni). So at least
    95 % of such sets hold the best value; with one seed they hold all.
    """
    rivals = max(1, len(values) - 1)

    def excluded(value: Sequence[Sample], rival: Sequence[Sample]) -> bool:
        return paired_difference(rival, value).estimate.p_below() * rivals <= ALPHA

    return [not any(excluded(value, rival) for rival in values if rival is not value) for value in values]


def equivalence(first: Sample, second: Sample, margin: float) -> tuple[float, float]:
    """Whether the first expected score is within `margin` (a share) of the second: p-values for and against.

    For: two one-sided tests (TOST). Against: a test at each end of the margin; the smaller p-value is doubled, since there
    are two. Both are contrasts, so the error of the second score counts as well.
    """
    high, low = contrast((1, first), (-1 - margin, second)), contrast((1, first), (margin - 1, second))
    outside = min(1.0, 2 * min(high.p_above(), low.p_below()))
    return max(high.p_below(), low.p_above()), outside


def within(sample: Sample, margin: float) -> tuple[float, float]:
    """Whether an expected score, such as a gap, is within `margin` of 0: p-values for (TOST) and against (doubled)."""
    found = contrast((1.0, sample))
    outside = min(1.0, 2 * min(found.p_above(margin), found.p_below(-margin)))
    return max(found.p_below(margin), found.p_above(-margin)), outside


def holm(p_values: Sequence[float]) -> list[bool]:
    """Which of several findings count at `ALPHA` if all of them together may go wrong that often (Holm's step-down)."""
    order = np.argsort(p_values, kind="stable")
    rejected = [False] * len(p_values)
    for place, index in enumerate(order):
        if p_values[index] * (len(p_values) - place) > ALPHA:
            break
        rejected[index] = True
    return rejected


def p_of_rate(bad: int, trials: int, rate: float) -> tuple[float, float]:
    """Whether something happens with at most this rate: exact binomial p-values of a lower and of a higher one."""
    from scipy import stats  # half a second, which few sweeps need: neither a launch nor most reports

    below = stats.binomtest(bad, trials, rate, alternative="less").pvalue
    above = stats.binomtest(bad, trials, rate, alternative="greater").pvalue
    return float(below), float(above)


def p_of_higher_rate(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's exact p-value, one-sided, against "not more often in the first"; each is (bad, trials)."""
    from scipy import stats

    table = [[bad, trials - bad] for bad, trials in (first, second)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
