"""What the fit of a prior gets, and how fits run on a machine. Imports no torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.plugins.plugin import Value

if TYPE_CHECKING:
    import torch


class Fit(NamedTuple):
    """What `Prior.fit` gets with the latents."""

    evaluation: EvaluationConfig
    values: Mapping[str, Value]
    """The prior's parameters."""
    seed: int
    """The evaluation's `prior_seed`: all randomness of a fit follows from it."""
    trial: TrialConfig | None = None
    """None where latents are not of a trial."""
    deadline: float | None = None
    """A time of `time.monotonic`: a fit that is not done by then raises `PriorError`."""
    device: "torch.device | None" = None
    """Where mixtures are fitted; None for NumPy."""
