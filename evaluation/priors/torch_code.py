"""Draws from priors in torch alone. `aesweep export` copies the source of these functions, so each imports what it needs.

They draw from the same distributions as `FittedPrior.sample`, with torch's random numbers.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def sample_mixture(w: "Mapping[str, torch.Tensor]", n: int, generator: "torch.Generator") -> "torch.Tensor":
    """`n` latents float64 (n, Z) from a mixture of K Gaussians: weights (K,), means (K, Z), factors F (K, Z, Z), F F^T = covariance."""
    import torch

    z = torch.randn(n, w["means"].shape[1], dtype=torch.float64, generator=generator)
    component = torch.multinomial(w["weights"], n, replacement=True, generator=generator)
    for k in component.unique():
        rows = component == k
        z[rows] = w["means"][k] + z[rows] @ w["factors"][k].T
    return z


def sample_second_vae(w: "Mapping[str, torch.Tensor]", n: int, generator: "torch.Generator") -> "torch.Tensor":
    """`n` latents float64 (n, Z): u ~ N(0, I), the decoder's output plus gamma times noise, not whitened any more."""
    import torch

    u, noise = torch.randn(2, n, len(w["mean"]), dtype=torch.float64, generator=generator).unbind()
    h, layer = u, 0
    while f"decoder.hidden.{layer}.weight" in w:
        h = torch.relu(h @ w[f"decoder.hidden.{layer}.weight"].double().T + w[f"decoder.hidden.{layer}.bias"])
        layer += 1
    white = torch.cat([h, u], 1) @ w["decoder.last.weight"].double().T + w["decoder.last.bias"]
    z: torch.Tensor = w["mean"] + (white + w["gamma"] * noise) @ w["root"]
    return z
