"""Two latent units of some images of a trial, for the page: the points of the table `latents`."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aesweep.analysis.explore.rows import rows_of

COLUMNS = ("key", "split", "dimension_a", "dimension_b", "z_a", "z_b")
SPLITS = ("train", "test")
MOST_POINTS = 250
"""Of each split of a trial; further ones would hide each other."""
DECIMALS = 3
Latents = dict[str, Any]


def latents(root: Path, keys: Collection[str]) -> dict[str, Latents]:
    """For each of these trials that has any, `units` (the numbers of the two) and the points (x, y) of `train` and `test`.

    Raises `ReportError` for a table that cannot be read.
    """
    rows = rows_of(root, "latents", COLUMNS, keys)
    rows = rows[np.isfinite(rows[["z_a", "z_b"]].astype(float)).all(axis=1)]
    return {str(key): _points(part) for key, part in rows.groupby("key", sort=False)}


def _points(rows: pd.DataFrame) -> Latents:
    units = [int(rows[name].iloc[0]) for name in ("dimension_a", "dimension_b")]
    return {"units": units, **{split: _thinned(rows[rows["split"] == split]) for split in SPLITS}}


def _thinned(rows: pd.DataFrame) -> list[list[float]]:
    """At most `MOST_POINTS` of the rows, evenly spaced: images are in no order that matters."""
    kept = np.unique(np.linspace(0, len(rows) - 1, min(MOST_POINTS, len(rows))).round().astype(int))
    return rows[["z_a", "z_b"]].iloc[kept].round(DECIMALS).to_numpy(dtype=float).tolist()
