"""What is recorded of each trained epoch. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch. Losses are means over the epoch's images, in training mode.

    Each field is a column of the table `epochs`; the text in its type is the column's meaning.
    """

    epoch: Annotated[int, "1 for the first"]
    learning_rate: Annotated[float, "learning rate of the epoch"]
    loss: Annotated[float, "mean training loss"]
    reconstruction: Annotated[float, "its cross-entropy part"]
    kl: Annotated[float | None, "its KL part before weighting; null for a DAE"]
    seconds: Annotated[float, "wall-clock seconds"]
    """Without pauses between a checkpoint and its resumption."""
    images_per_second: Annotated[float, "training images per wall-clock second"]
    skipped_steps: Annotated[int, "steps that fp16 loss scaling skipped"]
    test_sample_bce: Annotated[
        float | None,
        "mean cross-entropy of a fixed sample of the test images in eval mode, nats per pixel value; null where it was "
        "not measured or is not finite",
    ] = None
    """At most 256 images (test_sample.py)."""
