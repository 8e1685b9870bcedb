"""The kernel distance of two sets of features (Binkowski et al. 2018): "KID" on Inception features, "KD" on others.

The squared maximum mean discrepancy under k(x, y) = (x.y / D + 1)^3, averaged over random subsets. Unlike a Fréchet
distance it has no bias from the number of images, so that scores of few images may be compared; it can be negative.

That holds for two sets of which no image knows one of the other. A reconstruction and its image do: among all pairs of the
two sets the few that belong together are far more alike than the rest, and a subset in which they meet comes out too small,
below 0 where reconstructions are good. So subsets of reconstructions take both images of a pair, and leave the pair itself
out: Gretton et al. 2012, Equation 4, the estimate for paired samples.

Shapes: N samples, M reference images, D features, m images in a subset.
"""

import math

import numpy as np
import torch

from aesweep.evaluation.metrics.kernel_error import paired_variance, unpaired_variance
from aesweep.models.identity import stream_seed


def kernel_distance(
    sample_ND: torch.Tensor,
    reference_MD: torch.Tensor,
    subsets: int,
    subset_size: int,
    seed: int,
    *,
    paired: bool = False,
) -> tuple[float, float | None]:
    """Mean over the subsets, and its standard error (None where there is only one subset).

    `paired`: sample i is the reconstruction of reference image i.

    Each subset takes m = `subset_size` images of either set, drawn without replacement by `seed`. Given the images at hand, the
    mean over the subsets is the U-statistic of all of them with the noise of the draws, s^2 / subsets for a spread s; so its
    variance is that and the variance of the U-statistic (`kernel_error.py`), both sets random.

    Raises `ValueError` for sets with another number of features, pairs of which one is missing, or subsets that are larger
    than a half of one of the sets.
    """
    from torchmetrics.image.kid import poly_mmd  # torchmetrics takes 2 s to import, which every process would pay

    if paired and len(sample_ND) != len(reference_MD):
        raise ValueError(f"{len(sample_ND)} reconstructions cannot be those of {len(reference_MD)} images")
    n = min(len(sample_ND), len(reference_MD))
    if sample_ND.shape[1] != reference_MD.shape[1]:
        raise ValueError(f"{sample_ND.shape[1]} features cannot be compared with {reference_MD.shape[1]}")
    if not 2 <= subset_size <= n / 2:
        way_out = f"give 2 to {n // 2}" if n >= 4 else "at least 4 are needed"
        raise ValueError(f"subsets of {subset_size} images cannot be drawn from {n}: {way_out}")
    generator = np.random.default_rng(stream_seed("kid", seed))
    x_ND, y_MD = sample_ND.double(), reference_MD.double()  # the sums cancel down to 1e-3 of their terms
    values = np.empty(subsets)
    for i in range(subsets):
        if paired:
            both = torch.from_numpy(generator.permutation(n)[:subset_size]).to(x_ND.device)
            values[i] = _paired_mmd(x_ND[both], y_MD[both])
            continue
        chosen = [torch.from_numpy(generator.permutation(len(z))[:subset_size]).to(z.device) for z in (x_ND, y_MD)]
        values[i] = float(poly_mmd(y_MD[chosen[1]], x_ND[chosen[0]]))
    if subsets == 1:
        return float(values[0]), None
    variance = (paired_variance if paired else unpaired_variance)(x_ND, y_MD)
    return float(values.mean()), math.sqrt(variance + values.var(ddof=1) / subsets)


def possible_subset_size(asked: int, *counts: int) -> int:
    """The subset size asked for, or half of the smallest set, the largest that `kernel_distance` takes."""
    return min(asked, min(counts) // 2)


def _paired_mmd(x_mD: torch.Tensor, y_mD: torch.Tensor) -> float:
    """Mean of k(x, x') + k(y, y') - k(x, y') - k(x', y) over all (x, y) and (x', y') that are two pairs."""
    from torchmetrics.image.kid import poly_kernel

    m = len(x_mD)
    xx, yy, xy = (
        float(kernel.sum() - kernel.trace())
        for kernel in (poly_kernel(x_mD, x_mD), poly_kernel(y_mD, y_mD), poly_kernel(x_mD, y_mD))
    )
    return (xx + yy - 2 * xy) / (m * (m - 1))
