"""What the size of a network does to its best latent size (hypothesis 3).

A best size is a minimum over a grid, of scores that vary with the seed: it is drawn with the range that the data leave
open (`aesweep.analysis.data.optimum`), and with an arrow where it is the smallest or largest that was tried.
"""

import math
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from aesweep.analysis.data.optimum import FEWEST_SIZES, Optimum, optimum
from aesweep.analysis.data.published import published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.figures.curves import SAMPLES
from aesweep.analysis.figures.networks import PlainNetwork, parameter_axis, plain_networks, point_legend, point_looks
from aesweep.analysis.figures.style import GREY, Drawing, finish, new_figure, plain_style

_CROSSES = {"dae": "x", "vae": "+"}
_ARROW = 2**0.4  # length, as a factor of the latent size


class _Best(NamedTuple):
    """One point: a network, its best size, and its parameters at that size."""

    network: PlainNetwork
    optimum: Optimum
    parameters: float


class _Published(NamedTuple):
    """One cross: the best size that the paper prints for a network, and the parameters of our trials at that size."""

    network: PlainNetwork
    size: int
    parameters: float


@plain_style()
def best_latent_size(results: Results) -> Drawing | None:
    """Latent size with the lowest mean distance against encoder and decoder parameters; MVG left, GMM right.

    None where no plain network has scores at three latent sizes.
    """
    bests = {score: _bests(results, score) for score in SAMPLES}
    every = [best for points in bests.values() for best in points]
    if not every:
        return None
    published = {score: _published(results, score) for score in SAMPLES}
    crosses = [cross for points in published.values() for cross in points]
    networks = plain_networks(results.trials)
    networks = [n for n in networks if n in {*(b.network for b in every), *(c.network for c in crosses)}]
    looks = point_looks(networks)
    parameters = [*(best.parameters for best in every), *(cross.parameters for cross in crosses)]
    figure, axes = new_figure(10, 4.6, 1, 2, sharey=True)
    for ax, (score, heading) in zip(axes[0], SAMPLES.items(), strict=True):
        ax.set_title(heading, fontsize=11)
        parameter_axis(ax, parameters, "encoder and decoder parameters")
        for best in bests[score]:
            _draw_best(ax, best, looks[best.network])
        for cross in published[score]:
            marker, colour = _CROSSES[cross.network.model], looks[cross.network]["color"]
            ax.plot([cross.parameters], [cross.size], marker, color=colour, markersize=11, markeredgewidth=2, zorder=4)
    _size_axis(axes[0, 0], results.trials["latent_size"])
    title = f"{results.title}: best latent size against the size of the network"
    handles = [*point_legend(networks), *_cross_handles(crosses)]
    finish(figure, title, handles, results.data_hash, results.notice)
    caption = " ".join(filter(None, [_caption(every, crosses), results.aside_notice]))
    return Drawing(f"best-size-{results.evaluation.slug}-{results.data}", title, caption, figure)


def _bests(results: Results, score: str) -> list[_Best]:
    found = []
    for network in plain_networks(results.trials):
        best = optimum(results, score, **network.columns)
        if best is None or len(best.grid) < FEWEST_SIZES:
            continue
        parameters = _parameters(results, network, best.size)
        if parameters > 0:
            found.append(_Best(network, best, parameters))
    return found


def _parameters(results: Results, network: PlainNetwork, size: int) -> float:
    """Encoder and decoder together; nan where no trial of ours has this size."""
    rows = results.of(latent_size=size, **network.columns)
    return float((rows["parameters_encoder"] + rows["parameters_decoder"]).mean())


