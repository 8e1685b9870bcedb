"""What scores one trained model: latents, priors, samples, features, Fréchet distances. No Ray: it runs in a notebook.

The names below are imported on first use, so that `aesweep.evaluation.config` alone never loads torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "EvaluationConfig": "aesweep.evaluation.config",
    "FeatureStatistics": "aesweep.evaluation.metrics.feature_statistics",
    "FittedPrior": "aesweep.evaluation.priors.fitted_prior",
    "fit_prior": "aesweep.evaluation.priors.fitting",
    "frechet_distance": "aesweep.evaluation.metrics.frechet",
    "load_extractor": "aesweep.evaluation.networks.extractors",
    "score_trial": "aesweep.evaluation.score",
}
__all__ = [
    "EvaluationConfig",
    "FeatureStatistics",
    "FittedPrior",
    "fit_prior",
    "frechet_distance",
    "load_extractor",
    "score_trial",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
