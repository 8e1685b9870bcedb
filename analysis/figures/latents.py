"""Two latent dimensions of the encoded images, DAE against VAE (the form of the paper's Figures A.1 and A.2).

A VAE's latents should look like N(0, I), a DAE's keep the scale that training gave them: the dashed circle holds 95 %
of N(0, I). Panels pair a DAE and a VAE of the same network and latent size (first seed); a few sizes are enough to
see it.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from analysis.figures.style import Drawing, finish, new_figure
from analysis.tables import Tables
from analysis.trials import MODEL_NAMES

PANELS = 6
_COLUMNS = 3
_NORMAL_95 = 2.447  # radius that holds 95 % of a two-dimensional N(0, I): sqrt(chi2.ppf(0.95, 2))
_LOOKS: dict[str, dict[str, Any]] = {  # the paper's A.2: DAE blue, VAE red
    "dae": {"color": "#1f4fd8", "marker": "o", "facecolors": "none", "s": 10, "linewidths": 0.6, "alpha": 0.5},
    "vae": {"color": "#d7191c", "marker": "x", "s": 10, "linewidths": 0.6, "alpha": 0.5},
}


def latent_scatter(tables: Tables) -> list[Drawing]:
    """One figure per data set; training images where they were stored, else test images."""
    rows = tables.latents.merge(tables.described, on="key")
    rows = rows[np.isfinite(rows["z_a"]) & np.isfinite(rows["z_b"])]
    return [_draw(tables, str(data), group) for data, group in rows.groupby("data")]


def _draw(tables: Tables, data: str, rows: pd.DataFrame) -> Drawing:
    split = "train" if (rows["split"] == "train").any() else str(rows["split"].iloc[0])
    rows = rows[rows["split"] == split]
    panels = _panels(rows)
    columns = min(_COLUMNS if len(panels) != 4 else 2, len(panels))
    lines = math.ceil(len(panels) / columns)
    title = f"Latents of {data}: two dimensions of {'training' if split == 'train' else split} images"
    figure, axes = new_figure(max(5.0, 3.6 * columns), 3.5, lines, columns)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (name, panel) in zip(axes.flat, panels, strict=False):
        _scatter(ax, panel)
        ax.set_title(name, fontsize=9.5)
    finish(figure, title, _legend(rows), tables.data_hash)
    caption = (
        "A point is one image. Each trial's seed draws its two dimensions; their numbers stand in the corner. "
        "The dashed circle holds 95 % of N(0, I)."
    )
    return Drawing(f"latents-{data}", title, caption, figure)


def _legend(rows: pd.DataFrame) -> list[Line2D]:
    handles = []
    for model in _LOOKS:
        if (rows["model"] == model).any():
            look = {"color": _LOOKS[model]["color"], "marker": _LOOKS[model]["marker"], "markerfacecolor": "none"}
            handles.append(Line2D([], [], linestyle="", label=MODEL_NAMES[model], **look))
    return [*handles, Line2D([], [], color="#222222", linestyle="--", linewidth=1.1, label="95 % of N(0, I)")]


def _scatter(ax: Axes, rows: pd.DataFrame) -> None:
    rows = rows[rows["seed"] == rows["seed"].min()]
    names: list[str] = []
    reach = 1.15 * _NORMAL_95
    for model, look in _LOOKS.items():
        points = rows[rows["model"] == model]
        if points.empty:
            continue
        points = points[points["key"] == points["key"].iloc[0]]
        ax.scatter(points["z_a"], points["z_b"], **look)
        # A far outlier should not shrink the cloud to a dot.
        reach = max(reach, 1.2 * float(np.quantile(points[["z_a", "z_b"]].abs().to_numpy(), 0.995)))
        first = points.iloc[0]
        names.append(f"{MODEL_NAMES[model]}: {first['dimension_a']:.0f}, {first['dimension_b']:.0f}")
    ax.add_patch(Circle((0, 0), _NORMAL_95, fill=False, linestyle="--", linewidth=1.1, color="#222222", zorder=3))
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel("first dimension (latent value)", fontsize=9)
    ax.set_ylabel("second dimension (latent value)", fontsize=9)
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ax.text(0.02, 0.98, "\n".join(names), transform=ax.transAxes, va="top", fontsize=7.5, color="#444444", bbox=paper)


def _panels(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """At most `PANELS` networks with their latent size: those with both models and plain ones first."""
    groups = rows.groupby(["filters", "depth", "variant", "latent_size"])
    models = groups["model"].transform("nunique")
    rows = rows[models == models.max()]
    rows = rows[rows["variant"].str.len() == rows["variant"].str.len().min()]
    found = [group for _, group in rows.groupby(["filters", "depth", "variant", "latent_size"])]
    take = np.unique(np.linspace(0, len(found) - 1, min(PANELS, len(found))).round().astype(int))
    return [(_name(found[i]), found[i]) for i in take]


def _name(panel: pd.DataFrame) -> str:
    """Such as `128 latent units, 64 filters, depth 2`."""
    first = panel.iloc[0]
    depth = f"depth {first['depth']}" if first["depth"] != "1" else ""
    words = [f"{first['latent_size']:.0f} latent units", f"{first['filters']:.0f} filters", depth, first["variant"]]
    return ", ".join(filter(None, words))
