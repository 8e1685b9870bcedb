"""What the figures show: curves, encodings, and which numbers may share an axis."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from analysis import load_tables
from analysis.figures.frechet import reconstruction_distances, sample_distances
from analysis.figures.latents import latent_scatter
from analysis.figures.style import LINE_STYLES, PAPER_COLOURS, colours
from analysis.figures.training import training_curves

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")


def _texts(figure) -> str:
    return "\n".join([text.get_text() for text in figure.texts] + [ax.get_ylabel() for ax in figure.axes])


def _lines(ax) -> list[Line2D]:
    return [line for line in ax.get_lines() if len(line.get_xdata())]


def test_a_curve_passes_through_the_means_over_seeds(make_store, grid):
    tables = load_tables(make_store(grid(filters=[16], latent_size=[4, 8], seed=[0, 1, 2], epochs=[2])))
    (drawing,) = sample_distances(tables)
    merged = tables.scores[tables.scores["source"] == "gmm"].merge(tables.trials[["key", "latent_size"]], on="key")
    means = merged.groupby("latent_size")["value"].mean()
    (line,) = _lines(drawing.figure.axes[1])
    assert np.asarray(line.get_xdata()).tolist() == [4, 8]
    assert np.asarray(line.get_ydata()) == pytest.approx(means.to_numpy())
    band = drawing.figure.axes[1].collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(merged["value"].min()) and band.max() == pytest.approx(merged["value"].max())


def test_mvg_stands_left_and_gmm_right_on_the_same_scale(small_store):
    (drawing,) = sample_distances(load_tables(small_store))
    left, right = drawing.figure.axes
    assert (left.get_title(), right.get_title()) == ("MVG samples", "GMM samples")
    assert left.get_ylim() == right.get_ylim()


def test_the_papers_encodings_hold(make_store, grid):
    tables = load_tables(
        make_store(grid(model=["dae", "vae"], filters=[32, 64, 128, 256], latent_size=[64, 128], epochs=[2]))
    )
    (drawing,) = sample_distances(tables)
    lines = drawing.figure.legends[0].get_lines()
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    by_label = dict(zip(labels, lines, strict=True))
    for width, colour in PAPER_COLOURS.items():
        assert to_hex(by_label[f"DAE, {width} filters"].get_color()) == colour
        assert to_hex(by_label[f"VAE, {width} filters"].get_color()) == colour
    drawn = {to_hex(line.get_color()): line for line in _lines(drawing.figure.axes[0])}
    assert set(drawn) == set(PAPER_COLOURS.values())
    assert all(line.get_linestyle() == ("-" if label.startswith("VAE") else "--") for label, line in by_label.items())
    assert LINE_STYLES["vae"] == "-" and LINE_STYLES["dae"] != "-"


def test_widths_differ_in_marker_and_models_in_filling(make_store, grid):
    tables = load_tables(make_store(grid(model=["dae", "vae"], filters=[8, 16, 32], latent_size=[4, 8], epochs=[2])))
    (drawing,) = sample_distances(tables)
    looks = {(line.get_marker(), line.get_markerfacecolor()) for line in _lines(drawing.figure.axes[0])}
    assert len(looks) == 6 and len({marker for marker, _ in looks}) == 3


def test_other_widths_have_distinct_colours():
    found = colours([8, 16, 32, 48, 64, 512])
    assert len(set(found.values())) == 6


def test_ticks_stand_at_the_real_latent_sizes(make_store, grid):
    sizes = [64, 80, 96, 128, 144, 152, 160, 192, 768]
    (drawing,) = sample_distances(load_tables(make_store(grid(filters=[64], latent_size=sizes, epochs=[2]))))
    ax = drawing.figure.axes[0]
    labelled = {int(label.get_text()) for label in ax.get_xticklabels()}
    assert {64, 128, 768} <= labelled <= set(sizes)
    assert sorted([*ax.get_xticks(), *ax.get_xticks(minor=True)]) == sizes


def test_fid_and_fd_never_share_a_figure(make_store, grid):
    store = make_store(grid(filters=[16], latent_size=[4, 8], epochs=[2]), evaluations=(FID, FD))
    drawings = sample_distances(load_tables(store))
    assert [d.name for d in drawings] == ["fid-inception-2015-digits-32", "fd-random-conv-64-digits-32"]
    fid, fd = (_texts(d.figure) for d in drawings)
    warning = "fd on random-conv-64 features: not FID, not comparable with published values"
    assert warning in fd and "not FID" not in fid


def test_data_sets_have_figures_of_their_own(make_store, grid):
    store = make_store(grid(dataset=["digits", "cifar10"], filters=[16], latent_size=[4, 8], epochs=[2]))
    names = [drawing.name for drawing in reconstruction_distances(load_tables(store))]
    assert names == ["reconstruction-fd-random-conv-64-cifar10-32", "reconstruction-fd-random-conv-64-digits-32"]


def test_every_figure_carries_the_hash_of_the_data(small_store):
    tables = load_tables(small_store)
    for draw in (sample_distances, reconstruction_distances, training_curves, latent_scatter):
        (drawing,) = draw(tables)
        assert f"data {tables.data_hash}" in _texts(drawing.figure)


def test_there_is_one_training_line_per_trial(small_store):
    (drawing,) = training_curves(load_tables(small_store))
    dae, vae = drawing.figure.axes
    assert (dae.get_title(), vae.get_title()) == ("DAE, 16 filters", "VAE, 16 filters")
    assert [sum(len(c.get_segments()) for c in ax.collections) for ax in (dae, vae)] == [4, 4]


def test_a_training_of_one_epoch_and_one_with_a_nan_are_drawn(make_store, grid):
    def with_nan(rows):
        rows["epochs"][-1]["loss"] = float("nan")

    store = make_store([*grid(latent_size=[4], epochs=[1]), *grid(latent_size=[8], epochs=[3])], edit=with_nan)
    (drawing,) = training_curves(load_tables(store))
    assert drawing.to_bytes("png").startswith(b"\x89PNG")


def test_the_latent_scatter_pairs_dae_and_vae_of_one_size(small_store):
    tables = load_tables(small_store)
    (drawing,) = latent_scatter(tables)
    shown = [ax for ax in drawing.figure.axes if ax.get_visible()]
    assert len(shown) == 4
    ax = shown[0]
    assert ax.get_title() == "4 latent units, 16 filters"
    points = np.vstack([scatter.get_offsets() for scatter in ax.collections])
    keys = tables.trials[tables.trials["latent_size"] == 4]["key"]
    rows = tables.latents[tables.latents["key"].isin(keys) & (tables.latents["split"] == "train")]
    assert sorted(points[:, 0]) == pytest.approx(sorted(rows["z_a"]))


@pytest.mark.parametrize("draw", [sample_distances, reconstruction_distances, training_curves, latent_scatter])
def test_an_empty_store_has_no_figures(tmp_path, draw):
    assert draw(load_tables(tmp_path / "none")) == []


def test_the_same_data_give_the_same_bytes(small_store):
    first, second = (sample_distances(load_tables(small_store))[0] for _ in range(2))
    assert first.to_bytes("png") == second.to_bytes("png")
    assert first.to_bytes("pdf") == second.to_bytes("pdf")
