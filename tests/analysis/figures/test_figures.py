"""What the figures show: curves, the paper's encodings, its printed points, and which numbers may share an axis."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aesweep.analysis import load_tables
from aesweep.analysis.data.optimum import optimum
from aesweep.analysis.data.published import published_scores, published_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.figures import FURTHER_FIGURES, NETWORK_FIGURES, PAPER_FIGURES, Drawing
from aesweep.analysis.figures.capacity import best_latent_size
from aesweep.analysis.figures.latent_layer import figure_3, figure_4, noise
from aesweep.analysis.figures.other_networks import others
from aesweep.analysis.figures.style import DASHED, DOTTED, MOST_LEGEND, OTHER_COLOURS, PAPER_COLOURS, colours
from aesweep.analysis.figures.width_and_depth import figure_1, figure_2, figure_5, reconstructions
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CIFAR10
from tests.analysis.typed import Draw, Grid, MakeStore, Rows, present

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")
ALL = (*PAPER_FIGURES, *FURTHER_FIGURES)
BLACK, RED, GREEN, BLUE = PAPER_COLOURS.values()
PURPLE, ORANGE = OTHER_COLOURS[:2]
DEEP = {"2": (2, 2, 2, 2), "3": (3, 3, 3, 3), "3-3-2-1": (3, 3, 2, 1)}
SIZES = (32, 64, 128)


def _texts(figure: Figure) -> str:
    return "\n".join([text.get_text() for text in figure.texts] + [ax.get_ylabel() for ax in figure.axes])


def _curves(ax: Axes) -> list[Line2D]:
    """The lines of an axes that join points, without crosses and rules."""
    return [line for line in ax.get_lines() if line.get_linestyle() != "None" and line.get_marker() != "None"]


def _crosses(ax: Axes) -> set[tuple[str, float, float]]:
    return {
        (str(line.get_marker()), float(x), round(float(y), 6))
        for line in ax.get_lines()
        if line.get_linestyle() == "None"
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    }


def _dashes(line: Line2D) -> str:
    """Words for a line style: `solid`, `dashed`, `dotted`."""
    on = line._unscaled_dash_pattern[1]  # type: ignore[attr-defined]  # matplotlib's own
    return {None: "solid", DASHED[1]: "dashed", DOTTED[1]: "dotted"}.get(on and tuple(on), "other")


def _by_label(drawing: Drawing) -> dict[str, Line2D]:
    legend = drawing.figure.legends[0]
    return dict(zip([text.get_text() for text in legend.get_texts()], legend.get_lines(), strict=True))


def _trials(sizes: Iterable[int] = SIZES, **fields: Any) -> list[TrialConfig]:
    return [replace(CIFAR10, **{"filters": 128, **fields}, latent_size=size) for size in sizes]


def _paper_trials() -> list[TrialConfig]:
    """One of each network of the paper's CIFAR-10 figures, at three sizes."""
    found = [t for f in PAPER_COLOURS for m in ("dae", "vae") for t in _trials(filters=f, model=m)]
    found += [
        t for f, d in ((64, "2"), (64, "3"), (128, "2"), (128, "3-3-2-1")) for t in _trials(filters=f, depth=DEEP[d])
    ]
    found += [t for norm in ("batch", "spectral", "layer") for t in _trials(latent_norm=norm)]
    found += [t for std in (0.1, 0.5, 1.0) for t in _trials(noise_std=std)]
    return found + _trials(freeze_latent=True) + _trials(freeze_latent=True, depth=DEEP["2"])


def _results(store: Path) -> Results:
    """Of a store with one data set and one evaluation."""
    (results,) = all_results(load_tables(store))
    return results


def _means(results: Results, score: str, **network: Any) -> list[float]:
    """Mean score by latent size, ascending."""
    return [float(mean) for mean in results.of(**network).groupby("latent_size")[score].mean()]


@pytest.fixture
def paper(make_store: MakeStore) -> Results:
    return _results(make_store(_paper_trials(), evaluations=(FID,), latent_points=1, pictures=False))


