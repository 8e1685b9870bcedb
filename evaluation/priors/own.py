"""The prior `own`: the one that a trial's objective draws latents to, for which nothing is fitted.

GMM-DAE has a fixed mixture; WAE and EAE have N(0, I), which `standard_normal` samples already. A trial whose objective has no
prior of its own, or that one, has no rows of `own`.
"""

import numpy as np

from aesweep.evaluation.priors.fit import Fit
from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
from aesweep.models.config import TrialConfig


def has_own_prior(trial: TrialConfig) -> bool:
    """Whether the objective of a trial has a prior other than N(0, I)."""
    prior = trial.objective.prior
    if prior is None:
        return False
    means = prior(trial).means
    return len(means) > 1 or bool(means.any())


def fit_own(x_NZ: np.ndarray, fit: Fit) -> FittedPrior:
    """The objective's mixture of Gaussians N(mean, I). Raises `PriorError` where it has none."""
    prior = fit.trial.objective.prior if fit.trial is not None else None
    if prior is None or fit.trial is None:
        raise PriorError("the objective has no prior of its own")
    means_KZ = np.asarray(prior(fit.trial).means, dtype=np.float64)
    count, size = means_KZ.shape
    return FittedPrior("own", np.full(count, 1 / count), means_KZ, np.tile(np.eye(size), (count, 1, 1)))
