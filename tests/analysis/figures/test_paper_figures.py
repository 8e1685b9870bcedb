"""The paper's figures: their encodings, and its printed points."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex

from aesweep.analysis.data.optimum import optimum
from aesweep.analysis.data.published import published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.figures.latent_layer import figure_3, figure_4, noise
from aesweep.analysis.figures.style import PAPER_COLOURS
from aesweep.analysis.figures.width_and_depth import figure_1, figure_2, figure_5, reconstructions
from tests.analysis.figures.drawn import (
    ALL,
    BLACK,
    BLUE,
    FD,
    FID,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    cifar10_trials,
    crosses_of,
    dashes_of,
    joined_lines,
    lines_by_label,
    means_of,
    only_results,
    paper_trials,
)
from tests.analysis.typed import Grid, MakeStore, present


def test_figure_1_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_1(paper))
    found = lines_by_label(drawing)
    for width, colour in PAPER_COLOURS.items():
        dae, vae = found[f"DAE, {width} filters"], found[f"VAE, {width} filters"]
        assert to_hex(dae.get_color()) == to_hex(vae.get_color()) == colour
        assert (dashes_of(dae), dashes_of(vae)) == ("dotted", "solid")
    for ax in drawing.figure.axes:
        looks = {(to_hex(line.get_color()), dashes_of(line)) for line in joined_lines(ax)}
        assert looks == {(colour, style) for colour in PAPER_COLOURS.values() for style in ("solid", "dotted")}
        assert len(joined_lines(ax)) == 8  # plain networks only


def test_figure_2_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_2(paper))
    looks = {label: (to_hex(line.get_color()), dashes_of(line)) for label, line in lines_by_label(drawing).items()}
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
        assert sorted((to_hex(line.get_color()), dashes_of(line)) for line in joined_lines(ax)) == sorted(
            expected.values()
        )


def test_figure_3_has_the_papers_encodings(paper: Results) -> None:
    drawing = present(figure_3(paper))
    (ax,) = drawing.figure.axes
    networks = {(GREEN, "1", ""), (BLUE, "2", ""), (PURPLE, "1", "frozen latent"), (ORANGE, "2", "frozen latent")}
    for colour, depth, network in networks:
        for style, score in (("solid", "mvg"), ("dotted", "gmm")):
            (line,) = [x for x in joined_lines(ax) if (to_hex(x.get_color()), dashes_of(x)) == (colour, style)]
            curve = means_of(paper, score, model="dae", filters=128, depth=depth, network=network)
            assert list(np.asarray(line.get_ydata())) == pytest.approx(list(curve))
    assert len(joined_lines(ax)) == 8
    assert {"MVG samples", "GMM samples", "DAE, 128 filters, depth 2, frozen latent"} <= set(lines_by_label(drawing))


def test_figure_4_has_the_papers_encodings(paper: Results) -> None:
    (ax,) = present(figure_4(paper)).figure.axes
    networks = {RED: ("dae", ""), ORANGE: ("vae", "")}
    networks |= {c: ("dae", f"{n} latent norm") for c, n in ((GREEN, "batch"), (BLUE, "spectral"), (BLACK, "layer"))}
    scores = {"solid": "mvg", "dashed": "gmm", "dotted": "standard_normal"}
    for colour, (model, network) in networks.items():
        for style, score in scores.items():
            (line,) = [x for x in joined_lines(ax) if (to_hex(x.get_color()), dashes_of(x)) == (colour, style)]
            curve = means_of(paper, score, model=model, filters=128, depth="1", network=network)
            assert list(np.asarray(line.get_ydata())) == pytest.approx(list(curve))
    assert len(joined_lines(ax)) == 15


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
    (ax,) = present(figure_4(only_results(make_store(trials)))).figure.axes
    assert ax.get_yscale() == "linear" and "compressed" not in ax.get_ylabel()


def test_figure_5_shows_each_curve_relative_to_its_lowest_with_a_ring_at_its_best_size(paper: Results) -> None:
    drawing = present(figure_5(paper))
    ax = drawing.figure.axes[1]
    assert ax.figure.axes[0].get_ylabel() == "FID / lowest FID of the curve"
    curve = means_of(paper, "gmm", model="dae", filters=128, depth="3-3-2-1", network="")
    assert any(
        list(np.asarray(line.get_ydata())) == pytest.approx([score / min(curve) for score in curve])
        for line in joined_lines(ax)
    )
    assert all(min(np.asarray(line.get_ydata())) == pytest.approx(1) for line in joined_lines(ax))
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
    assert set(lines_by_label(drawing)) == {*(f"DAE, 128 filters, {word}" for word in words), "VAE, 128 filters"}


def test_reconstructions_show_training_images_left_and_test_images_right(paper: Results) -> None:
    left, right = present(reconstructions(paper)).figure.axes
    assert left.get_title().startswith("Train R") and right.get_title().startswith("Test R")
    for ax, score in ((left, "reconstruction_train"), (right, "reconstruction_test")):
        curve = means_of(paper, score, model="dae", filters=256, depth="1", network="")
        assert any(list(np.asarray(line.get_ydata())) == pytest.approx(list(curve)) for line in joined_lines(ax))


@pytest.mark.parametrize("data", ["cifar10-32", "celeba-64"])
def test_the_papers_printed_points_and_rivals_are_crosses(published: dict[str, Results], data: str) -> None:
    scores = published_scores()
    misplaced = scores["note"].str.contains("this row is not at")
    plain = scores[(scores["data"] == data) & (scores["depth"] == "1") & (scores["network"] == "") & ~misplaced]
    drawing = present(figure_1(published[data]))
    for ax, column in zip(drawing.figure.axes, ("mvg", "gmm"), strict=True):
        rows = plain[plain["column"] == column]
        marks = rows["model"].map({"vae": "+"}).fillna("x")
        assert crosses_of(ax) == set(zip(marks, rows["latent_size"], rows["value"].round(6), strict=True))
        rivals = rows.loc[~rows["model"].isin(["dae", "vae"]), "model"].str.upper()
        assert sorted(text.get_text() for text in ax.texts) == sorted(rivals)
    assert ("no cross at 64" in drawing.caption) == (data == "celeba-64")


def test_a_printed_point_has_the_colour_of_its_curve_and_only_curves_that_are_drawn_have_one(
    make_store: MakeStore,
) -> None:
    trials = [t for f in (64, 128) for t in cifar10_trials(filters=f)]
    left = present(figure_1(only_results(make_store(trials, evaluations=(FID,))))).figure.axes[0]
    found = {to_hex(line.get_color()) for line in left.get_lines() if line.get_linestyle() == "None"}
    assert found == {RED, GREEN, "#77808b"}
    points = {(x, y) for _, x, y in crosses_of(left)}
    assert {(128, 85.38), (152, 86.55), (128, 82.49), (144, 81.62)} <= points and (128, 90.59) not in points


def test_no_printed_point_stands_beside_distances_that_are_no_fid(make_store: MakeStore) -> None:
    results = only_results(make_store(paper_trials(), evaluations=(FD,), latent_points=1, pictures=False))
    for draw in ALL:
        drawing = draw(results)
        # Figure 5 has rings and the best sizes are points, without a joining line too; they have tests of their own.
        if drawing and draw is not figure_5 and not drawing.name.startswith("best-size"):
            assert not any(crosses_of(ax) or ax.texts for ax in drawing.figure.axes)
        assert not drawing or "of the paper" not in "".join(lines_by_label(drawing))


def test_no_printed_point_stands_on_data_that_the_paper_does_not_have(make_store: MakeStore, grid: Grid) -> None:
    drawing = present(figure_1(only_results(make_store(grid(filters=[64], latent_size=[64, 128]), evaluations=(FID,)))))
    assert not any(crosses_of(ax) for ax in drawing.figure.axes)
