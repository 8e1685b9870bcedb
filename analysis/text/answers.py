"""The questions that a reader asks first of any sweep, each with its answer in one or two sentences."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation, evaluations_of
from aesweep.analysis.data.ranking import (
    Ranking,
    compare_models,
    rank,
    ranked_by,
    trials_of,
    with_scores,
)
from aesweep.analysis.data.scores import SAMPLE_SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import PairedDifference
from aesweep.analysis.text.costs import more_seeds
from aesweep.analysis.text.text_tables import format_score, places_of, with_error

MOST_NAMED = 3
"""Networks that are named as good as the best; the others are counted."""
SEEDS_AT_LEAST = 3
"""Seeds to train where there is one: the spread of two says little."""


@dataclass(frozen=True)
class Answer:
    """One question and its answer; `command` is what to type, "" for nothing."""

    question: str
    text: str
    command: str = ""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for one data set under one way of scoring, and the network that they recommend."""

    data: str
    evaluation: Evaluation
    ranking: Ranking
    trials: pd.DataFrame  # of the first network, a row per seed
    given: tuple[Answer, ...]


def all_answers(tables: Tables, spec: str) -> list[Answers]:
    """For every evaluation that is shown (FID first) and every data set; `spec` is what the sweep is launched by."""
    found = []
    for evaluation in evaluations_of(tables).shown:
        for data, trials in with_scores(tables, evaluation).groupby("data"):
            score = ranked_by(trials)
            ranking = rank(trials, score) if score else None
            if ranking is not None:
                given = tuple(_answers(tables, evaluation, trials, ranking, spec))
                found.append(Answers(str(data), evaluation, ranking, trials_of(ranking, trials), given))
    return found


def progress(tables: Tables) -> Answer:
    """What is done, what failed and why, and the command for the rest."""
    counts = Counter(tables.trials["state"])
    total, done, failed = len(tables.trials), counts["done"], counts["failed"]
    rest = [f"{counts[state]:,} {state}" for state in ("running", "trained", "pending") if counts[state]]
    said = f"{done:,} of {total:,} trial{'s' * (total != 1)} done" + (f", {', '.join(rest)}" if rest else "") + "."
    command = f"aesweep resume {tables.quoted}" if rest else ""
    if not failed:
        return Answer("What failed?", f"Nothing. {said}", command)
    reasons = _reasons(tables)
    common, times = Counter(reasons).most_common(1)[0] if reasons else ("no reason recorded", failed)
    why = common if times == len(reasons) or not reasons else f"{times:,} of them with {common}"
    verb = "trial failed" if failed == 1 else "trials failed"
    return Answer("What failed?", f"{failed:,} {verb}: {why}. {said}", f"aesweep resume {tables.quoted} --retry-failed")


def _reasons(tables: Tables) -> list[str]:
    """The newest reason of every trial that is failed now."""
    failed = set(tables.trials.loc[tables.trials["state"] == "failed", "key"])
    last = tables.last_failures[tables.last_failures["key"].isin(failed)]
    lines = last["message"].fillna("").str.partition("\n")[0]
    return (last["type"] + ": " + lines).tolist()


def _answers(
    tables: Tables, evaluation: Evaluation, trials: pd.DataFrame, ranking: Ranking, spec: str
) -> Iterator[Answer]:
    learnt_nothing = _learnt_nothing(trials_of(ranking, trials))
    yield Answer("Which network?", f"{_which(evaluation, ranking)} {learnt_nothing}".strip())
    pairs = [
        (first, second, compare_models(trials, ranking.score, first, second))
        for first, second in combinations([model for model in MODEL_NAMES if (trials["model"] == model).any()], 2)
    ]
    for first, second, found in pairs:
        names = MODEL_NAMES[first], MODEL_NAMES[second]
        yield Answer(f"{names[0]} or {names[1]}?", _better(names, found, _what(ranking)))
    compared = [found for _, _, found in pairs if found]
    yield Answer("How sure is that?", _how_sure(ranking, compared))
    text, seeds = _what_would_settle(ranking, compared)
    if tables.trials["state"].isin(["pending", "running", "trained"]).any():
        text = f"The sweep is not finished: what is left may settle more. Then: {text}"
    cost, command = more_seeds(tables, trials, ranking.seeds, seeds, spec) if seeds else ("", "")
    yield Answer("What would settle the rest?", f"{text} {cost}".strip(), command)


def _which(evaluation: Evaluation, ranking: Ranking) -> str:
    count, name = len(ranking.networks), network_name(ranking)
    metric = "FID" if evaluation.is_fid else evaluation.metric
    what = f"{_what(ranking)} score {metric}"
    if not ranking.known:
        what = f"{what} {format_score(ranking.best.value)}"
        if count == 1:
            return f"Only {name} was scored: its {what} with one training seed."
        return (
            f"Not decided. {name} has the lowest score of {count:,} networks, but with one training seed each: its {what}, "
            "and it is unknown how far another seed would be from that."
        )
    mean = with_error(ranking.best.value, ranking.best.half_width)
    what = f"{what} {mean} (mean of {ranking.seeds} seeds, 95 %)"
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


