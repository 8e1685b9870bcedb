"""How Gaussian the latents are: against latent size, and against the size of the encoder (hypothesis 2).

The paper judges by eye (Figures A.1 and A.2); here five measures are drawn, each with the values of truly Gaussian data
of the same shape. Being Gaussian does not mean being N(0, I): the measures do not see mean and covariance, which the MVG
prior takes care of.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aesweep.analysis.data.gaussianity import DISTANCES, EFFECT, MEASURES
from aesweep.analysis.data.results import Results, seeds_of_networks
from aesweep.analysis.figures.networks import (
    curve_looks,
    few,
    parameter_axis,
    plain_networks,
    point_legend,
    point_looks,
)
from aesweep.analysis.figures.style import (
    GREY,
    LINE_STYLES,
    Drawing,
    draw_curve,
    finish,
    latent_axis,
    new_figure,
    plain_style,
)

BAND = 4.0
"""Standard deviations of Gaussian data on either side of their mean."""


@plain_style()
def gaussianity_against_latent_size(results: Results) -> Drawing | None:
    """A panel per measure, a curve per plain network; None where nothing was measured."""
    rows = _measured(results.of(network=""))
    if rows.empty:
        return None
    every = plain_networks(rows)
    networks = few(every)
    looks = curve_looks(networks)
    figure, axes = _panels()
    for ax, name in zip(axes, MEASURES, strict=True):
        latent_axis(ax, rows["latent_size"].tolist())
        _panel(ax, rows, name, results.thresholds.practically_gaussian)
        _draw_null(ax, _null(rows, name))
        for network in networks:
            points = network.of(rows).groupby("latent_size")[name].agg(["mean", "min", "max"]).dropna()
            if len(points):
                draw_curve(ax, points, looks[network])
    title = f"{results.title}: how Gaussian the latents are, by latent size"
    handles = [Line2D([], [], label=network.label, **looks[network]) for network in networks]
    finish(figure, title, [*handles, *_null_handles()], results.data_hash, results.training_notice)
    caption = (
        "The log-likelihoods are those of encoded test images, the other measures are of encoded training images. "
        f"{_effect_words(results)}"
        f"{_seeds(rows)}The dashed line is what simulated Gaussian data of the same size give, its band ± {BAND:g} "
        "of their standard deviations: latents inside the band cannot be distinguished from Gaussian ones. DAE dotted with open "
        "markers, VAE solid with filled ones."
    )
    if len(networks) < len(every):
        caption += f" {len(every) - len(networks)} further networks are not drawn."
    caption = " ".join(filter(None, [caption, results.aside_notice]))
    return Drawing(f"gaussianity-latent-size-{results.data}", title, caption, figure)


@plain_style()
def gaussianity_against_capacity(results: Results) -> Drawing | None:
    """A panel per measure, a point per plain network at the comparison size; None where nothing was measured there."""
    size = results.comparison_size
    rows = _measured(results.of(network="", latent_size=size))
    rows = rows[rows["parameters_encoder"] > 0]
    if rows.empty:
        return None
    networks = plain_networks(rows)
    looks = point_looks(networks)
    figure, axes = _panels()
    for ax, name in zip(axes, MEASURES, strict=True):
        parameter_axis(ax, rows["parameters_encoder"], "encoder parameters")
        _panel(ax, rows, name, results.thresholds.practically_gaussian)
        _draw_null(ax, _null(rows, name))
        _trend(ax, rows, name)
        for network in networks:
            _point(ax, network.of(rows), name, looks[network])
    title = f"{results.title}: how Gaussian {size} latents are, by encoder size"
    trends = [
        Line2D([], [], color=GREY, linestyle=LINE_STYLES[model], linewidth=1.1, label=f"{model.upper()}, depth 1")
        for model in ("dae", "vae")
        if len(_plain(rows, model)) > 1
    ]
    handles = [*point_legend(networks), *trends, *_null_handles()]
    finish(figure, title, handles, results.data_hash, results.training_notice)
    caption = (
        f"Hypothesis 2 says that larger and deeper encoders have more Gaussian latents: points further right should "
        f"lie nearer to the dashed line. {_effect_words(results)}{_seeds(rows, 'bar')}A point is one network at {size} latent units."
    )
    trend = "The grey lines join the networks of depth 1 by width." if trends else ""
    caption = " ".join(filter(None, [caption, trend, results.aside_notice]))
    return Drawing(f"gaussianity-capacity-{results.data}", title, caption, figure)


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """The trials with at least one finite measure; what is not finite counts as missing."""
    names = list(MEASURES)
    rows = rows.assign(**{name: rows[name].where(np.isfinite(rows[name])) for name in names})
    return rows[rows[names].notna().any(axis=1)]


def _panels() -> tuple[Figure, list[Axes]]:
    """A figure with one panel per measure; the places that are left over are empty."""
    figure, axes = new_figure(10, 3.2, (len(MEASURES) + 1) // 2, 2)
    for ax in axes.flat[len(MEASURES) :]:
        ax.set_axis_off()
    return figure, list(axes.flat[: len(MEASURES)])


def _panel(ax: Axes, rows: pd.DataFrame, name: str, negligible: float) -> None:
    ax.set_title(MEASURES[name].title, fontsize=10.5)
    ax.set_ylabel(MEASURES[name].axis, fontsize=9)
    if rows[name].isna().all():
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color=GREY)
    elif name == EFFECT:
        ax.set_yscale("log")
        ax.axhline(negligible, color=GREY, linestyle=":", linewidth=1.1, zorder=1.5)


def _null(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """`mean`, and `low` and `high` end of the band, for Gaussian data by latent size."""
    rows = rows[rows[name].notna()]
    nulls = rows.groupby("latent_size")[[f"{name}_null", f"{name}_null_std"]].mean()
    nulls.columns = ["mean", "half"]
    half = BAND * nulls["half"].fillna(0.0)
    low = nulls["mean"] - half
    low = low.clip(lower=0.0) if name in DISTANCES else low
    return pd.DataFrame({"mean": nulls["mean"], "low": low, "high": nulls["mean"] + half}).dropna()


def _draw_null(ax: Axes, nulls: pd.DataFrame) -> None:
    """By latent size; that of a single size across the whole axis."""
    if nulls.empty:
        return
    x = nulls.index.to_numpy(dtype=float)
    if len(nulls) == 1:
        x, nulls = np.array(ax.get_xlim()), pd.concat([nulls, nulls])
    low, high = nulls["low"], nulls["high"]
    ax.fill_between(x, low, high, color=GREY, alpha=0.2, linewidth=0, zorder=1)
    ax.plot(x, nulls["mean"], color=GREY, linestyle="--", linewidth=1.4, zorder=1.5)


def _null_handles() -> list[Line2D]:
    return [
        Line2D([], [], color=GREY, linestyle="--", linewidth=1.4, label="Gaussian data"),
        Line2D([], [], color=GREY, linestyle=":", linewidth=1.1, label="largest negligible effect"),
    ]


def _point(ax: Axes, trials: pd.DataFrame, name: str, look: dict[str, Any]) -> None:
    """Mean over seeds with a bar from the lowest to the highest."""
    values = trials[name].dropna()
    if len(values):
        x, mean = float(trials["parameters_encoder"].mean()), float(values.mean())
        ax.errorbar([x], [mean], yerr=[[mean - values.min()], [values.max() - mean]], capsize=3, elinewidth=1.2, **look)


def _plain(rows: pd.DataFrame, model: str) -> pd.DataFrame:
    """Means over seeds of the networks of depth 1, by encoder parameters."""
    chosen = rows[(rows["model"] == model) & (rows["depth"] == "1")]
    return chosen.groupby("parameters_encoder")[list(MEASURES)].mean()


def _trend(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    for model in ("dae", "vae"):
        means = _plain(rows, model)[name].dropna()
        if len(means) > 1:
            ax.plot(means.index, means, color=GREY, linestyle=LINE_STYLES[model], linewidth=1.1, zorder=1.8)


def _effect_words(results: Results) -> str:
    negligible = results.thresholds.practically_gaussian
    return f"The effect size is drawn on a logarithmic axis; under its dotted line ({negligible:g} nats) it is negligible. "


def _seeds(rows: pd.DataFrame, mark: str = "band") -> str:
    _, seeds = seeds_of_networks(rows)
    return f"Mean over up to {seeds} training seeds, {mark} from the lowest to the highest. " if seeds > 1 else ""
