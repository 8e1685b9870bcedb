"""Sentences on which value of a field is better: `DAE or VAE?`, `Which beta?`, and how sure that is."""

import math
from collections.abc import Sequence

from aesweep.analysis.axes.axes import Axis
from aesweep.analysis.axes.comparison import Comparison
from aesweep.analysis.axes.layout import axis_title
from aesweep.analysis.axes.words import STORE
from aesweep.analysis.data.ranking import Ranking
from aesweep.analysis.statistics import PairedDifference
from aesweep.analysis.text.text_tables import counted, format_score, places_of

_COUNTED = {"latent_size": "How many latent units?", "filters": "How many filters?", "epochs": "How many epochs?"}


def question(axis: Axis) -> str:
    """`DAE or VAE?`, `Beta 0.1 or 1?`, `Which learning rate?`."""
    if axis.name in _COUNTED:
        return _COUNTED[axis.name]
    if len(axis) != 2:
        return f"Which {axis_title(axis)}?"
    second = axis.phrase(1) if len(axis.fields) > 1 or not axis.numbers else axis.label(1)
    return f"{start(axis, axis.phrase(0))} or {second}?"


def better(axis: Axis, found: Comparison | None, what: str) -> str:
    """Which value is better, by how much and in how many settings; `what` are the images that are scored."""
    if found is None:
        return _not_compared(axis)
    if axis.fields == ("model",) and len(axis) == 2:
        return _better_model(axis, found, what)
    first, second = found.best, found.rival
    difference = found.difference(first, second)
    over = _over(found, difference)
    names = axis.phrase(first), axis.phrase(second)
    wins = f"; lower in {difference.lower:,} of {difference.settings:,}" if difference.settings > 1 else ""
    by = f"{what} score {_change(difference)}{_interval(difference)} with {names[0]} than with {names[1]}"
    if math.isnan(difference.estimate.half_width):
        return f"Not decided: one training seed. {upper_first(over)}, {by}{wins}."
    if not found.is_decided:
        return f"Not decided: {over}, {by}{wins}.{_worse(found)}"
    next_best = ", the next best" if len(found.places) > 2 else ""
    return (
        f"{start(axis, names[0])} {_is(axis, first)} better: {over}, {by}{next_best}{wins}.{_at_the_end(axis, first)}"
    )


def how_sure(ranking: Ranking, compared: Sequence[Comparison]) -> str:
    """The seeds, a remark that the lowest score is partly luck, and how often equal values would differ as much as these."""
    if not ranking.known:
        return "Not at all: with one training seed per network, the spread over seeds is unknown."
    low, high = int(ranking.scores.counts.min()), int(ranking.scores.counts.max())
    found = [f"{f'{low} to ' * (low < high)}{counted(high, 'training seed')} per network."]
    if ranking.few_seeds:
        few = ranking.few_seeds
        found.append(
            "1 network with fewer does not compete." if few == 1 else f"{few:,} networks with fewer do not compete."
        )
    if len(ranking.networks) > 1:
        found.append("The lowest score is partly luck: trained again, that network would score somewhat higher.")
    if chances := list(filter(None, map(_chance, compared))):
        found.append(f"Chance of such a difference between equally good values: {'; '.join(chances)}.")
    return " ".join(found)


def upper_first(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]


def start(axis: Axis, words: str) -> str:
    """A value at the start of a sentence; the name of a store stays as it is."""
    return words if axis.name == STORE else upper_first(words)


def _is(axis: Axis, place: int) -> str:
    """`are` after a count such as `16 filters`, otherwise `is`."""
    return "are" if axis.name in _COUNTED and axis.label(place) != "1" else "is"


def plural(axis: Axis, place: int) -> str:
    """The networks with this value: `DAEs`, or the value itself."""
    return f"{axis.label(place)}s" if axis.fields == ("model",) else axis.phrase(place)


def _chance(found: Comparison) -> str:
    """How often two equally good values would differ as much: `2 % for DAEs and VAEs`; "" if that is unknown."""
    first, second = found.best, found.rival
    p = found.difference(first, second).p_of_no_difference()
    chance = "less than 0.1 %" if p < 0.001 else f"{100 * p:.2g} %"
    names = f"{plural(found.axis, first)} and {plural(found.axis, second)}"
    return f"{chance} for {names}" if p < 1 else ""


def _better_model(axis: Axis, found: Comparison, what: str) -> str:
    """The sentences of `better` for two models, which are named in the plural: `DAEs are better`."""
    names = tuple(plural(axis, place) for place in (0, 1))
    difference = found.difference(0, 1)
    lead = f"{what} of {names[0]} score {_change(difference)}{_interval(difference)}"
    over = _over(found, difference)
    wins = f"; {names[0]} are lower in {difference.lower:,} of {difference.settings:,}" if found.settings > 1 else ""
    if math.isnan(difference.estimate.half_width):
        return f"Not decided: one training seed. {upper_first(over)}, {lead}{wins}."
    if not found.is_decided:
        return f"Not decided: {over}, {lead}{wins}."
    return f"{names[found.best]} are better: {over}, {lead}{wins}."


def _not_compared(axis: Axis) -> str:
    if axis.name == "model" and len(axis) == 2:
        a, b = axis.label(0), axis.label(1)
        return f"Not compared: no {a} has the filters, depth, latent units and further settings of a {b}."
    if axis.numbers and len(axis) > 2:
        return f"{len(axis)} values were tried: see the first figure, and “Field by field” for their means."
    return f"Not compared: no setting was trained with every {axis_title(axis)}."


def _over(found: Comparison, difference: PairedDifference) -> str:
    fields = " and ".join(map(axis_title, found.averaged))
    if difference.settings == 1:
        return "in the one common setting" + (f", on average over its values of {fields}" if fields else "")
    which = f"the {difference.settings}" if difference.has_few_settings else f"{difference.settings:,}"
    return f"on average over {which} common settings" + (f" and their values of {fields}" if fields else "")


def _interval(difference: PairedDifference) -> str:
    value, half = difference.estimate.value, difference.estimate.half_width
    if math.isnan(half):
        return ""
    return f" (95 %: {change(value - half, half)} to {change(value + half, half)})"


def _change(difference: PairedDifference) -> str:
    return change(difference.estimate.value, difference.estimate.half_width)


def change(value: float, half_width: float) -> str:
    """Such as `10.9 lower`, `less than 1 higher`."""
    written = format_score(abs(value)) if math.isnan(half_width) else f"{abs(value):.{places_of(half_width)}f}"
    if float(written) == 0 and not math.isnan(half_width):
        written = f"less than {10.0 ** -places_of(half_width):g}"
    return f"{written} {'lower' if value < 0 else 'higher'}"


def _worse(found: Comparison) -> str:
    """A sentence naming the values that cannot be the best; "" if there are none."""
    worse = [found.axis.label(place) for place in found.places if place not in found.candidates]
    return f" Worse: {axis_title(found.axis)} {', '.join(worse)}." if worse else ""


def _at_the_end(axis: Axis, place: int) -> str:
    """A sentence saying that the best value is the smallest or largest tried; "" if it is neither."""
    if not axis.numbers or len(axis) < 2 or place not in (0, len(axis) - 1):
        return ""
    which, beyond = ("smallest", "smaller") if place == 0 else ("largest", "larger")
    return f" It is the {which} value tried, so {beyond} ones may be better still."
