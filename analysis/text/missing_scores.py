"""Scores that were asked for and that a trial lacks: those that could not be computed, and those never measured."""

import shlex

import numpy as np
import pandas as pd

from aesweep.analysis.commands import every_spec
from aesweep.analysis.data.evaluations import FRECHET, evaluations_of
from aesweep.analysis.data.gaussianity import MEASURES
from aesweep.analysis.data.tables import Tables
from aesweep.sweep.tables.schemas import METRIC_OF_ROW

GAP = ["what", "reason", "command"]
"""Columns of a table of what is missing."""
MOST_NAMED = 3
"""Up to this many trials that lack the same score are named one by one; for more, their number is given."""
ASKED_BY = {row: metric for row, metric in METRIC_OF_ROW.items() if row not in FRECHET} | dict.fromkeys(
    MEASURES, "gaussianity"
)
"""Metric of the scores table -> the name in a spec that asks for it."""


def missing_scores(tables: Tables) -> pd.DataFrame:
    """Scores without a value in every evaluation that measured them; running the same evaluation again would end the same way."""
    rows = tables.scores
    place = ["key", "metric", "extractor", "source", "split"]
    shown = rows["evaluation"].isin([one.id for one in evaluations_of(tables).shown]) & rows["metric"].isin(FRECHET)
    has_value = rows["value"].notna().groupby([rows[name] for name in place]).transform("any")
    rows = rows[rows["value"].isna() & (shown | ~has_value)]
    network = " (" + rows["extractor"] + ")"
    score = rows["metric"] + network.where(rows["extractor"] != "none", "") + " of " + rows["source"]
    reason = rows["note"].where(rows["note"].fillna("") != "", "no reason recorded")
    found = pd.DataFrame({"key": rows["key"], "score": score + ", " + rows["split"] + " split", "reason": reason})
    return _by_trial_or_counted(tables, found.assign(command="").drop_duplicates())


def unmeasured(tables: Tables) -> pd.DataFrame:
    """Metrics that an evaluation measured on some trials, and that others of the same data and model lack."""
    trials = tables.described[["key", "data", "model", "state", "latest"]]
    rows = tables.scores[["key", "metric", "extractor"]].drop_duplicates()
    rows = rows.assign(asked=rows["metric"].map(ASKED_BY)).dropna(subset="asked")
    found = [pd.DataFrame(columns=["key", "score", "reason", "command"])]
    for (asked, extractor), part in rows.groupby(["asked", "extractor"]):
        seen = trials["key"].isin(part["key"])
        alike = trials.set_index(["data", "model"]).index.isin(trials[seen].set_index(["data", "model"]).index)
        lacking = trials.loc[alike & ~seen & (trials["state"] == "done"), ["key", "latest"]]
        needs = [] if extractor == "none" else ["--extractor", str(extractor)]
        options = shlex.join([*needs, "--metrics", str(asked)])
        command = f"aesweep evaluate {tables.quoted}" + every_spec(lacking) + f" {options}"
        words = f"{asked} ({extractor})" if needs else str(asked)
        reason = (
            f"not measured; {int(seen.sum()):,} other trials have it"
            if seen.sum() > 1
            else "not measured; 1 other trial has it"
        )
        found.append(lacking[["key"]].assign(score=words, reason=reason, command=command))
    return _by_trial_or_counted(tables, pd.concat(found, ignore_index=True))


def _by_trial_or_counted(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """A line per trial, or one for all of them where more than `MOST_NAMED` lack the same for the same reason."""
    if rows.empty:
        return pd.DataFrame(columns=GAP)
    names = tables.described.set_index("key")["name"]
    counts = rows.groupby(["score", "reason", "command"])["key"].transform("count")
    who = rows["key"].map(names).where(counts <= MOST_NAMED, counts.map("{:,} trials".format))
    what = who + ": " + rows["score"]
    found = rows.assign(what=what, order=np.arange(len(rows)))[[*GAP, "order"]].drop_duplicates(GAP)
    return found.sort_values("what", kind="stable")[GAP]
