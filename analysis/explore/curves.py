"""Learning curves for the page, from the table `epochs`, including those of running trials."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.explore.document import rounded
from aesweep.analysis.explore.rows import rows_of
from aesweep.sweep.tables.schemas import TRAINED

SERIES = {"loss": "loss", "reconstruction": "reconstruction", "kl": "kl", "test_sample_bce": "test"}
"""Column of `epochs` -> its name in a curve."""
MOST_POINTS = 1_000
FEWEST_POINTS = 40
ALL_POINTS = 400_000
"""Limit for the epochs in one page; beyond it, those of each trial are thinned out evenly."""
Curve = dict[str, Any]


def points_per_curve(trials: int) -> int:
    """Epochs per trial that a page with this many trials contains."""
    return max(FEWEST_POINTS, min(MOST_POINTS, ALL_POINTS // max(1, trials)))


def curves(root: Path, keys: Collection[str] | None = None, points: int = MOST_POINTS) -> dict[str, Curve]:
    """The curves of these trials, or of all, from the tables in a folder; a trial without an epoch has none.

    Raises `ReportError` for a table that cannot be read.
    """
    rows = _rows(root, keys)
    if rows.empty:
        return {}
    rows = rows.sort_values(["key", "epoch"], kind="stable", ignore_index=True)
    keys_of, starts = np.unique(rows["key"].to_numpy(dtype=str), return_index=True)
    ends = [*starts[1:], len(rows)]
    columns = {name: rows[name].to_numpy() for name in ("state", "epoch", *SERIES)}
    spans = zip(keys_of.tolist(), starts, ends, strict=True)
    return {key: _thinned(columns, int(start), int(end), points) for key, start, end in spans}


def curve(state: str, columns: Mapping[str, Sequence[float | None]]) -> Curve:
    """A curve in the page's format, from columns of `epochs`; series without a number are left out."""
    found: Curve = {"state": state, "epoch": [int(epoch or 0) for epoch in columns["epoch"]]}
    for column, name in SERIES.items():
        values = rounded(columns[column])
        if any(value is not None for value in values) and (name != "reconstruction" or values != found.get("loss")):
            found[name] = values
    return found


def _thinned(columns: Mapping[str, np.ndarray], start: int, end: int, points: int) -> Curve:
    """The curve in rows `start` to `end`, reduced to `points` evenly spaced epochs."""
    kept = np.unique(np.linspace(start, end - 1, min(points, end - start)).round().astype(int))
    return curve(str(columns["state"][start]), {name: columns[name][kept].tolist() for name in ("epoch", *SERIES)})


def _rows(root: Path, keys: Collection[str] | None) -> pd.DataFrame:
    columns = ["key", "state", "epoch", *SERIES]
    rows = rows_of(root, "epochs", columns, keys)
    return rows.assign(**{name: TRAINED if name == "state" else np.nan for name in columns if name not in rows})
