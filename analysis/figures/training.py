"""Training loss against epoch: a panel per network and model, a line per trial.

DAE and VAE losses are in different panels: a VAE's loss also holds its weighted KL term. Shade is the latent size
(dark is small), so the lines stay apart in greyscale. Losses of one unit share their axis limits, so panels can be
compared.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import CURVE, Curve, curves, depth_order
from aesweep.analysis.figures.style import Drawing, finish, new_figure, plain_style
from aesweep.sweep.tables.schemas import OWN_RECONSTRUCTION

PANELS = 24
_PER_ROW = 3
_LEGEND_SIZES = 8
_LONG_TRAINING = 15  # epochs
_DIVERGES = 10.0
"""A trial diverges if its loss rises this many times as far above the lowest loss as that of the median trial."""
_PER = {"mean": "per pixel value", "sum": "per image"}


@plain_style()
def training_curves(tables: Tables) -> list[Drawing]:
    """One figure per data set; the first `PANELS` networks where there are more."""
    epochs = tables.epochs.loc[np.isfinite(tables.epochs["loss"]), ["key", "epoch", "loss"]]
    # There may be millions of rows, so only the columns that are drawn are joined, words as categories.
    trials = tables.described[["key", *CURVE, "latent_size"]].assign(unit=_units(tables.described))
    trials = trials.astype(dict.fromkeys(["model", "depth", "variant", "unit"], "category"))
    found = ((str(data), epochs.merge(group.drop(columns="data"), on="key")) for data, group in trials.groupby("data"))
    return [_draw(tables, data, rows) for data, rows in found if len(rows)]


def _draw(tables: Tables, data: str, rows: pd.DataFrame) -> Drawing:
    panels = sorted(curves(rows), key=lambda panel: _place(panel[0]))
    left_out = max(0, len(panels) - PANELS)
    panels = panels[:PANELS]
    columns = min(_PER_ROW if len(panels) != 4 else 2, len(panels))
    lines = math.ceil(len(panels) / columns)
    title = f"Training on {data}: loss per epoch"
    figure, axes = new_figure(10, 3.6 if columns < 3 else 2.7, lines, columns)
    sizes = sorted(rows["latent_size"].unique())
    limits = {unit: _limits(group) for unit, group in rows.groupby("unit", observed=True)}
    cut = sum(limit.cut for limit in limits.values())
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (curve, panel) in zip(axes.flat, panels, strict=False):
        unit = str(panel["unit"].iloc[0])  # one value: what decides it is part of `variant` where it differs
        ax.set_title(curve.label, fontsize=9.5)
        ax.set_xlabel("epoch", fontsize=9)
        ax.set_ylabel(f"loss ({unit})", fontsize=9)
        _lines(ax, panel, sizes)
        ax.set_ylim(limits[unit].low, limits[unit].high)
    finish(figure, title, _legend(sizes), tables.data_hash)
    trials = rows["key"].nunique()
    caption = f"{trials:,} trials, one line each." if trials > 1 else "One trial."
    if rows["epoch"].max() >= _LONG_TRAINING:
        caption += " The first epochs may be above the axis."
    if cut:
        caption += f" {cut} trials diverge: their" if cut > 1 else " 1 trial diverges: its"
        caption += " losses continue above the axis."
    caption += f" {left_out} further networks are not drawn." if left_out else ""
    return Drawing(f"training-{data}", title, caption, figure)


def _units(trials: pd.DataFrame) -> pd.Series:
    """Such as `nats per pixel value`, `squared error per image`."""
    squared = (trials["reconstruction"] == "mse") & ~trials["model"].isin(OWN_RECONSTRUCTION)
    units: pd.Series = squared.map({True: "squared error ", False: "nats "}) + trials["reduction"].replace(_PER)
    return units


def _place(curve: Curve) -> tuple[Any, ...]:
    """Narrow before wide, shallow before deep, DAE before VAE."""
    return curve.filters, depth_order(curve.depth), curve.variant, curve.model


def _lines(ax: Axes, panel: pd.DataFrame, sizes: list[float]) -> None:
    for size in sorted(panel["latent_size"].unique()):
        lines = _by_trial(panel[panel["latent_size"] == size])
        ax.add_collection(LineCollection(lines, colors=[_shade(size, sizes)], linewidths=1.5, alpha=0.9))
        dots = np.array([line[0] for line in lines if len(line) == 1])  # one epoch makes no line
        if len(dots):
            ax.plot(dots[:, 0], dots[:, 1], "o", color=_shade(size, sizes), markersize=5)
    last = float(panel["epoch"].max())
    ax.set_xlim(1 - 0.02 * last, last * 1.02 if last > 1 else 1.5)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _by_trial(rows: pd.DataFrame) -> list[np.ndarray]:
    """(epochs, 2) of epoch and loss per trial; one sort and one split, for sweeps of thousands of trials."""
    rows = rows.sort_values(["key", "epoch"])
    starts = np.flatnonzero((rows["key"] != rows["key"].shift()).to_numpy())[1:]
    return np.split(rows[["epoch", "loss"]].to_numpy(dtype=float), starts)


class _Limits(NamedTuple):
    """Limits of an axis of losses, and how many trials rise above it."""

    low: float
    high: float
    cut: int


def _limits(rows: pd.DataFrame) -> _Limits:
    """The losses after the first twentieth of a long training, but for trials that diverge: both would flatten the rest."""
    last = float(rows["epoch"].max())
    later = rows[rows["epoch"] > (max(2, last / 20) if last >= _LONG_TRAINING else 0)]
    low = float(later["loss"].min())
    peaks = later.groupby("key")["loss"].max().sort_values()
    usual = float(peaks.iloc[(len(peaks) - 1) // 2])
    kept = peaks[peaks <= low + _DIVERGES * (usual - low)] if usual > low else peaks
    high = float(kept.iloc[-1])
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    return _Limits(low - margin, high + margin, len(peaks) - len(kept))


def _shade(size: float, sizes: list[float]) -> tuple[float, float, float, float]:
    """Dark for the smallest latent size to light for the largest, by its logarithm."""
    span = math.log2(sizes[-1] / sizes[0])
    return colormaps["viridis"](0.88 * (math.log2(size / sizes[0]) / span) if span else 0.3)


def _legend(sizes: list[float]) -> list[Line2D]:
    shown = [*sizes[: -1 : math.ceil(len(sizes) / _LEGEND_SIZES)], sizes[-1]]
    return [
        Line2D([], [], color=_shade(size, sizes), linewidth=2.5, label=f"{size:.0f} latent units") for size in shown
    ]
