"""Rows of the scores table about the latents themselves and the priors on them: no extractor, no reference."""

from collections.abc import Mapping

from aesweep.evaluation.config import EvaluationConfig, Source
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.evaluation.rows import ScoreRow
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
) -> ScoreRow:
    """The row of one such score; its seed is the evaluation's `prior_seed`."""
    return ScoreRow(
        source=source,
        split=split,
        metric=metric,
        value=value,
        stderr=stderr,
        n=n,
        reference_split=split,
        seed=evaluation.prior_seed,
        seconds=seconds,
        note=note,
    )


def fitted_prior(priors: Mapping[str, FittedPrior | str], kind: str, *, named: bool = False) -> FittedPrior:
    """The prior, or `PriorError` with the reason why there is none; `named` puts its kind in front."""
    prior = priors.get(kind, "not among the evaluation's priors")
    if isinstance(prior, str):
        raise PriorError(f"{kind}: {prior}" if named else prior)
    return prior
