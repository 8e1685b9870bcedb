"""Means over training seeds with their 95 % intervals, for all networks of a table at once.

The report, its figures, the interactive page and `open_store(…).scores(per="network")` show these numbers. They are those of
`best_setting.Settings`, without an object per network: a page may hold forty measures of ten thousand trials. A test compares
the two.
"""

import numpy as np
import pandas as pd
from scipy import special

from aesweep.analysis.power import ALPHA


def means_over_seeds(values: np.ndarray, network: np.ndarray, kind: np.ndarray) -> pd.DataFrame:
    """The mean of each network's values, one value per training seed; values that are not finite do not count.

    Args:
        values: Float (trials,).
        network: Int (trials,), the number of each trial's network.
        kind: Int (trials,). Networks of one kind share the variance over seeds (pooled), so that a network with a single seed
            has an interval too. A kind is a model on one data set: a model whose scores vary a lot between its seeds says
            nothing about the errors of another.

    Returns:
        Index `network`, ascending, for those that have a value. Columns `mean`, its standard error `stderr`, `half_width` of the
        95 % interval (both nan if every network of the kind has one seed) and the number of `seeds`.
    """
    rows = pd.DataFrame({"network": network, "kind": kind, "value": values})[np.isfinite(values)]
    found = rows.groupby("network").agg(
        mean=("value", "mean"), variance=("value", "var"), seeds=("value", "count"), kind=("kind", "first")
    )
    freedom = found["seeds"] - 1
    squares = (found["variance"].fillna(0.0) * freedom).groupby(found["kind"]).transform("sum")
    freedom = freedom.groupby(found["kind"]).transform("sum")
    stderr = np.sqrt(squares / freedom.where(freedom > 0) / found["seeds"])
    half_width = stderr * special.stdtrit(freedom.to_numpy(dtype=float), 1 - ALPHA)
    means: pd.DataFrame = found.assign(stderr=stderr, half_width=half_width)
    return means[["mean", "stderr", "half_width", "seeds"]]
