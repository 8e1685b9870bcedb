"""How Gaussian the latents are: that points, ranges and the Gaussian's own band stand where the data say."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from aesweep.analysis import load_tables
from aesweep.analysis.data.gaussianity import MEASURES
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.figures import Drawing
from aesweep.analysis.figures.gaussianity import gaussianity_against_capacity, gaussianity_against_latent_size
from aesweep.analysis.figures.networks import MOST_CURVES
from aesweep.models.config import TrialConfig
from aesweep.models.cost import parameter_counts
from tests.analysis.conftest import gaussianity_value
from tests.analysis.typed import Draw, Grid, MakeResults, MakeStore, Rows, present

BOTH = [gaussianity_against_latent_size, gaussianity_against_capacity]
NULL_MEAN, NULL_STD = 0.012, 0.002  # of radius_ks in the synthetic store


def _results(store: Path) -> Results:
    return all_results(load_tables(store))[0]


@pytest.fixture
def measured(make_store: MakeStore) -> Callable[..., Results]:
    """`measured(trials, …)`: the results of a store with measures of Gaussianity and real parameter counts."""
    return lambda trials, **more: _results(
        make_store(trials, gaussianity=True, parameters=True, pictures=False, **more)
    )


def _panel(drawing: Drawing, name: str) -> Axes:
    return drawing.figure.axes[list(MEASURES).index(name)]


def _markers(ax: Axes) -> list[Line2D]:
    """Lines with a marker that is no cap of a bar."""
    return [line for line in ax.get_lines() if line.get_marker() not in ("None", "_", "|", "")]


def _dashed(ax: Axes) -> Line2D:
    """The Gaussian's line; the dotted lines between networks are thinner."""
    (line,) = (line for line in ax.get_lines() if line.get_marker() == "None" and line.get_linewidth() > 1.2)
    return line


def test_a_curve_holds_the_mean_over_seeds_at_each_latent_size_and_a_band_to_the_extremes(
    measured: MakeResults, grid: Grid
) -> None:
    trials = grid(filters=[16], latent_size=[4, 8, 32], seed=[0, 1, 2], epochs=[1])
    drawing = present(gaussianity_against_latent_size(measured(trials)))
    for name in MEASURES:
        ax = _panel(drawing, name)
        (line,) = _markers(ax)
        values = np.array(
            [[gaussianity_value(trial, name) for trial in trials if trial.latent_size == s] for s in (4, 8, 32)]
        )
        assert np.asarray(line.get_xdata()).tolist() == [4, 8, 32]
        assert np.asarray(line.get_ydata()) == pytest.approx(values.mean(1))
        heights = np.asarray(ax.collections[-1].get_paths()[0].vertices)[:, 1]
        assert heights.max() == pytest.approx(values.max()) and heights.min() == pytest.approx(values.min())


@pytest.mark.parametrize("draw", BOTH)
def test_gaussian_data_are_a_dashed_line_with_four_standard_deviations_beside_it(
    measured: MakeResults, grid: Grid, draw: Draw
) -> None:
    drawing = present(draw(measured(grid(filters=[16, 32], latent_size=[4, 8], epochs=[1]))))
    ax = _panel(drawing, "radius_ks")
    assert set(np.asarray(_dashed(ax).get_ydata())) == {NULL_MEAN}
    heights = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1]
    assert heights.min() == pytest.approx(NULL_MEAN - 4 * NULL_STD)
    assert heights.max() == pytest.approx(NULL_MEAN + 4 * NULL_STD)
    assert set(np.asarray(_dashed(_panel(drawing, "loglikelihood_gap")).get_ydata())) == {-0.006}


def test_at_a_single_latent_size_the_seeds_are_a_bar_and_gaussian_data_a_line_across(
    measured: MakeResults, grid: Grid
) -> None:
    trials = grid(filters=[16], latent_size=[8], seed=[0, 1, 2], epochs=[1])
    ax = _panel(present(gaussianity_against_latent_size(measured(trials))), "radius_ks")
    values = [gaussianity_value(trial, "radius_ks") for trial in trials]
    (bar,) = (c.get_segments()[0] for c in ax.collections if hasattr(c, "get_segments"))
    assert bar[:, 1] == pytest.approx([min(values), max(values)])
    assert tuple(np.asarray(_dashed(ax).get_xdata())) == ax.get_xlim()
    sides = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 0]
    assert (sides.min(), sides.max()) == ax.get_xlim()


@pytest.mark.parametrize("draw", BOTH)
def test_the_band_of_a_distance_does_not_go_below_0(measured: MakeResults, grid: Grid, draw: Draw) -> None:
    def wide(rows: Rows) -> None:
        for row in rows["scores"]:
            row["stderr"] = 0.1 if row["metric"].endswith("_null") else row["stderr"]

    drawing = present(draw(measured(grid(filters=[16, 32], latent_size=[4, 8], epochs=[1]), edit=wide)))
    for name in ("radius_ks", "marginal_kurtosis"):
        assert np.asarray(_panel(drawing, name).collections[0].get_paths()[0].vertices)[:, 1].min() == 0.0
    kurtosis = np.asarray(_panel(drawing, "mardia_kurtosis").collections[0].get_paths()[0].vertices)[:, 1]
    assert kurtosis.min() == pytest.approx(0.999 - 0.4)  # may lie on both sides of a Gaussian's


