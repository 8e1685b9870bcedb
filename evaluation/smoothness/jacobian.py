"""Norms of the Jacobians of decoder (latent -> picture in [0, 1]) and encoder (picture -> mean of its latent), in eval mode.

* `decoder_norm`, `encoder_norm`: the largest singular value, by power iteration on J^T J: how fast the output can change.
* `decoder_frobenius`, `encoder_frobenius`: the root of the sum of all squared singular values, by Hutchinson's estimate
  E |J^T u|^2 or E |J v|^2 over random signs.
* `decoder_frobenius_scaled`: the same of J L with L L^T the covariance of the training latents: how far the picture moves for a
  latent that moves by its own standard deviation. The others change with the scale of the latents, which is arbitrary for a DAE.

Means over points, the standard error over points. Decoders at latents of test images (source `reconstruction`) and at samples of
each prior; encoders at test images.

Shapes: N points of any shape (N, ...).
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.fitting import factorise
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.subject import Subject, Values, mean_and_error
from aesweep.models.identity import stream_seed
from aesweep.models.networks.reconstruction import evaluating

POINTS = 64
ITERATIONS = 30
PROBES = 16
Function = Callable[[torch.Tensor], torch.Tensor]
"""A function of a batch that treats each row by itself."""


def measure(subject: Subject) -> list[ScoreRow]:
    """Three rows per source, and two of the encoder at test images."""
    names = ("decoder_norm", "decoder_frobenius", "decoder_frobenius_scaled")

    @cache
    def factor_ZZ() -> np.ndarray:
        size = subject.train_NZ.shape[1]
        return factorise(np.cov(subject.train_NZ.astype(np.float64), rowvar=False).reshape(size, size)).matrix

    with evaluating(subject.model, subject.device):
        return subject.rows("jacobian", names, lambda prior: _norms(subject, prior, factor_ZZ))


def _norms(subject: Subject, prior: FittedPrior | None, factor_ZZ: Callable[[], np.ndarray]) -> Values:
    """`factor_ZZ` gives L, or raises where the latents have none."""
    z_NZ, x_N = points(subject, prior, POINTS)
    factor = torch.from_numpy(factor_ZZ()).to(z_NZ)
    decode = decoder(subject)
    found = {
        "decoder_norm": spectral_norms(decode, z_NZ),
        "decoder_frobenius": frobenius_norms(decode, z_NZ),
        "decoder_frobenius_scaled": frobenius_norms(lambda e: decode(z_NZ + e @ factor.T), torch.zeros_like(z_NZ)),
    }
    if x_N is not None:
        found |= {"encoder_norm": spectral_norms(encoder(subject), x_N)}
        found |= {"encoder_frobenius": frobenius_norms(encoder(subject), x_N, of_outputs=True)}
    return {name: mean_and_error(values.double().cpu().numpy()) for name, values in found.items()}


def points(subject: Subject, prior: FittedPrior | None, count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """At most `count` latents (N, Z), and the test images (N, C, H, W) in [0, 1] that they belong to (None for samples)."""
    count = min(count, subject.evaluation.samples)
    if prior is not None:
        return torch.from_numpy(prior.sample(count, subject.evaluation.sampling_seeds[0])).to(subject.device), None
    seed = stream_seed("jacobian points", subject.evaluation.reference_seed)
    chosen = reference_indices(len(subject.images.test), count, seed)
    x_N = torch.from_numpy(np.asarray(subject.images.test[chosen])).to(subject.device).permute(0, 3, 1, 2).float() / 255
    return torch.from_numpy(subject.encoded("test", chosen)).to(subject.device), x_N


def decoder(subject: Subject) -> Function:
    """Latents (N, Z) -> pictures in [0, 1]; in float32, since differences are small."""
    return lambda z_NZ: subject.model.decode(z_NZ).sigmoid()


def encoder(subject: Subject) -> Function:
    """Pictures in [0, 1] -> means of their latents."""
    return lambda x_N: subject.model.encode(x_N).mean


def spectral_norms(function: Function, at: torch.Tensor, iterations: int = ITERATIONS) -> torch.Tensor:
    """Largest singular value (N,) of the Jacobian at each point. It comes from below, most slowly where two are close."""
    return _power_iteration(function, at, iterations)[0]


def top_directions(function: Function, at: torch.Tensor, iterations: int = ITERATIONS) -> torch.Tensor:
    """Unit vector, shaped as `at`, in which the output changes fastest at each point."""
    return _power_iteration(function, at, iterations)[1]


def frobenius_norms(
    function: Function, at: torch.Tensor, probes: int = PROBES, *, of_outputs: bool = False
) -> torch.Tensor:
    """Frobenius norm (N,) of the Jacobian at each point; probes of the outputs where those are fewer than the inputs."""
    total = at.new_zeros(len(at))
    for probe in range(probes):
        if of_outputs:
            x = at.detach().requires_grad_()
            y = function(x)
            (image,) = torch.autograd.grad(y, x, draws(y, "probe", probe).sign())
        else:
            image = torch.func.jvp(function, (at,), (draws(at, "probe", probe).sign(),))[1]
        total += norms_of(image) ** 2
    return (total / probes).sqrt().detach()


def _power_iteration(function: Function, at: torch.Tensor, iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Largest singular value (N,) of the Jacobian at each point, and its direction, shaped as `at`."""
    v, sigma = unit(draws(at, "spectral norm", 0)), at.new_zeros(len(at))
    for _ in range(iterations):
        pushed = torch.func.jvp(function, (at,), (v,))[1].detach()
        x = at.detach().requires_grad_()
        (pulled,) = torch.autograd.grad(function(x), x, pushed)
        sigma, v = norms_of(pushed), unit(pulled)
    return sigma, v


def draws(like: torch.Tensor, word: str, number: int) -> torch.Tensor:
    """Normal draws, on the CPU: the same on every device."""
    generator = torch.Generator().manual_seed(stream_seed(word, number))
    return torch.randn(like.shape, generator=generator).to(like)


def unit(v: torch.Tensor) -> torch.Tensor:
    """Vectors of length 1."""
    return v / norms_of(v).clamp(min=1e-30).reshape(-1, *[1] * (v.ndim - 1))


def norms_of(v: torch.Tensor) -> torch.Tensor:
    """Lengths (N,) of N vectors of any shape."""
    lengths: torch.Tensor = torch.linalg.vector_norm(v.flatten(1), dim=1)
    return lengths
