"""The Inception score (Salimans et al. 2016): exp of the mean KL divergence of p(class | image) from p(class).

It knows no reference, sees only classes of ImageNet, and is kept for comparison with older work. Computed by
torch-fidelity from the logits, which torchmetrics would convert from images of its own preparation.
"""

import math

import torch

SPLITS = 10
"""The score is the mean over ten parts of the samples, as in the authors' code; it depends on their size."""


def inception_score(logits_NC: torch.Tensor, seed: int) -> tuple[float, float]:
    """Score and standard error of `logits_NC` (N, C), the images assigned to the parts by `seed`.

    Raises `ValueError` for fewer images than parts.
    """
    from torch_fidelity.metric_isc import isc_features_to_metric

    if len(logits_NC) < SPLITS:
        raise ValueError(f"an Inception score needs {SPLITS} images, there are {len(logits_NC)}")
    found = isc_features_to_metric(logits_NC.cpu(), SPLITS, shuffle=True, rng_seed=seed)
    spread = found["inception_score_std"]  # divided by SPLITS, not SPLITS - 1
    return found["inception_score_mean"], spread / math.sqrt(SPLITS - 1)
