"""A VAE's posterior at test images: how many units it uses, what they cost, and bounds of the likelihood.

* `active_units`: units whose posterior mean varies by more than 0.01 over images (Burda et al. 2016).
* `kl`: mean KL(q(z|x) || N(0, I)) in nats per image; `kl_unit_mean` and `kl_unit_p10`, `_p50`, `_p90`: mean and quantiles
  over the units.
* `aggregate_kl`: KL from N(0, I) of the Gaussian with mean and covariance of the aggregate posterior (the mean of all
  q(z|x)), nats; the bias of a finite number of images is taken out by twice the value of all images less the mean of random halves.
* `aggregate_norm`: mean |z|^2 / Z of the aggregate; 1 for the prior.
* `elbo`, `iwae`: the evidence lower bound and its importance-weighted form (Burda et al. 2016) of the same `iwae_samples` draws, in nats
  per image; `elbo_bits`, `iwae_bits`: the negative in bits per pixel value.

The likelihood is the cross-entropy of values in [0, 1], which training uses by default: no density of grey values. It is the mean
log-probability of binary images, each value drawn as 1 with its grey level as probability, and both bounds hold for those.
So compare them between models here, never with bits per dimension of 8-bit pixels. What was trained does not enter: a training
with another weight of the KL, with squared error or with a Gaussian likelihood has optimised another bound.

Shapes: N images, Z = latent_size, K draws.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.metrics.frechet_error import standard_error
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.smoothness.jacobian import draws
from aesweep.evaluation.subject import Subject, Values, mean_and_error, measured_rows
from aesweep.models.identity import stream_seed
from aesweep.models.networks.reconstruction import BATCH_SIZE, evaluating, float_batches

ACTIVE = 0.01
"""Variance of the posterior mean above which a unit is active."""
IMAGES = 500
"""Test images whose likelihood is bounded."""
QUANTILES = (10, 50, 90)
POSTERIOR = ("active_units", "kl", "kl_unit_mean", *(f"kl_unit_p{q}" for q in QUANTILES), "aggregate_norm")
BOUNDS = ("elbo", "iwae", "elbo_bits", "iwae_bits")
LogLikelihood = Callable[[torch.Tensor], torch.Tensor]
"""Latents (N, Z), one of each image -> log p(x|z) (N,)."""


@torch.inference_mode()
def measure(subject: Subject) -> list[ScoreRow]:
    """All rows of a variational model at test images; others have no posterior, and no rows."""
    if not subject.model.config.objective.variational:
        return []
    row, test = subject.row("reconstruction", "test"), subject.images.test
    evaluation = subject.evaluation
    few, many = (
        reference_indices(len(test), min(count, evaluation.reference_size), evaluation.reference_seed)
        for count in (IMAGES, evaluation.reference_size)
    )

    @cache
    def encoded() -> tuple[torch.Tensor, torch.Tensor]:
        return posterior(subject, np.asarray(test[many]))

    with evaluating(subject.model, subject.device):
        rows = measured_rows(row, POSTERIOR, lambda: posterior_measures(*encoded()))
        rows += measured_rows(row, ("aggregate_kl",), lambda: {"aggregate_kl": aggregate_kl(*encoded())})
        return rows + measured_rows(row, BOUNDS, lambda: _bounds(subject, np.asarray(test[few])))


def posterior(subject: Subject, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log variance of q(z|x), float64 (N, Z) each. Raises `ValueError` where they are not finite."""
    parts = [subject.model.encode(x) for x in float_batches(images, subject.device, BATCH_SIZE)]
    means = torch.cat([part.mean for part in parts]).double()
    log_variances = torch.cat([part.log_variance for part in parts if part.log_variance is not None]).double()
    if not (means.isfinite() & log_variances.exp().isfinite()).all():
        raise ValueError("the encoder gave values that are not finite")
    return means, log_variances


def posterior_measures(mean_NZ: torch.Tensor, log_variance_NZ: torch.Tensor) -> Values:
    """The rows `POSTERIOR`. Raises `ValueError` for a single image."""
    n, size = mean_NZ.shape
    if n < 2:
        raise ValueError("a variance over images needs 2 of them")
    variance_NZ = log_variance_NZ.exp()
    kl_NZ = 0.5 * (variance_NZ + mean_NZ.square() - 1.0 - log_variance_NZ)
    kl_Z = kl_NZ.mean(0)
    quantiles = torch.quantile(kl_Z, kl_Z.new_tensor(QUANTILES) / 100).tolist()
    kl, error, _ = mean_and_error(kl_NZ.sum(1).cpu().numpy())
    return {
        "active_units": (float((mean_NZ.var(0) > ACTIVE).sum()), None, n),
        "kl": (kl, error, n),
        "kl_unit_mean": (kl / size, error and error / size, n),
        **{f"kl_unit_p{q}": (value, None, n) for q, value in zip(QUANTILES, quantiles, strict=True)},
        "aggregate_norm": mean_and_error((mean_NZ.square() + variance_NZ).mean(1).cpu().numpy()),
    }


