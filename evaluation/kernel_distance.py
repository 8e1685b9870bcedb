"""The kernel distance of two sets of features (Binkowski et al. 2018): "KID" on Inception features, "KD" on others.

The squared maximum mean discrepancy under k(x, y) = (x.y / D + 1)^3, averaged over random subsets. Unlike a Fréchet
distance it has no bias from the number of images, so that scores of few images may be compared; it can be negative.

Shapes: N samples, M reference images, D features, m images in a subset.
"""

import math

import numpy as np
import torch

from models.identity import stream_seed


def kernel_distance(
    sample_ND: torch.Tensor, reference_MD: torch.Tensor, subsets: int, subset_size: int, seed: int
) -> tuple[float, float | None]:
    """Mean over the subsets, and its standard error (None where there is only one subset).

    Each subset takes m = `subset_size` images of either set, drawn without replacement by `seed`. Of sets of N and M images
    a U-statistic varies as a = 1/N + 1/M, subsets of the same sets among themselves as 2/m - a (they overlap); so their
    spread s gives the mean a variance of s^2 (a / (2/m - a) + 1 / subsets): the first term for the images at hand, the
    second for the number of subsets. The usual s alone is the error of one subset, s / sqrt(subsets) leaves out that all
    subsets come from the same images. Taken as equal are both sets' parts in the variance.

    Raises `ValueError` for sets with another number of features, or subsets that are larger than a half of one of the sets.
    """
    from torchmetrics.image.kid import poly_mmd  # torchmetrics takes 2 s to import, which every process would pay

    n = min(len(sample_ND), len(reference_MD))
    if sample_ND.shape[1] != reference_MD.shape[1]:
        raise ValueError(f"{sample_ND.shape[1]} features cannot be compared with {reference_MD.shape[1]}")
    if not 2 <= subset_size <= n / 2:
        raise ValueError(f"subsets of {subset_size} images cannot be drawn from {n}: give 2 to {n // 2}")
    generator = np.random.default_rng(stream_seed("kid", seed))
    x_ND, y_MD = sample_ND.double(), reference_MD.double()  # the sums cancel down to 1e-3 of their terms
    values = np.empty(subsets)
    for i in range(subsets):
        chosen = [torch.from_numpy(generator.permutation(len(z))[:subset_size]).to(z.device) for z in (x_ND, y_MD)]
        values[i] = float(poly_mmd(y_MD[chosen[1]], x_ND[chosen[0]]))
    if subsets == 1:
        return float(values[0]), None
    images = 1 / len(x_ND) + 1 / len(y_MD)
    share = images / (2 / subset_size - images)
    return float(values.mean()), float(values.std(ddof=1) * math.sqrt(share + 1 / subsets))
