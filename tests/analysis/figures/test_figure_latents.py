"""Figures A.1 and A.2 and their relatives: which trials are shown, in which colours, and that few are read."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.data.tables import LatentPoints, Tables
from aesweep.analysis.figures import Drawing
from aesweep.analysis.figures.latents import PANELS, figure_a, latent_panels
from tests.analysis.typed import Draw, Grid, MakeStore, Rows, present

BLUE, RED, GREEN = "#1f4fd8", "#d7191c", "#1a8a34"
BOTH = (("f" * 12, "fid", "inception-2015"), ("e" * 12, "fd", "random-conv-64"))


class _Recorded(LatentPoints):
    """The store's latents, remembering which trials were asked for."""

    def __init__(self, inner: LatentPoints) -> None:
        self.inner = inner
        self.asked: set[str] = set()

    def of(self, keys: Iterable[str]) -> pd.DataFrame:
        self.asked |= set(keys)
        return self.inner.of(keys)


def _load(store: Path) -> tuple[Tables, Results]:
    tables = load_tables(store)
    return tables, all_results(tables)[0]


def _clouds(ax: Axes) -> dict[str, np.ndarray]:
    return {to_hex(np.atleast_2d(c.get_edgecolor() if np.size(c.get_edgecolor()) else c.get_facecolor())[0]): np.asarray(c.get_offsets())
            for c in ax.collections}  # fmt: skip


def _stored(tables: Tables, split: str = "train", **columns: Any) -> list[tuple[float, float]]:
    trials = tables.described
    for name, value in columns.items():
        trials = trials[trials[name] == value]
    rows = tables.latents.of(trials["key"])
    rows = rows[rows["split"] == split]
    return sorted(zip(rows["z_a"], rows["z_b"], strict=True))


def _points(cloud: np.ndarray) -> list[tuple[float, float]]:
    return sorted((float(a), float(b)) for a, b in cloud)


def _labels(drawing: Drawing) -> list[str]:
    return [text.get_text() for text in drawing.figure.legends[0].get_texts()]


def test_figure_a1_shows_two_seeds_of_the_dae_in_blue_and_red_and_the_vae_in_green(
    make_store: MakeStore, grid: Grid
) -> None:
    trials = grid(
        dataset=["cifar10"], model=["dae", "vae"], filters=[64, 128, 256], latent_size=[64, 128], seed=[3, 1, 2]
    )
    tables, results = _load(make_store(trials, pictures=False))
    drawing = present(figure_a(tables, results))
    assert drawing.name == "figure-a1-cifar10-32" and drawing.title.startswith("Figure A.1. CIFAR-10")
    clouds = _clouds(drawing.figure.axes[0])
    network: dict[str, Any] = {"filters": 128, "latent_size": 128}
    assert _points(clouds[BLUE]) == _stored(tables, **network, model="dae", seed=1)
    assert _points(clouds[RED]) == _stored(tables, **network, model="dae", seed=2)
    assert _points(clouds[GREEN]) == _stored(tables, **network, model="vae", seed=1)
    assert [label.split(":")[0] for label in _labels(drawing)[:3]] == ["DAE, seed 1", "DAE, seed 2", "VAE, seed 1"]


