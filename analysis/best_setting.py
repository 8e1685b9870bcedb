"""The best of several settings of one network, such as its latent sizes, and two networks each at its best.

Which setting is best is itself uncertain, and the lowest of several means is too low by luck: every test here counts that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from aesweep.analysis.over_seeds import Pools, pooled, pools
from aesweep.analysis.statistics import Estimate, Sample, logarithm, welch

ENOUGH_SEEDS = 3
"""A setting competes if it has at least as many seeds as most, or this many: a mean over three seeds is not the luck of one."""


@dataclass(frozen=True, eq=False)
class Settings:
    """Expected scores at several settings, such as the latent sizes of one network.

    Their variance over seeds is pooled where the spreads are alike, or in proportion to the scores (`over_seeds.pools`).
    Pooling gives a lucky single seed the error of a single seed, and many degrees of freedom to a few seeds. Settings of
    different `models` are never pooled.
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
    def pools(self) -> Pools:
        """Which settings share a variance over seeds."""
        model = np.unique(self.models or [""] * len(self.samples), return_inverse=True)[1]
        return pools(self.means, self._spreads, self.counts - 1, model)

    @cached_property
    def _spreads(self) -> np.ndarray:
        """The variance of each setting's scores; nan for a single one."""
        return np.array([np.var(s.values, ddof=1) if len(s) > 1 else math.nan for s in self.samples])

    @cached_property
    def variances(self) -> tuple[np.ndarray, np.ndarray]:
        """Variance of one seed's score at each setting, and its degrees of freedom; nan if none of its pool has two seeds."""
        variance, freedom = pooled(self._spreads, self.counts - 1, self.pools)
        nominal = np.array([math.nan if s.nominal is None else s.nominal for s in self.samples])
        number = self.pools.number
        for pool in np.unique(number[np.isfinite(nominal)]):
            variance[number == pool] = np.nanmax(nominal[number == pool]) ** 2
            freedom[number == pool] = math.inf
        return variance, freedom

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
        Positive scores are compared by their logarithms. Otherwise three seeds could not tell a network that failed from the
        best one: where the spread is in proportion to the score, t is at most the root of 3 over that proportion.
        """
        return self._compared._p_lowest

    @cached_property
    def _compared(self) -> "Settings":
        """What `p_lowest` compares: the logarithms of positive scores, otherwise the scores as they are."""
        if not all((sample.values > 0).all() for sample in self.samples):
            return self
        logs = [logarithm(sample) for sample in self.samples]
        # Shifted so that none is positive: a spread in proportion to a logarithm has no meaning, and `pools` looks for it
        # among positive scores.
        highest = max((float(sample.values.max()) for sample in logs), default=0.0)
        return Settings([Sample(s.values - highest, s.nominal) for s in logs], self.models)

    def seeds_to_exclude(self, setting: int, best: int) -> int | None:
        """Seeds of each setting that would show by the test of `p_lowest` that this one is not the lowest; None for no number."""
        difference = self._compared.difference(setting, best)
        return replace(difference, among=max(1, len(self.samples) - 1)).seeds_needed()

    @cached_property
    def _p_lowest(self) -> np.ndarray:
        """The same, of the scores as they are."""
        least = np.ones(len(self.samples))
        number = self.pools.number
        for pool, count in {*zip(number.tolist(), self.counts.tolist(), strict=True)}:
            rivals = np.flatnonzero((number == pool) & (self.counts == count))
            # Errors of one pool are equal, or grow with the mean: the lowest mean is the hardest rival.
            rival = int(rivals[self.means[rivals].argmin()])
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
        freedom = np.where(self.pools.number == self.pools.number[rival], freedom, welch_freedom)
        freedom = np.where(total == 0, np.inf, freedom)  # without any spread, every difference is certain
        p = special.stdtr(freedom, -np.nan_to_num(t, nan=0.0, posinf=np.inf, neginf=-np.inf))
        return np.where(np.isnan(total) | (self.means <= self.means[rival]), 1.0, p)

    def error_at(self, setting: int) -> float:
        """Squared standard error of one mean."""
        return float(self.variances[0][setting] / self.counts[setting])

    def freedom_at(self, setting: int) -> float:
        """Degrees of freedom of that error."""
        return float(self.variances[1][setting])

    def mean_at(self, setting: int) -> Estimate:
        """One expected score. Where it was picked as the lowest of several, its mean is too low by luck."""
        return _estimate(float(self.means[setting]), [(1.0, self, setting, self.error_at(setting))], 1)

    def difference(self, first: int, second: int) -> Estimate:
        """The expected score of one setting minus that of another."""
        terms = [(1.0, self, place, self.error_at(place)) for place in (first, second)]
        return _estimate(float(self.means[first] - self.means[second]), terms, 1)


def lowest_difference(first: Settings, second: Settings) -> Estimate:
    """The lowest expected score of one network minus that of another, each over its settings.

    The lowest of several means is too low by luck. So the test asks whether *this* setting of one network beats *every*
    setting of the other, and counts as often as there are settings to pick from. (Choosing by all seeds but one and scoring
    on that one, in turn, uses each seed in all the others' choices: on equal networks it decided in 13 to 20 % of cases.)
    """
    places = int(first.means.argmin()), int(second.means.argmin())
    value = float(first.means.min() - second.means.min())
    errors = [(1.0, of, place, of.error_at(place)) for of, place in zip((first, second), places, strict=True)]
    return _estimate(value, errors, max(len(first.samples), len(second.samples)))


def range_difference(first: Settings, second: Settings, factor: float = 1.0) -> Estimate:
    """How much worse the worst setting is than the best, (worst - best) / best: the first minus `factor` times the second's.

    Each is of one model. Errors to first order. As in `lowest_difference`, but the pair of settings was picked.
    """
    ranges, errors = [], []
    for settings, weight in ((first, 1.0), (second, factor)):
        worst, best = int(settings.means.argmax()), int(settings.means.argmin())
        ratio = settings.means[worst] / settings.means[best]
        ranges.append(ratio - 1)
        for place, share in ((worst, 1.0), (best, ratio)):
            errors.append(
                (weight, settings, place, float(share**2 * settings.error_at(place) / settings.means[best] ** 2))
            )
    pairs = max(len(s.samples) * (len(s.samples) - 1) for s in (first, second))
    return _estimate(float(ranges[0] - factor * ranges[1]), errors, pairs)


def relative_range(settings: Settings) -> float:
    """How much worse the worst mean is than the best, as a share of the best."""
    return float(settings.means.max() / settings.means.min() - 1)


def _estimate(value: float, errors: Sequence[tuple[float, Settings, int, float]], among: int) -> Estimate:
    """An estimate from errors of means, each (weight, settings, place, squared error).

    Those of one pool have one estimated variance in common, so they count as a single term of Welch's.
    """
    terms: dict[tuple[int, int], tuple[float, float]] = {}
    for weight, settings, place, square in errors:
        pool = id(settings), int(settings.pools.number[place])
        before, _ = terms.get(pool, (0.0, 0.0))
        terms[pool] = before + weight**2 * square, settings.freedom_at(place)
    seeds = min((settings.seeds for _, settings, _, _ in errors if settings.seeds), default=0)
    return welch(value, [*terms.values()], seeds, among)


def p_of_being_smaller(first: np.ndarray, second: np.ndarray, smaller: np.ndarray) -> tuple[float, float]:
    """Whether one network's best setting comes before another's: p-values for and against.

    `first` (M,) and `second` (N,) are `Settings.p_lowest`; `smaller` (M, N) says for which pairs of places it is so. Each
    pair of the other kind must be excluded, by one place or by the other, so the smaller p-value counts twice.
    """
    pairs = np.minimum(1.0, 2 * np.minimum(first[:, None], second[None, :]))
    return float(pairs[~smaller].max(initial=0.0)), float(pairs[smaller].max(initial=0.0))
