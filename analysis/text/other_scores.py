"""Scores that no other part of the report shows: kernel distances, precision and recall, and whatever is new.

One table per topic and extractor, and one for the scores that need none: a row per network and source, a column per metric that
the store holds. A value is of one evaluation: the one that is shown, or the next in `evaluation_order` that measured it;
sampling seeds are averaged for each trial, then training seeds. Values of two evaluations may compare other numbers of images, so
they are ranked apart. The CSV has every trial.
"""

from typing import NamedTuple

import pandas as pd

from aesweep.analysis.data.evaluations import (
    FRECHET,
    INFINITIES,
    KERNEL,
    error_of_mean,
    evaluation_order,
    in_order,
    of_first_evaluation,
)
from aesweep.analysis.data.gaussianity import MEASURES
from aesweep.analysis.data.scores import SCORES, SOURCE_NAMES, score_names, setting_words
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import short_names
from aesweep.analysis.over_seeds import means_over_seeds
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable, with_error
from aesweep.sweep.tables.schemas import BY_COMPONENTS, METRIC_OF_ROW, METRIC_ROWS

METRICS = {name: METRIC_ROWS[name].title for name in (*FRECHET, *KERNEL, *INFINITIES, *METRIC_ROWS)}
"""Metric of the scores table -> column head, in the order in which they are shown. Others follow under their own name."""
_OF_A_FIT = ("em_iterations", "em_converged", "em_lower_bound", "condition_number", "regularisation")
"""How the fit of a prior went: in the tables of the store alone."""
LOWEST = tuple(name for name, row in METRIC_ROWS.items() if row.lower_is_better)
"""Metrics whose lowest value is the best; for the other `RANKED` the highest is."""
RANKED = {name for name, row in METRIC_ROWS.items() if row.lower_is_better is not None}


class Topic(NamedTuple):
    """A table of its own for some metrics: the start of its file name, its title, and the start of its caption."""

    name: str
    title: str
    caption: str


_OTHERS = Topic(
    "other-scores", "Other scores", "R: reconstructions; N(0, I), MVG, GMM: samples, or latents under that prior."
)
_MEMORISATION = Topic(
    "memorisation",
    "Nearest training images",
    "Authenticity: share of images farther from their nearest training image than that is from its nearest other. Nearest "
    "distance below 1, or a probability above 0.5: nearer to the training images than test images are. Images: test images. Test R: "
    "their reconstructions, which are as blurred as the samples and cannot be copies: samples well below their authenticity, or well "
    "nearer, deserve a look at the picture.",
)
_POSTERIORS = Topic(
    "vae-diagnostics",
    "Posteriors and likelihoods of VAEs",
    "At test images. ELBO and IWAE are bounds of the log-likelihood of binary images drawn from the grey levels, which is what the "
    "cross-entropy means: not comparable with likelihoods of 8-bit pixels. Bits are per pixel value.",
)
_LATENTS = Topic(
    "latent-measures",
    "Correlation and dimension of latents",
    "(spherical): mean and standard deviation over simulated spherical Gaussians of as many latents. The dimension of images is "
    "that of their pixels.",
)
TOPICS = {
    "memorisation": _MEMORISATION,
    "vae_diagnostics": _POSTERIORS,
    "correlation": _LATENTS,
    "intrinsic_dimension": _LATENTS,
}
"""Metrics with a table of their own; all others are in one."""
_NAMES = {**SOURCE_NAMES, "latents": "Latents", "images": "Images"}
_NETWORK = ["data", "model", "filters", "depth", "variant", "latent_size"]
_PLACE = [*_NETWORK, "seed"]
_SCORE = ["source", "split", "metric", "evaluation"]


def other_tables(tables: Tables) -> list[TextTable]:
    """The tables that have a row, by topic and extractor; `none` (no extractor needed) last."""
    long = other_scores(tables)
    topics = {topic.name: topic for topic in (_OTHERS, *TOPICS.values())}
    topic_of = long["metric"].map(lambda name: TOPICS.get(METRIC_OF_ROW.get(name, ""), _OTHERS).name)
    extractors = sorted(long["extractor"].unique(), key=lambda name: (name == "none", name))
    parts = (
        (topic, extractor, long[(topic_of == topic.name) & (long["extractor"] == extractor)])
        for topic in topics.values()
        for extractor in extractors
    )
    return [_table(tables, topic, extractor, part) for topic, extractor, part in parts if len(part)]


def other_scores(tables: Tables) -> pd.DataFrame:
    """One row per trial, source, split, metric and extractor.

    Columns `evaluation`, `n` and `n_reference` of its value, and `value` and `stderr` of the mean over sampling seeds.
    """
    rows = in_order(tables, _shown_nowhere_else(tables.scores))
    names = ["key", "source", "split", "metric", "extractor"]
    rows = of_first_evaluation(rows, names).sort_index()
    place = [*names, "evaluation"]
    images = {"n": ("n", "max"), "n_reference": ("n_reference", "max")}
    found = rows.groupby(place, sort=False).agg(value=("value", "mean"), **images)
    found["stderr"] = error_of_mean(rows, place)
    return found[["value", "stderr", *images]].reset_index()