def _learnt_nothing(trials: pd.DataFrame) -> str:
    """A warning where a network's reconstructions are no better than the mean image; "" where they are."""
    useless = int((trials["test_bce"] >= trials["mean_image_bce"]).sum())
    if not useless:
        return ""
    seeds = "" if useless == len(trials) else f" with {useless} of its {len(trials)} seeds"
    return (
        f"But{seeds} it reconstructs test images no better than the mean training image does, so it has learnt little."
    )


def _better(names: tuple[str, str], found: PairedDifference | None, what: str) -> str:
    if found is None:
        return f"Not compared: no {names[0]} has the filters, depth, latent units and further settings of a {names[1]}."
    value, half = found.estimate.value, found.estimate.half_width
    over = f"over {found.settings:,} common settings" if found.settings > 1 else "in the one common setting"
    lead = f"{what} of {names[0]}s score {_change(value, half)}"
    wins = f"{names[0]}s are lower in {found.lower:,} of {found.settings:,}" if found.settings > 1 else ""
    if math.isnan(half):
        tail = f"; {wins}" if wins else ""
        return f"Not decided: one training seed. On average {over}, {lead}{tail}."
    interval = f" (95 %: {_change(value - half, half)} to {_change(value + half, half)})"
    tail = f"; {wins}" if wins else ""
    if found.p_of_no_difference() > 2 * ALPHA:
        return f"Not decided: on average {over}, {lead}{interval}{tail}."
    better = names[value > 0]
    return f"{better}s are better: on average {over}, {lead}{interval}{tail}."


def _how_sure(ranking: Ranking, compared: list[PairedDifference]) -> str:
    if not ranking.known:
        return "Not at all: with one training seed per network, the spread over seeds is unknown."
    found = [f"{ranking.seeds} training seeds per network."]
    if ranking.few_seeds:
        few = ranking.few_seeds
        found.append(
            "1 network with fewer does not compete." if few == 1 else f"{few:,} networks with fewer do not compete."
        )
    if len(ranking.networks) > 1:
        found.append("The lowest score is partly luck: trained again, that network would score somewhat higher.")
    for one in compared:
        p = one.p_of_no_difference()
        chance = "less than 0.1 %" if p < 0.001 else f"{100 * p:.2g} %"
        if p < 1:
            found.append(f"Models that are equally good on average would differ this much in {chance} of such sweeps.")
    return " ".join(found)


def _what_would_settle(ranking: Ranking, compared: list[PairedDifference]) -> tuple[str, int]:
    """What is open and how to decide it; the seeds to train, 0 for no more."""
    if not ranking.known:
        return f"{SEEDS_AT_LEAST} training seeds of each network give every number above its error.", SEEDS_AT_LEAST
    said, seeds = [], []
    for one in compared:
        if one.p_of_no_difference() <= 2 * ALPHA:
            continue
        more, settings = one.seeds_needed(), one.settings_needed()
        ways = [f"about {more} seeds"] if more else []
        ways += [f"about {settings:,} settings like these (more latent sizes or widths)"] if settings else []
        seeds += [more] if more else []
        said.append(
            f"The models: {' or '.join(ways)}, if they differ as much as they seem to."
            if ways
            else "The models: their difference is too small to be found with a sensible number of seeds or settings."
        )
    if ranking.as_good:
        more = ranking.seeds_to_tell_the_next()
        seeds += [more] if more else []
        said.append(
            f"The two lowest networks: about {more} seeds, if they differ as much as they seem to."
            if more
            else "The two lowest networks: more seeds will hardly tell them apart. Take either."
        )
    return " ".join(said) or "Nothing is open.", min(seeds, default=0)


def _what(ranking: Ranking) -> str:
    """Such as `GMM samples`."""
    name = SOURCE_NAMES[ranking.score]
    return f"{name} samples" if ranking.score in SAMPLE_SCORES else f"reconstructions ({name})"


def _change(value: float, half_width: float) -> str:
    """Such as `10.9 lower`."""
    written = format_score(abs(value)) if math.isnan(half_width) else f"{abs(value):.{places_of(half_width)}f}"
    return f"{written} {'lower' if value < 0 else 'higher'}"


def network_name(ranking: Ranking, place: int = 0) -> str:
    """Such as `DAE, 64 filters, depth 2, 128 latent units, noise 0.1`."""
    row = ranking.networks.iloc[place]
    depth = f"depth {row['depth']}" if row["depth"] != "1" else ""
    size = f"{row['latent_size']:.0f} latent units"
    words = [MODEL_NAMES.get(row["model"], row["model"]), f"{row['filters']:.0f} filters", depth, size, row["variant"]]
    return ", ".join(filter(None, words))
