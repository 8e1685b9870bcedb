"""The fields that a sweep varies, found in the trials of one data set: the axes of its figures and tables.

    trials ─► `find_axes` ─► Axes: each axis with its values in order, and the place of every trial on it

A field with a single value is not an axis, and neither are the seed and the data. Fields that always change together are
one axis. Where a field has no effect on a model (`beta` of a DAE), the trial has no place on its axis and counts for every value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from aesweep.analysis.axes.words import (
    NOT_AN_AXIS,
    PARAMETERS,
    STORE,
    has_effect,
    is_parameter,
    numbers_of,
    order_of,
    phrase,
    value_words,
)
from aesweep.sweep.tables.schemas import CONFIG_FIELDS

FIRST = (STORE, "model", "latent_size", "filters", "beta", "learning_rates")
"""If several fields always change together, the first of these names their axis."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One field that varies, or several that always change together."""

    fields: tuple[str, ...]
    values: tuple[tuple[object, ...], ...]
    """For each place, the value of each field; in order."""
    places: np.ndarray
    """Int (trials,): the place of each trial's value; -1 where the field has no effect on it."""

    @property
    def name(self) -> str:
        """The field that names the axis."""
        return self.fields[0]

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The values as numbers, ascending; () if they are not numbers."""
        return numbers_of([value[0] for value in self.values])

    def label(self, place: int) -> str:
        """The value for a column of a table: `0.1`, `DAE`; with the values of fields that change together with it."""
        first, *others = zip(self.fields, self.values[place], strict=True)
        return ", ".join([value_words(*first), *(phrase(*other) for other in others)])

    def phrase(self, place: int) -> str:
        """The value for a legend: `beta 0.1`, `DAE`, `16 latent units`."""
        return ", ".join(phrase(*one) for one in zip(self.fields, self.values[place], strict=True))

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Axes:
    """Every axis of one data set, and the trials in the order of `Axis.places`."""

    trials: pd.DataFrame
    every: tuple[Axis, ...]

    def named(self, field: str) -> Axis | None:
        """The axis that a field is part of; for `parameters`, the first axis of a parameter."""
        return next((axis for axis in self.every if any(_is(name, field) for name in axis.fields)), None)

    def places(self, axes: Iterable[Axis] | None = None) -> pd.DataFrame:
        """Index of `trials`, a column of places per axis."""
        chosen = self.every if axes is None else axes
        return pd.DataFrame({axis.name: axis.places for axis in chosen}, index=self.trials.index)

    def networks(self) -> np.ndarray:
        """The number of each trial's network, int (trials,): trials of one network differ in nothing that varies but the seed."""
        places = self.places()
        if places.empty:
            return np.zeros(len(self.trials), dtype=int)
        return places.groupby(list(places)).ngroup().to_numpy()


def _is(name: str, field: str) -> bool:
    return name == field or (field == PARAMETERS and is_parameter(name))


def find_axes(trials: pd.DataFrame) -> Axes:
    """The axes of described trials on one data set; trials of two stores have a column `STORE`."""
    trials = trials.reset_index(drop=True)
    own = parameter_columns(trials)
    wide = trials[["model"]].join([trials[[n for n in (STORE, *CONFIG_FIELDS) if n in trials and n != "model"]], own])
    columns = {name: _places(wide, name) for name in map(str, wide) if name not in NOT_AN_AXIS}
    varied = {name: found for name, found in columns.items() if len(found[0]) > 1}
    order = sorted(varied, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    axes: list[Axis] = []
    for name in order:
        values, places = varied[name]
        twin = next((i for i, axis in enumerate(axes) if _change_together(axis.places, places)), None)
        if twin is None:
            axes.append(Axis((name,), tuple((value,) for value in values), places))
        else:
            axes[twin] = _joined(axes[twin], name, values, places)
    return Axes(trials, tuple(axes))


def parameter_columns(trials: pd.DataFrame) -> pd.DataFrame:
    """A column per model and parameter (`wae penalty`), as numbers if possible. Two models may use one name differently."""
    texts = zip(trials["model"], trials[PARAMETERS].fillna("none"), strict=True)
    pairs = [[(model, *part.rpartition(" ")[::2]) for part in text.split(", ")] for model, text in texts]
    found = [{f"{model} {name}": _number(value) for model, name, value in one if name} for one in pairs]
    return pd.DataFrame(found, index=trials.index, dtype="object")


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _places(trials: pd.DataFrame, name: str) -> tuple[list[object], np.ndarray]:
    """The values of a field in order, and the place of each trial's."""
    column = trials[name].astype("object")
    networks = zip(trials["model"], trials["architecture"], strict=True)
    without = np.array([not has_effect(model, architecture, name) for model, architecture in networks], dtype=bool)
    if name in CONFIG_FIELDS:
        column = column.where(column.notna(), "unknown")
    else:
        without |= column.isna().to_numpy()
    values = sorted(column[~without].unique(), key=lambda value: order_of(name, value))
    place = {value: i for i, value in enumerate(values)}
    places = column.map(place).fillna(-1).to_numpy(dtype=int)
    return values, np.where(without, -1, places)


def _change_together(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether each place on one axis occurs with exactly one place on the other, and vice versa."""
    pairs = np.unique(np.stack([first, second]), axis=1)
    return all(len(np.unique(side)) == pairs.shape[1] for side in pairs)


def _joined(axis: Axis, name: str, values: Sequence[object], places: np.ndarray) -> Axis:
    """The axis with one more field, which has one value at each of its places (none where it has no effect)."""
    other = [places[axis.places == place][0] for place in range(len(axis))]
    found = tuple((*v, values[p] if p >= 0 else None) for v, p in zip(axis.values, other, strict=True))
    return Axis((*axis.fields, name), found, axis.places)
