"""What training says of one finished epoch. Imports no torch, so that whoever reads a store can use it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch. Losses are means over the epoch's images, in training mode."""

    epoch: int
    """1 for the first."""
    learning_rate: float
    loss: float
    reconstruction: float
    kl: float | None
    """Before weighting; None for a DAE."""
    seconds: float
    """Wall-clock seconds, without pauses between a checkpoint and its resumption."""
    images_per_second: float
    skipped_steps: int
    """Steps that fp16 loss scaling left out."""
