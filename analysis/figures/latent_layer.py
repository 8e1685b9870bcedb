"""What Table 1 varies about the latent layer of one width: frozen (Figure 3), normalised (Figure 4), noisy."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.trials import NOISE, NORM, varied_daes, varied_width
from aesweep.analysis.figures.curves import SAMPLES, Chart, Line, distance_axis, draw, over
from aesweep.analysis.figures.style import (
    DASHED,
    DOTTED,
    MARKERS,
    OTHER_COLOURS,
    PAPER_COLOURS,
    Drawing,
    look,
    plain_style,
)
from aesweep.analysis.figures.width_and_depth import vae_baseline

BLACK, RED, GREEN, BLUE = PAPER_COLOURS.values()
PURPLE, ORANGE = OTHER_COLOURS[:2]
FROZEN = "frozen latent"
_FROZEN_COLOURS = {("1", ""): GREEN, ("2", ""): BLUE, ("1", FROZEN): PURPLE, ("2", FROZEN): ORANGE}
_NORMS = {"batch": GREEN, "spectral": BLUE, "layer": BLACK}
_NOISE_STYLES: tuple[Any, ...] = ("-", DASHED, "-.", DOTTED)
_SHADES = ("#1a8a34", "#1f4fd8", "#8e3fa8", "#d7191c", "#e07b00", "#007f86", "#8c564b")
_GREY = "#555d66"
_FAR = 1.4  # N(0, I) this many times above all other samples is drawn on a compressed scale
_LOWER = 0.72  # share of the axis below


class _Sampling(NamedTuple):
    """How samples of one kind are drawn."""

    words: str
    style: Any
    fill: str


class _Network(NamedTuple):
    """One network of a panel in which colour and marker name the network and the line style names the samples."""

    words: str
    colour: str
    trials: pd.DataFrame


_MVG = _Sampling("MVG samples", "-", "full")
_FIGURE_3 = {"mvg": _MVG, "gmm": _Sampling("GMM samples", DOTTED, "none")}
_FIGURE_4 = {
    "mvg": _MVG,
    "gmm": _Sampling("GMM samples", DASHED, "none"),
    "standard_normal": _Sampling("N(0, I) samples", DOTTED, "half"),
}


@plain_style()
def figure_3(results: Results) -> Drawing | None:
    """DAEs whose latent layer is frozen at its random initialisation, and trained ones, in one panel."""
    return draw(results, figure_3_chart(results))


@plain_style()
def figure_4(results: Results) -> Drawing | None:
    """DAEs by the normalisation of their latents, in one panel; N(0, I) on a compressed scale where it is far above."""
    chart = figure_4_chart(results)
    drawing = draw(results, chart)
    if chart and drawing:
        _make_room(drawing.figure.axes[0], chart, results)
    return drawing


@plain_style()
def noise(results: Results) -> Drawing | None:
    """DAEs by the noise added to the decoder's input, and the VAE; MVG samples left, GMM samples right."""
    return draw(results, noise_chart(results))


def figure_3_chart(results: Results) -> Chart | None:
    """None where no frozen network of depth 1 or 2 has scored samples."""
    daes = results.of(model="dae")
    varied = daes[(daes["network"] == FROZEN) & daes["depth"].isin(["1", "2"])]
    width = varied_width(varied, _FIGURE_3)
    if width is None:
        return None
    networks = [
        _Network(f"DAE, {width} filters, depth {depth}{f', {network}' if network else ''}", colour, rows)
        for (depth, network), colour in _FROZEN_COLOURS.items()
        if len(rows := results.of(model="dae", filters=width, depth=depth, network=network))
    ]
    caption = "Frozen latent: the latent layer stays at its random initialisation."
    return _one_panel("figure-3", "Figure 3. ", networks, _FIGURE_3, ", with frozen latents", caption)


