"""Scores averaged for a notebook: over the sampling seeds of a trial, and over the training seeds of a network.

Errors are those of the report: for a trial the one that its rows state, for a network the spread over training seeds, pooled
over all networks on the same data (`best_setting.Settings`). Rows of two evaluations, metrics or feature networks are never averaged.
"""

import numpy as np
import pandas as pd

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.data.evaluations import error_of_mean
from aesweep.analysis.data.trials import data_names
from aesweep.analysis.statistics import Sample
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

    Columns `mean`, its standard error `stderr`, the 95 % interval from `low` to `high` (both null while no network has two
    seeds) and the number of `seeds`.
    """
    fields = _varying(trials, NETWORK)
    networks = trials.assign(
        network=trials.groupby(NETWORK, sort=False, dropna=False).ngroup(), data=data_names(trials)
    )
    values = per_trial(scores, trials)[["key", *SCORE, "value"]].merge(networks, on="key")
    parts = [_means(part, fields) for _, part in values.groupby(["data", *SCORE], sort=False, dropna=False)]
    columns = [*fields, *SCORE, "mean", "stderr", "low", "high", "seeds"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _means(part: pd.DataFrame, fields: list[str]) -> pd.DataFrame:
    """The networks on one data set by one score."""
    groups = part.groupby("network", sort=False)
    settings = Settings([Sample(values.to_numpy(dtype=float)) for _, values in groups["value"]])
    estimates = [settings.mean_at(place) for place in range(len(settings.samples))]
    halves = np.array([one.half_width for one in estimates])
    return part.drop_duplicates("network")[[*fields, *SCORE]].assign(
        mean=settings.means,
        stderr=[one.error for one in estimates],
        low=settings.means - halves,
        high=settings.means + halves,
        seeds=settings.counts,
    )


def _varying(trials: pd.DataFrame, names: tuple[str, ...] | list[str]) -> list[str]:
    """The fields with several values; `model` where there is none."""
    return [name for name in names if trials[name].nunique(dropna=False) > 1] or ["model"]
