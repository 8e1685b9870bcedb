"""Two stores on one page: what each has, and the settings that both have, compared in pairs.

    tables of A ─┐
                 ├► `pairs`: trials of the same data, scored by the same evaluation, with the store as one more axis ─► the page
    tables of B ─┘

The store is an axis like any other, so figures and comparisons are made as for a single sweep. Fields that are constant in each
store and differ between them (epochs 50 and 100) belong to that axis and are named with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from aesweep.analysis.axes.axes import Axis
from aesweep.analysis.axes.comparison import Comparison, compare_values
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.axes.sweep import Sweep, sweep_of, sweeps
from aesweep.analysis.axes.words import STORE
from aesweep.analysis.data.evaluations import Evaluation, evaluations_of
from aesweep.analysis.data.ranking import with_scores
from aesweep.analysis.data.tables import Tables


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two stores, and what it is called on the page."""

    name: str
    tables: Tables

    @cached_property
    def sweeps(self) -> list[Sweep]:
        """What its own report would show."""
        return sweeps(self.tables, Wishes())


@dataclass(frozen=True, eq=False)
class Pair:
    """The trials of both stores on one data set under one way of scoring."""

    sweep: Sweep
    axis: Axis
    """The stores, with the settings that differ between them."""

    @cached_property
    def compared(self) -> Comparison | None:
        """Both stores over the settings that they share; None without any."""
        return compare_values(self.sweep.layout.axes, self.axis, self.sweep.ranking.score)

    @property
    def repeated(self) -> int:
        """How many trials, seeds included, both stores have."""
        counts = self.sweep.trials.groupby("key")[STORE].nunique()
        return int((counts > 1).sum())


def sides(first: Tables, second: Tables) -> tuple[Side, Side]:
    """Both stores, named by the last part of their addresses, or by the whole where those are the same.

    The same images have the same name on both sides, and others have another one.
    """
    names = [Path(tables.store).name for tables in (first, second)]
    if names[0] == names[1]:
        names = [first.store, second.store]
    labels = _common_labels(pd.concat([first.trials, second.trials])[["data_identity", "data_label"]])
    return Side(names[0], _relabelled(first, labels)), Side(names[1], _relabelled(second, labels))


def _common_labels(images: pd.DataFrame) -> pd.Series:
    """For each fingerprint of own images the names that somebody gave them, such as `faces/people`.

    Where a name was given to other images too, the beginning of the fingerprint follows.
    """
    named = images[images["data_label"].ne("none") & images["data_identity"].ne("none")].dropna().drop_duplicates()
    labels = named.groupby("data_identity")["data_label"].agg("/".join).astype("object")
    several = named[named.groupby("data_label")["data_identity"].transform("nunique") > 1]["data_identity"]
    is_ambiguous = labels.index.isin(several)
    return labels.where(~is_ambiguous, labels + "-" + labels.index.str[:8])


def _relabelled(tables: Tables, labels: pd.Series) -> Tables:
    found = tables.trials["data_identity"].map(labels.get)
    label = found.where(found.notna(), tables.trials["data_label"])
    return replace(tables, trials=tables.trials.assign(data_label=label))


def pairs(first: Side, second: Side, wishes: Wishes) -> Iterator[Pair]:
    """For each way of scoring and each data set that both have."""
    for evaluation in evaluations_of(first.tables).shown:
        both = [_scored(side, evaluation) for side in (first, second)]
        shared = set(both[0]["data"]) & set(both[1]["data"])
        for data in sorted(shared):
            trials = pd.concat([rows[rows["data"] == data] for rows in both], ignore_index=True)
            pair = _pair(first, second, str(data), evaluation, trials, wishes)
            if pair is not None:
                yield pair


def differently_scored(first: Side, second: Side) -> list[Evaluation]:
    """Evaluations of the first store whose distances the second has only under other settings."""
    theirs = evaluations_of(second.tables)
    ids = {one.id for one in (*theirs.shown, *theirs.aside)}
    kinds = {(one.metric, one.extractor) for one in theirs.shown}
    found = evaluations_of(first.tables).shown
    return [one for one in found if one.id not in ids and (one.metric, one.extractor) in kinds]


def _scored(side: Side, evaluation: Evaluation) -> pd.DataFrame:
    return with_scores(side.tables, evaluation).assign(**{STORE: side.name})


def _pair(
    first: Side, second: Side, data: str, evaluation: Evaluation, trials: pd.DataFrame, wishes: Wishes
) -> Pair | None:
    wishes = replace(wishes, line=wishes.line or STORE)
    sweep = sweep_of(data, evaluation, trials, wishes, data_hash_of((first, second)))
    axis = sweep.layout.axes.named(STORE) if sweep else None
    return Pair(sweep, axis) if sweep and axis else None


def names_of(both: Sequence[Side]) -> str:
    """Such as `width and beta`."""
    return " and ".join(side.name for side in both)


def data_hash_of(both: Sequence[Side]) -> str:
    """The hashes of both stores' tables, for everything that is made from both."""
    return " ".join(side.tables.data_hash for side in both)
