"""Settings (trials that differ only in the seed) and their means with 95 % intervals.

The numbers are those of `means.network_means`: the variance over seeds is pooled over the settings of a data set, so that a
setting with a single seed has an interval too. That function makes an object per setting; here all settings are computed at
once, since a page may hold forty measures of ten thousand trials. A test compares the two.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from aesweep.analysis.axes.axes import Axes
from aesweep.analysis.statistics import welch


class Means(NamedTuple):
    """One number per setting."""

    mean: np.ndarray
    """nan without a value."""
    half_width: np.ndarray
    """Half of the 95 % interval; nan where all settings of the data set have a single seed."""
    seeds: np.ndarray


def setting_of(axes: Axes) -> np.ndarray:
    """Number of each trial's setting, in the order in which they appear; int (trials,)."""
    places = axes.places()
    if places.empty:
        return np.zeros(len(axes.trials), dtype=int)
    return places.groupby(list(places), sort=False).ngroup().to_numpy()


def means(values: np.ndarray, setting: np.ndarray, data: np.ndarray, count: int) -> Means:
    """Means of one measure, float (trials,), over the trials of each of `count` settings.

    `data` is the number of each trial's data set: the spread over seeds is that of one data set.
    """
    rows = pd.DataFrame({"value": values, "setting": setting, "data": data})
    groups = rows[np.isfinite(values)].groupby("setting")
    found = groups.agg(
        mean=("value", "mean"), variance=("value", "var"), seeds=("value", "count"), data=("data", "first")
    )
    half = pd.Series(np.nan, index=found.index)
    for _, part in found.groupby("data"):
        half[part.index] = _half_widths(part)
    every = range(count)
    seeds = found["seeds"].reindex(every).fillna(0).to_numpy(dtype=int)
    return Means(found["mean"].reindex(every).to_numpy(dtype=float), half.reindex(every).to_numpy(dtype=float), seeds)


def _half_widths(part: pd.DataFrame) -> np.ndarray:
    """Half widths for the settings of one data set, from their pooled variance."""
    freedom = int((part["seeds"] - 1).sum())
    if not freedom:
        return np.full(len(part), np.nan)
    variance = float((part["variance"].fillna(0.0) * (part["seeds"] - 1)).sum()) / freedom
    counts = part["seeds"].to_numpy()
    of_count = {
        n: welch(0.0, [(variance / float(n), freedom)], int(counts.min())).half_width for n in np.unique(counts)
    }
    return np.array([of_count[n] for n in counts])