def _published(results: Results, score: str) -> list[_Published]:
    """For each network of Table 3 its size with the lowest distance, if we trained the network at that size too."""
    if not results.beside_published:
        return []
    rows = published_scores("3")
    rows = rows[(rows["data"] == results.data) & (rows["column"] == score) & rows["model"].isin(list(_CROSSES))]
    found = []
    for _, row in rows.sort_values("value").drop_duplicates(["model", "filters", "depth"]).sort_index().iterrows():
        network = PlainNetwork(int(row["filters"]), str(row["depth"]), str(row["model"]))
        parameters = _parameters(results, network, int(row["latent_size"]))
        if row["network"] == "" and parameters > 0:
            found.append(_Published(network, int(row["latent_size"]), parameters))
    return found


def _draw_best(ax: Axes, best: _Best, look: dict[str, Any]) -> None:
    """The point with a bar over the sizes that are open, and an arrow where the grid ended too early."""
    found = best.optimum
    bars = [[found.size - found.low], [found.high - found.size]] if found.known else None
    ax.errorbar([best.parameters], [found.size], yerr=bars, capsize=3.5, elinewidth=1.3, **look)
    if found.smooth:
        at, look_of = best.parameters, {"color": look["color"], "alpha": 0.25, "linewidth": 6, "zorder": 1}
        ax.plot([at, at], [found.smooth.low, found.smooth.high], solid_capstyle="butt", **look_of)
        ax.plot([at], [found.smooth.size], "_", color=look["color"], markersize=13, markeredgewidth=2)
    if found.at_edge:
        end = found.size * (_ARROW if found.high == found.size else 1 / _ARROW)
        style = {"arrowstyle": "-|>", "color": look["color"], "linewidth": 1.4, "shrinkA": 4, "shrinkB": 0}
        ax.annotate("", xy=(best.parameters, end), xytext=(best.parameters, found.size), arrowprops=style)


def _cross_handles(crosses: list[_Published]) -> list[Line2D]:
    models = sorted({cross.network.model for cross in crosses})
    look: dict[str, Any] = {"linestyle": "", "color": GREY, "markersize": 9, "markeredgewidth": 2}
    return [Line2D([], [], marker=_CROSSES[m], label=f"published {m.upper()} (Table 3)", **look) for m in models]


def _size_axis(ax: Axes, sizes: pd.Series) -> None:
    """A log2 y axis over all sizes that were tried: labels at powers of two and the ends, small ticks at the real sizes."""
    found = sorted(sizes.dropna().astype(int).unique().tolist())
    powers = [2**k for k in range(1, 21) if found[0] <= 2**k <= found[-1]]
    ends = [size for size in (found[0], found[-1]) if all(abs(math.log2(size / power)) > 0.4 for power in powers)]
    labelled = sorted({*powers, *ends}) if len(powers) > 1 else found
    ax.set_yscale("log", base=2)
    ax.set_ylim(found[0] / _ARROW**1.3, found[-1] * _ARROW**1.3)
    ax.set_ylabel("best latent size (units)", fontsize=10)
    ax.yaxis.set_major_locator(FixedLocator(labelled))
    ax.set_yticklabels([str(size) for size in labelled])
    ax.yaxis.set_minor_locator(FixedLocator([size for size in found if size not in labelled]))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _caption(bests: list[_Best], crosses: list[_Published]) -> str:
    known = any(best.optimum.known for best in bests)
    bar = "The bar spans the sizes that may be the best (95 % over seeds), and one step of the grid beyond. "
    if any(best.optimum.smooth for best in bests):
        bar += "The dash is the minimum of a smooth curve through the means (a Gaussian process), the broad band its 95 % interval. "
    words = [
        "A point is the latent size with the lowest mean distance; small ticks are the sizes that were tried. ",
        bar if known else "With one training seed nothing says how sure it is. ",
        "An arrow means that the best size is the smallest or largest tried: it may lie further out. "
        if any(best.optimum.at_edge for best in bests)
        else "",
        f"Networks with fewer than {FEWEST_SIZES} sizes are left out. ",
        "Crosses: the best size of each network in the paper's Table 3, at the parameters of our trials."
        if crosses
        else "",
    ]
    return "".join(words).strip()
