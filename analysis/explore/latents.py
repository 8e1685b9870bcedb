"""Two latent units of some images of a trial, for the page: the points of the table `latents`."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.explore.rows import rows_of

UNITS, POINT = ["dimension_a", "dimension_b"], ["z_a", "z_b"]
SPLITS = ("train", "test")
MOST_POINTS = 250
"""Points for each split of a trial; more of them would hide one another."""
DECIMALS = 3
Latents = dict[str, Any]


def latents(root: Path, keys: Collection[str]) -> dict[str, Latents]:
    """For each of these trials that has any, `units` (the numbers of the two) and the points (x, y) of `train` and `test`.

    Raises `ReportError` for a table that cannot be read.
    """
    columns = ["key", "split", *UNITS, *POINT]
    rows = rows_of(root, "latents", columns, keys).reindex(columns=columns)
    # A file from elsewhere may hold texts.
    numbers = rows[[*UNITS, *POINT]].apply(pd.to_numeric, errors="coerce").astype(float)
    rows = rows.assign(**dict(numbers.items()))[np.isfinite(numbers).all(axis=1)]
    return {str(key): _points(part) for key, part in rows.groupby("key", sort=False)}


def _points(rows: pd.DataFrame) -> Latents:
    units = [int(unit) for unit in rows[UNITS].iloc[0]]
    return {"units": units, **{split: _thinned(rows[rows["split"] == split]) for split in SPLITS}}


def _thinned(rows: pd.DataFrame) -> list[list[float]]:
    """At most `MOST_POINTS` of the rows, evenly spaced: images are in no order that matters."""
    kept = np.unique(np.linspace(0, len(rows) - 1, min(MOST_POINTS, len(rows))).round().astype(int))
    return rows[POINT].iloc[kept].round(DECIMALS).to_numpy(dtype=float).tolist()
