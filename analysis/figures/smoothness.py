"""How smooth and how interpolatable latent spaces are: against latent size, and against the size of the network (hypothesis 1).

One figure of latents of test images, and one of samples. Every measure is one by which a DAE and a VAE can be compared, and
low values are smooth (`aesweep.analysis.data.smoothness`).
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from aesweep.analysis.data.results import Results, seeds_of_networks
from aesweep.analysis.data.smoothness import MEASURES, PLACES
from aesweep.analysis.figures.curves import ERRORS, Line
from aesweep.analysis.figures.networks import (
    curve_looks,
    few,
    parameter_axis,
    plain_networks,
    point_legend,
    point_looks,
)
from aesweep.analysis.figures.style import GREY, Drawing, draw_curve, finish, latent_axis, new_figure, plain_style

PANELS = {
    "reconstruction": ("path_stretch", "straight", "decoder_frobenius_scaled", "lipschitz"),
    "mvg": ("path_stretch", "straight", "spherical", "decoder_frobenius_scaled"),
}
"""Source of the latents -> measures, in reading order."""
_LOW = "According to hypothesis 1, variational inference or a powerful network gives low values. "
_PARAMETERS = ["parameters_encoder", "parameters_decoder"]


@plain_style()
def smoothness_at_test_images(results: Results) -> Drawing | None:
    """Between latents of test images, by latent size; None where nothing was measured."""
    return _against_latent_size(results, "reconstruction")


@plain_style()
def smoothness_at_samples(results: Results) -> Drawing | None:
    """Between samples of MVG, by latent size; None where nothing was measured."""
    return _against_latent_size(results, "mvg")


def _against_latent_size(results: Results, place: str) -> Drawing | None:
    """A panel per measure, a curve per plain network."""
    rows, names = _measured(results.of(network=""), place), _names(place)
    if rows.empty:
        return None
    every = plain_networks(rows)
    networks = few(every)
    looks = curve_looks(networks)
    figure, axes = new_figure(10, 3.5, 2, 2)
    for ax, name in zip(axes.flat, names, strict=True):
        latent_axis(ax, rows["latent_size"].tolist())
        _panel(ax, results, rows, name, names[name])
        for network in networks:
            points = Line("", {}, network.of(rows), name).points
            if len(points):
                draw_curve(ax, points, looks[network])
    title = f"{results.title}: how smooth the latent space is between {PLACES[place]}, by latent size"
    handles = [Line2D([], [], label=network.label, **looks[network]) for network in networks]
    finish(figure, title, handles, results.data_hash, results.notice)
    left_out = len(every) - len(networks)
    words = [_LOW + _spread_words(rows, "band"), "DAE dotted with open markers, VAE solid with filled ones."]
    words += [f"{left_out} further networks are not drawn."] if left_out else []
    return Drawing(_file(results, "latent-size", place), title, _caption(results, words), figure)


@plain_style()
def smoothness_against_capacity(results: Results) -> Drawing | None:
    """Between test images, a point per plain network at the comparison size; None where nothing was measured there."""
    size, place = results.comparison_size, "reconstruction"
    rows, names = _measured(results.of(network="", latent_size=size), place), _names(place)
    rows = rows.assign(parameters=rows[_PARAMETERS].sum(axis=1))
    rows = rows[rows["parameters"] > 0]
    if rows.empty:
        return None
    networks = plain_networks(rows)
    looks = point_looks(networks)
    figure, axes = new_figure(10, 3.5, 2, 2)
    for ax, name in zip(axes.flat, names, strict=True):
        parameter_axis(ax, rows["parameters"], "encoder and decoder parameters")
        _panel(ax, results, rows, name, names[name])
        for network in networks:
            trials = network.of(rows)
            _points(ax, Line("", {}, trials, name).points, float(trials["parameters"].mean()), looks[network])
    title = f"{results.title}: how smooth the latent space of {size} units is between {PLACES[place]}, by size of the network"
    finish(figure, title, point_legend(networks), results.data_hash, results.notice)
    words = [_LOW + _spread_words(rows, "bar"), f"A point is one network at {size} latent units."]
    return Drawing(_file(results, "capacity", place), title, _caption(results, words), figure)


def _names(place: str) -> dict[str, str]:
    """Column of the trials -> its measure."""
    return {f"{measure}_{place}": measure for measure in PANELS[place]}


def _measured(rows: pd.DataFrame, place: str) -> pd.DataFrame:
    """The trials with at least one finite measure."""
    finite = np.isfinite(rows[list(_names(place))].to_numpy(dtype=float)).any(axis=1)
    found: pd.DataFrame = rows.loc[finite]
    return found


def _panel(ax: Axes, results: Results, rows: pd.DataFrame, name: str, measure: str) -> None:
    distance = results.evaluation.distance
    ax.set_title(MEASURES[measure].title, fontsize=10.5)
    ax.set_ylabel(MEASURES[measure].axis.replace("distance from real", f"{distance} from real"), fontsize=9)
    if rows[name].isna().all():
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color=GREY)


def _points(ax: Axes, points: pd.DataFrame, parameters: float, look: dict[str, Any]) -> None:
    """Mean over seeds, with a bar from the lowest to the highest; for one seed, a bar of its standard errors."""
    for _, point in points.iterrows():
        bar = [[point["mean"] - point["min"]], [point["max"] - point["mean"]]]
        ax.errorbar([parameters], [point["mean"]], yerr=bar, capsize=3, elinewidth=1.2, **look)


def _spread_words(rows: pd.DataFrame, mark: str) -> str:
    fewest, most = seeds_of_networks(rows)
    errors = f"{ERRORS:g} standard errors over pairs or points."
    if most == 1:
        return f"One training seed, which decides nothing; {mark} of {errors}"
    words = f"Mean over up to {most} training seeds, {mark} from the lowest to the highest"
    return f"{words}; {mark} of a single seed: {errors}" if fewest == 1 else f"{words}."


def _caption(results: Results, words: list[str]) -> str:
    return " ".join(filter(None, [*words, results.aside_notice]))


def _file(results: Results, what: str, place: str) -> str:
    return f"smoothness-{what}-{place}-{results.evaluation.slug}-{results.data}"
