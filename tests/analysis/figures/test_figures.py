"""What all figures show: curves, bands, colours and captions, and which numbers may share an axis."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.figures import NETWORK_FIGURES, PAPER_FIGURES
from aesweep.analysis.figures.capacity import best_latent_size
from aesweep.analysis.figures.latent_layer import figure_3, figure_4, noise
from aesweep.analysis.figures.other_networks import others
from aesweep.analysis.figures.style import MOST_LEGEND, colours
from aesweep.analysis.figures.width_and_depth import figure_1, figure_2, figure_5, reconstructions
from tests.analysis.figures.drawn import (
    ALL,
    BLACK,
    DEEP,
    FD,
    FID,
    cifar10_trials,
    dashes_of,
    joined_lines,
    lines_by_label,
    means_of,
    only_results,
    paper_trials,
    words_of,
)
from tests.analysis.typed import Draw, Grid, MakeStore, Rows, present


def test_a_curve_passes_through_the_means_over_seeds(make_store: MakeStore, grid: Grid) -> None:
    results = only_results(make_store(grid(filters=[16], latent_size=[4, 8], seed=[0, 1, 2], epochs=[2])))
    drawing = present(figure_1(results))
    scores = results.trials.groupby("latent_size")["gmm"]
    (line,) = joined_lines(drawing.figure.axes[1])
    assert np.asarray(line.get_xdata()).tolist() == [4, 8]
    assert np.asarray(line.get_ydata()) == pytest.approx(scores.mean().to_numpy())
    band = np.asarray(drawing.figure.axes[1].collections[0].get_paths()[0].vertices)[:, 1]
    assert band.min() == pytest.approx(scores.min().min()) and band.max() == pytest.approx(scores.max().max())
    assert "Mean over 3 training seeds, band from lowest to highest." in drawing.caption


def test_the_caption_says_where_sizes_differ_in_seeds(make_store: MakeStore, grid: Grid) -> None:
    trials = [*grid(filters=[16], latent_size=[4], seed=[0, 1]), *grid(filters=[16], latent_size=[8])]
    assert "Mean over 1 to 2 training seeds" in present(figure_1(only_results(make_store(trials)))).caption


def test_a_single_seed_without_errors_has_no_band(small: Results) -> None:
    drawing = present(figure_1(small))
    assert not drawing.figure.axes[0].collections
    assert "One training seed." in drawing.caption


def test_a_single_seed_has_the_error_of_its_distance_as_a_band(make_store: MakeStore, grid: Grid) -> None:
    def known_errors(rows: Rows) -> None:
        for row in rows["scores"]:
            row["stderr"] = 0.25

    drawing = present(
        figure_1(only_results(make_store(grid(filters=[16], latent_size=[4, 8], epochs=[2]), edit=known_errors)))
    )
    left = drawing.figure.axes[0]
    (band,), (curve,) = left.collections, joined_lines(left)
    low, high = np.asarray(curve.get_ydata()) - 0.5, np.asarray(curve.get_ydata()) + 0.5
    assert {*low, *high} <= set(np.asarray(band.get_paths()[0].vertices)[:, 1])
    assert "Band or bar of a single seed: 2 standard errors of its distance" in drawing.caption


def bars_of(ax: Axes) -> list[list[float]]:
    """Both ends of each upright bar."""
    found = [segment for c in ax.collections if hasattr(c, "get_segments") for segment in c.get_segments()]
    return [sorted(segment[:, 1].tolist()) for segment in found]


def test_a_band_at_a_single_latent_size_is_a_bar(make_store: MakeStore, grid: Grid) -> None:
    results = only_results(make_store(grid(filters=[16], latent_size=[8], seed=[0, 1, 2], epochs=[2])))
    ((low, high),) = bars_of(present(figure_1(results)).figure.axes[1])
    assert (low, high) == pytest.approx((results.trials["gmm"].min(), results.trials["gmm"].max()))


@pytest.mark.parametrize("draw", [figure_1, figure_2, figure_5, noise, others])
def test_mvg_stands_left_and_gmm_right_on_the_same_scale(paper_and_others: Results, draw: Draw) -> None:
    results = paper_and_others
    left, right = present(draw(results)).figure.axes
    assert (left.get_title(), right.get_title()) == ("MVG samples", "GMM samples")
    assert left.get_ylim() == right.get_ylim()
    if draw is figure_1:
        for ax, score in ((left, "mvg"), (right, "gmm")):
            curve = means_of(results, score, model="dae", filters=64, depth="1", network="")
            assert any(list(np.asarray(line.get_ydata())) == pytest.approx(list(curve)) for line in joined_lines(ax))


def test_curves_of_a_figure_differ_without_their_colours(paper: Results) -> None:
    for draw in PAPER_FIGURES:
        for ax in present(draw(paper)).figure.axes:
            looks = [
                (
                    dashes_of(line),
                    line.get_marker(),
                    to_hex(line.get_markerfacecolor()) == "#ffffff",
                    line.get_fillstyle(),
                )
                for line in joined_lines(ax)
            ]
            assert len(set(looks)) == len(looks)


def test_any_widths_are_drawn(make_store: MakeStore, grid: Grid) -> None:
    base = {"filters": [8], "latent_size": [4, 8, 16]}
    trials = [*grid(model=["dae", "vae"], **base), *grid(depth=[DEEP["2"]], **base), *grid(noise_std=[0.5], **base)]
    trials += [*grid(freeze_latent=[True], **base), *grid(latent_norm=["batch"], **base)]
    results = only_results(make_store(trials))
    for draw in (*PAPER_FIGURES, reconstructions, noise):
        assert draw(results) is not None
    assert others(results) is None
    assert "VAE, 8 filters" in lines_by_label(present(figure_2(results)))


def test_a_width_whose_colour_the_vae_has_gets_another(make_store: MakeStore, grid: Grid) -> None:
    trials = [*grid(model=["vae"], filters=[32]), *grid(filters=[32], depth=[(1, 1, 1, 1), DEEP["2"]])]
    found = lines_by_label(present(figure_2(only_results(make_store(trials)))))
    assert to_hex(found["VAE, 32 filters"].get_color()) == BLACK
    assert to_hex(found["DAE, 32 filters, depth 2"].get_color()) != BLACK


def test_other_widths_have_distinct_colours() -> None:
    found = colours([8, 16, 32, 48, 64, 512])
    assert len(set(found.values())) == 6


def test_networks_of_no_other_figure_have_one(make_store: MakeStore) -> None:
    more = [*cifar10_trials(conv_norm=False), *cifar10_trials(noise_std=0.1, noise_position="image")]
    more += [*cifar10_trials(filters=64, freeze_latent=True), *cifar10_trials(latent_norm="batch", noise_std=0.1)]
    results = only_results(make_store([*paper_trials(), *more], evaluations=(FID,), latent_points=1, pictures=False))
    assert set(lines_by_label(present(others(results)))) == {
        "DAE, 128 filters, no batch norm",
        "DAE, 128 filters, noise 0.1 on the image",
        "DAE, 64 filters, frozen latent",
        "DAE, 128 filters, batch latent norm, noise 0.1",
    }
    assert len(joined_lines(present(figure_1(results)).figure.axes[0])) == 8


def test_more_networks_than_a_legend_holds_are_counted(make_store: MakeStore) -> None:
    trials = [
        t for i in range(MOST_LEGEND + 3) for t in cifar10_trials((32,), noise_std=0.01 * (i + 1), conv_norm=False)
    ]
    drawing = present(others(only_results(make_store(trials, latent_points=1, pictures=False))))
    assert len(lines_by_label(drawing)) == len(joined_lines(drawing.figure.axes[0])) == MOST_LEGEND
    assert "3 more are not drawn" in drawing.caption


def test_ticks_stand_at_the_real_latent_sizes(make_store: MakeStore, grid: Grid) -> None:
    sizes = [64, 80, 96, 128, 144, 152, 160, 192, 768]
    ax = present(figure_1(only_results(make_store(grid(filters=[64], latent_size=sizes, epochs=[2]))))).figure.axes[0]
    labelled = {int(label.get_text()) for label in ax.get_xticklabels()}
    assert {64, 128, 768} <= labelled <= set(sizes)
    assert sorted([*ax.get_xticks(), *ax.get_xticks(minor=True)]) == sizes


def test_fid_and_fd_never_share_a_figure(make_store: MakeStore, grid: Grid) -> None:
    store = make_store(grid(filters=[16], latent_size=[4, 8], epochs=[2]), evaluations=(FID, FD))
    drawings = [figure_1(results) for results in all_results(load_tables(store))]
    assert [present(d).name for d in drawings] == [
        "figure-1-fid-inception-2015-digits-32",
        "figure-1-fd-random-conv-64-digits-32",
    ]
    fid, fd = (words_of(present(d).figure) for d in drawings)
    warning = "fd on random-conv-64 features: not FID, not comparable with published values"
    assert warning in fd and "not FID" not in fid
    assert "squared feature units" in fd and "squared feature units" not in fid


def test_names_and_titles_say_figure_and_data(paper: Results) -> None:
    drawings = [draw(paper) for draw in (*PAPER_FIGURES, reconstructions, noise)]
    names = [present(drawing).name.removesuffix("-fid-inception-2015-cifar10-32") for drawing in drawings]
    assert names == ["figure-1", "figure-2", "figure-3", "figure-4", "figure-5", "reconstruction", "noise"]
    assert present(drawings[0]).title == "Figure 1. CIFAR-10: FID of samples against latent size"
    assert all(
        present(d).title.startswith(f"Figure {i}. CIFAR-10: FID of samples") for i, d in enumerate(drawings[:5], 1)
    )


def test_every_figure_carries_the_hash_of_the_data_and_the_notice(make_store: MakeStore) -> None:
    trials = [replace(t, epochs=5) for t in [*paper_trials(), *cifar10_trials(conv_norm=False)]]
    results = only_results(make_store(trials, evaluations=(FID,), latent_points=1, pictures=False))
    for draw in ALL:
        text = words_of(present(draw(results)).figure)
        assert f"data {results.data_hash}" in text
        assert "not trained as in the paper: epochs 5 (paper: 100)" in text


def test_a_long_notice_is_wrapped_beside_the_hash(make_store: MakeStore, grid: Grid) -> None:
    notice = "; ".join(["not trained as in the paper: a setting of some length"] * 8)
    results = replace(only_results(make_store(grid(filters=[16]))), deviations=(notice,))
    figure = present(figure_1(results)).figure
    figure.draw_without_rendering()
    data, footer = [text for text in figure.texts[1:] if text.get_text()]
    assert "\n" in footer.get_text() and " ".join(footer.get_text().split()).endswith(notice)
    assert footer.get_window_extent().x1 < data.get_window_extent().x0
    assert not footer.get_window_extent().overlaps(figure.legends[0].get_window_extent())


def test_the_caption_gives_the_images_of_the_distances_that_are_drawn(small: Results) -> None:
    """1,500 training images of the synthetic store are compared too, but not with samples."""
    assert "2,000 images against 297 real ones." in present(figure_1(small)).caption
    words = "Train R: 1,500 images against 1,500 real ones; Test R: 297 images against 297 real ones."
    assert words in present(reconstructions(small)).caption


def test_the_caption_gives_the_span_where_trials_differ_in_images(make_store: MakeStore, grid: Grid) -> None:
    def fewer(rows: Rows) -> None:
        key = rows["trials"][0]["key"]
        for row in rows["scores"]:
            row["n"] = 500 if row["key"] == key and row["source"] == "gmm" else row["n"]

    caption = present(figure_1(only_results(make_store(grid(filters=[16], latent_size=[4, 8]), edit=fewer)))).caption
    assert "MVG: 2,000 images against 297 real ones; GMM: 500 to 2,000 images against 297 real ones." in caption


def test_what_was_left_aside_is_named(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(filters=[16, 32], latent_size=[4, 8, 16], epochs=[2])
    trials += grid(filters=[16], latent_size=[4], epochs=[3])
    store = make_store(trials, gaussianity=True, parameters=True)
    drawn = [figure_1, best_latent_size, *NETWORK_FIGURES]
    captions = [drawing.caption for draw in drawn if (drawing := draw(only_results(store)))]
    assert len(captions) == 5 and all("Not shown: trials with epochs 3." in caption for caption in captions)


@pytest.mark.parametrize("draw", [figure_2, figure_3, figure_4, figure_5, noise, others])
def test_without_a_varied_network_there_is_no_figure(small: Results, draw: Draw) -> None:
    assert draw(small) is None


@pytest.mark.parametrize("of_samples", [True, False])
def test_without_scores_of_its_own_there_is_no_figure(make_store: MakeStore, of_samples: bool) -> None:
    """Plain figures need plain networks; samples and reconstructions are scored apart."""

    def without(rows: Rows) -> None:
        rows["scores"] = [row for row in rows["scores"] if (row["source"] == "reconstruction") == of_samples]

    trials = [*paper_trials(), *cifar10_trials(conv_norm=False)]
    results = only_results(make_store(trials, edit=without, latent_points=1, pictures=False))
    for draw in (one for one in ALL if (one is not reconstructions) == of_samples):
        assert draw(results) is None, draw


def test_a_store_of_any_part_of_the_sweep_is_drawn(make_store: MakeStore) -> None:
    trials = [*paper_trials(), *cifar10_trials(conv_norm=False)]
    random = np.random.default_rng(0)
    for share in (0.02, 0.1, 0.4):

        def thin(rows: Rows, share: float = share) -> None:
            rows["scores"] = [row for row in rows["scores"] if random.random() < share]
            rows["scores"][0]["value"] = None

        store = make_store(trials, evaluations=(FID,), latent_points=1, pictures=False, edit=thin)
        drawings = [draw(results) for results in all_results(load_tables(store)) for draw in ALL]
        assert any(drawings)
        for drawing in filter(None, drawings):
            assert drawing.to_bytes("png").startswith(b"\x89PNG")


@pytest.mark.parametrize("value", [0.0, float("inf"), None])
def test_strange_distances_break_no_figure(make_store: MakeStore, value: float | None) -> None:
    def strange(rows: Rows) -> None:
        rows["scores"] = [{**row, "value": value} for row in rows["scores"]]

    for results in all_results(load_tables(make_store(paper_trials(), edit=strange, pictures=False))):
        for drawing in filter(None, (draw(results) for draw in ALL)):
            assert drawing.to_bytes("png").startswith(b"\x89PNG")


def test_a_network_without_scores_is_not_in_the_legend(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8])
    states = {i: "pending" for i, trial in enumerate(trials) if trial.model == "vae"}
    assert list(lines_by_label(present(figure_1(only_results(make_store(trials, states=states)))))) == [
        "DAE, 16 filters"
    ]


@pytest.mark.parametrize("draw", ALL)
def test_the_same_data_give_the_same_bytes(paper_and_others: Results, draw: Draw) -> None:
    first, second = present(draw(paper_and_others)), present(draw(paper_and_others))
    for form in ("png", "pdf"):
        assert first.to_bytes(form) == second.to_bytes(form)
