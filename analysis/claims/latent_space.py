"""Section 5: means and standard deviations of the latents of DAEs.

The paper speaks of every dimension. A store keeps points of two for each trial, drawn at random as in Figure A.1, so these
claims test what holds for two dimensions of an average trial, and say so. As in that figure, they are of training images.
"""

import math
from collections.abc import Callable

import pandas as pd

from aesweep.analysis.claims.verdicts import Verdict, above, claim, left_open, together
from aesweep.analysis.data.results import Results
from aesweep.analysis.statistics import Sample, contrast
from aesweep.analysis.text.text_tables import format_score

Measure = Callable[[pd.DataFrame, pd.DataFrame], pd.Series]
"""From means and standard deviations of two dimensions (a row per trial) to one number per trial."""


@claim(
    "5",
    "the DAEs do not have means of 0 and standard deviations of 1",
    threshold="away",
)
def dae_latents_are_not_centred_and_scaled(results: Results) -> Verdict:
    """At the comparison size, means and standard deviations of DAEs' latents are away from 0 and 1 (mean of two random dimensions)."""
    away = results.thresholds.away
    means = _above(results, "mean, distance from 0", away, lambda mean, std: mean.abs().mean(axis=1, skipna=False))
    spreads = _above(
        results,
        "standard deviation, distance from 1",
        away,
        lambda mean, std: (std - 1).abs().mean(axis=1, skipna=False),
    )
    return together([*means.findings, *spreads.findings])


@claim(
    "5",
    "their outputs have a much wider range",
    threshold="much_wider",
)
def dae_latents_spread_wider_than_the_standard_normal(results: Results) -> Verdict:
    """At the comparison size, DAEs' latents have a much larger standard deviation than 1 (the smaller one of two random dimensions)."""
    wide = results.thresholds.much_wider
    return _above(results, "standard deviation", wide, lambda mean, std: std.min(axis=1, skipna=False))


@claim(
    "5",
    "and vary across each latent dimension.",
    threshold="vary",
)
def dae_latents_vary_across_dimensions(results: Results) -> Verdict:
    """At the comparison size, the standard deviations of two random dimensions of a DAE's latents differ (larger over smaller)."""
    least = results.thresholds.vary
    ratio = "larger over smaller standard deviation of two dimensions"
    return _above(results, ratio, least, lambda mean, std: std.max(axis=1, skipna=False) / std.min(axis=1))


def _above(results: Results, what: str, least: float, measure: Measure) -> Verdict:
    """Whether the expected measure is above a value for the DAE of every width, at the comparison size."""
    rows = results.at_comparison_size("dae").set_index("key")
    values = measure(*results.latents.moments(rows.index))
    found = []
    for width, part in values.groupby(rows["filters"].reindex(values.index)):
        sample = Sample(part.to_numpy(dtype=float))
        where = f"{width:.0f} filters, {what}"
        if not sample.known:
            found.append(left_open(f"{where}: not finite"))
            continue
        mean = contrast((1.0, sample))
        interval = "" if math.isnan(mean.half_width) else f" ± {format_score(mean.half_width)}, 95 %"
        words = f"{where}: {format_score(sample.mean)}{interval} (threshold: {least:g})"
        beyond = mean.minus(least)
        found.append(above(words, beyond))
    return together(found)
