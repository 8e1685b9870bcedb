"""How far reconstructions are from their images, pixel by pixel: what a Fréchet distance cannot see.

Measured on the decoder's probabilities, not on rounded pictures: `bce` (nats per pixel value), `mse` (of values in [0,
1]), `psnr` (dB) and `ssim` (Wang et al. 2004, 11 x 11 Gaussian window), each per image and then averaged, so that the
spread over images gives its standard error.
"""

import numpy as np
import torch
import torch.nn.functional as F

from aesweep.models.errors import NonFiniteError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.networks.reconstruction import BATCH_SIZE, evaluating, float_batches
from aesweep.models.precision import autocast

MEASURES = ("bce", "mse", "psnr", "ssim")


@torch.inference_mode()
def reconstruction_errors(
    model: Autoencoder, latents: np.ndarray, images: np.ndarray, device: torch.device, precision: str
) -> np.ndarray:
    """`latents` float32 (N, Z) and the `images` uint8 (N, H, W, C) they belong to -> `MEASURES` of each, float64 (N, 4).

    The PSNR of a perfect reconstruction is infinite. Raises `NonFiniteError` for every other value that is not a number.
    """
    measured = []
    with evaluating(model, device):
        for first, x in zip(range(0, len(images), BATCH_SIZE), float_batches(images, device, BATCH_SIZE), strict=True):
            z = torch.as_tensor(latents[first : first + len(x)], dtype=torch.float32, device=device)
            with autocast(device, precision):
                logits = model.decode(z)
            measured.append(_measure(logits.float(), x))
    values_N4 = torch.cat(measured).cpu().double().numpy()
    fits_N4 = np.isfinite(values_N4)
    fits_N4[:, MEASURES.index("psnr")] |= np.isposinf(values_N4[:, MEASURES.index("psnr")])
    if not fits_N4.all():
        raise NonFiniteError(f"errors of {(~fits_N4).any(1).sum()} of {len(fits_N4)} reconstructions are not numbers")
    return values_N4


def _measure(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(n, C, H, W) -> (n, 4)."""
    # torchmetrics takes 2 s to import, which every process would pay.
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    pixels = (1, 2, 3)
    y = logits.sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="none").mean(pixels)
    mse = (y - x).square().mean(pixels)
    psnr = peak_signal_noise_ratio(y, x, data_range=1.0, dim=pixels, reduction="none")
    ssim = structural_similarity_index_measure(y, x, data_range=1.0, reduction="none")
    return torch.stack([bce, mse, psnr, torch.as_tensor(ssim)], dim=1)
