"""Nearest neighbours among many vectors, on any device: found in float32, their distances computed in float64.

Shapes: N vectors that look for neighbours, M vectors to choose from, D values each.
"""

import torch

ROWS = 256
"""Rows of the distance matrix at a time: 50 MB for 50,000 vectors."""
SPARE = 2
"""Candidates beyond those asked for: rounding in float32 may change their order."""


def nearest(
    x_ND: torch.Tensor, y_MD: torch.Tensor, count: int, own_N: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances float64 (N, count), ascending, and the indices (N, count) in `y_MD` that they belong to.

    `own_N` are indices in `y_MD` of the vectors themselves, which are not their own neighbours. Raises `ValueError` for too few
    vectors to choose from.
    """
    choice = len(y_MD) - (own_N is not None)
    if choice < count:
        raise ValueError(f"{count} nearest neighbours need as many others, there are {choice}")
    centre_D = y_MD.double().mean(0)  # distances do not change, but lose fewer digits
    near_ND, near_MD = ((part.double() - centre_D).float() for part in (x_ND, y_MD))
    y2_M, candidates = near_MD.square().sum(1), min(count + SPARE, choice)
    distances, indices = [], []
    for rows in (slice(first, first + ROWS) for first in range(0, len(x_ND), ROWS)):
        closeness = torch.addmm(y2_M, near_ND[rows], near_MD.T, alpha=-2.0)  # without |x|^2, which changes no order
        if own_N is not None:
            closeness.scatter_(1, own_N[rows, None], torch.inf)
        found = closeness.topk(candidates, dim=1, largest=False).indices
        exact = (x_ND[rows, None].double() - y_MD[found].double()).norm(dim=2)
        best = exact.topk(count, dim=1, largest=False)
        distances.append(best.values)
        indices.append(found.gather(1, best.indices))
    return torch.cat(distances), torch.cat(indices)
