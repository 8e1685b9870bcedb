"""The best of several settings of one network, such as its latent sizes, and two networks each at its best.

Which setting is best is itself uncertain, and the lowest of several means is too low by luck: every test here counts that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from aesweep.analysis.statistics import Estimate, Sample, welch


@dataclass(frozen=True, eq=False)
class Settings:
    """One network's expected scores at several settings (latent sizes), with one variance over seeds for all (pooled).

    Pooling gives a lucky single seed the error of a single seed, and many degrees of freedom to a few seeds.
    """

    samples: Sequence[Sample]

    @cached_property
    def means(self) -> np.ndarray:
        """Float (settings,)."""
        return np.array([sample.mean for sample in self.samples])

    @cached_property
    def counts(self) -> np.ndarray:
        """Seeds per setting, int (settings,)."""
        return np.array([len(sample) for sample in self.samples])

    @cached_property
    def variance(self) -> tuple[float, float]:
        """Variance of one seed's score, and its degrees of freedom; both nan if no setting has two seeds."""
        nominal = [s.nominal for s in self.samples if s.nominal is not None]
        if nominal:
            return max(nominal) ** 2, math.inf
        spreads = [(float(np.var(s.values, ddof=1)), len(s) - 1) for s in self.samples if len(s) > 1]
        freedom = sum(count for _, count in spreads)
        return (sum(v * count for v, count in spreads) / freedom, freedom) if freedom else (math.nan, math.nan)

    @property
    def seeds(self) -> int:
        """Fewest training seeds at a setting; 0 for printed numbers."""
        return 0 if self.variance[1] == math.inf else int(self.counts.min())

    @cached_property
    def p_lowest(self) -> np.ndarray:
        """For each setting the p-value of "its expected score is the lowest"; float (settings,), 1 without a spread.

        Those above a level are a confidence set for the best one (comparisons with the best, Bonferroni over the rivals).
        """
        variance, freedom = self.variance
        if math.isnan(variance) or len(self.samples) < 2:
            return np.ones(len(self.samples))
        most = np.zeros(len(self.samples))
        for count in np.unique(self.counts):  # of equal counts the lowest mean is the hardest rival
            lead = self.means - self.means[self.counts == count].min()
            with np.errstate(divide="ignore", invalid="ignore"):
                t = lead / np.sqrt(variance * (1 / self.counts + 1 / count))
            most = np.maximum(most, np.nan_to_num(t, nan=0.0, posinf=np.inf))
        return np.asarray(np.minimum(1.0, (len(self.samples) - 1) * special.stdtr(freedom, -most)))

    def error_at(self, setting: int) -> float:
        """Squared standard error of one mean."""
        return self.variance[0] / float(self.counts[setting])

    def mean_at(self, setting: int) -> Estimate:
        """One expected score. Where it was picked as the lowest of several, its mean is too low by luck."""
        return _pooled(float(self.means[setting]), [(1.0, self, self.error_at(setting))], 1)

    def difference(self, first: int, second: int) -> Estimate:
        """The expected score of one setting minus that of another."""
        errors = [(1.0, self, self.error_at(first) + self.error_at(second))]
        return _pooled(float(self.means[first] - self.means[second]), errors, 1)


def lowest_difference(first: Settings, second: Settings) -> Estimate:
    """The lowest expected score of one network minus that of another, each over its settings.

    The lowest of several means is too low by luck. So the test asks whether *this* setting of one network beats *every*
    setting of the other, and counts as often as there are settings to pick from. (Choosing by all seeds but one and scoring
    on that one, in turn, uses each seed in all the others' choices: on equal networks it decided in 13 to 20 % of cases.)
    """
    places = int(first.means.argmin()), int(second.means.argmin())
    value = float(first.means.min() - second.means.min())
    errors = [(1.0, first, first.error_at(places[0])), (1.0, second, second.error_at(places[1]))]
    return _pooled(value, errors, max(len(first.samples), len(second.samples)))


def range_difference(first: Settings, second: Settings, factor: float = 1.0) -> Estimate:
    """How much worse the worst setting is than the best, (worst - best) / best: the first minus `factor` times the second's.

    Errors to first order. As in `lowest_difference`, but the pair of settings was picked.
    """
    ranges, errors = [], []
    for settings, weight in ((first, 1.0), (second, factor)):
        worst, best = int(settings.means.argmax()), int(settings.means.argmin())
        ratio = settings.means[worst] / settings.means[best]
        squares = settings.error_at(worst) + ratio**2 * settings.error_at(best)
        ranges.append(ratio - 1)
        errors.append((weight, settings, float(squares / settings.means[best] ** 2)))
    pairs = max(len(s.samples) * (len(s.samples) - 1) for s in (first, second))
    return _pooled(float(ranges[0] - factor * ranges[1]), errors, pairs)


def relative_range(settings: Settings) -> float:
    """How much worse the worst mean is than the best, as a share of the best."""
    return float(settings.means.max() / settings.means.min() - 1)


def _pooled(value: float, errors: Sequence[tuple[float, Settings, float]], among: int) -> Estimate:
    """An estimate from (weight, settings, squared error) of independent networks."""
    variances = [(weight**2 * square, settings.variance[1]) for weight, settings, square in errors]
    seeds = min((settings.seeds for _, settings, _ in errors if settings.seeds), default=0)
    return welch(value, variances, seeds, among)


def p_of_being_smaller(first: np.ndarray, second: np.ndarray, smaller: np.ndarray) -> tuple[float, float]:
    """Whether one network's best setting comes before another's: p-values for and against.

    `first` (M,) and `second` (N,) are `Settings.p_lowest`; `smaller` (M, N) says for which pairs of places it is so. Each
    pair of the other kind must be excluded, by one place or by the other, so the smaller p-value counts twice.
    """
    pairs = np.minimum(1.0, 2 * np.minimum(first[:, None], second[None, :]))
    return float(pairs[~smaller].max(initial=0.0)), float(pairs[smaller].max(initial=0.0))
