"""The networks of a sweep with their mean scores, and each field that varies by itself."""

from collections.abc import Iterator

import pandas as pd

from aesweep.analysis.axes.axes import Axis
from aesweep.analysis.axes.comparison import Comparison, compare_values
from aesweep.analysis.axes.layout import axis_title
from aesweep.analysis.axes.means import network_means
from aesweep.analysis.axes.sweep import Sweep, score_title
from aesweep.analysis.data.ranking import FEW_SEEDS, NETWORK
from aesweep.analysis.text.better import upper_first
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable, format_score, with_error


def networks_table(sweep: Sweep) -> TextTable:
    """One row per network, the lowest first: its value on each axis, and the mean of each score over seeds with its interval."""
    axes = sweep.layout.axes
    names = [axis.name for axis in axes.every]
    frame = (
        axes.places().assign(seed=axes.trials["seed"]).groupby(names or (lambda _: 0))["seed"].nunique().reset_index()
    )
    frame = frame.rename(columns={"seed": "seeds"})
    for measure in sweep.measures:
        frame = _with_means(frame, network_means(axes, measure.name), names, measure.name)
    frame = frame.sort_values(sweep.ranking.score, kind="stable", na_position="last", ignore_index=True)
    shown = frame.assign(**{axis.name: frame[axis.name].map(_labels(axis)) for axis in axes.every})
    headings = {axis.name: _axis_heading(axis) for axis in axes.every}
    headings |= {f"{m.name}_text": Heading(upper_first(m.title), "number") for m in sweep.measures}
    headings["seeds"] = Heading("Seeds", "whole")
    caption = (
        "Mean over training seeds ± half of its 95 % interval. Networks of one model share their variance over seeds where their "
        "spreads are alike, or in proportion to their means. Bold: the lowest mean of the ranked score, and those that may be as good."
    )
    caption += f" {FEW_SEEDS}" if sweep.ranking.few_seeds else ""
    bold = pd.DataFrame({f"{sweep.ranking.score}_text": _may_be_best(sweep, frame)}, index=frame.index)
    title = f"{sweep.title}: every network, {sweep.evaluation.title}"
    return TextTable(f"networks-{sweep.slug}", title, sweep.caption(caption), headings, shown, sweep.data_hash, bold)


def fields_table(sweep: Sweep) -> TextTable | None:
    """Every value of every field that varies, over the settings that all its values share; None where nothing varies."""
    compared = [(axis, _compare(sweep, axis)) for axis in sweep.layout.axes.every]
    rows = [row for axis, found in compared for row in _field_rows(axis, found)]
    if not rows:
        return None
    headings = {
        "field_title": Heading("Field"),
        "value_label": Heading("Value"),
        "mean_text": Heading("Mean", "number"),
        "difference_text": Heading("Above the lowest", "number"),
        "settings": Heading("Common settings", "whole"),
        "verdict": Heading("Verdict"),
    }
    what = score_title(sweep.ranking.score)
    caption = (
        f"{sweep.evaluation.title} of {what}: the mean over the settings in which every value of the field was trained, and how far it is "
        "above the lowest, ± half of a 95 % interval that holds for all values of the field. A setting is one value of every other field; "
        "its seeds are averaged first."
    )
    for axis, found in compared:
        if found and found.averaged:
            caption += f" {_averaged(axis, found)}"
    if any(found.left_out for _, found in compared if found):
        caption += " Settings in which a value has a single seed are left out where other settings have several."
    title = f"{sweep.title}: field by field"
    return TextTable(
        f"fields-{sweep.slug}", title, sweep.caption(caption), headings, pd.DataFrame(rows), sweep.data_hash
    )


def _with_means(frame: pd.DataFrame, means: pd.DataFrame, names: list[str], score: str) -> pd.DataFrame:
    """The frame with mean, half width and text of one score."""
    columns = {"mean": score, "half_width": f"{score}_half_width"}
    found = means.rename(columns=columns).drop(columns="seeds")
    frame = frame.merge(found, on=names, how="left") if names else frame.join(found)
    pairs = zip(frame[score], frame[f"{score}_half_width"], strict=True)
    texts = [with_error(mean, half) for mean, half in pairs]
    return frame.assign(**{f"{score}_text": texts})


def _may_be_best(sweep: Sweep, frame: pd.DataFrame) -> list[bool]:
    """For each row whether its network may be the best; networks with fewer seeds do not compete."""
    ranking, axes = sweep.ranking, sweep.layout.axes
    if not ranking.known:
        return [False] * len(frame)
    if not axes.every:
        return [True] * len(frame)
    # By the networks, not by their means: two ways to sum the same scores differ in the last bit.
    best = ranking.networks.iloc[[0, *ranking.as_good]][NETWORK].assign(best=True)
    is_best = axes.trials[NETWORK].merge(best, on=NETWORK, how="left")["best"].eq(True).to_numpy()
    places = axes.places()[is_best].drop_duplicates().assign(best=True)
    return frame.merge(places, on=list(axes.places()), how="left")["best"].eq(True).tolist()


def _averaged(axis: Axis, found: Comparison) -> str:
    """A sentence on the fields that are no part of a setting, such as beta where DAEs and VAEs are compared."""
    one, several = ("model", "models") if axis.fields == ("model",) else ("value", f"values of {axis_title(axis)}")
    fields = " and ".join(map(axis_title, found.averaged))
    return f"The {several} are compared on average over {fields}, which not every {one} has."


def _compare(sweep: Sweep, axis: Axis) -> Comparison | None:
    return compare_values(sweep.layout.axes, axis, sweep.ranking.score, most_values=len(axis))


def _field_rows(axis: Axis, found: Comparison | None) -> Iterator[dict[str, object]]:
    for place in range(len(axis)):
        row: dict[str, object] = {"field": axis.name, "field_title": upper_first(axis_title(axis))}
        row |= {"value_label": axis.label(place), "settings": 0 if found is None else found.settings}
        yield row | (_not_compared() if found is None else _compared(found, place))


def _compared(found: Comparison, place: int) -> dict[str, object]:
    mean = found.means[place]
    row: dict[str, object] = {"mean": mean, "mean_text": format_score(mean), "difference": 0.0}
    row |= {"half_width": float("nan"), "difference_text": MISSING, "verdict": _verdict(found, place)}
    if place != found.best:
        estimate = found.difference(place, found.best).estimate
        row |= {"difference": estimate.value, "half_width": estimate.half_width}
        row["difference_text"] = with_error(estimate.value, estimate.half_width)
    return row


def _not_compared() -> dict[str, object]:
    nothing = float("nan")
    row = {"mean": nothing, "mean_text": MISSING, "difference": nothing, "half_width": nothing}
    return row | {"difference_text": MISSING, "verdict": "no common setting"}


def _verdict(found: Comparison, place: int) -> str:
    if place not in found.candidates:
        return "worse"
    return "best" if found.is_decided else ("lowest, not decided" if place == found.best else "may be as good")


def _labels(axis: Axis) -> dict[int, str]:
    return {-1: MISSING, **{place: axis.label(place) for place in range(len(axis))}}


def _axis_heading(axis: Axis) -> Heading:
    return Heading(upper_first(axis_title(axis)), "value" if axis.numbers and len(axis.fields) == 1 else "text")
