"""Types of the fixtures that make synthetic stores and results; results that must be there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from aesweep.analysis.data.results import Results
from aesweep.analysis.figures import Drawing
from aesweep.models.config import TrialConfig

Rows = dict[str, list[dict[str, Any]]]
"""Table -> its rows, before they are written."""
Edit = Callable[[Rows], None]
MakeStore = Callable[..., Path]
"""`make_store(trials, **more of Synthetic)` -> the store's folder."""
MakeResults = Callable[..., Results]
"""`results(trials, score, **more of Synthetic)`."""
Grid = Callable[..., list[TrialConfig]]
"""`grid(field=[values], …)` -> the product."""
Draw = Callable[..., Drawing | None]
"""A function that draws a figure, or gives None where there is nothing to draw."""


Found = TypeVar("Found")


def present(found: Found | None) -> Found:
    """What was found; None fails the test."""
    assert found is not None
    return found
