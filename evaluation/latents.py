"""Images to latents, with a trained model in eval mode. Priors are fitted on what `encode_images` gives.

`aesweep.models.networks.reconstruction.decode_latents` is the way back. Latents that are not finite are refused where priors are fitted.

Shapes: N images, H = W pixels, Z = latent_size.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from aesweep.evaluation.config import VaeLatents
from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.models.identity import stream_seed
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.networks.reconstruction import BATCH_SIZE, evaluating, float_batches
from aesweep.models.precision import autocast


@dataclass(frozen=True, eq=False)
class Latents:
    """Latents of all images, float32 (N, Z)."""

    train: np.ndarray
    test: np.ndarray

    def to_bytes(self) -> bytes:
        """As an npz file."""
        return to_npz(train=self.train, test=self.test)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged."""
        arrays = from_npz(data, "latents", "train", "test")
        return cls(arrays["train"], arrays["test"])


@torch.inference_mode()
def encode_images(
    model: Autoencoder, images: np.ndarray, device: torch.device, precision: str, vae_latents: VaeLatents, seed: int
) -> np.ndarray:
    """`images` uint8 (N, H, W, C) -> latents float32 (N, Z).

    A DAE gives its code. A VAE gives the mean of q(z|x), or for `vae_latents` "sample" one draw of it per image, from
    `seed`.
    """
    generator = torch.Generator().manual_seed(stream_seed("vae_latents", seed))  # on the CPU: the same on every device
    out = np.empty((len(images), model.config.latent_size), dtype=np.float32)
    with evaluating(model, device):
        batches = float_batches(images, device, BATCH_SIZE)
        for first, x in zip(range(0, len(images), BATCH_SIZE), batches, strict=True):
            with autocast(device, precision):
                mean, log_variance = model.encode(x)
            z = mean.float().cpu()
            if vae_latents == "sample" and log_variance is not None:
                deviation = torch.exp(0.5 * log_variance.float().cpu())
                z = z + deviation * torch.randn(z.shape, generator=generator)
            out[first : first + len(z)] = z.numpy()
    return out