@pytest.fixture
def small(small_store: Path) -> Results:
    return _results(small_store)


@pytest.fixture
def published() -> dict[str, Results]:
    return {results.data: results for results in all_results(published_tables())}


def test_a_curve_passes_through_the_means_over_seeds(make_store: MakeStore, grid: Grid) -> None:
    results = _results(make_store(grid(filters=[16], latent_size=[4, 8], seed=[0, 1, 2], epochs=[2])))
    drawing = present(figure_1(results))
    scores = results.trials.groupby("latent_size")["gmm"]
    (line,) = _curves(drawing.figure.axes[1])
    assert np.asarray(line.get_xdata()).tolist() == [4, 8]
    assert np.asarray(line.get_ydata()) == pytest.approx(scores.mean().to_numpy())
    band = np.asarray(drawing.figure.axes[1].collections[0].get_paths()[0].vertices)[:, 1]
    assert band.min() == pytest.approx(scores.min().min()) and band.max() == pytest.approx(scores.max().max())
    assert "Mean over 3 training seeds, band from lowest to highest." in drawing.caption


def test_the_caption_says_where_sizes_differ_in_seeds(make_store: MakeStore, grid: Grid) -> None:
    trials = [*grid(filters=[16], latent_size=[4], seed=[0, 1]), *grid(filters=[16], latent_size=[8])]
    assert "Mean over 1 to 2 training seeds" in present(figure_1(_results(make_store(trials)))).caption


def test_a_single_seed_without_errors_has_no_band(small: Results) -> None:
    drawing = present(figure_1(small))
    assert not drawing.figure.axes[0].collections
    assert "One training seed." in drawing.caption


def test_a_single_seed_has_the_error_of_its_distance_as_a_band(make_store: MakeStore, grid: Grid) -> None:
    def known_errors(rows: Rows) -> None:
        for row in rows["scores"]:
            row["stderr"] = 0.25

    drawing = present(
        figure_1(_results(make_store(grid(filters=[16], latent_size=[4, 8], epochs=[2]), edit=known_errors)))
    )
    left = drawing.figure.axes[0]
    (band,), (curve,) = left.collections, _curves(left)
    low, high = np.asarray(curve.get_ydata()) - 0.5, np.asarray(curve.get_ydata()) + 0.5
    assert {*low, *high} <= set(np.asarray(band.get_paths()[0].vertices)[:, 1])
    assert "Band or bar of a single seed: 2 standard errors of its distance" in drawing.caption


def _bars(ax: Axes) -> list[list[float]]:
    """Both ends of each upright bar."""
    found = [segment for c in ax.collections if hasattr(c, "get_segments") for segment in c.get_segments()]
    return [sorted(segment[:, 1].tolist()) for segment in found]


def test_a_band_at_a_single_latent_size_is_a_bar(make_store: MakeStore, grid: Grid) -> None:
    results = _results(make_store(grid(filters=[16], latent_size=[8], seed=[0, 1, 2], epochs=[2])))
    ((low, high),) = _bars(present(figure_1(results)).figure.axes[1])
    assert (low, high) == pytest.approx((results.trials["gmm"].min(), results.trials["gmm"].max()))


@pytest.mark.parametrize("draw", [figure_1, figure_2, figure_5, noise, others])
def test_mvg_stands_left_and_gmm_right_on_the_same_scale(paper: Results, make_store: MakeStore, draw: Draw) -> None:
    results = paper if draw is not others else _results(make_store(_trials(conv_norm=False)))
    left, right = present(draw(results)).figure.axes
    assert (left.get_title(), right.get_title()) == ("MVG samples", "GMM samples")
    assert left.get_ylim() == right.get_ylim()
    if draw is figure_1:
        for ax, score in ((left, "mvg"), (right, "gmm")):
            curve = _means(results, score, model="dae", filters=64, depth="1", network="")
            assert any(list(np.asarray(line.get_ydata())) == pytest.approx(list(curve)) for line in _curves(ax))


