"""Figures over whatever a sweep varies: what is drawn where, and that nothing is left out."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from aesweep.analysis import load_tables
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.axes.sweep import sweeps
from aesweep.analysis.figures import Drawing
from aesweep.analysis.figures.by_axes import PER_PAGE, figures_by_axes
from aesweep.models.config import TrialConfig
from tests.analysis.conftest import grid
from tests.analysis.typed import MakeStore


def drawn(make_store: MakeStore, trials: list[TrialConfig], **wishes: Any) -> list[Drawing]:
    tables = load_tables(make_store(trials, pictures=False, latent_points=0))
    return [drawing for one in sweeps(tables, Wishes(**wishes)) for drawing in figures_by_axes(one)]


def headings(drawing: Drawing) -> list[str]:
    return [ax.get_title() for ax in drawing.figure.axes if ax.get_visible()]


def points(ax: Axes) -> int:
    """Networks with an error bar."""
    return sum(len(_xs(container.lines[0])) for container in bars(ax))


def bars(ax: Axes) -> list[ErrorbarContainer]:
    return [container for container in ax.containers if isinstance(container, ErrorbarContainer)]


def _xs(line: Line2D) -> list[float]:
    return list(map(float, np.atleast_1d(np.asarray(line.get_xdata(), dtype=float))))


def test_a_sweep_over_beta_is_drawn_against_beta_with_every_value_and_the_daes_across(make_store: MakeStore) -> None:
    vaes = grid(model=["vae"], filters=[8], beta=[0.01, 0.1, 1.0], latent_size=[4, 8], seed=[0, 1], epochs=[1])
    daes = grid(filters=[8], latent_size=[4, 8], seed=[0, 1], epochs=[1])
    (found,) = drawn(make_store, [*vaes, *daes])
    first = found.figure.axes[0]
    assert first.get_title() == "GMM samples" and first.get_xlabel() == "beta"
    assert [label.get_text() for label in first.get_xticklabels()] == ["0.01", "0.1", "1"]
    assert points(first) == 2 * 3
    assert sum(_xs(line) == [0, 1] for line in first.lines) == 2
    assert "Mean over 2 training seeds with its 95 % interval." in found.caption
    assert "A line across: a model without beta." in found.caption


def test_words_are_places_without_lines_between_them(make_store: MakeStore) -> None:
    (found,) = drawn(make_store, grid(latent_size=[4], latent_norm=["none", "batch", "layer"], seed=[0, 1], epochs=[1]))
    first = found.figure.axes[0]
    assert [label.get_text() for label in first.get_xticklabels()] == ["batch", "layer", "none"]
    assert all(container.lines[0].get_linestyle() == "None" for container in bars(first))


def test_more_panels_than_a_page_holds_go_on_to_another(make_store: MakeStore) -> None:
    trials = grid(latent_size=[4, 8], filters=[8, 16], batch_size=list(range(1, PER_PAGE + 3)), epochs=[1])
    found = drawn(make_store, trials, x="latent_size", colour="filters", panel="batch_size")
    of_first = [drawing for drawing in found if drawing.name.startswith("axes-gmm-")]
    assert [len(headings(drawing)) for drawing in of_first] == [PER_PAGE, 2]
    assert headings(of_first[1]) == [f"batch size {PER_PAGE + 1}", f"batch size {PER_PAGE + 2}"]
    assert sum(points(ax) for drawing in of_first for ax in drawing.figure.axes if ax.get_visible()) == len(trials)
    assert len({drawing.name for drawing in found}) == len(found)


def test_one_network_needs_no_figure(make_store: MakeStore) -> None:
    assert drawn(make_store, grid(latent_size=[4], seed=[0, 1], epochs=[1])) == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_bars_are_those_of_the_statistics_module_and_a_single_seed_has_none(
    make_store: MakeStore, seeds: int
) -> None:
    (found,) = drawn(make_store, grid(latent_size=[4, 8], seed=list(range(seeds)), epochs=[1]))
    (container,) = bars(found.figure.axes[0])
    lengths = [float(np.ptp(segment[:, 1])) for segment in container.lines[2][0].get_segments()]
    assert all(length > 0 for length in lengths) == (seeds > 1)
    assert ("error is unknown" in found.caption) == (seeds == 1)
