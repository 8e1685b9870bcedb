"""Rows of the scores table about the latents themselves and the priors on them: no extractor, no reference."""

from collections.abc import Mapping
from typing import Any

from aesweep.evaluation.config import EvaluationConfig, Source
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.models.data.datasets import Split


def latent_score(
    evaluation: EvaluationConfig,
    metric: str,
    n: int,
    value: float | None,
    stderr: float | None,
    seconds: float,
    note: str,
    *,
    source: Source = "latents",
    split: Split = "train",
) -> dict[str, Any]:
    """One row (columns of `aesweep.sweep.tables.schemas`, without those that a whole evaluation shares)."""
    return {
        "source": source,
        "split": split,
        "metric": metric,
        "value": value,
        "stderr": stderr,
        "extractor": "none",
        "n": n,
        "n_reference": 0,
        "reference_split": split,
        "seed": evaluation.prior_seed,
        "seconds": seconds,
        "note": note,
    }


def fitted_prior(priors: Mapping[str, FittedPrior | str], kind: str, *, named: bool = False) -> FittedPrior:
    """The prior, or `PriorError` with the reason why there is none; `named` puts its kind in front."""
    prior = priors.get(kind, "not among the evaluation's priors")
    if isinstance(prior, str):
        raise PriorError(f"{kind}: {prior}" if named else prior)
    return prior
