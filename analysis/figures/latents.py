"""Two latent dimensions of the encoded images, DAE against VAE: Figures A.1 and A.2, and the same at several sizes.

A VAE's latents should look like N(0, I), a DAE's keep the scale that training gave them: the dashed circle holds 95 %
of N(0, I). A store of ten thousand trials holds twenty million points, so trials are chosen first and only theirs are
read. Latents do not depend on the extractor: draw these once per data set, not once per evaluation.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.figures.networks import spread
from aesweep.analysis.figures.style import Drawing, finish, new_figure, plain_style

PANELS = 6
_INK = "#222222"
_NORMAL_95 = 2.447  # radius that holds 95 % of a two-dimensional N(0, I): sqrt(chi2.ppf(0.95, 2))
_BLUE, _RED, _GREEN = "#1f4fd8", "#d7191c", "#1a8a34"


class _Form(NamedTuple):
    """A figure of the paper's appendix: its number, its width, and its colours, one per seed."""

    number: str
    filters: int
    colours: dict[str, tuple[str, ...]]


_FORMS = {
    # The caption names two colours for "a DAE". A trial stores one pair of dimensions, so we draw two seeds.
    "cifar10-32": _Form("A.1", 128, {"dae": (_BLUE, _RED), "vae": (_GREEN,)}),
    "celeba-64": _Form("A.2", 128, {"dae": (_BLUE,), "vae": (_RED,)}),
}
_OTHER_DATA = _Form("", 0, {"dae": (_BLUE,), "vae": (_RED,)})
_MARKERS = {"dae": ("o", "^"), "vae": ("x",)}


class _Cloud(NamedTuple):
    """The points of one trial: float (N, 2), all finite."""

    trial: pd.Series
    dimensions: tuple[int, int]
    points: np.ndarray


@plain_style()
def figure_a(tables: Tables, results: Results) -> Drawing | None:
    """Figure A.1 or A.2: DAE and VAE of 128 filters at the comparison size, in one panel; None without latents.

    For other data, and where the store lacks that network: the widest plain network with trials at that size.
    """
    rows = results.plain[results.plain["latent_size"] == results.comparison_size]
    if rows.empty:
        return None
    form = _FORMS.get(results.data, _OTHER_DATA)
    papers = bool((rows["filters"] == form.filters).any())
    rows = rows[rows["filters"] == (form.filters if papers else rows["filters"].max())]
    first_seeds = [_first_seeds(rows[rows["model"] == m], len(found)) for m, found in form.colours.items()]
    clouds, split = _clouds(tables, pd.concat(first_seeds))
    if not clouds:
        return None
    network = f"{rows['filters'].iloc[0]:.0f} filters, {results.comparison_size} latent units"
    title = f"{results.title}: two latent dimensions of {split} images, {network}"
    title = f"Figure {form.number}. {title}" if papers else title
    figure, axes = new_figure(7.2, 7.0, 1, 1)
    looks = _looks(clouds, form.colours)
    _scatter(axes[0, 0], clouds, looks)
    handles = [_handle(_words(cloud), look) for cloud, look in zip(clouds, looks, strict=True)]
    finish(figure, title, [*handles, _circle_handle()], results.data_hash, results.training_notice)
    caption = (
        "A point is one image. Each trial's seed draws its two dimensions; σ is the standard deviation along each. "
        "The dashed circle holds 95 % of N(0, I)."
    )
    name = f"figure-{form.number.replace('.', '').lower()}" if papers else "latents"
    return Drawing(f"{name}-{results.data}", title, caption, figure)


@plain_style()
def latent_panels(tables: Tables, results: Results) -> Drawing | None:
    """DAE and VAE of one network and size in each panel (first seed): narrow and wide, few latents and many."""
    panels = _panels(results.plain if len(results.plain) else results.trials)
    chosen = [_first_seeds(rows, 1) for panel in panels for _, rows in panel.groupby("model")]
    clouds, split = _clouds(tables, pd.concat(chosen or [pd.DataFrame()]))
    groups = [[cloud for cloud in clouds if cloud.trial["key"] in set(panel["key"])] for panel in panels]
    groups = [group for group in groups if group]
    if not groups:
        return None
    columns = 3 if len(groups) in (3, 5, 6) else min(2, len(groups))
    title = f"{results.title}: two latent dimensions of {split} images"
    figure, axes = new_figure(max(5.0, 3.6 * columns), 3.5, math.ceil(len(groups) / columns), columns)
    for ax in axes.flat[len(groups) :]:
        ax.set_visible(False)
    for ax, group in zip(axes.flat, groups, strict=False):
        _scatter(ax, group, _looks(group, _OTHER_DATA.colours))
        ax.set_title(_name(group[0].trial), fontsize=9.5)
        _note(ax, group)
    models = dict.fromkeys(str(cloud.trial["model"]) for cloud in clouds)
    handles = [_handle(MODEL_NAMES.get(m, m), _look(_OTHER_DATA.colours[m][0], _MARKERS[m][0])) for m in models]
    finish(figure, title, [*handles, _circle_handle()], results.data_hash, results.training_notice)
    caption = (
        "A point is one image. Each trial's seed draws its two dimensions; their numbers and standard deviations σ are "
        "in the corner. The dashed circle holds 95 % of N(0, I). Scales differ between panels."
    )
    return Drawing(f"latents-by-size-{results.data}", title, caption, figure)


