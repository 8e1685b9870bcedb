"""The figures of hypothesis 1: what is drawn, where, and only what was measured."""

import numpy as np

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import all_results, results_without_distances
from aesweep.analysis.figures import SMOOTHNESS_FIGURES
from aesweep.analysis.figures.smoothness import (
    smoothness_against_capacity,
    smoothness_at_samples,
    smoothness_at_test_images,
)
from aesweep.models.config import TrialConfig
from tests.analysis.invented import trials
from tests.analysis.smooth import LATENTS_ALONE, with_smoothness
from tests.analysis.typed import MakeResults, MakeStore, Rows, present


def test_each_network_has_a_curve_of_means_in_every_panel(results: MakeResults) -> None:
    asked = trials(model=["dae", "vae"], filters=[32, 64], latent_size=[32, 64, 128])

    def value(trial: TrialConfig, metric: str, source: str) -> float:
        base = trial.latent_size / 32 + trial.seed
        return base + (10 if trial.model == "vae" else 0) + (100 if source == "mvg" else 0)

    found = results(asked, lambda *_: 80, edit=with_smoothness(value, asked))
    at_images = present(smoothness_at_test_images(found))
    for ax in at_images.figure.axes:
        assert len([line for line in ax.get_lines() if len(np.asarray(line.get_xdata())) == 3]) == 4
    means = [np.asarray(ax.get_lines()[0].get_ydata()).tolist() for ax in at_images.figure.axes]
    assert means[:3] == [[2.0, 3.0, 5.0]] * 3  # of seeds 0, 1, 2
    assert means[3] == [(1 + 4 + 9) / 3, (4 + 9 + 16) / 3, (16 + 25 + 36) / 3]  # encoder times decoder
    assert "Mean over up to 3 training seeds" in at_images.caption
    assert [text.get_text() for text in at_images.figure.legends[0].get_texts()] == [
        "DAE, 32 filters", "VAE, 32 filters", "DAE, 64 filters", "VAE, 64 filters",
    ]  # fmt: skip
    at_samples = present(smoothness_at_samples(found))
    assert np.asarray(at_samples.figure.axes[0].get_lines()[0].get_ydata())[0] == 102.0
    assert at_samples.name == "smoothness-latent-size-mvg-fid-inception-2015-cifar10-32"
    assert at_images.figure.axes[1].get_ylabel() == "FID from real images"


def test_a_point_per_network_stands_at_its_parameters(results: MakeResults) -> None:
    asked = trials(filters=[32, 64], latent_size=[128]) + trials(filters=[32], depth=[(2,) * 4], latent_size=[128])
    edit = with_smoothness(lambda trial, *_: float(trial.filters), asked)
    drawing = present(smoothness_against_capacity(results(asked, lambda *_: 80, edit=edit)))
    assert "of 128 units" in drawing.title
    first = drawing.figure.axes[0]
    heights = [np.asarray(line.get_ydata())[0] for line in first.get_lines() if line.get_marker() not in ("_", "None")]
    assert sorted(heights) == [32.0, 32.0, 64.0]
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert {"32 filters", "64 filters", "depth 1", "depth 2"} <= set(labels)


def test_nothing_is_drawn_without_a_measure_and_a_missing_one_is_named(results: MakeResults) -> None:
    asked = trials(filters=[32, 64], latent_size=[128], seed=[0])
    assert [draw(results(asked, lambda *_: 80)) for draw in SMOOTHNESS_FIGURES] == [None, None, None]
    part = with_smoothness(lambda *_: 1.0, asked, metrics=LATENTS_ALONE)
    drawing = present(smoothness_at_test_images(results(asked, lambda *_: 80, edit=part)))
    said = [[text.get_text() for text in ax.texts] for ax in drawing.figure.axes]
    assert said == [["not measured"], ["not measured"], [], []]
    assert "One training seed, which decides nothing" in drawing.caption


def test_what_a_band_is_depends_on_the_seeds_of_each_network(results: MakeResults) -> None:
    """With seed 0 of the DAE and seed 1 of the VAE, the band was said to run from the lowest to the highest of two seeds."""
    alone = trials(latent_size=[64, 128], seed=[0]) + trials(model=["vae"], latent_size=[64, 128], seed=[1])
    drawing = present(
        smoothness_at_test_images(results(alone, lambda *_: 80, edit=with_smoothness(lambda *_: 1.0, alone)))
    )
    assert "One training seed, which decides nothing; band of 2 standard errors" in drawing.caption
    mixed = trials(latent_size=[64, 128]) + trials(model=["vae"], latent_size=[64, 128], seed=[1])
    drawing = present(
        smoothness_at_test_images(results(mixed, lambda *_: 80, edit=with_smoothness(lambda *_: 1.0, mixed)))
    )
    assert "Mean over up to 3 training seeds, band from the lowest to the highest" in drawing.caption
    assert "band of a single seed: 2 standard errors over pairs or points" in drawing.caption


def test_measures_of_the_networks_alone_are_drawn_without_distances_too(make_store: MakeStore) -> None:
    asked = trials(filters=[32, 64], latent_size=[128])
    add = with_smoothness(lambda *_: 1.0, asked, metrics=LATENTS_ALONE)

    def only_these(rows: Rows) -> None:
        add(rows)
        rows["scores"] = [row for row in rows["scores"] if row["metric"] in LATENTS_ALONE]

    tables = load_tables(make_store(asked, pictures=False, latent_points=0, edit=only_these))
    (found,) = results_without_distances(tables)
    assert all_results(tables) == []
    assert (
        present(smoothness_at_test_images(found)).name
        == "smoothness-latent-size-reconstruction-no-distances-cifar10-32"
    )