def _shown_nowhere_else(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scores table with other metrics than the distance and Gaussianity, or distances of other sources."""
    measures = [name for measure in MEASURES for name in (measure, f"{measure}_null", f"{measure}_p")]
    elsewhere = scores["metric"].isin(FRECHET) & score_names(scores).isin(SCORES)
    return scores[~(elsewhere | scores["metric"].isin([*measures, *_OF_A_FIT, *BY_COMPONENTS]))]


def _table(tables: Tables, topic: Topic, extractor: str, long: pd.DataFrame) -> TextTable:
    trials = tables.described.drop_duplicates("key")[["key", *_PLACE]]
    tidy = trials.merge(long, on="key")
    means = _over_seeds(tidy)
    many = bool((means["seeds"] > 1).any())
    frame = _wide(means, "half_width" if many else "stderr")
    headings = {"data": Heading("Data"), "network": Heading("Network"), "source_name": Heading("Source")}
    shown = [metric for metric in (*METRICS, *sorted(set(long["metric"]) - set(METRICS))) if metric in frame]
    headings |= {metric: Heading(METRICS.get(metric, metric), "number") for metric in shown}
    headings |= {"seeds": Heading("Seeds", "whole")} if many else {}
    needs = "" if extractor == "none" else f" on {extractor} features"
    best = " Best value per data set and source in bold." if RANKED & set(shown) else ""
    error = (
        "half of a 95 % interval over training seeds, if known"
        if many
        else "one standard error, where one is estimated"
    )
    caption = f"{topic.caption} ± {error}.{best} docs/tables.md says what each score is."
    distances = "Distances of other sources are in the tables above." if set(FRECHET) & set(shown) else ""
    caption = " ".join(filter(None, [caption, distances, _others(tables, long)]))
    bold = _best(frame, means, shown)
    name = topic.name if extractor == "none" else f"{topic.name}-{extractor}"
    return TextTable(name, f"{topic.title}{needs}", caption, headings, frame, tables.data_hash, bold, tidy=tidy)


def _over_seeds(tidy: pd.DataFrame) -> pd.DataFrame:
    """One row per network, source and metric: `value` and `half_width` over training seeds, `seeds`, `stderr` of a single one.

    Seeds that two evaluations measured are never averaged: those of the evaluation with most of them count.
    """
    tidy = tidy.assign(place=tidy.groupby(_NETWORK, sort=False, dropna=False).ngroup())
    fixed = ["place", *_NETWORK, *_SCORE]
    groups = tidy.groupby(fixed, sort=False, dropna=False)
    kind = tidy.groupby(["data", "model", *_SCORE], sort=False, dropna=False).ngroup()
    means = means_over_seeds(tidy["value"].to_numpy(dtype=float), groups.ngroup().to_numpy(), kind.to_numpy())
    found = groups.agg(value=("value", "mean"), stderr=("stderr", "first"), seeds=("value", "count")).reset_index()
    found["half_width"] = means["half_width"]
    most = found.groupby(["place", "source", "split", "metric"])["seeds"].transform("idxmax")
    return found[found.index == most].reset_index(drop=True)


def _wide(means: pd.DataFrame, error: str) -> pd.DataFrame:
    """One row per network and source, a text column per metric; `error` is the column of errors, of one kind in all cells."""
    pairs = zip(means["value"], means[error], strict=True)
    texts = [with_error(value, error) for value, error in pairs]
    means = means.assign(text=texts, source_name=score_names(means).replace(_NAMES), network=_network(means))
    order = {name: place for place, name in enumerate(_NAMES.values())}
    index = ["place", "data", "network", "source_name", "source", "split"]
    wide = means.pivot(index=index, columns="metric", values="text").fillna(MISSING)
    seeds = means.groupby(index)["seeds"].max()
    frame = wide.assign(seeds=seeds).reset_index()
    frame = frame.assign(order=frame["source_name"].map(order))
    return frame.sort_values(["place", "order"], kind="stable", ignore_index=True)


def _best(frame: pd.DataFrame, means: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """Which cells are the best of their data set, source and evaluation, and not the only ones there."""
    ranked = means["value"].where(means["metric"].isin(LOWEST), -means["value"])
    groups = ranked.groupby([means[name] for name in ("data", "source", "split", "metric", "evaluation")])
    best = ranked.eq(groups.transform("min")) & (groups.transform("count") > 1) & means["metric"].isin(RANKED)
    marked = means.assign(best=best)
    cells = marked.pivot(index=["place", "source", "split"], columns="metric", values="best")
    cells = cells.reindex(pd.MultiIndex.from_frame(frame[["place", "source", "split"]])).reset_index(drop=True)
    return cells[metrics].eq(True)


def _others(tables: Tables, long: pd.DataFrame) -> str:
    """A sentence on values that are not of the first evaluation of their metric; "" where there are none."""
    place = long["evaluation"].map({name: i for i, name in enumerate(evaluation_order(tables))})
    others = long.loc[place > place.groupby(long["metric"]).transform("min"), "evaluation"]
    if others.empty:
        return ""
    words = "1 value is" if len(others) == 1 else f"{len(others):,} values are"
    named = "; ".join(_named(tables, name) for name in sorted(others.unique()))
    return f"{words} of another evaluation ({named}), ranked apart."


def _named(tables: Tables, evaluation: str) -> str:
    """An evaluation's id, with what decides its scores: `1a2b3c4d5e6f: 100 components`."""
    rows = _shown_nowhere_else(tables.scores[tables.scores["evaluation"] == evaluation])
    return ": ".join(filter(None, [evaluation, ", ".join(setting_words(rows))]))


def _network(means: pd.DataFrame) -> pd.Series:
    """Such as `DAE f16 d3 z64, noise 0.1`."""
    return (means["model"].str.upper() + " " + short_names(means)).astype("str")