def test_figure_1_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_1(paper))
    found = _by_label(drawing)
    for width, colour in PAPER_COLOURS.items():
        dae, vae = found[f"DAE, {width} filters"], found[f"VAE, {width} filters"]
        assert to_hex(dae.get_color()) == to_hex(vae.get_color()) == colour
        assert (_dashes(dae), _dashes(vae)) == ("dotted", "solid")
    for ax in drawing.figure.axes:
        looks = {(to_hex(line.get_color()), _dashes(line)) for line in _curves(ax)}
        assert looks == {(colour, style) for colour in PAPER_COLOURS.values() for style in ("solid", "dotted")}
        assert len(_curves(ax)) == 8  # plain networks only


def test_figure_2_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_2(paper))
    looks = {label: (to_hex(line.get_color()), _dashes(line)) for label, line in _by_label(drawing).items()}
    expected = {
        "DAE, 64 filters, depth 1": (RED, "solid"),
        "DAE, 64 filters, depth 2": (RED, "dashed"),
        "DAE, 64 filters, depth 3": (RED, "dotted"),
        "DAE, 128 filters, depth 1": (GREEN, "solid"),
        "DAE, 128 filters, depth 2": (GREEN, "dashed"),
        "DAE, 128 filters, depth 3-3-2-1": (GREEN, "dotted"),
        "DAE, 256 filters, depth 1": (BLUE, "solid"),
        "VAE, 128 filters": (BLACK, "solid"),
    }
    assert {label: look for label, look in looks.items() if "paper" not in label} == expected
    for ax in drawing.figure.axes:
        assert sorted((to_hex(line.get_color()), _dashes(line)) for line in _curves(ax)) == sorted(expected.values())


def test_figure_3_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_3(paper))
    (ax,) = drawing.figure.axes
    networks = {(GREEN, "1", ""), (BLUE, "2", ""), (PURPLE, "1", "frozen latent"), (ORANGE, "2", "frozen latent")}
    for colour, depth, network in networks:
        for style, score in (("solid", "mvg"), ("dotted", "gmm")):
            (line,) = [x for x in _curves(ax) if (to_hex(x.get_color()), _dashes(x)) == (colour, style)]
            curve = _means(paper, score, model="dae", filters=128, depth=depth, network=network)
            assert list(np.asarray(line.get_ydata())) == pytest.approx(list(curve))
    assert len(_curves(ax)) == 8
    assert {"MVG samples", "GMM samples", "DAE, 128 filters, depth 2, frozen latent"} <= set(_by_label(drawing))


def test_figure_4_has_the_papers_encodings(paper: Results) -> None:
    (ax,) = present(figure_4(paper)).figure.axes
    networks = {RED: ("dae", ""), ORANGE: ("vae", "")}
    networks |= {c: ("dae", f"{n} latent norm") for c, n in ((GREEN, "batch"), (BLUE, "spectral"), (BLACK, "layer"))}
    scores = {"solid": "mvg", "dashed": "gmm", "dotted": "standard_normal"}
    for colour, (model, network) in networks.items():
        for style, score in scores.items():
            (line,) = [x for x in _curves(ax) if (to_hex(x.get_color()), _dashes(x)) == (colour, style)]
            curve = _means(paper, score, model=model, filters=128, depth="1", network=network)
            assert list(np.asarray(line.get_ydata())) == pytest.approx(list(curve))
    assert len(_curves(ax)) == 15


def test_figure_4_says_that_its_axis_is_compressed_and_shows_all_of_it(paper: Results) -> None:
    (ax,) = present(figure_4(paper)).figure.axes
    knee = float(present(re.search(r"scale compressed above ([\d.]+)", ax.get_ylabel()))[1])
    near = paper.trials.loc[paper.trials["filters"] == 128, ["mvg", "gmm"]].max().max()
    assert knee == pytest.approx(near, rel=0.1)
    transform = ax.transData.transform
    low, middle, high = (transform((64, value))[1] for value in (ax.get_ylim()[0], knee, ax.get_ylim()[1]))
    assert middle - low > 2 * (high - middle)
    assert max(ax.get_yticks()) > knee > min(ax.get_yticks())


