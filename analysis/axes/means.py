"""The mean of a score over the training seeds of every network, with its place on each axis."""

from functools import lru_cache

import pandas as pd

from aesweep.analysis.axes.axes import Axes
from aesweep.analysis.over_seeds import means_over_seeds


@lru_cache(maxsize=64)
def network_means(axes: Axes, score: str) -> pd.DataFrame:
    """One row per network that has a score: the place on each axis, `mean`, `half_width`, `seeds` (`means_over_seeds`).

    Unlike in the ranking, networks with fewer seeds than most take part.
    """
    values = axes.trials[score].to_numpy(dtype="float64", na_value=float("nan"))
    network = axes.networks()
    model = axes.trials.groupby("model", observed=True).ngroup()
    found = means_over_seeds(values, network, model.to_numpy())
    places = axes.places().groupby(network).first()
    return places.join(found.drop(columns="stderr"), how="right").reset_index(drop=True)
