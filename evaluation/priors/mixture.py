"""The Gaussian mixture by EM: scikit-learn's `GaussianMixture`, run in chunks of iterations.

A wide mixture can take hours, so a fit has a deadline. scikit-learn runs EM to its end in one call; here it is called
again and again for some iterations (`warm_start`: each call goes on from the last parameters and bound), and the clock is
read between the calls. Parameters, iterations and convergence do not depend on where the calls end.

NumPy on the CPU is the default; `tensor_mixture.py` starts the same EM on tensors of a GPU.

Shapes: N latents, Z = latent_size, K components.
"""

import logging
import time
import warnings
from typing import Any, NamedTuple

import numpy as np

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.models.identity import stream_seed

CHUNK_SECONDS = 20.0  # EM iterations between two looks at the clock, about
log = logging.getLogger(__name__)


class Mixture(NamedTuple):
    """A fitted mixture, NumPy float64."""

    weights: np.ndarray
    """(K,)."""
    means: np.ndarray
    """(K, Z)."""
    covariances: np.ndarray
    """(K, Z, Z), `gmm_reg_covar` on their diagonals included."""
    converged: bool
    iterations: int
    lower_bound: float
    """Mean log-likelihood of a latent in the last iteration, nats."""


def new_mixture(evaluation: EvaluationConfig, init_params: str) -> Any:
    """A `GaussianMixture` with the evaluation's settings, not started yet."""
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(
        evaluation.gmm_components,
        covariance_type="full",
        tol=evaluation.gmm_tol,
        reg_covar=evaluation.gmm_reg_covar,
        init_params=init_params,
        random_state=start_seed(evaluation),
        warm_start=True,
    )


def start_seed(evaluation: EvaluationConfig) -> int:
    """Seed of the k-means that EM starts from."""
    return stream_seed("gmm", evaluation.prior_seed) % 2**32


def run_em(
    mixture: Any,
    x_NZ: Any,
    evaluation: EvaluationConfig,
    deadline: float | None,
    singular: tuple[type[Exception], ...] = (ValueError,),
) -> Mixture:
    """EM on an array or a tensor (N, Z) until it converges, reaches `gmm_max_iter`, or raises `PriorError`.

    `singular` are the exceptions by which the array library says that a covariance is not positive definite.
    """
    iterations, chunk = 0, 1 if deadline is not None else evaluation.gmm_max_iter
    while iterations < evaluation.gmm_max_iter:
        mixture.max_iter = min(chunk, evaluation.gmm_max_iter - iterations)
        started = time.monotonic()
        try:
            _advance(mixture, x_NZ)
        except singular as error:  # reg_covar 0, or latents so large that it vanishes beside them
            raise PriorError(f"a component became singular: {error}") from error
        iterations += mixture.n_iter_
        if mixture.converged_:
            break
        now = time.monotonic()
        if deadline is not None:
            if now >= deadline:
                raise PriorError(f"deadline reached after {iterations} EM iterations, not converged")
            chunk = _next_chunk((now - started) / mixture.n_iter_, deadline - now)
    weights, means, covariances = map(_to_numpy, (mixture.weights_, mixture.means_, mixture.covariances_))
    return Mixture(weights, means, covariances, bool(mixture.converged_), iterations, float(mixture.lower_bound_))


def _advance(mixture: Any, x_NZ: Any) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told in the prior's note
        mixture.fit(x_NZ)


def _next_chunk(iteration_seconds: float, seconds_left: float) -> int:
    """EM iterations until the next look at the clock.

    Parameters do not depend on it, only what a look costs (an E-step).
    """
    return max(1, int(min(CHUNK_SECONDS, seconds_left / 2) / max(iteration_seconds, 1e-6)))


def _to_numpy(array: Any) -> np.ndarray:
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
