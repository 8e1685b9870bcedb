"""Tables and sentences on two stores side by side."""

import pandas as pd

from aesweep.analysis.axes.comparison import Comparison
from aesweep.analysis.axes.layout import axis_title
from aesweep.analysis.axes.sweep import Sweep, score_title
from aesweep.analysis.data.evaluations import Evaluation
from aesweep.analysis.side_by_side import Pair, Side, data_hash_of
from aesweep.analysis.statistics import contrast
from aesweep.analysis.text.answers import Answer, network_name
from aesweep.analysis.text.better import better, question, upper_first
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable, counted, with_error


def what_each_has(first: Side, second: Side) -> TextTable:
    """A row per property, a column per store."""
    rows = [{"what": what, "first": a, "second": b} for (what, a), (_, b) in zip(_of(first), _of(second), strict=True)]
    headings = {"what": Heading("What"), "first": Heading(first.name), "second": Heading(second.name)}
    frame, hashes = pd.DataFrame(rows), data_hash_of((first, second))
    return TextTable("stores", "What each store has", "", headings, frame, hashes)


def pair_answers(pair: Pair) -> list[Answer]:
    """Which store is better over the settings that both have, and what must be known to read that."""
    score = pair.sweep.ranking.score
    found = pair.compared
    text = (
        "Not compared: the stores share no setting." if found is None else better(pair.axis, found, score_title(score))
    )
    answers = [Answer(question(pair.axis), text)]
    if pair.repeated:
        count = f"{counted(pair.repeated, 'trial')} {'are' if pair.repeated > 1 else 'is'}"
        how = "with the same settings and seed, so their difference is that of versions and machines"
        answers.append(Answer("What is repeated?", f"{count} in both stores, {how}."))
    return answers


def pair_table(pair: Pair) -> TextTable | None:
    """A row per common setting: the mean of either store with its interval, and their difference; None without any."""
    found, sweep = pair.compared, pair.sweep
    if found is None:
        return None
    others = [axis for axis in sweep.layout.axes.every if axis.name in found.setting]
    rows = []
    for i, setting in enumerate(found.common):
        row: dict[str, object] = {axis.name: axis.label(at) for axis, at in zip(others, setting, strict=True)}
        rows.append(row | _difference(found, i))
    headings = {
        axis.name: Heading(upper_first(axis_title(axis)), "value" if axis.numbers else "text") for axis in others
    }
    headings |= {
        "first_text": Heading(pair.axis.label(0), "number"),
        "second_text": Heading(pair.axis.label(1), "number"),
        "difference_text": Heading(f"{pair.axis.label(1)} − {pair.axis.label(0)}", "number"),
    }
    what = f"{sweep.evaluation.title} of {score_title(sweep.ranking.score)}"
    caption = f"{what}: means over training seeds ± half of their 95 % intervals."
    title = f"{sweep.title}: every setting that both stores have"
    return TextTable(
        f"pairs-{sweep.slug}", title, sweep.caption(caption), headings, pd.DataFrame(rows), sweep.data_hash
    )


def _of(side: Side) -> list[tuple[str, str]]:
    """Properties of one store in words."""
    trials = side.tables.trials
    counts = trials["state"].value_counts()
    states = ", ".join(f"{counts[state]:,} {state}" for state in counts.index) or "none"
    seeds = ", ".join(f"{seed:.0f}" for seed in sorted(trials["seed"].dropna().unique()))
    found = [("Store", side.tables.store), ("Trials", states), ("Data", _words(side.tables.described["data"]))]
    found += [("Training seeds", seeds or MISSING)]
    fields = {axis_title(axis): len(axis) for one in side.sweeps for axis in one.layout.axes.every}
    found.append(
        ("Fields that vary", ", ".join(f"{name} ({count} values)" for name, count in fields.items()) or MISSING)
    )
    found.append(("Scored by", "; ".join(dict.fromkeys(_scoring(one.evaluation) for one in side.sweeps)) or MISSING))
    best = [f"{one.title}: {network_name(one.ranking)}, {_mean(one)}" for one in side.sweeps]
    found.append(("Lowest mean", "; ".join(best) or MISSING))
    found.append(("aesweep", _words(trials["aesweep_version"])))
    found.append(("Devices", _words(trials["device"])))
    return found


def _scoring(evaluation: Evaluation) -> str:
    return f"{evaluation.title} ({', '.join(evaluation.words)})"


def _mean(sweep: Sweep) -> str:
    best = sweep.ranking.best
    return f"{score_title(sweep.ranking.score)} {with_error(best.value, best.half_width)}"


def _words(column: pd.Series) -> str:
    return ", ".join(sorted(map(str, column.dropna().unique()))) or MISSING


def _difference(found: Comparison, setting: int) -> dict[str, object]:
    first, second = (samples[setting] for samples in found.samples)
    row: dict[str, object] = {}
    terms = {"first": ((1.0, first),), "second": ((1.0, second),), "difference": ((1.0, second), (-1.0, first))}
    for name, parts in terms.items():
        estimate = contrast(*parts)
        row |= {name: estimate.value, f"{name}_half_width": estimate.half_width}
        row[f"{name}_text"] = with_error(estimate.value, estimate.half_width)
    return row
