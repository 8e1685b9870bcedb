"""What an objective is: one object that says everything about itself. Imports no torch.

    loss = reconstruction + sum over terms of weight * term

The reconstruction is what the trial's field `reconstruction` says, cross-entropy or squared error, unless the objective
brings its own. An objective adds named terms and their weights. Its other fields say what it changes in the network, what it
may be combined with and what it costs: specs, tables, plans and documentation follow from the object.

Weights are written for squared error, the mean over pixel values of images in [0, 1], as the sources use it. Near its optimum
cross-entropy is squared error / (2 x (1 - x)), so against cross-entropy a weight counts 1 / (2 mean x (1 - x)) times as much,
the mean over the training images. A `reduction` of `sum` multiplies reconstruction and weights by the pixel values of an image,
which leaves their balance as it is.

The functions of an objective import torch where they run, since specs are read without it.

Shapes: N images, Z = latent_size, H = W = image_size, K components.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aesweep.models.objectives.parameter import Parameter

if TYPE_CHECKING:
    import numpy as np
    import torch

VALUES_PER_PIXEL = 3


class Trial(Protocol):
    """What an objective may ask of the trial that it is part of, a `config.TrialConfig`."""

    @property
    def image_size(self) -> int:
        """Pixels per side."""

    @property
    def latent_size(self) -> int:
        """Latent units."""

    @property
    def beta(self) -> float:
        """Weight of a VAE's KL term."""

    @property
    def reduction(self) -> str:
        """`mean` or `sum`."""

    def parameter(self, name: str) -> Any:
        """The value of one of the objective's parameters."""


class Batch(NamedTuple):
    """What the terms of one training step are computed from: float32 tensors on the trial's device."""

    images: "torch.Tensor"
    """(N, 3, H, W) in [0, 1]."""
    logits: "torch.Tensor"
    """(N, 3, H, W); their sigmoid is the reconstruction."""
    mean: "torch.Tensor"
    """(N, Z): the code, or the mean of q(z|x). The decoder got this plus noise, where there is noise."""
    log_variance: "torch.Tensor | None"
    """(N, Z) of q(z|x), where the objective is variational."""
    decoder: "torch.nn.Module"
    generator: "torch.Generator | None"
    """The source of all noise of a training: kept in its checkpoints, and replayed with the steps of a CUDA graph."""
    trial: Trial


class Mixture(NamedTuple):
    """A prior that needs no fit: K components N(mean, I) of equal weight."""

    means: "np.ndarray"
    """(K, Z)."""


Terms = Mapping[str, "torch.Tensor"]
"""Scalars by name, unweighted."""


def no_terms(_: Batch) -> Terms:
    """Reconstruction alone."""
    return {}


def no_weights(_: Trial) -> Mapping[str, float]:
    """Reconstruction alone."""
    return {}


def standard_normal(trial: Trial) -> Mixture:
    """N(0, I)."""
    import numpy as np

    return Mixture(np.zeros((1, trial.latent_size)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective:
    """What a trial minimises. `name` is the value of its field `model`."""

    name: str
    title: str
    """As figures and tables of a report call it."""
    meaning: str
    """What it minimises, in one line."""
    source: str
    """Where it was published."""
    version: int = 1
    """Raised when the same parameters would train something else. Part of the key where it is not 1."""
    parameters: tuple[Parameter, ...] = ()
    weights: Callable[[Trial], Mapping[str, float]] = no_weights
    """Terms by name, in the order of the tables -> weight against squared error, or, where it is not `scaled`, as used."""
    terms: Callable[[Batch], Terms] = no_terms
    """The terms that have weights."""
    scaled: bool = True
    """Whether weights are for squared error; False where they belong to the reconstruction that there is."""
    reconstruction: "Callable[[Batch], torch.Tensor] | None" = None
    """A reconstruction of its own; it takes the trial's `reduction`."""
    variational: bool = False
    """Whether the encoder gives a log variance too, and codes are drawn from q(z|x) in training."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Fields of a trial that have this one value with the objective."""
    combines: tuple[str, ...] = ("latent_norm", "noise_std", "freeze_latent")
    """Which of these fields may have another value than their default."""
    build: "Callable[[torch.nn.Module], None] | None" = None
    """Changes the network after its initialisation."""
    prior: Callable[[Trial], Mixture] | None = None
    """The prior that its latents are drawn to; None where it has none."""
    smallest_batch: int = 1
    step_factor: float = 1.0
    """Seconds of a training step against those of a plain DAE (docs/benchmarks/objectives-*.md)."""

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of a name."""
        return next((one for one in self.parameters if one.name == name), None)
