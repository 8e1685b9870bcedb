"""Trainings whose end deserves a look: models that learnt nothing, and models that were still improving fast."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from aesweep.sweep.store.layout import table_name
from aesweep.sweep.store.store import Store

_READ = ("key", "name", "test_bce", "mean_image_bce", "late_improvement")


@dataclass(frozen=True)
class PoorTraining:
    """A trained model whose training should be looked at."""

    key: str
    name: str
    warning: str


def late_improvement(losses: Sequence[float]) -> float | None:
    """Which part of its whole fall a training loss made in the last tenth of the epochs, at least one; None where it did not fall.

    A loss that falls in a straight line over many epochs gives 0.1. The unit and the least possible value of the loss cancel, so that
    objectives and data sets can be compared.
    """
    last = max(1, round(len(losses) / 10))
    if len(losses) <= last or not losses[0] > losses[-1]:
        return None
    return max(0.0, (losses[-1 - last] - losses[-1]) / (losses[0] - losses[-1]))


def training_warning(test_bce: float | None, mean_image_bce: float | None, late: float | None) -> str:
    """What is remarkable about the end of a training; "" where nothing is."""
    if test_bce is not None and mean_image_bce is not None and test_bce >= mean_image_bce:
        return "it has learnt nothing: it reconstructs test images no better than the mean training image does"
    from aesweep.sweep.tables.schemas import STILL_IMPROVING  # a tenth of a second: pyarrow

    if late is not None and late > STILL_IMPROVING:
        return f"it was still improving fast: {late:.0%} of the fall of its loss came in the last tenth of its epochs, at least one"
    return ""


def poor_trainings(store: Store) -> list[PoorTraining]:
    """The trainings with a warning, as far as the published tables know them; reads Parquet only if `FOLDED` lacks them."""
    folded, name = store.records.folded(), table_name("trials")
    if folded and folded.poor is not None and store.records.has_full_length(name, folded.files.get("trials")):
        return [PoorTraining(key, *words) for key, words in folded.poor.items()]
    from aesweep.sweep.tables.reading import UnsoundTableError  # a tenth of a second: pyarrow

    file = store.storage.open(name)
    if file is None:
        return []
    try:
        with file:
            return poor_in_table(file)
    except (OSError, UnsoundTableError):  # `table_rows` says it
        return []


def poor_in_table(file: BinaryIO) -> list[PoorTraining]:
    """The trainings with a warning in a file of the table `trials`. Raises `UnsoundTableError` if it is none."""
    from aesweep.sweep.tables.reading import TableInParts

    table = TableInParts("trials", file)
    rows = table.read(_READ).to_pylist() if set(_READ) <= set(table.names) else []
    found = ((row["key"], row["name"], _warning_of(row)) for row in rows)
    return [PoorTraining(*words) for words in found if all(isinstance(word, str) and word for word in words)]


def _warning_of(row: dict[str, object]) -> str:
    numbers = (row["test_bce"], row["mean_image_bce"], row["late_improvement"])
    return training_warning(*(value if isinstance(value, float) else None for value in numbers))
