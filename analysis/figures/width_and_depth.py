"""Figures 1, 2 and 5: plain DAEs and VAEs by width, and DAEs by depth with a VAE; and the reconstructions by width.

The paper does not draw the reconstructions, but speaks of them: at 256 filters on CIFAR-10 training images are
reconstructed far better than test images (Section 5). It prints the same curves as Figures 2 and 5. Section 5 reads off
Figure 5 that with depth the optimum moves to smaller latent spaces and that the size matters less; both are seen where
each curve is divided by its own minimum, so that is our Figure 5.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from aesweep.analysis.data.optimum import Optimum, optimum
from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.trials import MODEL_NAMES, depth_order, nearest_width
from aesweep.analysis.figures.curves import RECONSTRUCTIONS, SAMPLES, Chart, Line, draw, over
from aesweep.analysis.figures.printed import name_rivals, with_printed
from aesweep.analysis.figures.style import (
    DASHED,
    DOTTED,
    GREY,
    LINE_STYLES,
    MARKERS,
    Drawing,
    colours,
    look,
    plain_style,
)

VAE_COLOUR = "#111111"
DEPTH_STYLES: dict[str, Any] = {"1": "-", "2": DASHED, "3": DOTTED, "3-3-2-1": DOTTED}
"""Other depths are dash-dotted."""
_ROW = 0.045  # of the height of the curves, per network below them
_BY_DEPTH = (
    "DAEs: solid is depth 1, dashed depth 2, dotted depth 3 or 3-3-2-1 (layers per stage); the colour is the number of "
    "filters. The solid black line is the VAE of depth 1."
)
_RELATIVE = (
    "The paper prints under this number the curves of Figure 2; here each is divided by its lowest value, which shows "
    "how much the latent size matters. Below the curves, a ring marks the best size. With several seeds, the bar is its "
    "95 % interval, widened by one step of the grid. A dashed ring means that the best size is the smallest or the largest that "
    "was tried, so the curve shows no minimum."
)
_BY_WIDTH = (
    "VAEs are solid with filled markers, DAEs dotted with open ones; the colour is the number of filters of the first "
    "encoder stage."
)


@plain_style()
def figure_1(results: Results) -> Drawing | None:
    """MVG samples left, GMM samples right, by width and model."""
    return _with_rivals(results, figure_1_chart(results))


@plain_style()
def reconstructions(results: Results) -> Drawing | None:
    """Reconstructions of training images left, of test images right."""
    return _with_rivals(results, _chart(results, "reconstruction", "", "reconstructions", RECONSTRUCTIONS))


def figure_1_chart(results: Results) -> Chart | None:
    """Every plain network; None where there is none with scored samples."""
    return _chart(results, "figure-1", "Figure 1. ", "samples", SAMPLES)


def _chart(results: Results, name: str, title: str, what: str, panels: dict[str, str]) -> Chart | None:
    widths = results.plain["filters"].nunique()
    columns = widths if widths > 2 else 0  # DAEs in one row, VAEs below them
    chart = Chart(name, title, what, over(panels, _plain_lines(results)), _BY_WIDTH, columns=columns)
    return with_printed(results, chart, panels, rivals=True)


def _plain_lines(results: Results) -> list[Line]:
    """DAEs by width, then VAEs: one marker and colour per width, open for DAEs and filled for VAEs."""
    plain = results.plain
    palette = colours(plain["filters"])
    markers = {width: MARKERS[i % len(MARKERS)] for i, width in enumerate(palette)}
    fills = {"dae": "none", "vae": "full"}
    return [
        Line(
            f"{MODEL_NAMES[model]}, {width} filters",
            look(palette[width], LINE_STYLES[model], markers[width], fills[model]),
            plain[(plain["model"] == model) & (plain["filters"] == width)],
        )
        for model in MODEL_NAMES
        for width in palette
    ]


def _with_rivals(results: Results, chart: Chart | None) -> Drawing | None:
    drawing = draw(results, chart)
    if chart and drawing:
        for ax, lines in zip(drawing.figure.axes, chart.panels.values(), strict=True):
            name_rivals(ax, lines)
    return drawing


@plain_style()
def figure_2(results: Results) -> Drawing | None:
    """MVG samples left, GMM samples right, DAEs by width and depth."""
    return draw(results, figure_2_chart(results))


def figure_2_chart(results: Results) -> Chart | None:
    """None where no deeper DAE has scored samples."""
    drawn = over(SAMPLES, _depth_lines(results))
    chart = Chart("figure-2", "Figure 2. ", "samples", drawn, _BY_DEPTH, by=", by depth")
    return with_printed(results, chart, SAMPLES)


@plain_style()
def figure_5(results: Results) -> Drawing | None:
    """The curves of Figure 2, each relative to its lowest value, with a ring at its best size."""
    panels = over(SAMPLES, _depth_lines(results), relative=True)
    ring: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 10, "markerfacecolor": "none"}
    legend = (Line2D([], [], label="best latent size", color="#333333", **ring),)
    distance = results.evaluation.distance
    axis = f"{distance} / lowest {distance} of the curve"
    caption = f"{_BY_DEPTH} {_RELATIVE}"
    chart = Chart("figure-5", "Figure 5. ", "samples", panels, caption, legend, ", by depth (relative)", axis)
    drawing = draw(results, chart)
    if drawing:
        _draw_optima(drawing.figure.axes, results, chart)
    return drawing


def _depth_lines(results: Results) -> list[Line]:
    """DAEs from the narrowest width that has a deeper one (the paper: 64), and the VAE; [] without a deeper one."""
    daes = results.of(model="dae", network="")
    daes = daes[daes[list(SAMPLES)].notna().any(axis=1)]
    deeper = daes[daes["depth"] != "1"]
    if deeper.empty:
        return []
    daes = daes[daes["filters"] >= deeper["filters"].min()]
    palette = colours(daes["filters"], reserved={VAE_COLOUR})
    networks = [(int(width), depth) for (width, depth), _ in daes.groupby(["filters", "depth"], sort=False)]
    networks.sort(key=lambda network: (network[0], depth_order(network[1])))
    lines = [
        Line(
            f"DAE, {width} filters, depth {depth}",
            look(palette[width], DEPTH_STYLES.get(depth, "-."), MARKERS[1 + i % (len(MARKERS) - 1)], "none"),
            daes[(daes["filters"] == width) & (daes["depth"] == depth)],
        )
        for i, (width, depth) in enumerate(networks)
    ]
    return [*lines, *vae_baseline(results, int(deeper["filters"].max()))]


def vae_baseline(results: Results, width: int, colour: str = VAE_COLOUR, marker: str = MARKERS[0]) -> list[Line]:
    """The plain VAE of the width nearest to `width`, solid with filled markers; [] where there is none."""
    vaes = results.of(model="vae", depth="1", network="")
    vaes = vaes[vaes[list(SAMPLES)].notna().any(axis=1)]
    if vaes.empty:
        return []
    nearest = nearest_width(vaes["filters"], width)
    return [Line(f"VAE, {nearest} filters", look(colour, "-", marker), vaes[vaes["filters"] == nearest])]


def _draw_optima(axes: list[Axes], results: Results, chart: Chart) -> None:
    """Below the curves a row per network: a ring at its best size, a bar over the sizes that may be the best."""
    labels = [line.label for line in chart.by_label]
    top = axes[0].get_ylim()[1]
    step = _ROW * (top - 1)
    axes[0].yaxis.set_major_locator(FixedLocator([tick for tick in axes[0].get_yticks() if 0.999 < tick <= top]))
    axes[0].set_ylim(1 - (len(labels) + 1.2) * step, top)
    for ax, lines in zip(axes, chart.panels.values(), strict=True):
        ax.axhline(1 - 0.6 * step, color=GREY, linewidth=0.8)
        for line in lines:
            network = {str(name): value for name, value in line.trials.iloc[0][NETWORK].items()}
            best = optimum(results, line.score, **network)
            if best:
                _draw_optimum(ax, best, 1 - (labels.index(line.label) + 1.5) * step, line.look)


def _draw_optimum(ax: Axes, best: Optimum, height: float, looks: dict[str, Any]) -> None:
    if best.known:
        ax.plot([best.low, best.high], [height, height], color=looks["color"], linewidth=3.5, alpha=0.3, zorder=2)
    ax.plot([best.size], [height], **(looks | {"linestyle": "", "markersize": 4.5, "markeredgewidth": 1.2}))
    edge = (0, (1.5, 1.2)) if best.at_edge else "-"
    ring: dict[str, Any] = {"facecolors": "none", "edgecolors": looks["color"], "linestyles": [edge]}
    ax.scatter([best.size], [height], s=105, linewidths=1.3, zorder=4, **ring)