def test_a_point_stands_at_the_parameters_of_its_encoder(measured: MakeResults, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16, 32], depth=[1, 3], latent_size=[8], seed=[0, 1], epochs=[1])
    ax = _panel(present(gaussianity_against_capacity(measured(trials))), "mardia_kurtosis")
    found = {
        (float(np.asarray(line.get_xdata())[0]), round(float(np.asarray(line.get_ydata())[0]), 9))
        for line in _markers(ax)
    }
    expected: dict[TrialConfig, list[float]] = {}
    for trial in trials:
        expected.setdefault(replace(trial, seed=0), []).append(gaussianity_value(trial, "mardia_kurtosis"))
    assert found == {(parameter_counts(t).encoder, round(float(np.mean(v)), 9)) for t, v in expected.items()}


def test_the_bar_of_a_point_runs_over_the_seeds(measured: MakeResults, grid: Grid) -> None:
    trials = grid(filters=[16], latent_size=[8], seed=[0, 1, 2], epochs=[1])
    ax = _panel(present(gaussianity_against_capacity(measured(trials))), "radius_ks")
    values = [gaussianity_value(trial, "radius_ks") for trial in trials]
    (bar,) = (c.get_segments()[0] for c in ax.collections if hasattr(c, "get_segments"))
    assert bar[:, 1] == pytest.approx([min(values), max(values)])


def test_depth_is_a_marker_and_the_model_a_filling(measured: MakeResults, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16, 32], depth=[1, 2, 3], latent_size=[8], epochs=[1])
    ax = _panel(present(gaussianity_against_capacity(measured(trials))), "radius_ks")
    looks = {(line.get_marker(), line.get_markerfacecolor() == "white") for line in _markers(ax)}
    assert len(looks) == 6 and len({marker for marker, _ in looks}) == 3


def test_only_the_comparison_size_is_compared(measured: MakeResults, grid: Grid) -> None:
    results = measured(grid(dataset=["cifar10"], filters=[16, 32], latent_size=[64, 128, 256], epochs=[1]))
    drawing = present(gaussianity_against_capacity(results))
    assert "128 latents" in drawing.title
    assert len(_markers(_panel(drawing, "radius_ks"))) == 2
    other = measured(grid(dataset=["cifar10"], filters=[16, 32], latent_size=[64, 256], epochs=[1]))
    assert gaussianity_against_capacity(other) is None
    assert gaussianity_against_latent_size(other) is not None


def test_networks_with_something_else_varied_are_not_drawn(measured: MakeResults, grid: Grid) -> None:
    trials = grid(filters=[16], latent_size=[4, 8], latent_norm=["none", "batch"], noise_std=[0.0, 0.5], epochs=[1])
    assert len(_markers(_panel(present(gaussianity_against_latent_size(measured(trials))), "radius_ks"))) == 1


def test_of_many_networks_a_few_widths_are_drawn_and_the_others_counted(measured: MakeResults, grid: Grid) -> None:
    widths = range(2, 22)
    trials = grid(model=["dae", "vae"], filters=widths, latent_size=[4, 8], epochs=[1])
    drawing = present(gaussianity_against_latent_size(measured(trials, latent_points=0)))
    drawn = len(_markers(_panel(drawing, "radius_ks")))
    assert drawn <= MOST_CURVES and f"{40 - drawn} further networks are not drawn" in drawing.caption
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert {"DAE, 2 filters", "VAE, 21 filters"} <= set(labels)


def test_a_measure_that_is_missing_or_not_finite_leaves_the_others(measured: MakeResults, grid: Grid) -> None:
    def without(rows: Rows) -> None:
        rows["scores"] = [row for row in rows["scores"] if not row["metric"].startswith("mardia")]
        for row in rows["scores"]:
            if row["metric"] == "loglikelihood_gap":
                row["value"] = None
            if row["metric"] == "marginal_kurtosis":
                row["value"] = float("inf")
            if row["metric"] == "radius_ks_null":
                row |= {"value": None, "stderr": None}

    results = measured(grid(filters=[16], latent_size=[4, 8], epochs=[1]), edit=without)
    for draw in BOTH:
        drawing = present(draw(results))
        for name in ("mardia_kurtosis", "loglikelihood_gap", "marginal_kurtosis"):
            assert [text.get_text() for text in _panel(drawing, name).texts] == ["not measured"]
        assert len(_markers(_panel(drawing, "radius_ks"))) == 1
        assert drawing.to_bytes("png").startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", BOTH)
def test_without_measures_there_is_no_figure(make_store: MakeStore, small_store: Path, draw: Draw) -> None:
    assert draw(_results(small_store)) is None


@pytest.mark.parametrize("draw", BOTH)
def test_the_figure_names_its_data_and_is_the_same_twice(measured: MakeResults, grid: Grid, draw: Draw) -> None:
    results = measured(grid(model=["dae", "vae"], filters=[16, 32], latent_size=[4, 8], epochs=[1]))
    first, second = present(draw(results)), present(draw(results))
    assert first.to_bytes("png") == second.to_bytes("png") and first.to_bytes("pdf") == second.to_bytes("pdf")
    words = " ".join(text.get_text() for text in first.figure.texts)
    assert f"data {results.data_hash}" in words and "not FID" not in words


@pytest.mark.parametrize("draw", BOTH)
def test_the_effect_size_has_a_line_under_which_it_is_negligible(measured: MakeResults, grid: Grid, draw: Draw) -> None:
    results = measured(grid(filters=[16, 32], latent_size=[4, 8], epochs=[1]))
    drawing = present(draw(results))
    ax = _panel(drawing, "direction_negentropy")
    dotted = [
        line for line in ax.get_lines() if line.get_linestyle() == ":" and np.size(np.asarray(line.get_ydata())) == 2
    ]
    assert results.thresholds.practically_gaussian in {float(np.asarray(line.get_ydata())[0]) for line in dotted}
    assert ax.get_yscale() == "log" and "0.01 nats" in drawing.caption
