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
    """Expected scores at several settings, such as the latent sizes of one network, with one variance over seeds (pooled).

    Pooling gives a lucky single seed the error of a single seed, and many degrees of freedom to a few seeds. Where the settings
    belong to several `models`, each model has its own variance: one whose scores vary a lot between its seeds would widen the
    errors of the others, and look surer than it is.
    """

    samples: Sequence[Sample]
    models: Sequence[str] | None = None
    """The model of each setting; None if all are of one."""

    @cached_property
    def means(self) -> np.ndarray:
        """Float (settings,)."""
        return np.array([sample.mean for sample in self.samples])

    @cached_property
    def counts(self) -> np.ndarray:
        """Seeds per setting, int (settings,)."""
        return np.array([len(sample) for sample in self.samples])

    @cached_property
    def kinds(self) -> np.ndarray:
        """The number of each setting's model, int (settings,)."""
        return np.unique(self.models or [""] * len(self.samples), return_inverse=True)[1]

    @cached_property
    def variances(self) -> tuple[np.ndarray, np.ndarray]:
        """Variance of one seed's score at each setting, and its degrees of freedom; nan if none of its model has two seeds."""
        found = [self._variance(kind) for kind in range(int(self.kinds.max(initial=-1)) + 1)]
        variance, freedom = np.array(found, dtype=float).reshape(-1, 2).T
        return variance[self.kinds], freedom[self.kinds]

    def _variance(self, kind: int) -> tuple[float, float]:
        samples = [sample for sample, of in zip(self.samples, self.kinds, strict=True) if of == kind]
        nominal = [s.nominal for s in samples if s.nominal is not None]
        if nominal:
            return max(nominal) ** 2, math.inf
        spreads = [(float(np.var(s.values, ddof=1)), len(s) - 1) for s in samples if len(s) > 1]
        freedom = sum(count for _, count in spreads)
        return (sum(v * count for v, count in spreads) / freedom, freedom) if freedom else (math.nan, math.nan)

    @property
    def known(self) -> bool:
        """Whether there is a spread over seeds at some setting."""
        return bool(np.isfinite(self.variances[0]).any())

    @property
    def seeds(self) -> int:
        """Fewest training seeds at a setting; 0 for printed numbers."""
        return 0 if np.isinf(self.variances[1]).any() else int(self.counts.min())

    @cached_property
    def p_lowest(self) -> np.ndarray:
        """For each setting the p-value of "its expected score is the lowest"; float (settings,), 1 without a spread.

        Those above a level are a confidence set for the best one (comparisons with the best, Bonferroni over the rivals).
        """
        least = np.ones(len(self.samples))
        for kind, count in {*zip(self.kinds.tolist(), self.counts.tolist(), strict=True)}:
            rivals = np.flatnonzero((self.kinds == kind) & (self.counts == count))
            rival = int(rivals[self.means[rivals].argmin()])  # of equal errors the lowest mean is the hardest
            least = np.minimum(least, self._p_not_above(rival))
        return np.asarray(np.minimum(1.0, max(1, len(self.samples) - 1) * least))

    def _p_not_above(self, rival: int) -> np.ndarray:
        """For each setting the p-value of "its expected score is not above the rival's"; 1 where that cannot be tested."""
        variance, freedom = self.variances
        errors = variance / self.counts
        total = errors + errors[rival]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.means - self.means[rival]) / np.sqrt(total)
            welch_freedom = total**2 / (errors**2 / freedom + errors[rival] ** 2 / freedom[rival])
        freedom = np.where(self.kinds == self.kinds[rival], freedom, welch_freedom)
        p = special.stdtr(freedom, -np.nan_to_num(t, nan=0.0, posinf=np.inf, neginf=-np.inf))
        return np.where(np.isnan(total) | (t <= 0), 1.0, p)

    def error_at(self, setting: int) -> float:
        """Squared standard error of one mean."""
        return float(self.variances[0][setting] / self.counts[setting])

    def freedom_at(self, setting: int) -> float:
        """Degrees of freedom of that error."""
        return float(self.variances[1][setting])

    def mean_at(self, setting: int) -> Estimate:
        """One expected score. Where it was picked as the lowest of several, its mean is too low by luck."""
        return _pooled(float(self.means[setting]), [(1.0, self, setting, self.error_at(setting))], 1)

    def difference(self, first: int, second: int) -> Estimate:
        """The expected score of one setting minus that of another."""
        errors = [self.error_at(first), self.error_at(second)]
        if self.kinds[first] == self.kinds[second]:
            terms = [(1.0, self, first, sum(errors))]
        else:
            terms = [(1.0, self, place, error) for place, error in zip((first, second), errors, strict=True)]
        return _pooled(float(self.means[first] - self.means[second]), terms, 1)


def lowest_difference(first: Settings, second: Settings) -> Estimate:
    """The lowest expected score of one network minus that of another, each over its settings.

    The lowest of several means is too low by luck. So the test asks whether *this* setting of one network beats *every*
    setting of the other, and counts as often as there are settings to pick from. (Choosing by all seeds but one and scoring
    on that one, in turn, uses each seed in all the others' choices: on equal networks it decided in 13 to 20 % of cases.)
    """
    places = int(first.means.argmin()), int(second.means.argmin())
    value = float(first.means.min() - second.means.min())
    errors = [(1.0, of, place, of.error_at(place)) for of, place in zip((first, second), places, strict=True)]
    return _pooled(value, errors, max(len(first.samples), len(second.samples)))


def range_difference(first: Settings, second: Settings, factor: float = 1.0) -> Estimate:
    """How much worse the worst setting is than the best, (worst - best) / best: the first minus `factor` times the second's.

    Each is of one model. Errors to first order. As in `lowest_difference`, but the pair of settings was picked.
    """
    ranges, errors = [], []
    for settings, weight in ((first, 1.0), (second, factor)):
        worst, best = int(settings.means.argmax()), int(settings.means.argmin())
        ratio = settings.means[worst] / settings.means[best]
        squares = settings.error_at(worst) + ratio**2 * settings.error_at(best)
        ranges.append(ratio - 1)
        errors.append((weight, settings, best, float(squares / settings.means[best] ** 2)))
    pairs = max(len(s.samples) * (len(s.samples) - 1) for s in (first, second))
    return _pooled(float(ranges[0] - factor * ranges[1]), errors, pairs)


def relative_range(settings: Settings) -> float:
    """How much worse the worst mean is than the best, as a share of the best."""
    return float(settings.means.max() / settings.means.min() - 1)


def _pooled(value: float, errors: Sequence[tuple[float, Settings, int, float]], among: int) -> Estimate:
    """An estimate from independent (weight, settings, a place with the error's degrees of freedom, squared error)."""
    variances = [(weight**2 * square, settings.freedom_at(place)) for weight, settings, place, square in errors]
    seeds = min((settings.seeds for _, settings, _, _ in errors if settings.seeds), default=0)
    return welch(value, variances, seeds, among)


def p_of_being_smaller(first: np.ndarray, second: np.ndarray, smaller: np.ndarray) -> tuple[float, float]:
    """Whether one network's best setting comes before another's: p-values for and against.

    `first` (M,) and `second` (N,) are `Settings.p_lowest`; `smaller` (M, N) says for which pairs of places it is so. Each
    pair of the other kind must be excluded, by one place or by the other, so the smaller p-value counts twice.
    """
    pairs = np.minimum(1.0, 2 * np.minimum(first[:, None], second[None, :]))
    return float(pairs[~smaller].max(initial=0.0)), float(pairs[smaller].max(initial=0.0))
