"""The mean of a score over the training seeds of every network, with its 95 % interval."""

from functools import lru_cache

import numpy as np
import pandas as pd

from aesweep.analysis.axes.axes import Axes
from aesweep.analysis.best_setting import Settings
from aesweep.analysis.statistics import Sample


@lru_cache(maxsize=64)
def network_means(axes: Axes, score: str) -> pd.DataFrame:
    """One row per network that has a score: the place on each axis, `mean`, `half_width` (nan if all have one seed) and `seeds`.

    The variance over seeds is pooled over all networks, so a network with a single seed has an interval too, wider than those of
    several seeds. Unlike in the ranking, networks with fewer seeds than most take part.
    """
    places = axes.places()
    values = axes.trials[score].astype("float64")
    finite = np.isfinite(values)
    names = list(places.columns)
    if not finite.any():
        return pd.DataFrame(columns=[*names, "mean", "half_width", "seeds"], dtype="float64")
    kept = places[finite].assign(value=values[finite], one=0)
    groups = kept.groupby(names or "one", sort=True)
    settings = Settings([Sample(part.to_numpy()) for _, part in groups["value"]])
    found = groups[[*names, "one"]].first().reset_index(drop=True)[names]
    halves = [settings.mean_at(place).half_width for place in range(len(found))]
    return found.assign(mean=settings.means, half_width=halves, seeds=settings.counts)
