"""The data of the page: one JSON document of columns, with one value per trial or per setting.

Learning curves, pictures and logs are not in it. The page asks for those of a trial when it shows them.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.axes.axes import Axes, find_axes
from aesweep.analysis.axes.layout import Wishes, choose
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.explore.fields import DATA, fields
from aesweep.analysis.explore.measures import Measure, first_measure, measures, unscored
from aesweep.analysis.over_seeds import means_over_seeds

DIGITS = 6
MOST_FAILURES = 500
MOST_FACETS = 6
Document = dict[str, Any]


def document(tables: Tables, wishes: Wishes | None = None) -> Document:
    """Build the document of a store; `wishes` is the section `report` of its spec."""
    trials = tables.described.reset_index(drop=True)
    every = [find_axes(part) for _, part in trials.groupby(DATA, sort=False)]
    setting = _settings(trials, every)
    found = measures(tables)
    return {
        "store": tables.store,
        "hash": tables.data_hash,
        "sweeps": sorted(trials["sweep"].dropna().unique().tolist())[:4],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "keys": trials["key"].tolist(),
        "names": trials["name"].fillna("").tolist(),
        "setting": setting.tolist(),
        "fields": fields(trials, every),
        "measures": _measures(trials, setting, found),
        "unscored": unscored(tables)[:MOST_FAILURES],
        "failures": _failures(tables),
        "first": {"y": first_measure(tables, found), **_first_view(trials, every, wishes or Wishes())},
        "commands": _commands(tables),
    }


def to_json(value: object) -> str:
    """JSON that is safe inside a page: it contains no markup."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def rounded(values: Iterable[float | None]) -> list[float | None]:
    """Numbers to `DIGITS` digits; None for what is not a finite number."""
    return [None if v is None or not np.isfinite(v) else float(f"{v:.{DIGITS}g}") for v in values]


def _settings(trials: pd.DataFrame, every: list[Axes]) -> np.ndarray:
    """The number of each trial's setting; two data sets never share a number."""
    place = pd.Series(0, index=trials["key"], dtype=int)
    before = 0
    for axes in every:
        numbers = axes.networks()
        place[axes.trials["key"]] = numbers + before
        before += int(numbers.max()) + 1
    return place[trials["key"]].to_numpy()


def _measures(trials: pd.DataFrame, setting: np.ndarray, found: list[Measure]) -> list[Document]:
    kind = trials.groupby([DATA, "model"], observed=True).ngroup().to_numpy()
    count = int(setting.max()) + 1 if len(setting) else 0
    return [_measure(one, trials["key"], setting, kind, count) for one in found]


def _measure(one: Measure, keys: pd.Series, setting: np.ndarray, kind: np.ndarray, count: int) -> Document:
    values, errors = (part.reindex(keys).to_numpy(dtype=float) for part in (one.values, one.errors))
    means = means_over_seeds(values, setting, kind).reindex(range(count))
    return {
        "name": one.name,
        "title": one.title,
        "lower": one.lower_is_better,
        "values": rounded(values),
        "errors": rounded(errors) if np.isfinite(errors).any() else None,
        "means": rounded(means["mean"]),
        "halves": rounded(means["half_width"]) if means["half_width"].notna().any() else None,
        "seeds": means["seeds"].fillna(0).astype(int).tolist(),
    }


def _failures(tables: Tables) -> list[dict[str, str]]:
    """The newest failures, including those of trials that were retried."""
    shown = tables.failures.sort_values("time", kind="stable", ascending=False)[:MOST_FAILURES]
    columns = ["key", "stage", "type", "message", "traceback", "node"]
    rows: list[dict[str, str]] = shown[columns].fillna("").to_dict("records")  # type: ignore[assignment]
    times = shown["time"].map(lambda time: "" if pd.isna(time) else f"{time:%Y-%m-%d %H:%M:%S} UTC")
    return [{**row, "time": time} for row, time in zip(rows, times, strict=True)]


def _first_view(trials: pd.DataFrame, every: list[Axes], wishes: Wishes) -> dict[str, str]:
    """What the page shows first: the data set with the most trials, and the fields to show it by.

    A field that only failed trials vary would colour nothing.
    """
    if not every:
        return {"data": "", "x": "", "colour": "", "facet": ""}
    most = max((one.trials for one in every), key=len)
    alive = most[most["state"] != "failed"]
    axes = find_axes(alive if len(alive) else most)
    layout = choose(axes, wishes)
    colour = layout.colour or layout.line
    other = layout.line if layout.line is not colour else next(iter(layout.panels), None)
    facet = other if other and len(other) <= MOST_FACETS else None
    roles = {"x": layout.x, "colour": colour, "facet": facet}
    return {"data": str(axes.trials[DATA].iloc[0]), **{role: axis.name if axis else "" for role, axis in roles.items()}}


def _commands(tables: Tables) -> dict[str, list[str]]:
    """For each state, the commands to continue with a trial; `{key}` is replaced by its key."""
    store = tables.quoted
    resume = f"aesweep resume {store}"
    done = [
        f"aesweep sample {store} {{key}} --prior gmm",
        f"aesweep evaluate {store} --only {{key}} --sampling-seeds 0..4",
    ]
    return {
        "pending": [resume],
        "running": [f"aesweep status {store} --watch"],
        "trained": [resume],
        "done": done,
        "failed": [f"{resume} --retry-failed"],
    }