def aggregate_kl(mean_NZ: torch.Tensor, log_variance_NZ: torch.Tensor) -> tuple[float, float, int]:
    """KL(N(m, S) || N(0, I)) for mean m and covariance S of the aggregate, bias-corrected, its standard error, and N.

    The halves are a seeded draw: images of a folder are sorted by class, and halves of other classes would not be alike. The error
    comes from the first-order influence of each image; it misses what is quadratic, as where S is I. Raises `ValueError` for fewer
    than 4 images, or a singular S.
    """
    n, variance_NZ = len(mean_NZ), log_variance_NZ.exp()
    if n < 4:
        raise ValueError(f"the halves of the images need 2 each, there are {n} images")
    order = np.argsort(np.random.PCG64(stream_seed("aggregate halves")).random_raw(n), kind="stable")
    halves = (torch.from_numpy(np.sort(half)).to(mean_NZ.device) for half in np.array_split(order, 2))
    parts = [_gaussian_kl(mean_NZ[half], variance_NZ[half]) for half in halves]
    value = 2 * _gaussian_kl(mean_NZ, variance_NZ) - (parts[0] + parts[1]) / 2
    if not math.isfinite(value):
        raise ValueError("the covariance of the aggregate posterior is singular")
    m_Z, s_ZZ = _moments(mean_NZ, variance_NZ)
    slope_ZZ = 0.5 * (torch.eye(len(m_Z)).to(s_ZZ) - torch.linalg.inv(s_ZZ))
    away_NZ = mean_NZ - m_Z
    influence_N = away_NZ @ m_Z + ((away_NZ @ slope_ZZ) * away_NZ).sum(1) + variance_NZ @ slope_ZZ.diagonal()
    return value, standard_error(influence_N), n


def _gaussian_kl(mean_NZ: torch.Tensor, variance_NZ: torch.Tensor) -> float:
    m_Z, s_ZZ = _moments(mean_NZ, variance_NZ)
    return 0.5 * float(s_ZZ.trace() + m_Z.square().sum() - len(m_Z) - torch.linalg.slogdet(s_ZZ).logabsdet)


def _moments(mean_NZ: torch.Tensor, variance_NZ: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (Z,) and covariance (Z, Z) of the aggregate: the law of total variance."""
    away_NZ = mean_NZ - (m_Z := mean_NZ.mean(0))
    return m_Z, away_NZ.T @ away_NZ / len(away_NZ) + torch.diag(variance_NZ.mean(0))


def _bounds(subject: Subject, images: np.ndarray) -> Values:
    weights = []
    for number, x in enumerate(float_batches(images, subject.device, BATCH_SIZE)):
        mean, log_variance = subject.model.encode(x)
        assert log_variance is not None
        likelihood = _cross_entropy(subject, x)
        weights.append(log_weights(likelihood, mean, log_variance, subject.evaluation.iwae_samples, number))
    elbo_N, iwae_N = (bound.cpu().numpy() for bound in bounds(torch.cat(weights)))
    bits = -1.0 / (math.log(2) * images[0].size)
    found = {"elbo": elbo_N, "iwae": iwae_N, "elbo_bits": bits * elbo_N, "iwae_bits": bits * iwae_N}
    return {name: mean_and_error(values) for name, values in found.items()}


def _cross_entropy(subject: Subject, x: torch.Tensor) -> LogLikelihood:
    """Negative, summed over the values of each image; in float32 whatever the training's precision."""

    def likelihood(z_NZ: torch.Tensor) -> torch.Tensor:
        logits = subject.model.decode(z_NZ)
        return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").double().sum((1, 2, 3))

    return likelihood


def log_weights(
    likelihood: LogLikelihood, mean_NZ: torch.Tensor, log_variance_NZ: torch.Tensor, count: int, number: int
) -> torch.Tensor:
    """Log p(x|z) p(z) / q(z|x), float64 (N, K), for K = `count` draws z of each image; `number` seeds them."""
    deviation_NZ = (0.5 * log_variance_NZ).exp()
    found = []
    for k in range(count):
        e_NZ = draws(mean_NZ, f"importance {number}", k)
        z_NZ = mean_NZ + deviation_NZ * e_NZ
        # The normalisers (2 pi)^(-Z/2) of prior and posterior cancel.
        ratio_NZ = 0.5 * (e_NZ.double().square() - z_NZ.double().square() + log_variance_NZ.double())
        found.append(likelihood(z_NZ).double() + ratio_NZ.sum(1))
    return torch.stack(found, dim=1)


def bounds(log_weights_NK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """ELBO and IWAE (N,): mean of the logarithms, logarithm of the mean."""
    return log_weights_NK.mean(1), log_weights_NK.logsumexp(1) - math.log(log_weights_NK.shape[1])
