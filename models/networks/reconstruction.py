"""What a trained model makes of images: cross-entropy, reconstructions, and pictures of latents; always in eval mode.

Test cross-entropy in eval mode is the one number that shows an autoencoder whose running statistics never caught up:
such a model trains well and still scores worse than the mean training image.

Images are uint8 NHWC, NumPy array (or memory map) or tensor; N images, H = W pixels, C channels, Z latents.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F

from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.precision import autocast

Images = np.ndarray | torch.Tensor
BATCH_SIZE = 256
SUMMED = 257
"""The most images whose pixels, at most 255 each, fit into 16 bits when summed: five times as fast as 64 bits."""


@torch.inference_mode()
def bce_on_test_images(
    model: Autoencoder, images: Images, device: torch.device, precision: str, batch_size: int = BATCH_SIZE
) -> float:
    """Mean cross-entropy of `images` (N, H, W, C) under the decoded means, in nats per pixel value, in eval mode."""
    total = torch.zeros((), dtype=torch.float64, device=device)
    with evaluating(model, device):
        for x in float_batches(images, device, batch_size):
            with autocast(device, precision):
                logits = model.decode(model.encode(x).mean)
            total += F.binary_cross_entropy_with_logits(logits.float(), x, reduction="sum").double()
    return total.item() / math.prod(images.shape)


def mean_image_bce(train: Images, test: Images) -> float:
    """The same for a model that learnt nothing but the mean training image, in nats per pixel value.

    A pixel value that is black in all training images gets (0 + 1/2) / (n + 1), the Krichevsky-Trofimov estimate, since
    one that is not black in a test image would otherwise cost infinitely much.

    Cross-entropy is linear in its target, so the mean test image costs what the test images cost on average, and two sums
    are all that is needed of the images: they take a GPU's time from other trials meanwhile.
    """
    p = (_pixel_sums(train) / 255 + 0.5) / (len(train) + 1)
    target = _pixel_sums(test) / 255 / len(test)
    return float(-(target * np.log(p) + (1 - target) * np.log1p(-p)).mean())


@torch.inference_mode()
def reconstruct(
    model: Autoencoder, images: Images, device: torch.device, precision: str, batch_size: int = BATCH_SIZE
) -> np.ndarray:
    """`images` (N, H, W, C) -> their reconstructions from the decoded means, uint8 (N, H, W, C).

    Raises `NonFiniteError` for a pixel that is not a number.
    """
    with evaluating(model, device), autocast(device, precision):
        means = torch.cat([model.encode(x).mean for x in float_batches(images, device, batch_size)])
    return decode_latents(model, means, device, precision, batch_size).cpu().numpy()


def decode_latents(
    model: Autoencoder, latents: Images, device: torch.device, precision: str, batch_size: int = BATCH_SIZE
) -> torch.Tensor:
    """`latents` float32 (N, Z) -> pictures, uint8 (N, H, W, C) on `device`, where features are measured next.

    Raises `NonFiniteError` for a pixel that is not a number.
    """
    out = torch.empty((len(latents), *model.config.image_shape), dtype=torch.uint8, device=device)
    with torch.inference_mode(), evaluating(model, device):
        for first in range(0, len(latents), batch_size):
            z = torch.as_tensor(latents[first : first + batch_size], dtype=torch.float32, device=device)
            with autocast(device, precision):
                logits = model.decode(z)
            out[first : first + len(z)] = to_uint8(logits)
    return out


def to_uint8(logits: torch.Tensor) -> torch.Tensor:
    """Logits (N, C, H, W) -> uint8 (N, H, W, C). Rounded: truncation would darken by half a level.

    Raises `NonFiniteError` for NaN: a latent far from all training data can overflow fp16, and NaN would pass for a colour.
    """
    if logits.isnan().any():
        kind = str(logits.dtype).removeprefix("torch.")
        raise NonFiniteError(f"the decoder gave values that are not numbers (in {kind})")
    return logits.float().sigmoid().mul(255).round().to(torch.uint8).permute(0, 2, 3, 1)


def float_batches(images: Images, device: torch.device, batch_size: int) -> Iterator[torch.Tensor]:
    """Batches of `images` (N, H, W, C) on `device`, as float32 (n, C, H, W) in [0, 1] in channels_last memory."""
    for first in range(0, len(images), batch_size):
        batch = images[first : first + batch_size]
        if not isinstance(batch, torch.Tensor):
            batch = torch.from_numpy(np.array(batch))  # copied: a memory map is read-only
        yield batch.to(device).permute(0, 3, 1, 2).float().div_(255)


@contextmanager
def evaluating(model: Autoencoder, device: torch.device) -> Iterator[None]:
    """The model on `device` in eval mode; afterwards in the mode it was in."""
    was_training = model.training
    model.to(device).eval()
    try:
        yield
    finally:
        model.train(was_training)


def _pixel_sums(images: Images) -> np.ndarray:
    """Sums over uint8 images (N, H, W, C), exact, float64 (H, W, C)."""
    pixels = np.asarray(images)
    total = np.zeros(pixels.shape[1:], dtype=np.int64)
    for first in range(0, len(pixels), SUMMED):
        total += pixels[first : first + SUMMED].sum(0, dtype=np.uint16)
    return total.astype(np.float64)