def test_figure_4_has_a_plain_axis_where_nothing_lies_far_above(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(model=["vae"], filters=[16], latent_size=[4, 8]) + grid(
        filters=[16], latent_norm=["batch"], latent_size=[4, 8]
    )
    (ax,) = present(figure_4(_results(make_store(trials)))).figure.axes
    assert ax.get_yscale() == "linear" and "compressed" not in ax.get_ylabel()


def test_figure_5_shows_each_curve_relative_to_its_lowest_with_a_ring_at_its_best_size(paper: Results) -> None:
    drawing = present(figure_5(paper))
    ax = drawing.figure.axes[1]
    assert ax.figure.axes[0].get_ylabel() == "FID / lowest FID of the curve"
    curve = _means(paper, "gmm", model="dae", filters=128, depth="3-3-2-1", network="")
    assert any(
        list(np.asarray(line.get_ydata())) == pytest.approx([score / min(curve) for score in curve])
        for line in _curves(ax)
    )
    assert all(min(np.asarray(line.get_ydata())) == pytest.approx(1) for line in _curves(ax))
    networks = {
        (f, d) for f, d in [(64, "1"), (64, "2"), (64, "3"), (128, "1"), (128, "2"), (128, "3-3-2-1"), (256, "1")]
    }
    best = [present(optimum(paper, "gmm", model="dae", filters=f, depth=d, network="")).size for f, d in networks]
    best.append(present(optimum(paper, "gmm", model="vae", filters=128, depth="1", network="")).size)
    rings = [
        float(np.asarray(ring.get_offsets())[0][0]) for ring in ax.collections if np.shape(ring.get_offsets())[0] == 1
    ]
    assert sorted(rings) == sorted(best)
    assert "The paper prints under this number the curves of Figure 2" in drawing.caption


def test_noise_levels_stand_beside_the_vae(paper: Results) -> None:
    drawing = present(noise(paper))
    words = ["no noise", "noise 0.1", "noise 0.5", "noise 1"]
    assert set(_by_label(drawing)) == {*(f"DAE, 128 filters, {word}" for word in words), "VAE, 128 filters"}


def test_reconstructions_show_training_images_left_and_test_images_right(paper: Results) -> None:
    left, right = present(reconstructions(paper)).figure.axes
    assert left.get_title().startswith("Train R") and right.get_title().startswith("Test R")
    for ax, score in ((left, "reconstruction_train"), (right, "reconstruction_test")):
        curve = _means(paper, score, model="dae", filters=256, depth="1", network="")
        assert any(list(np.asarray(line.get_ydata())) == pytest.approx(list(curve)) for line in _curves(ax))


@pytest.mark.parametrize("data", ["cifar10-32", "celeba-64"])
def test_the_papers_printed_points_and_rivals_are_crosses(published: dict[str, Results], data: str) -> None:
    scores = published_scores()
    misplaced = scores["note"].str.contains("this row is not at")
    plain = scores[(scores["data"] == data) & (scores["depth"] == "1") & (scores["network"] == "") & ~misplaced]
    drawing = present(figure_1(published[data]))
    for ax, column in zip(drawing.figure.axes, ("mvg", "gmm"), strict=True):
        rows = plain[plain["column"] == column]
        marks = rows["model"].map({"vae": "+"}).fillna("x")
        assert _crosses(ax) == set(zip(marks, rows["latent_size"], rows["value"].round(6), strict=True))
        rivals = rows.loc[~rows["model"].isin(["dae", "vae"]), "model"].str.upper()
        assert sorted(text.get_text() for text in ax.texts) == sorted(rivals)
    assert ("no cross at 64" in drawing.caption) == (data == "celeba-64")


def test_a_printed_point_has_the_colour_of_its_curve_and_only_curves_that_are_drawn_have_one(
    make_store: MakeStore,
) -> None:
    trials = [t for f in (64, 128) for t in _trials(filters=f)]
    left = present(figure_1(_results(make_store(trials, evaluations=(FID,))))).figure.axes[0]
    found = {to_hex(line.get_color()) for line in left.get_lines() if line.get_linestyle() == "None"}
    assert found == {RED, GREEN, "#77808b"}
    points = {(x, y) for _, x, y in _crosses(left)}
    assert {(128, 85.38), (152, 86.55), (128, 82.49), (144, 81.62)} <= points and (128, 90.59) not in points


def test_no_printed_point_stands_beside_distances_that_are_no_fid(make_store: MakeStore) -> None:
    results = _results(make_store(_paper_trials(), evaluations=(FD,), latent_points=1, pictures=False))
    for draw in ALL:
        drawing = draw(results)
        # Figure 5 has rings and the best sizes are points, without a joining line too; they have tests of their own.
        if drawing and draw is not figure_5 and not drawing.name.startswith("best-size"):
            assert not any(_crosses(ax) or ax.texts for ax in drawing.figure.axes)
        assert not drawing or "of the paper" not in "".join(_by_label(drawing))


def test_no_printed_point_stands_on_data_that_the_paper_does_not_have(make_store: MakeStore, grid: Grid) -> None:
    drawing = present(figure_1(_results(make_store(grid(filters=[64], latent_size=[64, 128]), evaluations=(FID,)))))
    assert not any(_crosses(ax) for ax in drawing.figure.axes)


def test_curves_of_a_figure_differ_without_their_colours(paper: Results) -> None:
    for draw in PAPER_FIGURES:
        for ax in present(draw(paper)).figure.axes:
            looks = [
                (
                    _dashes(line),
                    line.get_marker(),
                    to_hex(line.get_markerfacecolor()) == "#ffffff",
                    line.get_fillstyle(),
                )
                for line in _curves(ax)
            ]
            assert len(set(looks)) == len(looks)


def test_any_widths_are_drawn(make_store: MakeStore, grid: Grid) -> None:
    base = {"filters": [8], "latent_size": [4, 8, 16]}
    trials = [*grid(model=["dae", "vae"], **base), *grid(depth=[DEEP["2"]], **base), *grid(noise_std=[0.5], **base)]
    trials += [*grid(freeze_latent=[True], **base), *grid(latent_norm=["batch"], **base)]
    results = _results(make_store(trials))
    for draw in (*PAPER_FIGURES, reconstructions, noise):
        assert draw(results) is not None
    assert others(results) is None
    assert "VAE, 8 filters" in _by_label(present(figure_2(results)))


def test_a_width_whose_colour_the_vae_has_gets_another(make_store: MakeStore, grid: Grid) -> None:
    trials = [*grid(model=["vae"], filters=[32]), *grid(filters=[32], depth=[(1, 1, 1, 1), DEEP["2"]])]
    found = _by_label(present(figure_2(_results(make_store(trials)))))
    assert to_hex(found["VAE, 32 filters"].get_color()) == BLACK
    assert to_hex(found["DAE, 32 filters, depth 2"].get_color()) != BLACK


def test_other_widths_have_distinct_colours() -> None:
    found = colours([8, 16, 32, 48, 64, 512])
    assert len(set(found.values())) == 6


def test_networks_of_no_other_figure_have_one(make_store: MakeStore) -> None:
    more = [*_trials(conv_norm=False), *_trials(noise_std=0.1, noise_position="image")]
    more += [*_trials(filters=64, freeze_latent=True), *_trials(latent_norm="batch", noise_std=0.1)]
    results = _results(make_store([*_paper_trials(), *more], evaluations=(FID,), latent_points=1, pictures=False))
    assert set(_by_label(present(others(results)))) == {
        "DAE, 128 filters, no batch norm",
        "DAE, 128 filters, noise 0.1 on the image",
        "DAE, 64 filters, frozen latent",
        "DAE, 128 filters, batch latent norm, noise 0.1",
    }
    assert len(_curves(present(figure_1(results)).figure.axes[0])) == 8


def test_more_networks_than_a_legend_holds_are_counted(make_store: MakeStore) -> None:
    trials = [t for i in range(MOST_LEGEND + 3) for t in _trials((32,), noise_std=0.01 * (i + 1), conv_norm=False)]
    drawing = present(others(_results(make_store(trials, latent_points=1, pictures=False))))
    assert len(_by_label(drawing)) == len(_curves(drawing.figure.axes[0])) == MOST_LEGEND
    assert "3 more are not drawn" in drawing.caption


def test_ticks_stand_at_the_real_latent_sizes(make_store: MakeStore, grid: Grid) -> None:
    sizes = [64, 80, 96, 128, 144, 152, 160, 192, 768]
    ax = present(figure_1(_results(make_store(grid(filters=[64], latent_size=sizes, epochs=[2]))))).figure.axes[0]
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
    fid, fd = (_texts(present(d).figure) for d in drawings)
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
    trials = [replace(t, epochs=5) for t in [*_paper_trials(), *_trials(conv_norm=False)]]
    results = _results(make_store(trials, evaluations=(FID,), latent_points=1, pictures=False))
    for draw in ALL:
        text = _texts(present(draw(results)).figure)
        assert f"data {results.data_hash}" in text
        assert "not trained as in the paper: epochs 5 (paper: 100)" in text


def test_a_long_notice_is_wrapped_beside_the_hash(make_store: MakeStore, grid: Grid) -> None:
    notice = "; ".join(["not trained as in the paper: a setting of some length"] * 8)
    results = replace(_results(make_store(grid(filters=[16]))), deviations=(notice,))
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

    caption = present(figure_1(_results(make_store(grid(filters=[16], latent_size=[4, 8]), edit=fewer)))).caption
    assert "MVG: 2,000 images against 297 real ones; GMM: 500 to 2,000 images against 297 real ones." in caption


def test_what_was_left_aside_is_named(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(filters=[16, 32], latent_size=[4, 8, 16], epochs=[2])
    trials += grid(filters=[16], latent_size=[4], epochs=[3])
    store = make_store(trials, gaussianity=True, parameters=True)
    drawn = [figure_1, best_latent_size, *NETWORK_FIGURES]
    captions = [drawing.caption for draw in drawn if (drawing := draw(_results(store)))]
    assert len(captions) == 5 and all("Not shown: trials with epochs 3." in caption for caption in captions)


@pytest.mark.parametrize("draw", [figure_2, figure_3, figure_4, figure_5, noise, others])
def test_without_a_varied_network_there_is_no_figure(small: Results, draw: Draw) -> None:
    assert draw(small) is None


@pytest.mark.parametrize("draw", ALL)
def test_without_scores_of_its_own_there_is_no_figure(make_store: MakeStore, draw: Draw) -> None:
    """Plain figures need plain networks; samples and reconstructions are scored apart."""
    wanted = ("reconstruction",) if draw is reconstructions else ("mvg", "gmm", "standard_normal")

    def without(rows: Rows) -> None:
        rows["scores"] = [row for row in rows["scores"] if row["source"] not in wanted]

    assert draw(_results(make_store([*_paper_trials(), *_trials(conv_norm=False)], edit=without))) is None


def test_a_store_of_any_part_of_the_sweep_is_drawn(make_store: MakeStore) -> None:
    trials = [*_paper_trials(), *_trials(conv_norm=False)]
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

    for results in all_results(load_tables(make_store(_paper_trials(), edit=strange, pictures=False))):
        for drawing in filter(None, (draw(results) for draw in ALL)):
            assert drawing.to_bytes("png").startswith(b"\x89PNG")


def test_a_network_without_scores_is_not_in_the_legend(make_store: MakeStore, grid: Grid) -> None:
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8])
    states = {i: "pending" for i, trial in enumerate(trials) if trial.model == "vae"}
    assert list(_by_label(present(figure_1(_results(make_store(trials, states=states)))))) == ["DAE, 16 filters"]


@pytest.mark.parametrize("draw", ALL)
def test_the_same_data_give_the_same_bytes(make_store: MakeStore, draw: Draw) -> None:
    results = _results(make_store([*_paper_trials(), *_trials(conv_norm=False)], evaluations=(FID,), latent_points=1))
    first, second = present(draw(results)), present(draw(results))
    for form in ("png", "pdf"):
        assert first.to_bytes(form) == second.to_bytes(form)
