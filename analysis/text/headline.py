"""What a reader wants to know first: how far the sweep is, and the best results in words and in one small table."""

from collections.abc import Hashable, Iterable
from typing import Any

import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation, evaluations_of, scores_by_trial
from aesweep.analysis.data.results import Results, notices
from aesweep.analysis.data.scores import SAMPLE_SCORES, SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES, short_names
from aesweep.analysis.text.summary import lowest
from aesweep.analysis.text.text_tables import Heading, TextTable, format_score

STATES = ("done", "failed", "running", "trained", "pending")


def state_counts(tables: Tables) -> dict[str, int]:
    """Trials per state, every state named even where it has none."""
    found = tables.trials["state"].value_counts()
    return {state: int(found.get(state, 0)) for state in STATES}


def best_per_model(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """The trial with the lowest score per (data, model, score): those, `value`, and the columns of its trial."""
    frame = tables.described.merge(scores_by_trial(tables, evaluation), left_on="key", right_index=True)
    others = [name for name in frame if name not in SCORES]
    long = frame.melt(id_vars=others, value_vars=list(SCORES), var_name="score")
    best = long[long["value"].notna()].sort_values("value", kind="stable").drop_duplicates(["data", "model", "score"])
    return best.sort_values(["data", "model"], kind="stable", ignore_index=True)


def sentences(tables: Tables) -> list[str]:
    """The state of the sweep, then for each evaluation and data set the lowest sample distance per model."""
    if not tables.root.is_dir():
        return ["There is no store here yet."]
    if tables.trials.empty:
        return ["There are no results yet: this store holds no trials."]
    found = [_state_sentence(state_counts(tables))]
    for evaluation in evaluations_of(tables).shown:
        best = best_per_model(tables, evaluation)
        for data, rows in best[best["score"].isin(SAMPLE_SCORES)].groupby("data"):
            found.append(_best_sentence(str(data), evaluation, rows))
    return found


def warnings(tables: Tables, results: Iterable[Results]) -> list[str]:
    """What must be known before the numbers are read.

    Distances that are no FID, training and scoring that are not the paper's, models that learnt nothing.
    """
    found = [f"{evaluation.notice}." for evaluation in evaluations_of(tables).shown if evaluation.notice]
    found += dict.fromkeys(sentence for one in results for sentence in one.named_notices)
    useless = int((tables.trials["test_bce"] >= tables.trials["mean_image_bce"]).sum())
    if useless:
        trained = int(tables.trials["test_bce"].notna().sum())
        found.append(
            f"{useless:,} of {trained:,} trained models reconstruct the test images no better than the mean training image "
            "does (test BCE against mean-image BCE): their other scores say little."
        )
    return found


def _state_sentence(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    words = [f"{counts['done']:,} of {total:,} trial{'s' * (total != 1)} done"]
    words += [f"{counts[state]:,} {state}" for state in ("failed", "pending")]
    words += [f"{counts[state]:,} {state}" for state in ("running", "trained") if counts[state]]
    return ", ".join(words) + "."


def best_table(tables: Tables, evaluation: Evaluation, results: Iterable[Results] = ()) -> TextTable:
    """One row per data set, score and model: the lowest value of a single trial, and the network that reached it."""
    frame = best_per_model(tables, evaluation)
    frame["model_name"] = frame["model"].replace(MODEL_NAMES)
    frame["score_name"] = frame["score"].replace(SOURCE_NAMES)
    frame["network"] = short_names(frame)
    order = frame["score"].map({name: place for place, name in enumerate(SCORES)})
    frame = frame.assign(order=order).sort_values(["data", "order", "model"], kind="stable", ignore_index=True)
    frame = frame[["data", "score", "score_name", "model", "model_name", "value", "network", "seed", "key"]]
    headings = {"data": Heading("Data"), "score_name": Heading("Score"), "model_name": Heading("Model")}
    headings |= {"value": Heading("Lowest", "score"), "network": Heading("Reached by"), "key": Heading("Key")}
    bold = lowest(frame, ["data", "score"], ["value"])
    what = "Lowest value of a single trial (f filters, d depth, z latent units), the lower of the two models in bold."
    caption = " ".join(filter(None, [what, notices(results, evaluation)]))
    title = f"Best results: {evaluation.title}"
    return TextTable(f"best-{evaluation.slug}", title, caption, headings, frame, tables.data_hash, bold)


def _best_sentence(data: str, evaluation: Evaluation, rows: pd.DataFrame) -> str:
    """The best sample distances on one data set: `digits-32: samples reach FID 20.1 at best (DAE, …, GMM samples)`."""
    ranked = rows.sort_values("value", kind="stable").drop_duplicates("model")
    first, *others = ranked.to_dict("records")
    value = f"{'FID' if evaluation.is_fid else evaluation.metric} {format_score(first['value'])}"
    features = "" if evaluation.is_fid else f" on {evaluation.extractor} features"
    text = f"{data}: samples reach {value}{features} at best ({_model(first)}, {_words(first)})"
    for other in others:
        text += f"; the best {_model(other)} reaches {format_score(other['value'])} ({_words(other)})"
    return text + "."


def _model(row: dict[Hashable, Any]) -> str:
    return MODEL_NAMES.get(row["model"], str(row["model"]))


def _words(row: dict[Hashable, Any]) -> str:
    depth = f"depth {row['depth']}" if row["depth"] != "1" else ""
    size, samples = f"{row['latent_size']:.0f} latent units", f"{SOURCE_NAMES[row['score']]} samples"
    return ", ".join(filter(None, [f"{row['filters']:.0f} filters", depth, row["variant"], size, samples]))
