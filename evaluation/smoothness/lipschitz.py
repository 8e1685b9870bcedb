"""Local Lipschitz estimates: how far the output moves at most for a step of a given length, over that length.

For each point the largest ratio |f(x + d) - f(x)| / |d| over steps d of radius r: random directions and both signs of the
Jacobian's fastest one. A lower bound of the constant in that ball, and unlike a Jacobian's norm it sees more than the point.
The radius is a tenth of the mean distance of latents (or pictures) from their mean.
"""

import torch

from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.smoothness.jacobian import (
    Function,
    decoder,
    draws,
    encoder,
    norms_of,
    points,
    top_directions,
    unit,
)
from aesweep.evaluation.subject import Subject, Values, mean_and_error
from aesweep.models.networks.reconstruction import evaluating

POINTS = 64
DIRECTIONS = 16
RADIUS = 0.1


def measure(subject: Subject) -> list[ScoreRow]:
    """One row of the decoder per source, and one of the encoder at test images."""
    with evaluating(subject.model, subject.device):
        return subject.rows("lipschitz", ("decoder_lipschitz",), lambda prior: _estimates(subject, prior))


def _estimates(subject: Subject, prior: FittedPrior | None) -> Values:
    z_NZ, x_N = points(subject, prior, POINTS)
    train_NZ = torch.from_numpy(subject.train_NZ)
    radius = RADIUS * float(norms_of(train_NZ - train_NZ.mean(0)).mean())
    found = {"decoder_lipschitz": local_lipschitz(decoder(subject), z_NZ, radius)}
    if x_N is not None:
        spread = RADIUS * float(norms_of(x_N - x_N.mean(0)).mean())
        found["encoder_lipschitz"] = local_lipschitz(encoder(subject), x_N, spread)
    return {name: mean_and_error(values.double().cpu().numpy()) for name, values in found.items()}


def local_lipschitz(function: Function, at: torch.Tensor, radius: float) -> torch.Tensor:
    """The largest ratio (N,) at each point."""
    top = top_directions(function, at)
    steps = [top, -top, *(unit(draws(at, "lipschitz", i)) for i in range(DIRECTIONS))]
    with torch.no_grad():
        centre = function(at)
        ratios = [norms_of(function(at + radius * step) - centre) / radius for step in steps]
    return torch.stack(ratios).amax(0)
