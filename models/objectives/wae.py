"""The Wasserstein autoencoder with a maximum mean discrepancy (WAE-MMD): latents of a batch against draws from N(0, I).

    loss = reconstruction + penalty * MMD^2(latents, draws),   k(a, b) = C / (C + |a - b|^2),
    summed over C = 2 Z s for s in 0.1, 0.2, 0.5, 1, 2, 5, 10 (the inverse multiquadratic kernel)

The estimate leaves pairs of a point with itself out, so it has no bias and is negative for half of all batches that are
distributed as they should be. It hardly sees correlations from some 64 units on: eigenvalues of the latent covariance of 1.5
and 0.5 give 0.001 at 128 units, and batches of 128 images have a standard deviation of 0.002.

Source: Tolstikhin, Bousquet, Gelly and Schölkopf, Wasserstein Auto-Encoders (2018), with the kernel of their code
(github.com/tolstikhin/wae). The default weights are those that RAE's table used for WAE (Ghosh et al. 2020).
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, ObjectiveParameter, Terms, standard_normal
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd(q_NZ: "torch.Tensor", p_NZ: "torch.Tensor") -> "torch.Tensor":
    """Unbiased squared MMD between as many points of q as of p, for a p of variance 1; the sum over all scales."""
    import torch

    n, size = q_NZ.shape
    points = torch.cat([q_NZ, p_NZ])
    norms = points.square().sum(1)
    distances = (norms[:, None] + norms[None, :] - 2.0 * points @ points.T).clamp_min(0.0)
    c_S11 = 2.0 * size * _scales(points.device, points.dtype)
    kernel = (c_S11 / (c_S11 + distances)).sum(0)
    return (kernel * _pair_weights(n, points)).sum()


def _pair_weights(n: int, like: "torch.Tensor") -> "torch.Tensor":
    """What each pair of the 2n points counts: 1/(n^2 - n) within q and within p, -1/n^2 across, 0 with itself."""
    weights = like.new_full((2 * n, 2 * n), -1.0 / n**2)
    weights[:n, :n] = weights[n:, n:] = 1.0 / (n**2 - n)
    return weights.fill_diagonal_(0.0)


@cache  # made once: a copy from the CPU would break the recording of a CUDA graph
def _scales(device: "torch.device", dtype: "torch.dtype") -> "torch.Tensor":
    import torch

    return torch.tensor(SCALES, device=device, dtype=dtype)[:, None, None]


def _terms(batch: Batch) -> Terms:
    import torch

    z = batch.mean
    draws = torch.randn(z.shape, generator=batch.generator, device=z.device, dtype=z.dtype)
    return {"mmd": mmd(z, draws)}


def _weights(trial: Trial) -> Mapping[str, float]:
    return {"mmd": trial.parameter("penalty")}


OBJECTIVE = Objective(
    name="wae",
    version=BUILT_IN,
    title="WAE-MMD",
    meaning="the reconstruction + `penalty` × the squared MMD of the latents from N(0, I)",
    source="Tolstikhin et al. (2018)",
    parameters=(
        ObjectiveParameter(
            name="penalty", default=0.006, meaning="weight of the squared MMD", of_dataset={"celeba": 0.163}
        ),
    ),
    weights=_weights,
    terms=_terms,
    prior=standard_normal,
    smallest_batch=2,
    step_factor=1.08,
)
