"""Which value of one field scores lowest, in the settings that all its values share.

A setting is the values of a trial's other fields. A field that has no effect on one of the compared models, such as `beta` on a
DAE, is not part of the setting: scores are averaged over it for each seed, over those of its values that every setting has.
`statistics.paired_difference` compares two values, and a value can be the best as long as no other is lower with enough certainty
(`statistics.may_be_lowest`).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.axes.axes import Axes, Axis
from aesweep.analysis.statistics import PairedDifference, Sample, may_be_lowest, paired_difference

MOST_VALUES = 8
"""With more numbers than this, a figure says more than a sentence."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The values of one axis, each in the same settings."""

    axis: Axis
    samples: tuple[tuple[Sample, ...], ...]
    """For each value in the axis's order, its scores in each common setting."""
    setting: tuple[str, ...]
    """The axes that make a setting."""
    common: tuple[tuple[int, ...], ...]
    """The settings that all values share and that are compared: the place on each of these axes."""
    averaged: tuple[Axis, ...] = ()
    """Axes over which scores are averaged, since they have no effect on some of the values: beta, if DAEs are among them."""
    left_out: int = 0
    """Settings that all values share too, but where one has a single seed; none if that is so of all settings."""

    @property
    def places(self) -> range:
        """The places of all values."""
        return range(len(self.samples))

    @cached_property
    def means(self) -> list[float]:
        """For each place the mean over the settings, of the means over seeds."""
        return [float(np.mean([sample.mean for sample in samples])) for samples in self.samples]

    @property
    def settings(self) -> int:
        """The number of settings that are compared."""
        return len(self.samples[0])

    @cached_property
    def best(self) -> int:
        """The place of the lowest mean."""
        return min(self.places, key=self.means.__getitem__)

    @cached_property
    def candidates(self) -> tuple[int, ...]:
        """Places that may be the best at 95 %, the lowest mean first; all of them with one seed."""
        may = may_be_lowest(self.samples)
        return tuple(sorted((place for place in self.places if may[place]), key=self.means.__getitem__))

    @property
    def is_decided(self) -> bool:
        """Whether one value is better than every other."""
        return self.candidates == (self.best,)

    def difference(self, first: int, second: int) -> PairedDifference:
        """One value minus another; the interval holds for all rivals of one value together."""
        found = paired_difference(self.samples[first], self.samples[second])
        return replace(found, estimate=replace(found.estimate, among=len(self.places) - 1))

    @property
    def rival(self) -> int:
        """The place of the next candidate after the best, or of the second lowest mean where there is none."""
        return (*self.candidates, sorted(self.places, key=self.means.__getitem__)[1])[1]


def compare_values(axes: Axes, axis: Axis, score: str, most_values: int = MOST_VALUES) -> Comparison | None:
    """The values of an axis over the settings that all of them have; None where there is none, or too many numbers."""
    if axis.numbers and len(axis) > most_values:
        return None
    rows = axes.places().assign(seed=axes.trials["seed"], value=axes.trials[score].astype("float64"))
    rows = rows[np.isfinite(rows["value"]) & (rows[axis.name] >= 0)]
    setting = [name for name in _others(axes, axis) if _has_effect_alike(rows, axis.name, name)]
    averaged = tuple(other for other in axes.every if other is not axis and other.name not in setting)
    rows = _balanced(rows, axis.name, setting, [other.name for other in averaged])
    by_seed = rows.groupby([axis.name, *setting, "seed"], sort=True)["value"].mean().reset_index()
    groups = by_seed.groupby([axis.name, *setting], sort=True)["value"]
    samples = {_place_and_setting(key): Sample(values.to_numpy()) for key, values in groups}
    shared = sorted(set.intersection(*({s for p, s in samples if p == place} for place in range(len(axis)))))
    if not shared:
        return None
    several = [s for s in shared if all(len(samples[place, s]) > 1 for place in range(len(axis)))]
    common = several or shared
    found = tuple(tuple(samples[place, s] for s in common) for place in range(len(axis)))
    return Comparison(axis, found, tuple(setting), tuple(common), averaged, len(shared) - len(common))


def _place_and_setting(key: Any) -> tuple[int, tuple[int, ...]]:
    place, *setting = key
    return int(place), tuple(map(int, setting))


def _has_effect_alike(rows: pd.DataFrame, compared: str, other: str) -> bool:
    """Whether a field has an effect with every value that is compared, or with none of them."""
    with_effect = rows.groupby(compared)[other].max() >= 0
    return bool(with_effect.all() or not with_effect.any())


def _balanced(rows: pd.DataFrame, compared: str, setting: list[str], averaged: list[str]) -> pd.DataFrame:
    """The rows to average over the fields that are no part of a setting, so that no mean lacks what another one holds.

    Of each compared value those combinations of the fields that it has in every common setting, and of a setting the seeds that
    have all of them. If there is no such combination, or no such seed in a setting, all count.
    """
    if not averaged or rows.empty:
        return rows
    place = rows.groupby(setting).ngroup() if setting else pd.Series(0, index=rows.index)
    rows = rows.assign(_place=place, _combination=rows.groupby(averaged).ngroup())
    is_common = rows.groupby("_place")[compared].transform("nunique") == rows[compared].nunique()
    parts = [_complete(part) for _, part in rows[is_common].groupby(compared)]
    return pd.concat([*parts, rows[~is_common]])


def _complete(rows: pd.DataFrame) -> pd.DataFrame:
    """See `_balanced`, for the common settings of one compared value."""
    held = rows.groupby("_combination")["_place"].nunique()
    everywhere = held.index[held == rows["_place"].nunique()]
    if everywhere.empty:
        return rows
    rows = rows[rows["_combination"].isin(everywhere)]
    complete = rows.groupby(["_place", "seed"])["_combination"].transform("nunique") == len(everywhere)
    return rows[complete | ~complete.groupby(rows["_place"]).transform("any")]


def _others(axes: Axes, axis: Axis) -> list[str]:
    return [other.name for other in axes.every if other is not axis]
