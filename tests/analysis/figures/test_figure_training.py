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
