"""How Gaussian each trial's latents are (hypothesis 2), from the rows that `evaluation/gaussianity.py` measured.

The measures are of the latents alone, so they do not depend on an extractor: the newest row of a trial counts,
whatever evaluation it came with.
"""

from dataclasses import dataclass

import pandas as pd

from analysis.tables import Tables


@dataclass(frozen=True)
class Measure:
    """One measure: what the axis says, and its value for a Gaussian (None: that of simulated Gaussian data)."""

    title: str
    axis: str
    gaussian: float | None = None


MEASURES = {
    "loglikelihood_gap": Measure(
        "What ten components gain over one", "held-out log-likelihood,\nGMM − MVG (nats per dimension)", 0.0
    ),
    "mardia_kurtosis": Measure("Mardia's kurtosis", "mean r⁴ / d(d + 2)\n(1: Gaussian)"),
    "radius_ks": Measure("Law of the Mahalanobis radius", "Kolmogorov–Smirnov distance\n(0: Gaussian)"),
    "marginal_kurtosis": Measure("Tails of single dimensions", "mean |excess kurtosis|\n(0: Gaussian)"),
}
"""Rows of the scores table with source `latents`, in the order in which they are shown."""


def gaussianity_by_trial(tables: Tables) -> pd.DataFrame:
    """Index `key`; per measure its value, and `<measure>_null` and `<measure>_null_std`: simulated Gaussian data."""
    rows = tables.scores[tables.scores["source"] == "latents"].drop_duplicates(["key", "metric"], keep="last")
    values = rows.pivot(index="key", columns="metric", values="value")
    deviations = rows.pivot(index="key", columns="metric", values="stderr")
    frame = pd.DataFrame(index=values.index)
    for name, measure in MEASURES.items():
        frame[name] = values.get(name)
        if measure.gaussian is None:
            frame[f"{name}_null"] = values.get(f"{name}_null")
            frame[f"{name}_null_std"] = deviations.get(f"{name}_null")
    return frame.astype("float64").rename_axis("key")
