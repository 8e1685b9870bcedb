"""The prior `second_vae`: a VAE on the latents of a trained autoencoder, whose samples are latents.

A deterministic autoencoder, or a VAE whose aggregate posterior is not N(0, I), leaves a distribution of latents that no single
Gaussian describes. Dai and Wipf train a second VAE on it, in the latents' own dimension, where a VAE can recover any
distribution: z = decoder(u) + gamma * noise with u ~ N(0, I).

From the source: ReLU networks whose last layer sees their input again, u as large as z, one learned standard deviation gamma
for all outputs (a Gaussian decoder), a KL term of weight 1. Ours: latents whitened first by their covariance (linear
correlations are no work for the network), networks of `width` 256 instead of 1024, and `steps` instead of its 400 to 2000
epochs. The fit runs on the CPU with one stream of random numbers, so it repeats bit for bit with the same number of threads.

Source: Dai and Wipf, Diagnosing and Enhancing VAE Models (ICLR 2019), Section 3.

Shapes: N latents, n in a batch, Z = latent_size, U = Z units of the second latent, W = width.
"""

import math
import time
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from aesweep.evaluation.priors.fit import Fit
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.models.identity import stream_seed

FIRST_GAMMA = 0.1
"""At 1, the standard deviation of the whitened latents, using u gains nothing at first, and training stays there: one Gaussian."""
LEAST_GAMMA = 1e-3
"""The smallest gamma, in units of the whitened latents: below it the density of the training latents can grow without limit."""


class _Network(nn.Module):
    """ReLU layers of W units; the last layer sees their output and the input: (n, size_in) -> (n, size_out)."""

    def __init__(self, size_in: int, width: int, layers: int, size_out: int) -> None:
        super().__init__()
        sizes = [size_in] + [width] * layers
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.last = nn.Linear(width + size_in, size_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x
        for layer in self.hidden:
            h = torch.relu(layer(h))
        out: torch.Tensor = self.last(torch.cat([h, x], dim=1))
        return out


class _SecondVae(nn.Module):
    """Encoder z -> mean and log variance of u, decoder u -> mean of z, and the decoder's log gamma."""

    def __init__(self, size: int, width: int, layers: int) -> None:
        super().__init__()
        self.encoder = _Network(size, width, layers, 2 * size)
        self.decoder = _Network(size, width, layers, size)
        self.log_gamma = nn.Parameter(torch.tensor(math.log(FIRST_GAMMA)))

    def loss(self, z_nZ: torch.Tensor, noise_nU: torch.Tensor) -> torch.Tensor:
        """Negative evidence lower bound per latent, nats, without the constant of the Gaussian."""
        mean_nU, log_variance_nU = self.encoder(z_nZ).chunk(2, dim=1)
        u_nU = mean_nU + torch.exp(log_variance_nU / 2) * noise_nU
        kl_n = 0.5 * (mean_nU.square() + log_variance_nU.exp() - log_variance_nU - 1).sum(1)
        squared_n = (z_nZ - self.decoder(u_nU)).square().sum(1)
        log_gamma = self.log_gamma.clamp(min=math.log(LEAST_GAMMA))
        loss: torch.Tensor = (kl_n + squared_n / (2 * torch.exp(2 * log_gamma)) + z_nZ.shape[1] * log_gamma).mean()
        return loss


def fit_second_vae(x_NZ: np.ndarray, fit: Fit) -> Mapping[str, np.ndarray]:
    """The decoder, gamma, and what undoes the whitening, trained on latents float64 (N, Z).

    Raises `PriorError` for a training that diverged, or that the deadline ended.
    """
    mean_Z = x_NZ.mean(0)
    root_ZZ, inverse_ZZ = _roots(x_NZ - mean_Z)
    white_NZ = torch.from_numpy((x_NZ - mean_Z) @ inverse_ZZ).float()
    values, size = fit.values, x_NZ.shape[1]
    generator = torch.Generator().manual_seed(stream_seed("second_vae", fit.seed) % 2**63)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed("second_vae initialisation", fit.seed) % 2**63)
        model = _SecondVae(size, int(values["width"]), int(values["layers"]))
    steps, batch = int(values["steps"]), min(int(values["batch_size"]), len(white_NZ))
    optimizer = torch.optim.Adam(model.parameters(), lr=float(values["learning_rate"]))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.enable_grad():
        for step in range(steps):
            if fit.deadline is not None and time.monotonic() > fit.deadline:
                raise PriorError(f"the second VAE was not trained by the deadline, after {step} of {steps} steps")
            chosen_n = torch.randint(len(white_NZ), (batch,), generator=generator)
            loss = model.loss(white_NZ[chosen_n], torch.randn(batch, size, generator=generator))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)  # gamma falls fast where latents fill a subspace
            optimizer.step()
            schedule.step()
    if not math.isfinite(float(loss.detach())):
        raise PriorError("the second VAE diverged; lower its learning_rate")
    gamma = max(math.exp(float(model.log_gamma.detach())), LEAST_GAMMA)
    weights = {f"decoder.{name}": value.numpy() for name, value in model.decoder.state_dict().items()}
    return {"mean": mean_Z, "root": root_ZZ, "gamma": np.array(gamma), **weights}


def sample_second_vae(arrays: Mapping[str, np.ndarray], n: int, seed: int) -> np.ndarray:
    """`n` latents float32 (n, Z), decided by the arrays and the seed."""
    generator = np.random.default_rng(stream_seed("prior", "second_vae", seed))
    size = len(arrays["mean"])
    u_nU, noise_nZ = generator.standard_normal((2, n, size))
    weights = {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith("decoder.")}
    layers = sum(name.startswith("hidden.") for name in weights) // 2
    h_nW = u_nU
    for layer in range(layers):
        h_nW = np.maximum(
            h_nW @ weights[f"hidden.{layer}.weight"].T.astype(np.float64) + weights[f"hidden.{layer}.bias"], 0
        )
    white_nZ = np.concatenate([h_nW, u_nU], 1) @ weights["last.weight"].T.astype(np.float64) + weights["last.bias"]
    white_nZ += float(arrays["gamma"]) * noise_nZ
    return np.asarray(arrays["mean"] + white_nZ @ arrays["root"]).astype(np.float32)


def _roots(away_NZ: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The symmetric root of the covariance (Z, Z) and its inverse, 0 in directions without variance."""
    values, vectors = np.linalg.eigh(away_NZ.T @ away_NZ / (len(away_NZ) - 1))
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    root = np.sqrt(np.where(kept, values, 0.0))
    inverse = np.where(kept, 1 / np.where(kept, root, 1.0), 0.0)
    return (vectors * root) @ vectors.T, (vectors * inverse) @ vectors.T
