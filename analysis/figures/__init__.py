"""The figures of the report: each is a function from `Tables` to its drawings (none where the data are not there).

A new figure is a new function in a file here and a line in `FIGURES`.
"""

from collections.abc import Callable

from analysis.figures.frechet import reconstruction_distances, sample_distances
from analysis.figures.latents import latent_scatter
from analysis.figures.style import Drawing
from analysis.figures.training import training_curves
from analysis.tables import Tables

FIGURES: tuple[Callable[[Tables], list[Drawing]], ...] = (sample_distances, reconstruction_distances, latent_scatter)
"""Shown among the figures, in this order."""
TRAINING_FIGURES: tuple[Callable[[Tables], list[Drawing]], ...] = (training_curves,)
"""Shown under the training curves."""

__all__ = ["FIGURES", "TRAINING_FIGURES", "Drawing"]
