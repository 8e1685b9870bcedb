"""Scores averaged for a notebook: over the sampling seeds of a trial, and over the training seeds of a network.

Errors are those of the report: for a trial the one that its rows state, for a network the spread over training seeds, shared with
the networks of its model on the same data where theirs are alike (`over_seeds.means_over_seeds`). Rows of two evaluations,
metrics or feature networks are never averaged.
"""

import pandas as pd

from aesweep.analysis.data.evaluations import error_of_mean
from aesweep.analysis.data.trials import data_names
from aesweep.analysis.over_seeds import means_over_seeds
from aesweep.sweep.tables.schemas import CONFIG_FIELDS

SCORE = ["evaluation", "source", "split", "metric", "extractor", "gmm_components"]
"""Columns that say what was measured, regardless of the trial."""
NETWORK = [name for name in CONFIG_FIELDS if name != "seed"]
"""Fields that two training seeds of a network share."""
_NO_MIXTURE = -1  # instead of a null, which no group has


def per_trial(scores: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """One row per trial and score: its name, the fields that vary among the trials, and the mean over sampling seeds.

    Columns `value`, its standard error `stderr` (null where one of the rows states none) and the number of `draws`.
    """
    rows = scores[scores["value"].notna()]
    rows = rows.assign(gmm_components=rows["gmm_components"].fillna(_NO_MIXTURE))
    place = ["key", *SCORE]
    found = rows.groupby(place, sort=False).agg(value=("value", "mean"), draws=("value", "size"))
    found["stderr"] = error_of_mean(rows, place)
    found = found[["value", "stderr", "draws"]].reset_index()
    found["gmm_components"] = found["gmm_components"].where(found["gmm_components"] != _NO_MIXTURE)
    return trials[["key", "name", *_varying(trials, CONFIG_FIELDS)]].merge(found, on="key", sort=False)


def per_network(scores: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """One row per network and score: the fields that vary among the networks, and the mean over training seeds.

    Columns `mean`, its standard error `stderr`, the 95 % interval from `low` to `high` (all three null while no network of the
    model has two seeds) and the number of `seeds`.
    """
    fields = _varying(trials, NETWORK)
    networks = trials.assign(
        network=trials.groupby(NETWORK, sort=False, dropna=False).ngroup(), data=data_names(trials)
    )
    values = per_trial(scores, trials)[["key", *SCORE, "value"]].merge(networks, on="key")
    score = values.groupby(["data", *SCORE], sort=False, dropna=False).ngroup()
    values = values.iloc[score.argsort(kind="stable")]
    place, kind = (
        values.groupby([one, "data", *SCORE], sort=False, dropna=False).ngroup() for one in ("network", "model")
    )
    found = means_over_seeds(values["value"].to_numpy(dtype=float), place.to_numpy(), kind.to_numpy())
    found = values[[*fields, *SCORE]].loc[~place.duplicated()].set_axis(pd.unique(place)).join(found, how="right")
    low, high = found["mean"] - found["half_width"], found["mean"] + found["half_width"]
    return found.assign(low=low, high=high)[[*fields, *SCORE, "mean", "stderr", "low", "high", "seeds"]]


def _varying(trials: pd.DataFrame, names: tuple[str, ...] | list[str]) -> list[str]:
    """The fields with several values; `model` where there is none."""
    return [name for name in names if trials[name].nunique(dropna=False) > 1] or ["model"]
