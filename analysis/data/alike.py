"""Which trials were trained alike, and where that differs from the paper."""

import pandas as pd

from aesweep.analysis.data.paper import COMPARISON_SIZES
from aesweep.analysis.data.tables import Tables

NON_FINITE_LOSS = "NonFiniteLossError"
"""Type of the failure of a training whose loss left the numbers."""


def trained_like(tables: Tables, kept: pd.DataFrame) -> pd.DataFrame:
    """The trainings on the same data with the schedule of `kept`, and its beta for VAEs, that ended or diverged.

    A trial whose scoring failed was trained; one that lacked memory, or whose machine died, tells nothing of training.
    """
    rows = tables.described
    rows = rows[rows["data"].isin(kept["data"]) & rows["schedule"].isin(kept["schedule"])]
    weights = kept.loc[kept["model"] == "vae", "weight"]
    rows = rows[(rows["model"] != "vae") | rows["weight"].isin(weights) | weights.empty]
    last = tables.last_failures
    diverged = last.loc[(last["stage"] == "train") & (last["type"] == NON_FINITE_LOSS), "key"]
    return rows[rows["test_bce"].notna() | ((rows["state"] == "failed") & rows["key"].isin(diverged))]


def nearest(
    data: str, rows: pd.DataFrame, column: str, settings: dict[str, object]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of one value of `column`, and the other values that there are."""
    if rows[column].nunique() < 2:
        return rows, ()
    differ = sum((rows[name] != value).astype(int) for name, value in settings.items())
    ranked = rows.assign(differ=differ if data in COMPARISON_SIZES else 0).groupby(column)["differ"]
    order = ranked.agg(["min", "count"]).sort_values(["min", "count"], ascending=[True, False], kind="stable").index
    return rows[rows[column] == order[0]], tuple(order[1:])


def deviations(rows: pd.DataFrame, settings: dict[str, object]) -> list[str]:
    """Settings that differ from the paper's, such as `epochs 5 (paper: 100)`."""
    found = []
    for name, value in settings.items():
        others = sorted(rows.loc[rows[name] != value, name].unique())
        if others:
            words = ", ".join(f"{other:g}" if isinstance(other, float) else str(other) for other in others)
            found.append(f"{name.replace('_', ' ')} {words} (paper: {value})")
    return found