def test_figure_a2_is_blue_for_the_dae_and_red_for_the_vae(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(
        dataset=["celeba"], image_size=[64], model=["dae", "vae"], filters=[128], latent_size=[64], seed=[0, 1]
    )
    tables, results = _load(make_store(trials, pictures=False))
    drawing = present(figure_a(tables, results))
    assert drawing.name == "figure-a2-celeba-64"
    clouds = _clouds(drawing.figure.axes[0])
    assert set(clouds) == {BLUE, RED}
    assert _points(clouds[BLUE]) == _stored(tables, model="dae", seed=0)
    assert _points(clouds[RED]) == _stored(tables, model="vae", seed=0)


def test_without_the_papers_network_the_widest_is_shown_and_the_figure_has_no_number(
    make_store: MakeStore, grid: Grid
) -> None:
    trials = grid(dataset=["cifar10"], model=["dae"], filters=[32, 64], latent_size=[128], epochs=[100])
    tables, results = _load(make_store(trials, pictures=False))
    drawing = present(figure_a(tables, results))
    assert drawing.name == "latents-cifar10-32" and "64 filters" in drawing.title and "Figure" not in drawing.title
    assert _points(_clouds(drawing.figure.axes[0])[BLUE]) == _stored(tables, filters=64)


def test_the_legend_tells_the_spread_that_the_points_have(small_store: Path) -> None:
    tables, results = _load(small_store)
    drawing = present(figure_a(tables, results))
    rows = np.array(_stored(tables, model="dae", latent_size=results.comparison_size))
    sigma = rows.std(axis=0)
    assert _labels(drawing)[0].endswith(f"σ {sigma[0]:#.2g} and {sigma[1]:#.2g}")


def test_the_circle_holds_95_percent_of_a_standard_normal(small_store: Path) -> None:
    (circle,) = (
        patch for patch in present(figure_a(*_load(small_store))).figure.axes[0].patches if isinstance(patch, Circle)
    )
    points = np.random.default_rng(0).standard_normal((100_000, 2))
    assert np.mean(np.linalg.norm(points, axis=1) < circle.get_radius()) == pytest.approx(0.95, abs=0.003)


def test_panels_pair_dae_and_vae_of_one_network_and_size(small_store: Path) -> None:
    tables, results = _load(small_store)
    drawing = present(latent_panels(tables, results))
    shown = [ax for ax in drawing.figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == [f"{size} latent units, 16 filters" for size in (4, 8, 16, 32)]
    clouds = _clouds(shown[0])
    assert _points(clouds[BLUE]) == _stored(tables, model="dae", latent_size=4)
    assert _points(clouds[RED]) == _stored(tables, model="vae", latent_size=4)


def test_panels_go_from_the_narrowest_to_the_widest_and_from_few_latents_to_many(
    make_store: MakeStore, grid: Grid
) -> None:
    sizes = [2, 4, 8, 16, 32]
    trials = grid(model=["dae", "vae"], filters=[8, 16, 32], latent_size=sizes, depth=[1, 2], epochs=[1])
    drawing = present(latent_panels(*_load(make_store(trials, pictures=False, latent_points=5))))
    titles = [ax.get_title() for ax in drawing.figure.axes]
    assert titles == [f"{size} latent units, {filters} filters" for filters in (8, 32) for size in (2, 8, 32)]


def test_of_many_trials_only_those_shown_are_read(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(
        model=["dae", "vae"], filters=[8, 16, 32, 64], latent_size=[2, 4, 8, 16, 32], seed=[0, 1, 2], epochs=[1]
    )
    tables, results = _load(make_store(trials, pictures=False, latent_points=3))
    recorded = _Recorded(tables.latents)
    assert latent_panels(replace(tables, latents=recorded), results)
    assert len(recorded.asked) == 2 * PANELS
    recorded = _Recorded(tables.latents)
    assert figure_a(replace(tables, latents=recorded), results)
    assert len(recorded.asked) == 2


def test_test_images_are_shown_and_named_where_no_training_latents_were_stored(
    make_store: MakeStore, grid: Grid
) -> None:
    def only_test(rows: Rows) -> None:
        rows["latents"] = [row for row in rows["latents"] if row["split"] == "test"]

    tables, results = _load(make_store(grid(filters=[16], latent_size=[4]), edit=only_test))
    drawing = present(figure_a(tables, results))
    assert "of test images" in drawing.title
    assert _points(_clouds(drawing.figure.axes[0])[BLUE]) == _stored(tables, split="test")


def test_points_that_are_not_finite_are_left_out(make_store: MakeStore, grid: Grid) -> None:
    def broken(rows: Rows) -> None:
        rows["latents"][0]["z_a"] = float("nan")
        rows["latents"][1]["z_b"] = float("inf")

    tables, results = _load(make_store(grid(filters=[16], latent_size=[4]), edit=broken, latent_points=20))
    assert len(_clouds(present(figure_a(tables, results)).figure.axes[0])[BLUE]) == 18
    assert present(latent_panels(tables, results)).to_bytes("png").startswith(b"\x89PNG")


def test_a_trial_without_latents_leaves_its_partner_alone(make_store: MakeStore, grid: Grid) -> None:
    def without_vae(rows: Rows) -> None:
        keys = {row["key"] for row in rows["trials"] if row["model"] == "vae"}
        rows["latents"] = [row for row in rows["latents"] if row["key"] not in keys]

    tables, results = _load(make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[4]), edit=without_vae))
    assert set(_clouds(present(figure_a(tables, results)).figure.axes[0])) == {BLUE}
    assert set(_clouds(present(latent_panels(tables, results)).figure.axes[0])) == {BLUE}


@pytest.mark.parametrize("draw", [figure_a, latent_panels])
def test_without_latents_there_is_no_figure(make_store: MakeStore, grid: Grid, draw: Draw) -> None:
    assert draw(*_load(make_store(grid(filters=[16], latent_size=[4, 8]), latent_points=0))) is None
    deep = make_store(grid(filters=[16], depth=[2], latent_norm=["batch"], latent_size=[4]), latent_points=0)
    assert draw(*_load(deep)) is None


@pytest.mark.parametrize("draw", [figure_a, latent_panels])
def test_the_extractor_changes_nothing(make_store: MakeStore, grid: Grid, draw: Draw) -> None:
    store = make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], epochs=[2]), evaluations=BOTH)
    tables = load_tables(store)
    first, second = (present(draw(tables, results)) for results in all_results(tables))
    assert first.name == second.name
    assert first.to_bytes("png") == second.to_bytes("png")


def test_the_footer_names_the_data_and_what_differs_from_the_paper(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(dataset=["cifar10"], filters=[128], latent_size=[128], epochs=[5])
    tables, results = _load(make_store(trials, evaluations=BOTH[1:]))
    for draw in (figure_a, latent_panels):
        words = " ".join(text.get_text().replace("\n", " ") for text in present(draw(tables, results)).figure.texts)
        assert f"data {tables.data_hash}" in words
        assert "epochs 5 (paper: 100)" in words
        assert "not FID" not in words  # it shows no distance
