"""What scores one trained model: latents, priors, samples, features, Fréchet distances. No Ray: it runs in a notebook.

The names below are imported on first use, so that `evaluation.config` alone never loads torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "EvaluationConfig": "evaluation.config",
    "FeatureStatistics": "evaluation.statistics",
    "FittedPrior": "evaluation.priors",
    "fit_prior": "evaluation.fitting",
    "frechet_distance": "evaluation.frechet",
    "load_extractor": "evaluation.extractors",
    "score_trial": "evaluation.score",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
