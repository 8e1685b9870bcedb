"""The training curves: they need no score, and no trial hides another."""

from pathlib import Path

from matplotlib.collections import LineCollection

from aesweep.analysis import load_tables
from aesweep.analysis.figures.training import training_curves
from tests.analysis.typed import Grid, MakeStore, Rows


def test_there_is_one_training_line_per_trial(small_store: Path) -> None:
    (drawing,) = training_curves(load_tables(small_store))
    dae, vae = drawing.figure.axes
    assert (dae.get_title(), vae.get_title()) == ("DAE, 16 filters", "VAE, 16 filters")
    assert [
        sum(len(c.get_segments()) for c in ax.collections if isinstance(c, LineCollection)) for ax in (dae, vae)
    ] == [4, 4]


def test_training_needs_no_scores_and_carries_the_hash(make_store: MakeStore, grid: Grid) -> None:
    tables = load_tables(make_store(grid(filters=[16], latent_size=[4]), states={0: "trained"}))
    (drawing,) = training_curves(tables)
    assert f"data {tables.data_hash}" in [text.get_text() for text in drawing.figure.texts]
    assert training_curves(load_tables(tables.root.parent / "none")) == []


def test_a_training_that_diverges_leaves_room_for_the_others_and_is_said_to_be_cut_off(
    make_store: MakeStore, grid: Grid
) -> None:
    def diverge(rows: Rows) -> None:
        last = rows["trials"][-1]["key"]
        for row in rows["epochs"]:
            row["loss"] *= 10.0 ** row["epoch"] if row["key"] == last else 1.0

    trials = grid(filters=[16], latent_size=[4, 8], epochs=[6])
    (drawing,) = training_curves(load_tables(make_store(trials)))
    highest = drawing.figure.axes[0].get_ylim()[1]
    assert "above the axis" not in drawing.caption
    (drawing,) = training_curves(load_tables(make_store(trials, edit=diverge)))
    assert drawing.figure.axes[0].get_ylim()[1] < 4 * highest
    assert "1 trial diverges: its losses continue above the axis." in drawing.caption


def test_a_training_of_one_epoch_and_one_with_a_nan_are_drawn(make_store: MakeStore, grid: Grid) -> None:
    def with_nan(rows: Rows) -> None:
        rows["epochs"][-1]["loss"] = float("nan")

    store = make_store([*grid(latent_size=[4], epochs=[1]), *grid(latent_size=[8], epochs=[3])], edit=with_nan)
    (drawing,) = training_curves(load_tables(store))
    assert drawing.to_bytes("png").startswith(b"\x89PNG")


def test_the_unit_is_that_of_the_reconstruction_and_its_reduction(make_store: MakeStore, grid: Grid) -> None:
    """Squared errors were called nats. A sigma-VAE has a likelihood of its own, whatever the field says."""
    trials = grid(model=["dae"], reduction=["mean", "sum"], reconstruction=["bce", "mse"], filters=[16], epochs=[6])
    trials += grid(model=["sigma-vae"], reconstruction=["mse"], filters=[16], epochs=[6])

    def edit(rows: Rows) -> None:
        words = {row["key"]: (row["model"], row["reconstruction"]) for row in rows["trials"]}
        for row in rows["epochs"]:
            row["loss"] *= 0.01 if words[row["key"]] == ("dae", "mse") else 1.0

    (drawing,) = training_curves(load_tables(make_store(trials, edit=edit)))
    axes = {ax.get_title(): ax for ax in drawing.figure.axes if ax.get_visible()}
    assert {title: ax.get_ylabel() for title, ax in axes.items()} == {
        "DAE, 16 filters, reduction mean, reconstruction bce": "loss (nats per pixel value)",
        "DAE, 16 filters, reduction mean, reconstruction mse": "loss (squared error per pixel value)",
        "DAE, 16 filters, reduction sum, reconstruction bce": "loss (nats per image)",
        "DAE, 16 filters, reduction sum, reconstruction mse": "loss (squared error per image)",
        "sigma-vae, 16 filters, reduction mean, reconstruction mse": "loss (nats per pixel value)",
    }
    nats, squares = (axes[f"DAE, 16 filters, reduction mean, reconstruction {name}"] for name in ("bce", "mse"))
    assert squares.get_ylim()[1] < 0.1 * nats.get_ylim()[1]
