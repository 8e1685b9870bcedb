"""Mixtures against their number of components: which point stands where, and what is left out."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import all_results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.figures.mixtures import mixture_scores, mixtures
from aesweep.analysis.text.other_scores import other_scores, other_tables
from tests.analysis.typed import Grid, MakeStore, Rows, present

SIZES = (1, 10, 100)


def _value(metric: str, components: int, seed: int) -> float:
    return {"fd_mixture": 50 / components, "kd_mixture": 0.1, "mixture_loglikelihood": float(components)}[metric] + seed


def _add(rows: Rows) -> None:
    seeds = {row["key"]: row["seed"] for row in rows["trials"]}
    for like in [row for row in rows["scores"] if row["source"] == "gmm"]:
        for metric in ("fd_mixture", "kd_mixture", "mixture_loglikelihood"):
            for size in SIZES:
                row: dict[str, Any] = {**like, "metric": metric, "gmm_components": size, "stderr": 0.25}
                row |= {"extractor": "none"} if metric == "mixture_loglikelihood" else {}
                rows["scores"].append(row | {"value": _value(metric, size, seeds[like["key"]])})


@pytest.fixture
def tables(make_store: MakeStore, grid: Grid) -> Tables:
    found: Tables = load_tables(
        make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[8], seed=[0, 1], epochs=[1]), edit=_add)
    )
    return found


def _curves(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata()) for line in ax.get_lines() if line.get_marker() not in ("None", "")]


def test_a_curve_per_model_holds_the_mean_over_seeds_at_each_number_of_components(tables: Tables) -> None:
    drawing = present(mixtures(tables, all_results(tables)[0]))
    distance, kernel, likelihood = drawing.figure.axes
    for ax, metric in ((distance, "fd_mixture"), (kernel, "kd_mixture"), (likelihood, "mixture_loglikelihood")):
        expected = [np.mean([_value(metric, size, seed) for seed in (0, 1)]) for size in SIZES]
        assert [curve.tolist() for curve in _curves(ax)] == [pytest.approx(expected)] * 2
        assert ax.get_xticks().tolist() == list(SIZES)
    dashed = {float(np.asarray(line.get_ydata())[0]) for line in distance.get_lines() if line.get_marker() == "None"}
    reconstructed = all_results(tables)[0].trials.groupby("model")["reconstruction_test"].mean()
    assert sorted(dashed) == pytest.approx(sorted(reconstructed))


def test_without_mixtures_there_is_no_figure_and_another_network_s_distances_are_not_drawn(
    make_store: MakeStore, grid: Grid
) -> None:
    trials = grid(filters=[16], latent_size=[8], epochs=[1])
    plain = load_tables(make_store(trials))
    assert mixtures(plain, all_results(plain)[0]) is None

    def of_another(rows: Rows) -> None:
        _add(rows)
        for row in rows["scores"]:
            row |= {"extractor": "dinov2-vit-s-14"} if row["metric"] == "fd_mixture" else {}

    other = load_tables(make_store(trials, edit=of_another))
    results = next(one for one in all_results(other) if one.evaluation.extractor == "random-conv-64")
    assert set(mixture_scores(other, results)["metric"]) == {"kd_mixture", "mixture_loglikelihood"}


def test_values_of_several_numbers_of_components_are_never_pooled_in_a_table(tables: Tables) -> None:
    assert not other_scores(tables)["metric"].str.contains("mixture").any()
    assert all("fd_mixture" not in table.headings for table in other_tables(tables))
