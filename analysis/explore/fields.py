"""The fields of the trials: the distinct values of each field, and for each trial the index of its value."""

from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.axes.axes import Axes, parameter_columns
from aesweep.analysis.axes.words import PARAMETERS, has_effect, numbers_of, order_of, title, value_words
from aesweep.sweep.tables.schemas import CONFIG_FIELDS

DATA = "data"
ABOUT = (
    "state",
    "sweep",
    "block",
    "device",
    "precision_used",
    "threads",
    "torch_version",
    "aesweep_version",
    "attempts",
)
"""Further columns of `trials` that a chart may be filtered and coloured by."""
Field = dict[str, Any]


def fields(trials: pd.DataFrame, every: list[Axes]) -> list[Field]:
    """Every field of described trials; `every` holds the axes of each data set.

    `values` are the distinct values in order: numbers if all of them are, otherwise text. `codes` gives for each trial the index
    of its value, -1 for none; it is None if all trials have the same. `axis` names the field that it always changes with.
    """
    wide = trials.join(parameter_columns(trials))
    names = [
        DATA,
        *(name for name in CONFIG_FIELDS if name != PARAMETERS),
        *wide.columns[len(trials.columns) :],
        *ABOUT,
    ]
    twins = {name: axis.name for axes in every for axis in axes.every for name in axis.fields}
    return [_field(name, wide, twins.get(name, name)) for name in names]


def _field(name: str, trials: pd.DataFrame, axis: str) -> Field:
    column = trials[name].astype("object")
    networks = list(zip(trials["model"], trials["architecture"], strict=True))
    found = {network: has_effect(*network, name) for network in set(networks)}
    effect = np.array([found[network] for network in networks], dtype=bool)
    column = column.where(effect & column.notna(), None).map(_plain)
    known = column[column.notna()]
    values = sorted(known.unique(), key=lambda value: order_of(name, value))
    place = {value: i for i, value in enumerate(values)}
    codes = column.map(place).fillna(-1).to_numpy(dtype=int)
    numbers = [_plain(value) for value in numbers_of(values)]
    if not np.isfinite(np.array(numbers, dtype=float)).all():  # JSON has no word for it
        numbers = []
    return {
        "name": name,
        "title": title(name),
        "config": name == DATA or name not in ABOUT,
        "axis": axis,
        "number": bool(numbers),
        "values": numbers or [value_words(name, value) for value in values],
        "codes": codes.tolist() if len(np.unique(codes)) > 1 else None,
    }


def _plain(value: object) -> object:
    """A whole number as an int: a column with gaps holds floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
