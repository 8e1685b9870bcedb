"""The long tables of the report: what every trial scored, and what failed.

Joins and group-wise minima only, no loop over rows: ten thousand trials take a second.
"""

from collections.abc import Iterable

import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation, scores_by_trial
from aesweep.analysis.data.results import Results, notices
from aesweep.analysis.data.scores import SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.text.text_tables import Heading, TextTable

_TRIAL_HEADINGS = {
    "data": Heading("Data"),
    "filters": Heading("Filters", "whole"),
    "model_name": Heading("Model"),
    "depth": Heading("Depth"),
    "variant_name": Heading("Variant"),
    "latent_size": Heading("Latent units", "whole"),
    "seed": Heading("Seed", "whole"),
    "test_bce": Heading("Test BCE", "nats"),
    "mean_image_bce": Heading("Mean-image BCE", "nats"),
}
_END_HEADINGS = {"state": Heading("State"), "key": Heading("Key")}


def summary(tables: Tables, evaluation: Evaluation | None, results: Iterable[Results] = ()) -> TextTable:
    """One row per trial, with its scores under one evaluation (none: without scores).

    The lowest value of a column is bold within (data, filters), over all latent sizes (Tables 2 and 3 choose theirs
    first): an evaluation has one extractor, so groups never mix extractors. A group with a single value has no lowest.
    """
    frame = tables.described.copy()
    frame["model_name"] = frame["model"].replace(MODEL_NAMES)
    frame["variant_name"] = frame["variant"].where(frame["variant"] != "", "plain")
    names = list(SCORES) if evaluation else []
    if evaluation:
        frame = frame.merge(scores_by_trial(tables, evaluation), left_on="key", right_index=True, how="left")
        frame = frame.assign(evaluation=evaluation.id, metric=evaluation.metric, extractor=evaluation.extractor)
    scores = {name: Heading(SOURCE_NAMES[name], "score") for name in names}
    shown = {**_TRIAL_HEADINGS, **scores, **_END_HEADINGS}
    if frame["variant"].eq("").all():
        del shown["variant_name"]
    title = f"Every trial: {evaluation.title}" if evaluation else "Every trial (nothing scored yet)"
    caption = _summary_caption(evaluation, results)
    shown_first = "data model filters depth latent_size variant seed test_bce mean_image_bce".split()
    extra = [n for n in ("name", "evaluation", "metric", "extractor", "train_seconds", "pictures") if n in frame]
    frame = frame[[*shown_first, *names, "state", "key", *extra, "model_name", "variant_name"]]
    bold = lowest(frame, ["data", "filters"], ["test_bce", *names])
    return TextTable(
        f"summary-{evaluation.slug}" if evaluation else "summary", title, caption, shown, frame, tables.data_hash, bold
    )


def lowest(frame: pd.DataFrame, within: list[str], columns: list[str]) -> pd.DataFrame:
    """True where a value is the lowest of its column within its group, and not the only one there."""
    groups = frame.groupby(within)[columns]
    return frame[columns].eq(groups.transform("min")) & (groups.transform("count") > 1)


def failures(tables: Tables) -> TextTable:
    """Every recorded failure with its reason, newest first; `state` tells which a later attempt overcame."""
    frame = tables.failures.merge(tables.trials[["key", "name", "state"]], on="key", how="left")
    frame = frame.sort_values("time", ascending=False, ignore_index=True)
    frame["name"] = frame["name"].fillna(frame["key"])
    frame["reason"] = (frame["type"] + ": " + frame["message"]).astype("str")
    frame["when"] = frame["time"].dt.strftime("%Y-%m-%d %H:%M UTC").astype("str")
    heads = {"name": "Trial", "stage": "Stage", "reason": "Reason", "state": "State now"}
    heads |= {"attempt": "Attempt", "node": "Node", "when": "When"}
    caption = "A trial whose state is not “failed” has been tried again since."
    headings = {name: Heading(text) for name, text in heads.items()}
    caption = caption if len(frame) else "No failure is recorded."
    return TextTable("failures", "Failures", caption, headings, frame, tables.data_hash)


def _summary_caption(evaluation: Evaluation | None, results: Iterable[Results]) -> str:
    bce = "BCE in nats per pixel value on the test images; mean-image BCE is what a model that learnt nothing scores."
    if evaluation is None:
        return bce
    images = f" ({evaluation.samples:,} images)" if evaluation.samples else ""
    how = (
        f"R: reconstructions; N(0, I), MVG, GMM: samples from the three priors{images}. "
        "Lowest value per data set and width in bold."
    )
    return " ".join(filter(None, [bce, how, notices(results, evaluation)]))
