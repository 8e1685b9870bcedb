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

Shapes: N images, C channels, Z = latent_size, H = W = image_size, K components.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from aesweep.models.errors import InputError
from aesweep.models.plugins.plugin import Parameter, Plugin, Settings, Value
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    import numpy as np
    import torch


class Batch(NamedTuple):
    """What the terms of one training step are computed from: float32 tensors on the trial's device."""

    images: "torch.Tensor"
    """(N, C, H, W) in [0, 1]."""
    logits: "torch.Tensor"
    """(N, C, H, W); their sigmoid is the reconstruction."""
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
Weights = Mapping[str, float]
"""The weights of terms, by the same names."""


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
class ObjectiveParameter(Parameter):
    """A parameter of an objective, whose default may depend on the data set."""

    least: float = 0.0
    of_dataset: Mapping[str, Value] = field(default_factory=dict)
    """Other defaults, by data set."""
    later: bool = False
    """True if it came after the objective did: a trial holds it only where it is not its default, so that keys stay."""

    def default_for(self, dataset: str) -> Value:
        """The value on a data set where none is given."""
        return self.of_dataset.get(dataset, self.default)


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective(Plugin):
    """What a trial minimises. Its name is the value of the trial's field `model`."""

    kind: ClassVar[str] = "objective"

    title: str = ""
    """As figures and tables of a report call it; its name where it is ""."""
    source: str = ""
    """Where it was published."""
    weights: Callable[[Trial], Mapping[str, float]] = no_weights
    """Terms by name, in the order of the tables -> weight against squared error, or, where it is not `scaled`, as used."""
    terms: Callable[[Batch], Terms] = no_terms
    """The terms that have weights."""
    scaled: bool = True
    """Whether weights are for squared error; False where they belong to the reconstruction that there is."""
    reconstruction: "Callable[[Batch], torch.Tensor] | None" = None
    """A reconstruction of its own, which takes the trial's `reduction`; the field `reconstruction` has no effect then."""
    variational: bool = False
    """Whether the encoder gives a log variance too, and codes are drawn from q(z|x) in training."""
    latent_norm: str = "none"
    """A normalisation of the latents that it brings, one of those of the field `latent_norm`."""
    combines: tuple[str, ...] = ("latent_norm", "noise_std", "freeze_latent")
    """Which of these fields may have another value than their default."""
    reads: tuple[str, ...] = ()
    """Fields of a trial that only some objectives read, such as `beta`."""
    build: "Callable[[torch.nn.Module], None] | None" = None
    """Changes the network after its initialisation."""
    prior: Callable[[Trial], Mixture] | None = None
    """The prior that its latents are drawn to; None where it has none."""
    smallest_batch: int = 1
    step_factor: float = 1.0
    """Seconds of a training step against those of a plain DAE (docs/benchmarks/objectives-*.md)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "title", self.title or self.name)

    def complete(self, given: Any, dataset: str) -> Settings:
        """All parameters of a trial: those `given`, as a mapping or pairs, and the defaults of the others.

        A trial holds explicit values, so its key keeps its meaning when a default is changed later. Raises `InputError` for
        a name that there is not, and for a value that its parameter does not take.
        """
        if self.parameters == given == ():  # most trials, of which a plan has thousands
            return ()
        values, known = as_mapping(given), {one.name: one for one in self.parameters}
        for name in values:
            if name not in known:
                takes = f"It has {', '.join(known)}." if known else "It has none."
                raise InputError(f"parameters.{name}", values[name], f"{self.name} has no such parameter. {takes}")
        usual = self.defaults_on(dataset)
        found = {name: one.read(values.get(name, usual[name]), f"parameters.{name}") for name, one in known.items()}
        later = {name for name, one in known.items() if getattr(one, "later", False) and found[name] == usual[name]}
        return tuple(sorted((name, value) for name, value in found.items() if name not in later))

    def defaults_on(self, dataset: str) -> dict[str, Value]:
        """Every parameter's default on a data set."""
        return {
            one.name: one.default_for(dataset) if isinstance(one, ObjectiveParameter) else one.default
            for one in self.parameters
        }


def as_mapping(given: Any) -> dict[str, Any]:
    """Parameters by name. Raises `InputError` for what is no mapping of names, nor pairs of one."""
    try:
        values = dict(given)
    except (TypeError, ValueError):
        values = {0: given}
    if not all(isinstance(name, str) and isinstance(value, Value) for name, value in values.items()):
        raise InputError("parameters", given, "Give names and values, such as {penalty: 1e-3}.")
    return values
