"""How Gaussian each trial's latents are (hypothesis 2), from the rows that `evaluation/metrics/gaussianity.py` measured.

The measures are of the latents alone, so they do not depend on an extractor: of several evaluations of a trial the one
that is shown counts first, then those of `evaluation_order` that measured what it did not.
"""

from dataclasses import dataclass

import pandas as pd

from aesweep.analysis.data.evaluations import in_order
from aesweep.analysis.data.tables import Tables


@dataclass(frozen=True)
class Measure:
    """One measure: what the axis says, and its value for a Gaussian (None: that of simulated Gaussian data)."""

    title: str
    axis: str
    gaussian: float | None = None


MEASURES = {
    "loglikelihood_gap": Measure(
        "What the mixture gains over one Gaussian", "held-out log-likelihood,\nGMM − MVG (nats per dimension)", 0.0
    ),
    "mardia_kurtosis": Measure("Mardia's kurtosis", "mean r⁴ / d(d + 2)\n(1: Gaussian)"),
    "radius_ks": Measure("Law of the Mahalanobis radius", "Kolmogorov–Smirnov distance\n(0: Gaussian)"),
    "marginal_kurtosis": Measure("Tails of single dimensions", "mean |excess kurtosis|\n(0: Gaussian)"),
}
"""Rows of the scores table with source `latents`, in the order in which they are shown."""

SHAPES = ("mardia_kurtosis", "radius_ks", "marginal_kurtosis")
"""Measures that are held against simulated Gaussian data. Each is blind to something: kurtosis that balances between
dimensions leaves the first two as they are, a common factor on all dimensions hardly changes the third. So the verdict
asks all of them."""
DISTANCES = SHAPES[1:]
"""Those that are distances from the Gaussian: never below 0, and only an excess over simulated data counts."""
GAUSSIAN_Z = 4.0
"""Standard deviations of simulated Gaussian data within which latents count as Gaussian. With three measures on hundreds of
trials, 3 would call some Gaussian ones something else; what is not Gaussian is tens to hundreds away."""


def gaussianity_by_trial(tables: Tables) -> pd.DataFrame:
    """Index `key`; per measure its value, and `<measure>_null` and `<measure>_null_std`: simulated Gaussian data."""
    rows = in_order(tables, tables.scores[tables.scores["source"] == "latents"])
    gains = rows["metric"] == "loglikelihood_gap"  # mixtures of other sizes gain something else: of one size only
    rows = rows[~gains | rows["gmm_components"].isin(rows.loc[gains, "gmm_components"].iloc[:1])]
    measured = rows["metric"].str.removesuffix("_null")
    first = rows.groupby([rows["key"], measured])["evaluation"].transform("first")  # a measure and its null: of one
    rows = rows[rows["evaluation"] == first].drop_duplicates(["key", "metric"])
    values = rows.pivot(index="key", columns="metric", values="value")
    deviations = rows.pivot(index="key", columns="metric", values="stderr")
    frame = pd.DataFrame(index=values.index)
    for name, measure in MEASURES.items():
        frame[name] = values.get(name)
        if measure.gaussian is None:
            frame[f"{name}_null"] = values.get(f"{name}_null")
            frame[f"{name}_null_std"] = deviations.get(f"{name}_null")
    return frame.astype("float64").rename_axis("key")


def shape_deviations(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns `SHAPES`: standard deviations between each measure and simulated Gaussian data; null where not measured.

    Of a distance from the Gaussian (`DISTANCES`) only an excess counts, so that one below its null is 0.
    """
    z = pd.DataFrame({n: (frame[n] - frame[f"{n}_null"]) / frame[f"{n}_null_std"] for n in SHAPES}, index=frame.index)
    return z.assign(**{name: z[name].clip(lower=0.0) for name in DISTANCES})


def looks_gaussian(frame: pd.DataFrame) -> pd.Series:
    """Whether no measure is beyond `GAUSSIAN_Z`; null where one was not measured and the others do not tell."""
    z = shape_deviations(frame).abs()
    verdict = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    verdict[z.notna().all(axis=1)] = True
    verdict[(z > GAUSSIAN_Z).any(axis=1)] = False
    return verdict
