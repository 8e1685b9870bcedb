"""Fitted priors as tensors and torch code."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.priors.torch_code import sample_mixture
from aesweep.models.plugins.plugin import function


@dataclass
class ExportedPriors:
    """The priors of one export."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    """`<prior>/<array>` -> tensor."""
    notes: dict[str, str] = field(default_factory=dict)
    """Prior -> what its fit noted, "" without a reservation."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Prior -> why it is not in the export."""
    _samplers: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def add(self, name: str, prior: FittedPrior) -> None:
        """Take a prior, if torch alone can draw from it."""
        sampler = sampler_of(name, prior)
        if sampler is None:
            self.left_out[name] = "it does not say how torch alone draws from it (`torch_sample`)"
            return
        mixture = {"weights": prior.weights, "means": prior.means, "factors": prior.factors}
        arrays: Mapping[str, np.ndarray] = prior.arrays or mixture
        self.tensors |= {f"{name}/{part}": torch.from_numpy(np.ascontiguousarray(a)) for part, a in arrays.items()}
        self.notes[name] = prior.note
        self._samplers[name] = sampler

    @property
    def code(self) -> str:
        """The functions that draw, and `SAMPLE`: prior -> its function."""
        sources = {one.__name__: textwrap.dedent(inspect.getsource(one)) for one in self._samplers.values()}
        entries = "".join(f"    {name!r}: {one.__name__},\n" for name, one in self._samplers.items())
        return "\n\n".join(["", *sources.values()]) + f"\n\nSAMPLE = {{\n{entries}}}\n"


def sampler_of(name: str, prior: FittedPrior) -> Callable[..., Any] | None:
    """The function that draws from a prior in torch alone; None where there is none."""
    if not prior.arrays:
        return sample_mixture
    described = PRIORS.find(name)
    return function(described.torch_sample) if described is not None and described.torch_sample else None
