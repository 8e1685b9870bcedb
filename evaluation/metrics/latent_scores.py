"""Rows of the scores table about the latents themselves and the priors on them: no extractor, no reference."""

from collections.abc import Mapping
from typing import Any

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.rows import ScoreRow


def latent_score(evaluation: EvaluationConfig, metric: str, n: int, value: float | None, **others: Any) -> ScoreRow:
    """The row of one such score; `others` are fields of `ScoreRow`.

    Its source is the training latents unless it says otherwise, and its seed the evaluation's `prior_seed`.
    """
    row = {"source": "latents", "split": "train", "seed": evaluation.prior_seed, **others}
    return ScoreRow(metric=metric, n=n, value=value, reference_split=row["split"], **row)


def fitted_prior(priors: Mapping[str, FittedPrior | str], kind: str, *, named: bool = False) -> FittedPrior:
    """The prior, or `PriorError` with the reason why there is none; `named` puts its kind in front."""
    prior = priors.get(kind, "not among the evaluation's priors")
    if isinstance(prior, str):
        raise PriorError(f"{kind}: {prior}" if named else prior)
    return prior
