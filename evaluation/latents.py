"""Images to latents and latents to pictures, with a trained model in eval mode.

Priors are fitted on what `encode_images` gives and sampled pictures come from `decode_latents`; reconstructions are
one after the other. A latent far from all training data can overflow fp16 in the decoder, and a pixel made of NaN
would be scored as if it were a colour: such pictures are refused. Latents that are not finite are refused where priors
are fitted.

Shapes: N images, H = W pixels, Z = latent_size.
"""

import io
from dataclasses import dataclass
from typing import Self
from zipfile import BadZipFile

import numpy as np
import torch

from evaluation.config import VaeLatents
from evaluation.statistics import NonFiniteError
from models.autoencoder import Autoencoder
from models.identity import stream_seed
from models.precision import autocast
from models.reconstruction import evaluating, float_batches, to_uint8

BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class Latents:
    """Latents of all images, float32."""

    train: np.ndarray
    """(N, Z)."""
    test: np.ndarray
    """(M, Z)."""

    def to_bytes(self) -> bytes:
        """As an npz file."""
        buffer = io.BytesIO()
        np.savez(buffer, train=self.train, test=self.test)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `to_bytes` back. Raises `ValueError` if the data is damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return cls(file["train"], file["test"])
        except (ValueError, KeyError, EOFError, OSError, BadZipFile) as error:
            raise ValueError(f"damaged latents: {error}") from error


@torch.inference_mode()
def encode_images(
    model: Autoencoder, images: np.ndarray, device: torch.device, precision: str, vae_latents: VaeLatents, seed: int
) -> np.ndarray:
    """`images` uint8 (N, H, W, 3) -> latents float32 (N, Z).

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


@torch.inference_mode()
def decode_latents(
    model: Autoencoder, latents: np.ndarray, device: torch.device, precision: str = "fp32"
) -> np.ndarray:
    """`latents` float32 (N, Z) -> pictures uint8 (N, H, W, 3), rounded.

    Raises `NonFiniteError` for a pixel that is not a number.
    """
    size = model.config.image_size
    out = np.empty((len(latents), size, size, 3), dtype=np.uint8)
    with evaluating(model, device):
        for first in range(0, len(latents), BATCH_SIZE):
            z = torch.as_tensor(latents[first : first + BATCH_SIZE], dtype=torch.float32, device=device)
            with autocast(device, precision):
                logits = model.decode(z)
            if logits.isnan().any():
                raise NonFiniteError(f"the decoder gave values that are not numbers (in {precision})")
            out[first : first + len(z)] = to_uint8(logits).cpu().numpy()
    return out