def _first_seeds(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    return rows.sort_values(["seed", "key"]).head(count)


def _clouds(tables: Tables, trials: pd.DataFrame) -> tuple[list[_Cloud], str]:
    """The clouds of these trials, in their order, and which images they are: training images where stored."""
    if trials.empty:
        return [], ""
    rows = tables.latents.of(trials["key"])
    rows = rows[np.isfinite(rows["z_a"]) & np.isfinite(rows["z_b"])]
    split = "train" if (rows["split"] == "train").any() else "test"
    found = {str(key): group for key, group in rows[rows["split"] == split].groupby("key")}
    clouds = []
    for _, trial in trials.iterrows():
        points = found.get(str(trial["key"]))
        if points is not None and trial["model"] in _MARKERS:
            pair = int(points["dimension_a"].iloc[0]), int(points["dimension_b"].iloc[0])
            clouds.append(_Cloud(trial, pair, points[["z_a", "z_b"]].to_numpy(float)))
    return clouds, {"train": "training"}.get(split, split)


def _panels(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """At most `PANELS` networks with a latent size; where there are pairs of DAE and VAE, only those."""
    group = ["filters", "depth", "network", "latent_size"]
    models = rows.groupby(group)["model"].transform("nunique")
    rows = rows[models == models.max()]
    networks = [network for _, network in rows.groupby(group[:-1])]
    sizes = [[panel for _, panel in network.groupby("latent_size")] for network in networks]
    if not sizes:
        return []
    columns = min(PANELS if len(sizes) == 1 else PANELS // 2, max(map(len, sizes)))
    return [panel for found in spread(sizes, PANELS // columns) for panel in spread(found, columns)]


def _scatter(ax: Axes, clouds: Sequence[_Cloud], looks: Sequence[dict[str, Any]]) -> None:
    reach = 1.15 * _NORMAL_95
    for cloud, look in zip(clouds, looks, strict=True):
        ax.scatter(cloud.points[:, 0], cloud.points[:, 1], **look)
        # A far outlier should not shrink the cloud to a dot.
        reach = max(reach, 1.2 * float(np.quantile(np.abs(cloud.points), 0.995)))
    ax.add_patch(Circle((0, 0), _NORMAL_95, fill=False, linestyle="--", linewidth=1.3, color=_INK, zorder=3))
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel("first dimension (latent value)", fontsize=9)
    ax.set_ylabel("second dimension (latent value)", fontsize=9)


def _looks(clouds: Sequence[_Cloud], palette: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Arguments of `scatter`: the colours and markers of a model in the order of its seeds."""
    looks: list[dict[str, Any]] = []
    for i, cloud in enumerate(clouds):
        model = str(cloud.trial["model"])
        seen = sum(earlier.trial["model"] == model for earlier in clouds[:i])
        looks.append(_look(palette[model][seen], _MARKERS[model][seen]))
    return looks


def _look(colour: str, marker: str) -> dict[str, Any]:
    face = {} if marker == "x" else {"facecolors": "none"}
    return {"color": colour, "marker": marker, "s": 11, "linewidths": 0.7, "alpha": 0.55, **face}


def _handle(label: str, look: dict[str, Any]) -> Line2D:
    colour, marker = look["color"], look["marker"]
    return Line2D([], [], linestyle="", color=colour, marker=marker, markerfacecolor="none", label=label)


def _circle_handle() -> Line2D:
    return Line2D([], [], color=_INK, linestyle="--", linewidth=1.3, label="95 % of N(0, I)")


def _words(cloud: _Cloud) -> str:
    """Such as `DAE, seed 0: dimensions 5 and 77, σ 3.1 and 4.0`."""
    name = MODEL_NAMES[str(cloud.trial["model"])]
    (a, b), (sigma_a, sigma_b) = cloud.dimensions, cloud.points.std(axis=0)
    return f"{name}, seed {cloud.trial['seed']:.0f}: dimensions {a} and {b}, σ {sigma_a:#.2g} and {sigma_b:#.2g}"


def _note(ax: Axes, clouds: Sequence[_Cloud]) -> None:
    lines = []
    for cloud in clouds:
        (a, b), (sigma_a, sigma_b) = cloud.dimensions, cloud.points.std(axis=0)
        lines.append(f"{MODEL_NAMES[str(cloud.trial['model'])]}: {a}, {b}; σ {sigma_a:#.2g}, {sigma_b:#.2g}")
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ax.text(0.035, 0.98, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=7.5, color="#444444", bbox=paper)


def _name(trial: pd.Series) -> str:
    """Such as `128 latent units, 64 filters, depth 2`."""
    depth = f"depth {trial['depth']}" if trial["depth"] != "1" else ""
    words = [f"{trial['latent_size']:.0f} latent units", f"{trial['filters']:.0f} filters", depth, trial["network"]]
    return ", ".join(filter(None, words))
