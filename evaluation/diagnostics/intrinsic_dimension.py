"""How many dimensions data fill near each point: the TwoNN estimate (Facco et al. 2017) of latents, and of the images.

For data of dimension d the ratio of the distances to the second and to the first neighbour follows a Pareto law of exponent d,
whatever the density, as long as that is about constant so far. The largest tenth of the ratios, where it is not, is censored:
Facco et al. leave it out of their fit, and here the maximum likelihood estimate of a censored sample says that these ratios are
larger than the others. High dimensions are underestimated, since their neighbours are far away: 20 come out as about 16 with
5,000 points. So the images' number is a lower bound.

Bubeck and Sellke's bound for smooth networks is n times this dimension for images near a surface (Section 5 of the paper).
"""

from functools import partial

import numpy as np
import torch
from scipy.sparse import coo_array

from aesweep.evaluation.diagnostics.neighbours import nearest
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.rows import ScoreRow, Source
from aesweep.evaluation.subject import Subject, Values, measured_rows

POINTS = 5000
CENSORED = 0.1
"""Share of the ratios, the largest, of which only their number is used."""
FEWEST = 20


def measure(subject: Subject) -> list[ScoreRow]:
    """One row of the training latents, and one of the pixels of the same training images."""
    chosen = reference_indices(len(subject.train_NZ), POINTS, subject.evaluation.reference_seed)
    sources: dict[Source, np.ndarray] = {"latents": subject.train_NZ, "images": subject.images.train}
    rows = []
    for source, data in sources.items():
        points = np.asarray(data[chosen]).reshape(len(chosen), -1)
        rows += measured_rows(
            subject.row(source, "train"), ("intrinsic_dimension",), partial(_measured, subject, points)
        )
    return rows


def _measured(subject: Subject, points_ND: np.ndarray) -> Values:
    if not np.isfinite(points_ND).all():
        raise ValueError("some latents hold values that are not finite")
    different_ND = torch.from_numpy(np.unique(points_ND, axis=0)).to(subject.device)
    own_N = torch.arange(len(different_ND), device=subject.device)
    dimension, error = two_nn(*(part.cpu().numpy() for part in nearest(different_ND, different_ND, 2, own_N)))
    return {"intrinsic_dimension": (dimension, error, len(different_ND))}


def two_nn(distances_N2: np.ndarray, neighbours_N2: np.ndarray) -> tuple[float, float]:
    """The dimension and its standard error, from the first and second neighbour of each point.

    Logarithms of the ratios are exponential with rate d; of the m smallest of N the estimate of d is (m - 1) over their sum plus
    N - m times the largest of them. Points that are neighbours have alike ratios: the error counts their covariance, without
    which it is a sixth too small. Raises `ValueError` for fewer than `FEWEST` points, or ratios that are all 1.
    """
    n = len(distances_N2)
    if n < FEWEST:
        raise ValueError(f"the dimension needs {FEWEST} different points, there are {n}")
    logs_N = np.log(distances_N2[:, 1] / distances_N2[:, 0])
    limit = np.sort(logs_N)[n - int(CENSORED * n) - 1]
    kept_N, length_N = logs_N <= limit, np.minimum(logs_N, limit)
    if not limit > 0:
        raise ValueError("all points have their neighbours at one distance")
    dimension = float((kept_N.sum() - 1) / length_N.sum())
    influence_N = (kept_N - dimension * length_N) / length_N.mean()
    links = coo_array((np.ones(2 * n), (np.repeat(np.arange(n), 2), neighbours_N2.ravel())), shape=(n, n)).tocsr()
    near_NN = (links + links.T).astype(bool).astype(float)
    variance = influence_N @ influence_N + influence_N @ (near_NN @ influence_N)
    return dimension, float(np.sqrt(max(variance, influence_N @ influence_N))) / n