def figure_4_chart(results: Results) -> Chart | None:
    """None where no normalised network of depth 1 has scored samples."""
    width = varied_width(varied_daes(results.trials, NORM), _FIGURE_4)
    if width is None:
        return None
    daes = results.of(model="dae", depth="1", filters=width)
    networks = [
        _Network(f"DAE, {width} filters", RED, daes[daes["network"] == ""]),
        *(_Network(line.label, ORANGE, line.trials) for line in vae_baseline(results, width)),
        *(
            _Network(f"DAE, {norm} norm", c, daes[daes["network"] == f"{norm} latent norm"])
            for norm, c in _NORMS.items()
        ),
    ]
    caption = f"All networks have depth 1; the norms are applied to the latents of the DAE of {width} filters."
    return _one_panel("figure-4", "Figure 4. ", networks, _FIGURE_4, ", by latent normalisation", caption)


def noise_chart(results: Results) -> Chart | None:
    """None where no network with noise on the decoder's input has scored samples."""
    varied = varied_daes(results.trials, NOISE)
    width = varied_width(varied, SAMPLES)
    if width is None:
        return None
    plain = results.of(model="dae", depth="1", network="", filters=width)
    daes = pd.concat([plain, varied[varied["filters"] == width]])
    levels = sorted(daes["network"].unique(), key=lambda network: float(network.removeprefix("noise ") or 0))
    lines = [
        Line(
            f"DAE, {width} filters, {level or 'no noise'}",
            look(_SHADES[i % len(_SHADES)], _NOISE_STYLES[i % 4], MARKERS[1 + i % (len(MARKERS) - 1)], "none"),
            daes[daes["network"] == level],
        )
        for i, level in enumerate(levels)
    ]
    caption = (
        "Gaussian noise of the standard deviation that is named is added to the decoder's input in training. The solid "
        "black line is the VAE of depth 1."
    )
    panels = over(SAMPLES, [*lines, *vae_baseline(results, width)])
    return Chart("noise", "", "samples", panels, caption, by=", by noise on the latents")


def _one_panel(
    name: str, title: str, networks: list[_Network], samplings: dict[str, _Sampling], by: str, caption: str
) -> Chart:
    """Every network with every kind of samples; the legend names networks and kinds apart."""
    crossed = {
        (i, score): Line("", look(network.colour, kind.style, MARKERS[i], kind.fill), network.trials, score)
        for i, network in enumerate(networks)
        for score, kind in samplings.items()
    }
    drawn = {place: line for place, line in crossed.items() if len(line.points)}
    legend = [
        Line2D([], [], label=network.words, **look(network.colour, "-", MARKERS[i]))
        for i, network in enumerate(networks)
        if any(place[0] == i for place in drawn)
    ]
    kinds = [kind for score, kind in samplings.items() if any(place[1] == score for place in drawn)]
    legend += [Line2D([], [], label=kind.words, **look(_GREY, kind.style, "h", kind.fill)) for kind in kinds]
    caption = f"Colour and marker are the network, the line style the samples. {caption}"
    heading = ", ".join(kind.words.removesuffix(" samples") for kind in kinds)
    return Chart(name, title, "samples", {heading: list(drawn.values())}, caption, tuple(legend), by, width=9.0)


def _make_room(ax: Axes, chart: Chart, results: Results) -> None:
    """Compress the axis above all MVG and GMM samples where those from N(0, I) are far above."""
    near = [line.points["max"].max() for line in chart.lines if line.score != "standard_normal"]
    low, high = ax.get_ylim()
    if not near or high < _FAR * max(near) or max(near) <= low:
        return
    knee = max(near) + 0.06 * (max(near) - low)
    factor = (knee - low) * (1 - _LOWER) / _LOWER / (high - knee)

    def forward(values: np.ndarray) -> np.ndarray:
        return np.where(values <= knee, values, knee + (values - knee) * factor)

    def inverse(places: np.ndarray) -> np.ndarray:
        return np.where(places <= knee, places, knee + (places - knee) / factor)

    ax.set_yscale("function", functions=(forward, inverse))
    ax.set_ylim(low, high)
    below = [tick for tick in MaxNLocator(6).tick_values(low, knee) if low <= tick <= knee]
    above = [tick for tick in MaxNLocator(4).tick_values(knee, high) if knee + 0.08 * (high - knee) < tick <= high]
    ax.yaxis.set_major_locator(FixedLocator([*below, *above]))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.axhline(knee, color="#9aa3ad", linewidth=1.0, linestyle=(0, (1, 3)), zorder=1)
    ax.set_ylabel(distance_axis(results, f"scale compressed above {knee:.3g}"), fontsize=10)
