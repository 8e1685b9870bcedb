"""The figures of the report: each is a function to its drawing, None where the data are not there.

A figure of distances is a function of `Results` (one data set, one way of scoring); those of training are functions of
`Tables` and need no score. A new figure is a new function in a file here, decorated with `plain_style`, and a line in one
of the lists.
"""

from collections.abc import Callable

from aesweep.analysis.figures import matplotlib_import as matplotlib_import  # before any other import of matplotlib

# isort: split

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.figures.bound import parameters_against_bound
from aesweep.analysis.figures.capacity import best_latent_size
from aesweep.analysis.figures.gaussianity import gaussianity_against_capacity, gaussianity_against_latent_size
from aesweep.analysis.figures.latent_layer import figure_3, figure_4, noise
from aesweep.analysis.figures.other_networks import others
from aesweep.analysis.figures.smoothness import (
    smoothness_against_capacity,
    smoothness_at_samples,
    smoothness_at_test_images,
)
from aesweep.analysis.figures.style import Drawing
from aesweep.analysis.figures.training import training_curves
from aesweep.analysis.figures.width_and_depth import figure_1, figure_2, figure_5, reconstructions

_Draw = Callable[[Results], Drawing | None]


def _where_networks_differ(draw: _Draw) -> _Draw:
    """A figure against the size of the network says nothing of a store with one width and depth."""

    def drawn(results: Results) -> Drawing | None:
        networks = results.of(network="")[["filters", "depth"]].drop_duplicates()
        return draw(results) if len(networks) > 1 else None

    return drawn


PAPER_FIGURES: tuple[_Draw, ...] = (figure_1, figure_2, figure_3, figure_4, figure_5)
"""The paper's, in its order."""
FURTHER_FIGURES: tuple[_Draw, ...] = (reconstructions, noise, _where_networks_differ(best_latent_size), others)
"""What the paper speaks of and does not draw, and what it does not speak of."""
NETWORK_FIGURES: tuple[_Draw, ...] = (
    gaussianity_against_latent_size,
    _where_networks_differ(gaussianity_against_capacity),
    parameters_against_bound,
)
"""Hypothesis 2 and Section 5: properties of the networks themselves, whatever extractor scored them."""
SMOOTHNESS_FIGURES: tuple[_Draw, ...] = (
    smoothness_at_test_images,
    smoothness_at_samples,
    _where_networks_differ(smoothness_against_capacity),
)
"""Hypothesis 1: some measures need no features, so they are drawn without distances too."""
TRAINING_FIGURES: tuple[Callable[[Tables], list[Drawing]], ...] = (training_curves,)
"""Figures of the trainings by data set; they need no score."""

__all__ = [
    "FURTHER_FIGURES",
    "NETWORK_FIGURES",
    "PAPER_FIGURES",
    "SMOOTHNESS_FIGURES",
    "TRAINING_FIGURES",
    "Drawing",
]
