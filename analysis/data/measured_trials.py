"""The trials that were scored in one way, with all that is measured of each: what `Results.trials` is made of."""

from functools import lru_cache

import pandas as pd

from aesweep.analysis.data.evaluations import Evaluation, errors_by_trial, scores_by_trial
from aesweep.analysis.data.gaussianity import gaussianity_by_trial
from aesweep.analysis.data.latent_measures import latent_measures_by_trial
from aesweep.analysis.data.smoothness import smoothness_by_trial
from aesweep.analysis.data.tables import Tables


@lru_cache(maxsize=8)
def scored_trials(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """The described trials with a score under one evaluation, and all that `Results.trials` adds to them; copy before you change it."""
    scores = scores_by_trial(tables, evaluation)
    rows = tables.described.merge(scores[scores.notna().any(axis=1)], left_on="key", right_index=True)
    rows = rows.merge(errors_by_trial(tables, evaluation), left_on="key", right_index=True, how="left")
    return with_measures(tables, evaluation, rows)


def with_measures(tables: Tables, evaluation: Evaluation, rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the measures of each trial's latents."""
    rows = rows.merge(_measures_of_latents(tables), left_on="key", right_index=True, how="left")
    return rows.merge(smoothness_by_trial(tables, evaluation), left_on="key", right_index=True, how="left")


@lru_cache(maxsize=2)
def _measures_of_latents(tables: Tables) -> pd.DataFrame:
    """Once for all evaluations."""
    return gaussianity_by_trial(tables).join(latent_measures_by_trial(tables), how="outer")
