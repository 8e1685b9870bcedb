"""Trials of the paper's figures, and what a drawing shows: its lines, crosses, words."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.figures import FURTHER_FIGURES, PAPER_FIGURES, Drawing
from aesweep.analysis.figures.style import DASHED, DOTTED, OTHER_COLOURS, PAPER_COLOURS
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CIFAR10

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")
ALL = (*PAPER_FIGURES, *FURTHER_FIGURES)
BLACK, RED, GREEN, BLUE = PAPER_COLOURS.values()
PURPLE, ORANGE = OTHER_COLOURS[:2]
DEEP = {"2": (2, 2, 2, 2), "3": (3, 3, 3, 3), "3-3-2-1": (3, 3, 2, 1)}
SIZES = (32, 64, 128)


def words_of(figure: Figure) -> str:
    return "\n".join([text.get_text() for text in figure.texts] + [ax.get_ylabel() for ax in figure.axes])


def joined_lines(ax: Axes) -> list[Line2D]:
    """The lines of an axes that join points, without crosses and rules."""
    return [line for line in ax.get_lines() if line.get_linestyle() != "None" and line.get_marker() != "None"]


def crosses_of(ax: Axes) -> set[tuple[str, float, float]]:
    return {
        (str(line.get_marker()), float(x), round(float(y), 6))
        for line in ax.get_lines()
        if line.get_linestyle() == "None"
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    }


def dashes_of(line: Line2D) -> str:
    """Words for a line style: `solid`, `dashed`, `dotted`."""
    on = line._unscaled_dash_pattern[1]  # type: ignore[attr-defined]  # matplotlib's own
    return {None: "solid", DASHED[1]: "dashed", DOTTED[1]: "dotted"}.get(on and tuple(on), "other")


def lines_by_label(drawing: Drawing) -> dict[str, Line2D]:
    legend = drawing.figure.legends[0]
    return dict(zip([text.get_text() for text in legend.get_texts()], legend.get_lines(), strict=True))


def cifar10_trials(sizes: Iterable[int] = SIZES, **fields: Any) -> list[TrialConfig]:
    return [replace(CIFAR10, **{"filters": 128, **fields}, latent_size=size) for size in sizes]


def paper_trials() -> list[TrialConfig]:
    """One of each network of the paper's CIFAR-10 figures, at three sizes."""
    found = [t for f in PAPER_COLOURS for m in ("dae", "vae") for t in cifar10_trials(filters=f, model=m)]
    found += [
        t
        for f, d in ((64, "2"), (64, "3"), (128, "2"), (128, "3-3-2-1"))
        for t in cifar10_trials(filters=f, depth=DEEP[d])
    ]
    found += [t for norm in ("batch", "spectral", "layer") for t in cifar10_trials(latent_norm=norm)]
    found += [t for std in (0.1, 0.5, 1.0) for t in cifar10_trials(noise_std=std)]
    return found + cifar10_trials(freeze_latent=True) + cifar10_trials(freeze_latent=True, depth=DEEP["2"])


def only_results(store: Path) -> Results:
    """The results of a store with one data set and one evaluation."""
    (results,) = all_results(load_tables(store))
    return results


def means_of(results: Results, score: str, **network: Any) -> list[float]:
    """Mean score by latent size, ascending."""
    return [float(mean) for mean in results.of(**network).groupby("latent_size")[score].mean()]
