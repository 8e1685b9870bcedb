"""Which trials share a curve."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from aesweep.analysis import load_tables
from aesweep.analysis.claims.own import DATA
from aesweep.analysis.data.trials import Curve, curves, data_title
from aesweep.analysis.figures.training import training_curves
from aesweep.analysis.text.paper_tables import table_1
from aesweep.models.config import TrialConfig
from tests.analysis.typed import Grid, MakeStore


def _curves(store: Path) -> list[Curve]:
    return [curve for curve, _ in curves(load_tables(store).described)]


def test_trials_that_differ_in_latent_size_and_seed_share_a_curve(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(latent_size=[4, 8], seed=[0, 1], epochs=[2]))
    assert _curves(store) == [Curve("dae", 128, "1", "")]


def test_any_other_setting_that_differs_makes_a_curve_of_its_own(make_store: MakeStore) -> None:
    base = TrialConfig(latent_size=8, epochs=2)
    changes: list[dict[str, Any]] = [
        {"epochs": 3},
        {"bn_momentum": 0.01},
        {"batch_size": 64},
        {"reduction": "sum"},
        {"precision": "fp32"},
    ]
    changes += [{"decoder_first_map": "4f"}, {"learning_rates": (1e-3, 1e-4, 1e-6)}, {"warmup_epochs": 0}]
    changes += [
        {"latent_norm": "batch"},
        {"noise_std": 0.5},
        {"freeze_latent": True},
        {"conv_norm": False},
        {"depth": 2},
    ]
    changes += [{"noise_std": 0.5, "noise_position": "image"}, {"warmup_learning_rate": 1e-5}, {"filters": 64}]
    store = make_store([base, *(replace(base, **change) for change in changes)])
    assert len(set(_curves(store))) == 1 + len(changes)


def test_beta_tells_vaes_apart_but_not_daes(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(model=["dae", "vae"], beta=[0.01, 1.0], latent_size=[8], epochs=[2]))
    found = _curves(store)
    assert [curve.variant for curve in found if curve.model == "dae"] == [""]
    assert {curve.variant for curve in found if curve.model == "vae"} == {"beta 0.01", "beta 1"}


def test_a_setting_that_all_trials_share_is_not_named(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(latent_size=[4, 8], epochs=[7], bn_momentum=[0.01]))
    assert {curve.variant for curve in _curves(store)} == {""}


def test_the_papers_variants_are_named_in_words(make_store: MakeStore) -> None:
    store = make_store(
        [TrialConfig(depth=(3, 3, 2, 1), noise_std=0.1, latent_norm="layer", freeze_latent=True, epochs=1)]
    )
    (curve,) = _curves(store)
    assert curve.label == "DAE, 128 filters, depth 3-3-2-1, layer latent norm, noise 0.1, frozen latent"


def test_image_sizes_filters_and_folders_are_different_data(make_store: MakeStore) -> None:
    one, other = "a" * 64, "b" * 64
    store = make_store(
        [
            TrialConfig(dataset="folder", data_identity=one, epochs=1),
            TrialConfig(dataset="folder", data_identity=other, epochs=1),
            TrialConfig(dataset="celeba", image_size=64, epochs=1),
            TrialConfig(dataset="celeba", image_size=64, resize="lanczos", epochs=1),
        ]
    )
    data = set(load_tables(store).described["data"])
    assert data == {"folder-aaaaaaaa-32", "folder-bbbbbbbb-32", "celeba-64", "celeba-64-lanczos"}


def test_own_images_without_a_name_have_words_in_headings() -> None:
    assert data_title("folder-1a2b3c4d-64-grey") == "Own images at 64 pixels, grey (folder-1a2b3c4d)"
    assert [data_title(name) for name in ("cifar10-32", "faces-64")] == ["CIFAR-10", "faces-64"]


def test_grey_images_and_versions_of_a_data_set_are_different_data(make_store: MakeStore) -> None:
    """The plug-in itself is not here, as where a store is only read."""
    base = TrialConfig(latent_size=8, epochs=2)
    plugins = [
        replace(
            base,
            dataset="mine",
            channels=1,
            plugin_versions=(f"dataset mine {version}", "objective own 3.1"),
            model="own",
        )
        for version in ("1.0", "1.1")
    ]
    found = load_tables(make_store([base, replace(base, channels=1), *plugins])).described
    assert set(found["data"]) == {"digits-32", "digits-32-grey", "mine-1.0-32-grey", "mine-1.1-32-grey"}
    assert all(re.fullmatch(DATA, name) for name in found["data"])


def test_another_architecture_is_named_in_words(make_store: MakeStore) -> None:
    base = TrialConfig(latent_size=8, epochs=2)
    found = _curves(make_store([base, replace(base, architecture="resnet"), replace(base, noise_std=0.5)]))
    assert {curve.variant for curve in found} == {"", "resnet", "noise 0.5"}


def test_deeper_networks_sort_after_shallower_ones(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(depth=[10, 2, 1], latent_size=[8], epochs=[1]))
    assert list(load_tables(store).described["depth"]) == ["1", "2", "10"]


def test_depths_have_one_order_in_the_trials_table_1_and_the_training_curves(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(filters=[16], depth=[10, 2, (3, 3, 2, 1), 3, 1], latent_size=[8], epochs=[2]))
    tables, deeper = load_tables(store), ["1", "2", "3-3-2-1", "3", "10"]
    assert list(tables.described["depth"]) == deeper
    assert list(table_1(tables).frame["depth"]) == deeper
    (drawing,) = training_curves(tables)
    titles = [ax.get_title().removeprefix("DAE, 16 filters").removeprefix(", depth ") for ax in drawing.figure.axes]
    assert titles[:5] == ["", *deeper[1:]]
