"""The mixture's EM on tensors of a GPU, where a wide fit takes seconds instead of hours.

scikit-learn >= 1.8 computes `GaussianMixture` with the arrays that it is given (the array API). It asks for
`SCIPY_ARRAY_API=1` in the environment before SciPy is imported, which changes what SciPy's functions accept; so that
variable is set for the processes that fit on a GPU and for no others: the sweep's driver gives it to the Ray task of the
fit alone, and where it is missing, `fit_device` says that NumPy does the work.

The answer is the CPU's: the same k-means (by NumPy, with the same seed), the same first M-step, the same EM. float64
throughout: in float32 EM stopped an iteration earlier on 20,000 latents of 64 dimensions, with parameters 6e-3 away, since
the bound's rounding is not small against `gmm_tol`. A score would then depend on the machine, and a fit that takes seconds
needs no such gain.

Shapes: N latents, Z = latent_size, K components.
"""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.evaluation.priors.mixture import Mixture, new_mixture, run_em, start_seed

if TYPE_CHECKING:
    import torch

ENVIRONMENT = {"SCIPY_ARRAY_API": "1"}
"""What the environment of a process must hold before it imports SciPy, for fits on tensors."""


def fit_device(device: "torch.device") -> "torch.device | None":
    """Where this process fits mixtures: `device` if it is a GPU and the environment allows it, else None for NumPy."""
    allowed = all(os.environ.get(name) == value for name, value in ENVIRONMENT.items())
    return device if device.type == "cuda" and allowed else None


def fit_on_tensors(
    x_NZ: np.ndarray, evaluation: EvaluationConfig, deadline: float | None, device: "torch.device"
) -> Mixture:
    """As `mixture.fit_mixture`. Raises `torch.OutOfMemoryError` where the device has too little memory."""
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
        precisions_cholesky.append(_inverse_cholesky(covariance_ZZ, identity_ZZ).T)
    mixture.weights_ = torch.as_tensor(weights, dtype=x_NZ.dtype, device=x_NZ.device)
    mixture.means_, mixture.covariances_ = torch.stack(means), torch.stack(covariances)
    mixture.precisions_cholesky_ = torch.stack(precisions_cholesky)
    mixture.converged_, mixture.lower_bound_ = False, -np.inf
    return mixture


def _inverse_cholesky(covariance_ZZ: "torch.Tensor", identity_ZZ: "torch.Tensor") -> "torch.Tensor":
    import torch

    factor_ZZ = torch.linalg.cholesky(covariance_ZZ)
    inverse_ZZ: torch.Tensor = torch.linalg.solve_triangular(factor_ZZ, identity_ZZ, upper=False)
    return inverse_ZZ
