"""How Gaussian each trial's latents are (hypothesis 2), from the rows that `evaluation/metrics/gaussianity.py` measured.

The measures are of the latents alone, so they do not depend on an extractor: of several evaluations of a trial those with
p-values count first, then the one that is shown, then those of `evaluation_order` that measured what it did not.

Two questions are kept apart: whether latents differ from a Gaussian at all (a p-value of the trial; with enough latents,
everything real does), and by how much (an effect size that does not grow with their number).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from aesweep.analysis.data.evaluations import by_trial, in_order, nothing_by_trial, of_first_evaluation
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.statistics import holm


@dataclass(frozen=True)
class Measure:
    """One measure: its title, and what the axis says."""

    title: str
    axis: str


MEASURES = {
    "loglikelihood_gap": Measure("What the mixture gains over one Gaussian", "GMM − MVG (nats per dimension)"),
    "direction_negentropy": Measure("Least Gaussian direction (effect size)", "negentropy (nats)\n(0: Gaussian)"),
    "mardia_kurtosis": Measure("Mardia's kurtosis", "mean r⁴ / d(d + 2)\n(1: Gaussian)"),
    "radius_ks": Measure("Law of the Mahalanobis radius", "Kolmogorov–Smirnov distance\n(0: Gaussian)"),
    "marginal_kurtosis": Measure("Tails of single dimensions", "mean |excess kurtosis|\n(0: Gaussian)"),
}
"""Rows of the scores table with source `latents`, in the order in which they are shown. Each has a row `<measure>_null` for
Gaussian data; in stores that an older version scored the gap has none, and the second is missing."""
EFFECT = "direction_negentropy"
TESTED = (EFFECT, "mardia_kurtosis", "radius_ks")
"""Measures whose p-values are a trial's. Each is blind to something, so a trial is asked by all of them. The gap is not among
them: it is of test latents, which may have another mean and covariance than those that the priors were fitted on."""
OLD_TESTED = ("mardia_kurtosis", "radius_ks", "marginal_kurtosis")
"""Those of older versions, which gave mean and standard deviation of 32 simulated data sets in place of p-values."""
DISTANCES = (EFFECT, "radius_ks", "marginal_kurtosis")
"""Those that are distances from the Gaussian: never below 0, and only an excess over Gaussian data counts."""


def gaussianity_by_trial(tables: Tables) -> pd.DataFrame:
    """Index `key`; per measure its value and `<measure>_stderr`, `…_null`, `…_null_std` (Gaussian data) and `…_p`."""
    rows = tables.scores[tables.scores["source"] == "latents"]
    if rows.empty:
        return nothing_by_trial(
            f"{name}{part}" for name in MEASURES for part in ("", "_stderr", "_null", "_null_std", "_p")
        )
    rows = in_order(tables, rows)
    measured = rows["metric"].str.replace("_(?:null|p)$", "", regex=True)
    rows = rows.assign(measured=measured, tested=rows["metric"] == measured + "_p")
    rows["tested"] = rows.groupby(["key", "evaluation", "measured"])["tested"].transform("any")
    rows = rows.iloc[np.argsort(~rows["tested"].to_numpy(dtype=bool), kind="stable")]
    gains = rows["measured"] == "loglikelihood_gap"  # mixtures of other sizes gain something else: of one size only
    rows = rows[~gains | rows["gmm_components"].isin(rows.loc[gains, "gmm_components"].iloc[:1])]
    values, deviations = by_trial(of_first_evaluation(rows, ["key", "measured"]), "metric")
    frame = pd.DataFrame(index=values.index)
    for name in MEASURES:
        frame[name], frame[f"{name}_stderr"] = values.get(name), deviations.get(name)
        frame[f"{name}_null"], frame[f"{name}_null_std"] = values.get(f"{name}_null"), deviations.get(f"{name}_null")
        frame[f"{name}_p"] = values.get(f"{name}_p")
    return frame.astype("float64").rename_axis("key")


def judge_gaussianity(frame: pd.DataFrame, negligible: float) -> pd.DataFrame:
    """One row per trial that has a measure; `negligible` is the largest effect that counts as Gaussian, in nats.

    * `effect`, `error`: the effect size beyond that of Gaussian data, and its standard error, in nats
    * `old`: whether an older version measured it, without p-values and without a look for clusters
    * `complete`: whether every measure was tested, clusters included
    * `p_any`: p-value against "exactly Gaussian" (Bonferroni over the measures)
    * `p_for`: p-value against "the effect is larger than negligible"; 1 if not complete
    * `p_against`: p-value against "the latents are Gaussian, or the effect is negligible"
    * `detected`, `far`: what Holm's correction over the trials leaves of `p_any` and `p_against`
    """
    new = frame[[f"{name}_p" for name in TESTED]].set_axis(list(TESTED), axis=1)
    old = _old_p_values(frame)
    is_new = new.notna().any(axis=1)
    p_any = (new.min(axis=1).where(is_new, old.min(axis=1)) * len(TESTED)).clip(upper=1.0)
    effect, error = _effect(frame, is_new)
    far = pd.Series(special.ndtr((negligible - effect) / error), index=frame.index)
    found = pd.DataFrame({"effect": effect, "error": error, "old": ~is_new})
    found["complete"], found["p_any"] = new.notna().all(axis=1), p_any
    found["p_for"] = (1 - far).where(found["complete"] & far.notna(), 1.0)
    found["p_against"] = far.where(far > p_any, p_any).where(far.notna(), 1.0)
    found = found[p_any.notna()]
    found["detected"], found["far"] = holm(found["p_any"].tolist()), holm(found["p_against"].tolist())
    return found


def _old_p_values(frame: pd.DataFrame) -> pd.DataFrame:
    """P-values from mean and standard deviation of 32 simulated data sets: bounds, far above the real ones.

    A log-concave law, as these are, has at most exp(1 - z) beyond z standard deviations (Lovász and Vempala 2007). Half of z
    is left for the estimated mean and standard deviation.
    """
    z = pd.DataFrame({name: (frame[name] - frame[f"{name}_null"]) / frame[f"{name}_null_std"] for name in OLD_TESTED})
    z = z.assign(**{name: z[name].clip(lower=0.0) for name in DISTANCES if name in OLD_TESTED})
    return (1 - z.abs() / 2).apply(np.exp).clip(upper=1.0)


def _effect(frame: pd.DataFrame, is_new: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Effect size and standard error in nats; for old rows from their kurtosis k, whose negentropy is about k² / 48."""
    value = (frame[EFFECT] - frame[f"{EFFECT}_null"]).clip(lower=0.0)
    error = (frame[f"{EFFECT}_stderr"] ** 2 + frame[f"{EFFECT}_null_std"] ** 2) ** 0.5
    # A common factor on all dimensions gives each a kurtosis of 3 (mardia - 1).
    null = frame["mardia_kurtosis_null"]
    common = (3 * (frame["mardia_kurtosis"] / null - 1).abs(), 3 * frame["mardia_kurtosis_null_std"] / null)
    single = (frame["marginal_kurtosis"] - frame["marginal_kurtosis_null"], frame["marginal_kurtosis_null_std"])
    old = [(k.clip(lower=0.0) ** 2 / 48, (2 * k.clip(lower=0.0) * e + e**2) / 48) for k, e in (common, single)]
    larger = old[0][0].fillna(-1.0) >= old[1][0].fillna(-1.0)
    values, errors = (old[0][i].where(larger, old[1][i]) for i in (0, 1))
    return value.where(is_new, values), error.where(is_new, errors)
