"""The questions that a reader asks first of any sweep, each with its answer in one or two sentences."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from aesweep.analysis.axes.comparison import Comparison, compare_values
from aesweep.analysis.axes.layout import axis_title
from aesweep.analysis.axes.sweep import Sweep, score_title
from aesweep.analysis.axes.words import phrase
from aesweep.analysis.commands import resume
from aesweep.analysis.data.evaluations import Evaluation
from aesweep.analysis.data.ranking import Ranking
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.text.better import better, how_sure, question, upper_first
from aesweep.analysis.text.settle import NOT_DONE, what_would_settle
from aesweep.analysis.text.text_tables import counted, format_score, with_error

MOST_NAMED = 3
"""Networks that are named as good as the best; the others are counted."""
MOST_QUESTIONS = 4
"""Fields that are compared on the first screen; a table compares them all."""


@dataclass(frozen=True)
class Answer:
    """One question and its answer; `command` is what to type, "" for nothing, and `note` explains a term."""

    question: str
    text: str
    command: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for one data set under one way of scoring."""

    sweep: Sweep
    given: tuple[Answer, ...]


def all_answers(tables: Tables, sweeps: Sequence[Sweep]) -> list[Answers]:
    """The answers for each of these; a term is explained where it comes first."""
    explained: set[str] = set()
    found = []
    for sweep in sweeps:
        note = "" if sweep.evaluation.title in explained else _meaning(sweep.evaluation)
        explained.add(sweep.evaluation.title)
        found.append(Answers(sweep, tuple(_answers(tables, sweep, note))))
    return found


def progress(tables: Tables) -> Answer:
    """What is done, what failed and why, and the command for the rest."""
    counts = Counter(tables.trials["state"])
    total, done, failed = len(tables.trials), counts["done"], counts["failed"]
    rest = [f"{counts[state]:,} {state}" for state in NOT_DONE if counts[state]]
    said = f"{done:,} of {counted(total, 'trial')} done" + (f", {', '.join(rest)}" if rest else "") + "."
    trials = tables.trials[tables.trials["sweep"] != "none"]
    left = trials[trials["state"].isin(["trained", "pending"])]
    command = resume(tables.quoted, left) if rest else ""
    if not failed:
        return Answer("What failed?", f"Nothing. {said}", command)
    reasons = _reasons(tables)
    reasons += ["lost files"] * (failed - len(reasons))  # nobody records that: they were done
    common, times = Counter(reasons).most_common(1)[0]
    why = common if times == len(reasons) else f"{times:,} of them with {common}"
    text = f"{counted(failed, 'trial')} failed: {why}. {said}"
    again = trials[trials["state"].isin(["failed", "trained", "pending"])]
    return Answer("What failed?", text, resume(tables.quoted, again, "--retry-failed"))


def _reasons(tables: Tables) -> list[str]:
    """The newest reason of every trial that is failed now."""
    failed = set(tables.trials.loc[tables.trials["state"] == "failed", "key"])
    last = tables.last_failures[tables.last_failures["key"].isin(failed)]
    lines = last["message"].fillna("").str.split("\n").str[0]  # `partition` of no message at all has no columns
    return (last["type"] + ": " + lines).tolist()


def _answers(tables: Tables, sweep: Sweep, note: str) -> Iterator[Answer]:
    ranking, axes = sweep.ranking, sweep.layout.axes
    learnt_nothing = _learnt_nothing(sweep.winner)
    yield Answer("Which network?", f"{_which(sweep)} {learnt_nothing}".strip(), note=note)
    asked = sorted(axes.every, key=lambda axis: (axis.name != "model", len(axis)))
    compared: list[Comparison] = []
    for axis in asked[:MOST_QUESTIONS]:
        found = compare_values(axes, axis, ranking.score)
        yield Answer(question(axis), better(axis, found, score_title(ranking.score)))
        compared += [found] if found else []
    if rest := asked[MOST_QUESTIONS:]:
        yield Answer("What else varies?", f"{upper_first(', '.join(map(axis_title, rest)))}: see “Field by field”.")
    yield Answer("How sure is that?", how_sure(ranking, compared))
    text, command = what_would_settle(tables, sweep, compared)
    if tables.trials["state"].isin(NOT_DONE).any():
        text = f"The sweep is not finished: what is left may settle more. Then: {text}"
    yield Answer("What would settle the rest?", text, command)


def _which(sweep: Sweep) -> str:
    ranking = sweep.ranking
    count, name = len(ranking.networks), network_name(ranking)
    what = f"{score_title(ranking.score)} score {sweep.evaluation.distance}"
    if not ranking.known:
        what = f"{what} {format_score(ranking.best.value)}"
        if count == 1:
            return f"Only {name} was scored: its {what} with one training seed."
        return (
            f"Not decided. {name} has the lowest score of {count:,} networks, but with one training seed each: its {what}, "
            "and it is unknown how far another seed would be from that."
        )
    mean = with_error(ranking.best.value, ranking.best.half_width)
    what = f"{what} {mean} (mean of {counted(int(ranking.scores.counts[0]), 'seed')}, 95 %)"
    if count == 1:
        return f"Only {name} was scored: its {what}."
    lowest = f"{name}: its {what}, the lowest of {count:,} networks."
    if not ranking.as_good:
        return f"{lowest} No other is as good."
    named = [
        f"{network_name(ranking, place)} ({format_score(ranking.scores.means[place])})"
        for place in ranking.as_good[:MOST_NAMED]
    ]
    more = len(ranking.as_good) - len(named)
    others = "; ".join(named) + (f"; and {more:,} more" if more else "")
    return f"{lowest} As good within the noise of seeds: {others}."


def _meaning(evaluation: Evaluation) -> str:
    """What the distance is, for readers who meet it here."""
    if evaluation.is_fid:
        return (
            "FID: the Fréchet distance between generated and real images in the features of the Inception network of 2015. "
            "Lower is better."
        )
    return (
        f"{evaluation.metric}: the Fréchet distance between generated and real images in the features of the network "
        f"{evaluation.extractor}. Lower is better. It is computed like FID, but with another network, so it is not comparable with "
        "published FIDs."
    )


def _learnt_nothing(trials: pd.DataFrame) -> str:
    """A warning where a network's reconstructions are no better than the mean image; "" where they are."""
    useless = int((trials["test_bce"] >= trials["mean_image_bce"]).sum())
    if not useless:
        return ""
    seeds = "" if useless == len(trials) else f" with {useless} of its {len(trials)} seeds"
    return (
        f"But{seeds} it reconstructs test images no better than the mean training image does, so it has learnt little."
    )


def network_name(ranking: Ranking, place: int = 0) -> str:
    """Such as `DAE, 64 filters, depth 2, 128 latent units, noise 0.1`."""
    row = ranking.networks.iloc[place]
    depth = f"depth {row['depth']}" if row["depth"] != "1" else ""
    model, filters, size = (phrase(name, row[name]) for name in ("model", "filters", "latent_size"))
    words = [model, filters, depth, size, row["variant"]]
    return ", ".join(filter(None, words))
