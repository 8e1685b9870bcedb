"""GMM-DAE: a deterministic autoencoder whose latents follow a fixed mixture, by their marginals and their covariance.

    loss = reconstruction + penalty * (KS / E0[KS] + COV / E0[COV])
    KS  = mean over points and units of (F_j(z_(i)j) - i/n)^2, each unit's values sorted, i = 1 ... n
    COV = mean over all entries of (S - Sigma)^2, S the covariance of the batch with divisor n

The prior has K components N(e_k, I) of equal weight, e_k the k-th unit vector (unit k mod Z where K > Z), F_j the distribution
functions of its marginals, Sigma its covariance. E0 is the expectation for draws of the prior, which makes both terms 1 there:

    E0[KS] = (n + 1) / (6 n^2), exactly, for every continuous law
    E0[COV] = (n - 1)/n^2 (tr(Sigma)^2 + |Sigma|_F^2)/Z^2 + |Sigma|_F^2/(n^2 Z^2), exactly for a Gaussian of this covariance

The source estimates both from 64 draws. The means are at most sqrt 2 from each other, so the prior is close to N(0, I).

Source: Saseendran, Skubch, Falkner and Keuper, Shape your Space: A Gaussian Mixture Regularization Approach to Deterministic
Autoencoders (2021), with the constants of their code (github.com/boschresearch/GMM_DAE). It has no setting for CIFAR-10: ours
has 10 components and the same weight.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Mixture, Objective, ObjectiveParameter, Terms
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch


def kolmogorov_smirnov(z_NZ: "torch.Tensor", components: int) -> "torch.Tensor":
    """Squared distance of the marginals from the prior's; its expectation for draws of the prior is 1."""
    import torch

    n, size = z_NZ.shape
    share_Z = _components_of_units(size, components, z_NZ) / components
    sorted_NZ = z_NZ.sort(dim=0).values
    expected_NZ = (1.0 - share_Z) * torch.special.ndtr(sorted_NZ) + share_Z * torch.special.ndtr(sorted_NZ - 1.0)
    steps_N1 = torch.arange(1, n + 1, device=z_NZ.device, dtype=z_NZ.dtype)[:, None] / n
    squared: torch.Tensor = (expected_NZ - steps_N1).square().mean()
    return squared * (6 * n**2 / (n + 1))


def covariance_distance(z_NZ: "torch.Tensor", components: int) -> "torch.Tensor":
    """Squared distance of the covariance from the prior's; its expectation for draws of the prior is 1."""
    n, size = z_NZ.shape
    target_ZZ = prior_covariance(size, components, z_NZ)
    away_NZ = z_NZ - z_NZ.mean(0)
    distance = (away_NZ.T @ away_NZ / n - target_ZZ).square().mean()
    squares = target_ZZ.square().mean()
    return distance / ((n - 1) / n**2 * (target_ZZ.trace().square() / size**2 + squares) + squares / n**2)


def prior_covariance(size: int, components: int, like: "torch.Tensor") -> "torch.Tensor":
    """Covariance (Z, Z) of the prior."""
    import torch

    share_Z = _components_of_units(size, components, like) / components
    return torch.eye(size, device=like.device, dtype=like.dtype) + share_Z.diag() - share_Z[:, None] * share_Z


def _components_of_units(size: int, components: int, like: "torch.Tensor") -> "torch.Tensor":
    """How many components have each unit's vector as their mean, (Z,)."""
    import torch

    whole, rest = divmod(components, size)
    return whole + (torch.arange(size, device=like.device) < rest).to(like.dtype)


def prior(trial: Trial) -> Mixture:
    """The mixture that latents are drawn to."""
    import numpy as np

    components = np.arange(trial.parameter("components"))
    means_KZ = np.zeros((len(components), trial.latent_size))
    means_KZ[components, components % trial.latent_size] = 1.0
    return Mixture(means_KZ)


def _terms(batch: Batch) -> Terms:
    components = batch.trial.parameter("components")
    return {
        "ks": kolmogorov_smirnov(batch.mean, components),
        "covariance": covariance_distance(batch.mean, components),
    }


def _weights(trial: Trial) -> Mapping[str, float]:
    return dict.fromkeys(("ks", "covariance"), trial.parameter("penalty"))


OBJECTIVE = Objective(
    name="gmm-dae",
    version=BUILT_IN,
    title="GMM-DAE",
    meaning="the reconstruction + `penalty` × the distances of the latents' marginals and covariance from a mixture's",
    source="Saseendran et al. (2021)",
    parameters=(
        ObjectiveParameter(
            name="penalty", default=5e-4, meaning="weight of both distances, each 1 for draws of the prior"
        ),
        ObjectiveParameter(
            name="components", default=10, meaning="components of the prior", of_dataset={"celeba": 20}, least=1
        ),
    ),
    weights=_weights,
    terms=_terms,
    prior=prior,
    smallest_batch=2,
    step_factor=1.05,
)
