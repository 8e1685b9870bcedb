"""What is recorded of each trained epoch. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class TermRecord:
    """One term of the objective in one epoch.

    Each field is a column of the table `terms`; the text in its type is the column's meaning.
    """

    term: Annotated[str, "name of the term, such as kl or mmd"]
    value: Annotated[float, "its mean over the epoch's images, before weighting"]
    weight: Annotated[float, "its weight in the loss, as used: converted to the reconstruction that the trial has"]
    share: Annotated[float, "size of the weighted term against the sizes of all parts of the loss, from 0 to 1"]


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch. Losses are means over the epoch's images, in training mode.

    Each field but `terms` is a column of the table `epochs`; the text in its type is the column's meaning.
    """

    epoch: Annotated[int, "1 for the first"]
    learning_rate: Annotated[float, "learning rate of the epoch"]
    loss: Annotated[float, "mean training loss"]
    reconstruction: Annotated[float, "its reconstruction part: cross-entropy, squared error, or the model's own"]
    kl: Annotated[float | None, "its KL part before weighting; null where the model has none"]
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
    terms: tuple[TermRecord, ...] = ()
    """All terms of the objective, the KL divergence included; rows of the table `terms`."""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "EpochRecord":
        """Read `dataclasses.asdict` back; a record of an older version has no terms."""
        return cls(**{**record, "terms": tuple(TermRecord(**term) for term in record.get("terms", ()))})


def term_records(
    reconstruction: float, values: Mapping[str, float], weights: Mapping[str, float]
) -> tuple[TermRecord, ...]:
    """The records of the terms with these mean values and weights; shares count the mean `reconstruction` too."""
    sizes = {name: abs(weights[name] * value) for name, value in values.items()}
    whole = abs(reconstruction) + sum(sizes.values())
    return tuple(
        TermRecord(name, value, weights[name], sizes[name] / whole if whole else 0.0) for name, value in values.items()
    )
