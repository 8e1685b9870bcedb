"""Precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of samples.

A set of images is taken as the union of balls around their features, each out to the k-th nearest neighbour in the same
set. Precision and density say how real the samples are, recall and coverage how much of the real images they reach. Not
by the package prdc, whose answers these are (a test compares): it keeps three N x N matrices and starts eight threads.

Shapes: N samples, M reference images, D features.
"""

from collections.abc import Iterator

import torch

ROWS = 256  # of a distance matrix at a time: 20 MB for 10,000 images, twice as fast on a CPU as 80 MB


def prdc(
    sample_ND: torch.Tensor, reference_MD: torch.Tensor, neighbours: int, reference_radii_M: torch.Tensor | None = None
) -> dict[str, float]:
    """`precision`, `recall`, `density` and `coverage`, on the features' device, in float64.

    `reference_radii_M` are those of `radii`, where they are known. Raises `ValueError` for sets with another number of features
    or with no more than `neighbours` images.
    """
    if sample_ND.shape[1] != reference_MD.shape[1]:
        raise ValueError(f"{sample_ND.shape[1]} features cannot be compared with {reference_MD.shape[1]}")
    if min(len(sample_ND), len(reference_MD)) <= neighbours:
        raise ValueError(f"{neighbours} neighbours need more images than {min(len(sample_ND), len(reference_MD))}")
    centre = reference_MD.double().mean(0)  # distances do not change, but lose fewer digits
    x_ND, y_MD = sample_ND.double() - centre, reference_MD.double() - centre
    sample_radius_N = _radii(x_ND, neighbours)
    reference_radius_M = _radii(y_MD, neighbours) if reference_radii_M is None else reference_radii_M
    balls_N = torch.zeros(len(x_ND), dtype=torch.int64, device=x_ND.device)  # reference balls around each sample
    recalled = covered = 0
    for rows, squared in _squared_distances(y_MD, x_ND):
        radius = reference_radius_M[rows]
        inside = squared < radius[:, None]
        balls_N += inside.sum(0)
        recalled += int((squared < sample_radius_N).any(1).sum())
        covered += int(inside.any(1).sum())
    return {
        "precision": float((balls_N > 0).double().mean()),
        "recall": recalled / len(y_MD),
        "density": float(balls_N.double().mean()) / neighbours,
        "coverage": covered / len(y_MD),
    }


def radii(reference_MD: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Squared radii (M,) of the balls around reference images, float64. Raises `ValueError` for too few images."""
    if len(reference_MD) <= neighbours:
        raise ValueError(f"{neighbours} neighbours need more images than {len(reference_MD)}")
    return _radii(reference_MD.double() - reference_MD.double().mean(0), neighbours)


def _radii(x_ND: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Squared distance (N,) of each image to its k-th nearest other one."""
    radii = []
    for rows, squared in _squared_distances(x_ND, x_ND):
        inner = torch.arange(rows.start, rows.stop, device=x_ND.device)
        squared[inner - rows.start, inner] = -1.0  # itself comes first, also among duplicates
        # Five times as fast as kthvalue where k is small.
        radii.append(squared.topk(neighbours + 1, dim=1, largest=False).values[:, -1])
    return torch.cat(radii)


def _squared_distances(x_ND: torch.Tensor, y_MD: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Rows of the matrix of squared distances (N, M), some at a time."""
    y2_M = y_MD.square().sum(1)
    for first in range(0, len(x_ND), ROWS):
        x_nD = x_ND[first : first + ROWS]
        squared = torch.addmm(y2_M, x_nD, y_MD.T, alpha=-2.0) + x_nD.square().sum(1, keepdim=True)
        yield slice(first, first + len(x_nD)), squared.clamp_(min=0.0)
