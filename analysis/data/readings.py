"""Other readings of the same trials: another distance, another way of scoring, another reading of the paper's text.

A report shows one way of scoring and one way of training. Where the store holds more, every claim is judged again under each,
one change at a time. The claims do not know: a reading is `Results` with other scores, or with other trials, in the same columns.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from aesweep.analysis.data.alike import trained_like
from aesweep.analysis.data.evaluations import INFINITIES, KERNEL, Evaluation, evaluations_of
from aesweep.analysis.data.measured_trials import scored_trials
from aesweep.analysis.data.results import Results, images_of
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import FURTHER_FIELDS

DISTANCES = (*KERNEL, *INFINITIES, "coverage")
"""Metrics of an evaluation that can take the place of its Fréchet distance. Coverage is a share of which the highest is
best, so claims are judged by 1 minus it."""


class Reading(NamedTuple):
    """One change to what a report shows."""

    axis: str  # what is changed: "distance", "scoring", or one of `TRAINING`
    words: str  # to what: `KID`, `VAE priors fitted on samples`, `reduction sum`
    results: Results

    @property
    def is_kernel(self) -> bool:
        """Whether it is the kernel distance of the same features."""
        return self.axis == "distance" and self.results.evaluation.metric in KERNEL


class Axis(NamedTuple):
    """Fields of a trial that are one reading of the paper together, and the trials that they have an effect on."""

    fields: tuple[str, ...]
    matter: Callable[[pd.DataFrame], pd.Series]


def _everywhere(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(True, index=rows.index)


TRAINING = {
    "objective of VAEs": Axis(("reduction", "beta"), lambda rows: rows["model"] == "vae"),
    "depth of the decoder": Axis(("decoder_depth",), lambda rows: rows["depth"].str.contains("-", regex=False)),
    "first map of the decoder": Axis(("decoder_first_map",), lambda rows: rows["filters"] > 128),
    "activation of that map": Axis(("decoder_first_activation",), _everywhere),
    "batch norm": Axis(("bn_momentum",), _everywhere),
}
"""The readings of docs/fidelity.md that are fields of a trial. Trials on which one has no effect stay as they are."""


def readings(tables: Tables, shown: Results) -> list[Reading]:
    """Every other reading of these results that the store holds; networks are compared at the same latent size."""
    shown = replace(shown, compared_at=shown.comparison_size)
    return [*_distances(tables, shown), *_scorings(tables, shown), *_trainings(tables, shown)]


def _distances(tables: Tables, shown: Results) -> Iterator[Reading]:
    """The other distances of the shown evaluation."""
    rows = tables.scores
    held = set(rows.loc[(rows["evaluation"] == shown.evaluation.id) & rows["value"].notna(), "metric"])
    for metric in (name for name in DISTANCES if name in held):
        found = _scored_by(tables, shown, replace(shown.evaluation, metric=metric))
        if len(found.trials):
            yield Reading("distance", found.evaluation.title + _part(found.trials, shown.trials), found)


def _scorings(tables: Tables, shown: Results) -> Iterator[Reading]:
    """The Fréchet distances of the other evaluations."""
    every = evaluations_of(tables)
    for evaluation in (*every.shown, *every.aside):
        if evaluation.id == shown.evaluation.id:
            continue
        found = _scored_by(tables, shown, evaluation)
        same = (evaluation.metric, evaluation.extractor) == (shown.evaluation.metric, shown.evaluation.extractor)
        if len(found.trials):
            words = evaluation.unlike(shown.evaluation) if same else evaluation.title
            yield Reading("scoring", words + _part(found.trials, shown.trials), found)


def _scored_by(tables: Tables, shown: Results, evaluation: Evaluation) -> Results:
    """The shown trials, scored in another way, and those of the other data sets too."""
    rows = scored_trials(tables, evaluation)
    rows = rows[rows["key"].isin(shown.trials["key"])].reset_index(drop=True)
    if evaluation.metric == "coverage":
        rows = rows.assign(**{name: 1 - rows[name] for name in SCORES})
    images = images_of(tables, evaluation, rows)
    elsewhere = {data: _scored_by(tables, other, evaluation) for data, other in shown.elsewhere.items()}
    found = replace(shown, evaluation=evaluation, trials=rows, images=images, elsewhere=elsewhere)
    return replace(found, other_scorings=(), scoring_deviations=())


def _trainings(tables: Tables, shown: Results) -> Iterator[Reading]:
    """The shown scores of networks that were trained under another reading."""
    if len(shown.trials) == len(tables.described) or shown.evaluation.id == "none":
        return
    rows = scored_trials(tables, shown.evaluation)
    rows = rows[(rows["data"] == shown.data) & ~rows["key"].isin(shown.trials["key"])]
    for name, axis in TRAINING.items():
        replaced = shown.trials[axis.matter(shown.trials)]
        if len(replaced):
            for words, found in _other_values(axis, rows, replaced.iloc[0]):
                yield Reading(name, words + _part(found, replaced), _with_others(tables, shown, axis, found))


def _other_values(axis: Axis, rows: pd.DataFrame, usual: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each other value of an axis in words, with its trials, which have the usual values in all other fields."""
    others = rows[axis.matter(rows)]
    for field in {*FURTHER_FIELDS, "beta"} - set(axis.fields):
        others = others[_equal(others, field, usual) | ((field == "beta") & (others["model"] != "vae"))]
    for values, found in others.groupby(list(axis.fields)):
        changed = [(f, value) for f, value in zip(axis.fields, values, strict=True) if value != usual[f]]
        if changed:
            yield ", ".join(f"{field.replace('_', ' ')} {_text(value)}" for field, value in changed), found


def _with_others(tables: Tables, shown: Results, axis: Axis, found: pd.DataFrame) -> Results:
    """The shown results, with these trials in place of those that the axis has an effect on."""
    trained = trained_like(tables, found)
    trials = shown.trials[~axis.matter(shown.trials)], found
    both = shown.trained[~axis.matter(shown.trained)], trained[axis.matter(trained)]
    return replace(shown, trials=pd.concat(trials, ignore_index=True), trained=pd.concat(both, ignore_index=True))


def _part(found: pd.DataFrame, of: pd.DataFrame) -> str:
    """How many of the trials a reading has, where that is not all."""
    return f" ({len(found)} of {len(of)} trials)" if len(found) < len(of) else ""


def _equal(rows: pd.DataFrame, field: str, usual: pd.Series) -> pd.Series:
    """Where a field has the usual value; two unknown ones are equal."""
    return rows[field].isna() if pd.isna(usual[field]) else rows[field] == usual[field]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
