"""The Gaussian mixture by EM: scikit-learn's `GaussianMixture`, run in chunks of iterations.

A wide mixture can take hours, so a fit has a deadline. scikit-learn runs EM to its end in one call; here it is called
again and again for some iterations (`warm_start`: each call goes on from the last parameters and bound), and the clock is
read between the calls. Parameters, iterations and convergence do not depend on where the calls end.

On tensors of a GPU a wide fit takes seconds instead of hours. scikit-learn >= 1.8 computes `GaussianMixture` with the arrays
that it is given (the array API). It asks for `SCIPY_ARRAY_API=1` in the environment before SciPy is imported, which changes
what SciPy's functions accept; so that variable is set for the processes that fit on a GPU and for no others: the sweep's driver
gives it to the Ray task of the fit alone, and where it is missing, `fit_device` says that NumPy does the work.

The answer is the CPU's: the same k-means (by NumPy, with the same seed), the same first M-step, the same EM. float64
throughout: in float32 EM stopped an iteration earlier on 20,000 latents of 64 dimensions, with parameters 6e-3 away, since
the bound's rounding is not small against `gmm_tol`. A score would then depend on the machine.

Shapes: N latents, Z = latent_size, K components.
"""

import logging
import os
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.models.identity import stream_seed

if TYPE_CHECKING:
    import torch

ENVIRONMENT = {"SCIPY_ARRAY_API": "1"}
"""What the environment of a process must hold before it imports SciPy, for fits on tensors."""
CHUNK_SECONDS = 20.0  # EM iterations between two looks at the clock, about
log = logging.getLogger(__name__)


class Mixture(NamedTuple):
    """A fitted mixture, NumPy float64: weights (K,), means (K, Z), covariances (K, Z, Z) with `gmm_reg_covar` added."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    converged: bool
    iterations: int
    lower_bound: float
    """Mean log-likelihood of a latent in the last iteration, nats."""


def fit_mixture(
    x_NZ: np.ndarray, evaluation: EvaluationConfig, deadline: float | None, device: "torch.device | None"
) -> Mixture:
    """Fit float64 latents (N, Z) until `deadline` (of `time.monotonic`), on `device` or, without one, by NumPy.

    A device with too little memory leaves the work to NumPy, whose answer is the same. Raises `PriorError`: the deadline,
    or a component that became singular.
    """
    if device is not None:
        import torch

        try:
            return _fit_on_tensors(x_NZ, evaluation, deadline, device)
        except torch.OutOfMemoryError as error:
            log.warning("too little memory on %s for the mixture, which is fitted on the CPU now: %s", device, error)
    return run_em(new_mixture(evaluation, init_params="kmeans"), x_NZ, evaluation, deadline)


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
    from sklearn.exceptions import ConvergenceWarning

    iterations, chunk = 0, 1 if deadline is not None else evaluation.gmm_max_iter
    while iterations < evaluation.gmm_max_iter:
        mixture.max_iter = min(chunk, evaluation.gmm_max_iter - iterations)
        started = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # told in the prior's note
                mixture.fit(x_NZ)
        except singular as error:  # reg_covar 0, or latents so large that it vanishes beside them
            raise PriorError(f"a component became singular: {error}") from error
        iterations += mixture.n_iter_
        if mixture.converged_:
            break
        now = time.monotonic()
        if deadline is not None:
            if now >= deadline:
                raise PriorError(f"deadline reached after {iterations} EM iterations, not converged")
            # Parameters do not depend on when the clock is looked at, only what a look costs (an E-step).
            iteration_seconds = max((now - started) / mixture.n_iter_, 1e-6)
            chunk = max(1, int(min(CHUNK_SECONDS, (deadline - now) / 2) / iteration_seconds))
    weights, means, covariances = map(_to_numpy, (mixture.weights_, mixture.means_, mixture.covariances_))
    return Mixture(weights, means, covariances, bool(mixture.converged_), iterations, float(mixture.lower_bound_))


def _to_numpy(array: Any) -> np.ndarray:
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


def fit_device(device: "torch.device") -> "torch.device | None":
    """Where this process fits mixtures: `device` if it is a GPU and the environment allows it, else None for NumPy."""
    allowed = all(os.environ.get(name) == value for name, value in ENVIRONMENT.items())
    return device if device.type == "cuda" and allowed else None


def _fit_on_tensors(
    x_NZ: np.ndarray, evaluation: EvaluationConfig, deadline: float | None, device: "torch.device"
) -> Mixture:
    import sklearn
    import torch

    singular = (ValueError, torch.linalg.LinAlgError)
    labels_N = kmeans_labels(x_NZ, evaluation)
    with sklearn.config_context(array_api_dispatch=True):
        tensor_NZ = torch.as_tensor(x_NZ, dtype=torch.float64, device=device)
        try:
            mixture = started_mixture(tensor_NZ, labels_N, evaluation)
        except singular as error:
            raise PriorError(f"a component became singular: {error}") from error
        return run_em(mixture, tensor_NZ, evaluation, deadline, singular)


def kmeans_labels(x_NZ: np.ndarray, evaluation: EvaluationConfig) -> np.ndarray:
    """The cluster of each latent, int (N,): what `init_params="kmeans"` computes inside `GaussianMixture`."""
    from sklearn.cluster import KMeans

    kmeans = KMeans(evaluation.gmm_components, n_init=1, random_state=start_seed(evaluation))
    return np.asarray(kmeans.fit(x_NZ).labels_)


def started_mixture(x_NZ: "torch.Tensor", labels_N: np.ndarray, evaluation: EvaluationConfig) -> Any:
    """A `GaussianMixture` of tensors after the M-step on hard clusters, from which `fit` goes on (`warm_start`).

    Giving the same as `precisions_init` would make scikit-learn factorise the inverse of an inverse.
    """
    import torch

    mixture = new_mixture(evaluation, init_params="random")  # never used: the fit finds itself started
    labels = torch.as_tensor(labels_N, device=x_NZ.device)
    identity_ZZ = torch.eye(x_NZ.shape[1], dtype=x_NZ.dtype, device=x_NZ.device)
    weights, means, covariances, precisions_cholesky = [], [], [], []
    for k in range(evaluation.gmm_components):
        rows_nZ = x_NZ[labels == k]
        count = len(rows_nZ) + 10 * torch.finfo(x_NZ.dtype).eps  # as scikit-learn's M-step
        centred_nZ = rows_nZ - (mean_Z := rows_nZ.sum(0) / count)
        covariance_ZZ = centred_nZ.T @ centred_nZ / count + evaluation.gmm_reg_covar * identity_ZZ
        weights.append(count / len(x_NZ))
        means.append(mean_Z)
        covariances.append(covariance_ZZ)
        factor_ZZ = torch.linalg.cholesky(covariance_ZZ)
        precisions_cholesky.append(torch.linalg.solve_triangular(factor_ZZ, identity_ZZ, upper=False).T)
    mixture.weights_ = torch.as_tensor(weights, dtype=x_NZ.dtype, device=x_NZ.device)
    mixture.means_, mixture.covariances_ = torch.stack(means), torch.stack(covariances)
    mixture.precisions_cholesky_ = torch.stack(precisions_cholesky)
    mixture.converged_, mixture.lower_bound_ = False, -np.inf
    return mixture
