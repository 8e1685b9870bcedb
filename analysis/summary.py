"""The tables of the report: what every trial scored, what failed, and what is missing.

Joins and group-wise minima only, no loop over rows: ten thousand trials take a second.
"""

import pandas as pd

from analysis.evaluations import SCORE_COLUMNS, SOURCE_NAMES, Evaluation, evaluations, frechet_rows, scores_by_trial
from analysis.tables import Tables
from analysis.text_tables import Heading, TextTable
from analysis.trials import MODEL_NAMES

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


def summary(tables: Tables, evaluation: Evaluation | None) -> TextTable:
    """One row per trial, with its scores under one evaluation (none: without scores).

    The lowest value of a column is bold within (data, filters), as in the paper's Tables 2 and 3: an evaluation has one
    extractor, so groups never mix extractors. A group with a single value has no lowest one.
    """
    frame = tables.described.copy()
    frame["model_name"] = frame["model"].replace(MODEL_NAMES)
    frame["variant_name"] = frame["variant"].where(frame["variant"] != "", "plain")
    names = list(SCORE_COLUMNS) if evaluation else []
    if evaluation:
        frame = frame.merge(scores_by_trial(tables, evaluation), left_on="key", right_index=True, how="left")
        frame = frame.assign(evaluation=evaluation.id, metric=evaluation.metric, extractor=evaluation.extractor)
    scores = {name: Heading(SOURCE_NAMES[name], "score") for name in names}
    shown = {**_TRIAL_HEADINGS, **scores, **_END_HEADINGS}
    if frame["variant"].eq("").all():
        del shown["variant_name"]
    title = f"Every trial: {evaluation.title}" if evaluation else "Every trial (nothing scored yet)"
    caption = _summary_caption(evaluation)
    extra = [
        name for name in ("name", "evaluation", "metric", "extractor", "train_seconds", "pictures") if name in frame
    ]
    kept = [
        "data",
        "model",
        "filters",
        "depth",
        "latent_size",
        "variant",
        "seed",
        "test_bce",
        "mean_image_bce",
        *names,
        "state",
        "key",
    ]
    frame = frame[[*kept, *extra, "model_name", "variant_name"]]
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
    return _list("failures", "Failures", caption if len(frame) else "No failure is recorded.", heads, frame, tables)


def missing(tables: Tables) -> TextTable:
    """What a complete report would also hold: unfinished trials and distances that are not there, with the reason."""
    trials = tables.described[["key", "name", "state"]]
    parts = [_unfinished(trials, tables)]
    for evaluation in evaluations(tables)[0]:
        parts += [_null_scores(tables, trials, evaluation), _unscored(tables, trials, evaluation)]
    frame = pd.concat(parts, ignore_index=True).astype("str")
    heads = {"name": "Trial", "what": "Missing", "reason": "Reason"}
    return _list("missing", "What is missing", "" if len(frame) else "Nothing is missing.", heads, frame, tables)


def _list(name: str, title: str, caption: str, heads: dict[str, str], frame: pd.DataFrame, tables: Tables) -> TextTable:
    """A table of texts."""
    return TextTable(name, title, caption, {n: Heading(text) for n, text in heads.items()}, frame, tables.data_hash)


def _unfinished(trials: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    rows = trials[trials["state"] != "done"].copy()
    last = tables.failures.sort_values("time").drop_duplicates("key", keep="last").set_index("key")
    reasons = (last["type"] + ": " + last["message"]).astype("object")
    rows["what"] = "model and scores"
    rows.loc[rows["state"] == "trained", "what"] = "scores"
    waiting = {"pending": "not started yet", "running": "training now", "trained": "trained, waits for its scores"}
    rows["reason"] = rows["state"].map(waiting).fillna(rows["state"])
    failed = rows["state"] == "failed"
    rows.loc[failed, "reason"] = rows.loc[failed, "key"].map(reasons).fillna("failed, no reason recorded")
    return rows[["name", "what", "reason"]]


def _null_scores(tables: Tables, trials: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Distances that could not be computed."""
    rows = frechet_rows(tables, evaluation)
    rows = rows[rows["value"].isna()].merge(trials[["key", "name"]], on="key")
    what = evaluation.metric + " (" + evaluation.extractor + ") of " + rows["source"] + ", " + rows["split"] + " split"
    reason = rows["note"].where(rows["note"].fillna("") != "", "no reason recorded")
    found = pd.DataFrame({"name": rows["name"], "what": what, "reason": reason})
    return found.drop_duplicates().sort_values(["name", "what"])


def _unscored(tables: Tables, trials: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Finished trials that this evaluation has not seen (they were scored under another one)."""
    rows = trials[(trials["state"] == "done") & ~trials["key"].isin(frechet_rows(tables, evaluation)["key"])]
    return pd.DataFrame(
        {"name": rows["name"], "what": evaluation.title, "reason": f"not scored by evaluation {evaluation.id}"}
    )


def _summary_caption(evaluation: Evaluation | None) -> str:
    bce = "BCE in nats per pixel value on the test images; mean-image BCE is what a model that learnt nothing scores."
    if evaluation is None:
        return bce
    how = (
        f"R: reconstructions; N(0, I), MVG, GMM: samples from the three priors ({evaluation.samples:,} images). "
        "Lowest value per data set and width in bold."
    )
    return " ".join(filter(None, [bce, how, f"{evaluation.notice}." if evaluation.notice else ""]))
