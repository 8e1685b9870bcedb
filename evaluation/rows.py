"""The rows that scoring gives: what `evaluation` says of one trial, without the trial's key and the evaluation's id."""

from dataclasses import dataclass

from aesweep.evaluation.config import Source
from aesweep.models.data.datasets import Split


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """One score: a number, or the reason why there is none."""

    source: Source
    """What was scored: samples of a prior, reconstructions, or the latents."""
    split: Split
    metric: str
    value: float | None
    """None where it cannot be computed; `note` says why."""
    stderr: float | None = None
    extractor: str = "none"
    """Feature network; "none" for scores that use none."""
    n: int
    """Images or latents scored."""
    n_reference: int = 0
    """Real images compared with."""
    reference_split: Split
    seed: int
    """Sampling seed; for latents the evaluation's `prior_seed`."""
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentRow:
    """Two latent dimensions of one image, for figures A.1 and A.2."""

    split: Split
    index: int
    """Of the image in its split."""
    dimension_a: int
    dimension_b: int
    z_a: float
    z_b: float


def joined(*notes: str) -> str:
    """Notes as one, without those that are empty."""
    return "; ".join(filter(None, notes))
