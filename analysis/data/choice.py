"""Which width stands for "128 filters" where a store has others."""

import math
from collections.abc import Iterable

import pandas as pd

PAPER_WIDTH = 128
"""The width at which Table 1 varies noise, normalisation and frozen latents."""


NOISE = r"noise [0-9.e+-]+"
"""`network` of a trial with noise on the decoder's input; other places are named behind it."""


NORM = r"(batch|spectral|layer) latent norm"
"""`network` of a trial of which nothing but the latents' normalisation is varied."""


def varied_daes(trials: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """The DAEs of depth 1 whose `network` is of a pattern: any level of noise, any norm."""
    return trials[(trials["model"] == "dae") & (trials["depth"] == "1") & trials["network"].str.fullmatch(pattern)]


def varied_width(varied: pd.DataFrame, scores: Iterable[str]) -> int | None:
    """The width at which something was varied: of these trials with a score the one nearest to 128; None without any."""
    varied = varied[varied[list(scores)].notna().any(axis=1)]
    return nearest_width(varied["filters"]) if len(varied) else None


def nearest_width(filters: Iterable[float], target: int = PAPER_WIDTH) -> int:
    """The width nearest to `target` by ratio, of two equally near ones the wider."""
    return min({int(width) for width in filters}, key=lambda width: (abs(math.log2(width / target)), -width))
