"""The entropy autoencoder (EAE): latents of mean 0 and variance 1, as spread as a batch can be.

    loss = reconstruction - penalty / Z * H,   z = batch normalisation without scale and shift,
    H = Z / n * sum of ln e_i + ln B_Z + psi(n) - psi(1)   (Kozachenko and Leonenko's 1-nearest-neighbour estimate)

with e_i the distance from a point to the nearest other one of its batch, and B_Z the volume of the unit ball. Of all laws with
variance 1 the normal one has the most entropy; but in 64 dimensions and batches of 128 the estimate is 10 nats too high for it
and higher still for uniform latents: there it spreads and decorrelates rather than make Gaussian.

Source: the paper's Table 2 cites it without code. The estimator and the normalisation are those of Su Jianlin's article
(kexue.fm/archives/7343). Its weight is unknown; the default is ours.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aesweep.models.objectives.objective import Batch, Objective, ObjectiveParameter, Terms, standard_normal
from aesweep.models.plugins.plugin import BUILT_IN
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import torch

TIE = 1e-12
"""Added to squared distances: two equal images have none."""


def entropy(z_NZ: "torch.Tensor") -> "torch.Tensor":
    """Kozachenko and Leonenko's estimate of the entropy in nats of the law of N >= 2 points."""
    n, size = z_NZ.shape
    away = z_NZ - z_NZ[nearest(z_NZ)]
    log_distance = 0.5 * (away.square().sum(1) + TIE).log()
    return size * log_distance.mean() + _log_unit_ball(size) + sum(1.0 / k for k in range(1, n))


def nearest(z_NZ: "torch.Tensor") -> "torch.Tensor":
    """Index (N,) of the nearest other point of each."""
    import torch

    points = z_NZ.detach()
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.fill_diagonal_(math.inf).argmin(1)


def _log_unit_ball(size: int) -> float:
    return size / 2 * math.log(math.pi) - math.lgamma(size / 2 + 1)


def _terms(batch: Batch) -> Terms:
    return {"entropy": entropy(batch.mean)}


def _weights(trial: Trial) -> Mapping[str, float]:
    return {"entropy": -trial.parameter("penalty") / trial.latent_size}


OBJECTIVE = Objective(
    name="eae",
    version=BUILT_IN,
    title="EAE",
    meaning="the reconstruction − `penalty` / latent units × the entropy of the latents, which have variance 1",
    source="the paper's Table 2; estimator: kexue.fm/archives/7343",
    parameters=(
        ObjectiveParameter(name="penalty", default=1e-3, meaning="weight of the entropy per latent unit; ours"),
    ),
    weights=_weights,
    terms=_terms,
    latent_norm="batch_plain",
    combines=("noise_std",),
    prior=standard_normal,
    smallest_batch=2,
    step_factor=1.05,
)
