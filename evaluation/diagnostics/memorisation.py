"""Whether samples are copies of training images: distances to the nearest ones in feature space, compared with test images.

* `authenticity` (Alaa et al. 2022): share of samples that are farther from their nearest training image than that one is from its
  nearest other training image. New images of the data's own distribution do not reach 1 either: the row of source `images` is
  what test images get.
* `nearest_ratio`: mean distance of samples to their nearest training image over that of test images; below 1 samples are nearer.
* `nearer_than_test`: probability that a sample is nearer to the training images than a test image is (the statistic of
  Meehan et al. 2020, over the whole space); 0.5 where they are alike, near 1 for copies.

A blurred image is near all others, nearer to the training images than a sharp one, without being a copy. So the rows of source
`reconstruction` give the same for reconstructions of test images, which the same decoder blurs and which cannot be copies: samples
that are copies are nearer than these. The picture shows the samples of all priors that are nearest to a training image, measured by
the distance of that one to its nearest other.

Shapes: N samples, M training images, T test images, D features.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from aesweep.evaluation.diagnostics.neighbours import nearest
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.pictures import reconstruction_grid
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.rows import ScoreRow, Source
from aesweep.evaluation.subject import Subject, Values, mean_and_error, measured_rows, prior_rows
from aesweep.models.data.datasets import Split

METRICS = ("authenticity", "nearest_ratio", "nearer_than_test")
IMAGES = 2000
"""Samples of each prior, and test images: the standard error of a share is 0.011 at most."""
SHOWN = 32
PICTURE = "memorisation.png"


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest training image of each of N images."""

    distance: np.ndarray
    index: np.ndarray
    spacing: np.ndarray
    """Distance of that training image to its nearest other one."""

    @property
    def authentic(self) -> np.ndarray:
        """Whether each image is not a copy (N,). Of a training image that occurs twice, only an image at distance 0 is one."""
        return np.asarray((self.distance >= self.spacing) & (self.distance > 0))

    @property
    def suspicion(self) -> np.ndarray:
        """Distance over spacing; the lowest are most like copies."""
        spacing = np.where(self.distance > 0, self.spacing, 1.0)
        apart = spacing > 0
        return np.where(apart, self.distance / np.where(apart, spacing, 1.0), np.inf)


def measure(subject: Subject) -> list[ScoreRow]:
    """Three rows per prior and of reconstructions, the authenticity of test images; the picture."""
    asked, images = subject.evaluation, subject.images
    held_out = reference_indices(len(images.test), 2 * IMAGES, asked.reference_seed)
    real, decoded = held_out[::2], held_out[1::2]  # different images, so that errors are independent
    train_MD = subject.real_features(images.train)
    found: list[tuple[np.ndarray, Nearest]] = []

    @cache
    def test() -> Nearest:
        return to_training(subject.real_features(images.test, real), train_MD)

    def compared(z_NZ: np.ndarray) -> Nearest:
        return to_training(subject.features(z_NZ), train_MD)

    def of_reconstructions() -> Values:
        if len(decoded) == 0:
            raise ValueError("reconstructions need a second test image")
        return against_test(compared(subject.encoded("test", decoded)), test())

    def of_samples(prior: FittedPrior) -> Values:
        z_NZ = prior.sample(min(IMAGES, asked.samples), asked.sampling_seeds[0])
        found.append((z_NZ, compared(z_NZ)))
        return against_test(found[-1][1], test())

    def row(source: Source, split: Split) -> ScoreRow:
        compared_with: dict[str, Any] = {"reference_split": "train", "n_reference": len(train_MD)}
        return subject.row(source, split, extractor=asked.extractor, **compared_with)

    rows = measured_rows(row("images", "test"), METRICS[:1], lambda: _authenticity(test()))
    rows += measured_rows(row("reconstruction", "test"), METRICS, of_reconstructions)
    for kind in asked.priors:
        rows += prior_rows(row(kind, "train"), METRICS, subject.priors.get(kind, "not fitted"), of_samples)
    if found:
        subject.pictures[PICTURE] = _picture(subject, found)
    return rows


def to_training(x_ND: torch.Tensor, train_MD: torch.Tensor) -> Nearest:
    """The nearest training image of each. Raises `ValueError` for fewer than 2 training images."""
    distance_N1, index_N1 = nearest(x_ND, train_MD, 1)
    which, place_N = index_N1[:, 0].unique(return_inverse=True)
    spacing_N = nearest(train_MD[which], train_MD, 1, own_N=which)[0][place_N, 0]
    return Nearest(*(part.cpu().numpy() for part in (distance_N1[:, 0], index_N1[:, 0], spacing_N)))


def _authenticity(images: Nearest) -> Values:
    return {"authenticity": mean_and_error(images.authentic.astype(np.float64))}


def against_test(samples: Nearest, test: Nearest) -> Values:
    """The rows `METRICS` of samples; both sets are random in the errors of the last two."""
    sample_N, test_T = samples.distance, test.distance
    n = len(sample_N)
    (mean, error, _), (test_mean, test_error, _) = mean_and_error(sample_N), mean_and_error(test_T)
    if test_mean == 0:
        raise ValueError("every test image has the features of a training image")
    ratio = mean / test_mean
    relative = None if error is None or test_error is None else np.hypot(error, ratio * test_error) / test_mean
    # Of each image, how many of the other set are farther; half for as far. Their spreads give the error of the U-statistic.
    beyond_N, beyond_T = _share_above(sample_N, test_T), 1.0 - _share_above(test_T, sample_N)
    share, errors = float(beyond_N.mean()), [mean_and_error(part)[1] for part in (beyond_N, beyond_T)]
    share_error = None if None in errors else float(np.hypot(*errors))  # type: ignore[arg-type]
    return {
        **_authenticity(samples),
        "nearest_ratio": (ratio, relative if relative is None else float(relative), n),
        "nearer_than_test": (share, share_error, n),
    }


def _share_above(x_N: np.ndarray, y_M: np.ndarray) -> np.ndarray:
    """Share of `y_M` above each x, ties by half, (N,)."""
    y_M = np.sort(y_M)
    below = (np.searchsorted(y_M, x_N, "left") + np.searchsorted(y_M, x_N, "right")) / 2
    return np.asarray(1.0 - below / len(y_M))


def _picture(subject: Subject, found: list[tuple[np.ndarray, Nearest]]) -> bytes:
    """Samples of all priors above their nearest training images, most suspicious first."""
    z_NZ = np.concatenate([z for z, _ in found])
    index_N, suspicion_N = (np.concatenate([getattr(n, name) for _, n in found]) for name in ("index", "suspicion"))
    worst = np.argsort(suspicion_N, kind="stable")[:SHOWN]
    samples = subject.decoded(z_NZ[worst]).cpu().numpy()
    return reconstruction_grid(samples, np.stack([np.asarray(subject.images.train[i]) for i in index_N[worst]]))
