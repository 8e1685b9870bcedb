"""The comparisons that the paper's sentences are made of: each is a `Finding` about the results of one data set.

Each hands scores, one per training seed, to `aesweep.analysis.statistics` and puts what comes back into words.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from aesweep.analysis.claims.verdicts import (
    NO_SHARE,
    ONE_SEED,
    Finding,
    below,
    change_words,
    decided,
    drawn,
    every,
    left_open,
    lower,
    no_score,
    positive,
    unsettled,
)
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import SOURCE_NAMES
from aesweep.analysis.data.trials import NOISE
from aesweep.analysis.statistics import (
    Sample,
    contrast,
    equivalence,
    mean_difference,
    trend,
)
from aesweep.analysis.text.text_tables import counted, format_score
from aesweep.analysis.thresholds import MARGINALLY

NetworkColumns = dict[str, object]
"""What `Results.of` takes: model, filters, depth, network."""
NamedNetwork = tuple[str, NetworkColumns]
"""A network, and what a finding calls it."""


def plain(model: str, filters: float, depth: str = "1", network: str = "") -> NetworkColumns:
    """A network of Table 1, by default with nothing varied."""
    return {"model": model, "filters": filters, "depth": depth, "network": network}


def at_comparison_size(results: Results, score: str, network: NetworkColumns) -> Sample:
    """A network's scores at the size at which networks are compared, one per seed."""
    return results.scores(score, results.comparison_size, **network)


def dae(width: int) -> NamedNetwork:
    """The plain DAE of a width, where findings compare widths."""
    return f"{width} filters", plain("dae", width)


def plain_networks(results: Results) -> list[NetworkColumns]:
    """Every network of Figure 1: depth 1, nothing varied but model and width."""
    networks = results.plain[["model", "filters"]].drop_duplicates()
    return [plain(model, filters) for model, filters in networks.itertuples(index=False)]


def widths_with_both(rows: pd.DataFrame) -> list[int]:
    """Widths that have a DAE and a VAE among these trials, ascending."""
    models = rows.groupby("filters")["model"].nunique()
    return [int(width) for width in models.index[models == 2]]


def width_of(results: Results, network: str) -> int:
    """The width at which noise or a norm was varied, as its figure chooses it: one for all levels, or for all norms."""
    return results.noise_width if re.fullmatch(NOISE, network) else results.norm_width


def varied(results: Results, network: str) -> NetworkColumns:
    """The DAE of depth 1 with one thing varied."""
    return plain("dae", width_of(results, network), network=network)


def deeper(results: Results) -> list[tuple[str, NetworkColumns, NetworkColumns]]:
    """Words, the network of depth 1 and the deeper one, for every plain DAE that has both."""
    rows = results.of(network="", model="dae")
    pairs = rows[rows["depth"] != "1"][["filters", "depth"]].drop_duplicates()
    return [
        (f"{width:.0f} filters", plain("dae", width), plain("dae", width, depth))
        for width, depth in pairs.itertuples(index=False)
    ]


def lower_at_comparison_size(
    where: str, results: Results, score: str, first: NamedNetwork, second: NamedNetwork, factor: float = 1.0
) -> Finding:
    """Whether `factor` times the first network's expected score is lower than the second's, at the comparison size."""
    a, b = (at_comparison_size(results, score, network) for _, network in (first, second))
    return lower(where, (first[0], second[0]), a, b, factor)


def little_changed(
    where: str, results: Results, score: str, first: NetworkColumns, second: NetworkColumns, margin: float
) -> Finding:
    """Whether two networks differ by `margin` (a share) or less at every latent size that both have."""
    label = f"{where}, {SOURCE_NAMES[score]}"
    common = results.by_seed(score, **first).index.intersection(results.by_seed(score, **second).index)
    pairs = [(results.scores(score, size, **first), results.scores(score, size, **second)) for size in common]
    if not pairs:
        return left_open(f"{label}: no common latent size")
    if not positive(*(sample for pair in pairs for sample in pair)):
        return left_open(f"{label}: {NO_SHARE}")
    parts = [near(f"{size:.0f} units", ("", ""), *pair, margin) for size, pair in zip(common, pairs, strict=True)]
    changes = [abs(a.mean / b.mean - 1) for a, b in pairs]
    most = int(np.argmax(changes))
    amount = f"{changes[most]:.1%} at"
    if len(pairs) > 1:
        amount = f"{min(changes):.1%} to {changes[most]:.1%} at {len(pairs)} latent sizes, most at"
    fewest = min(len(sample) for pair in pairs for sample in pair)
    remark = f"not settled by {fewest} seeds" if fewest > 1 else ONE_SEED
    return every(parts, f"{label}: differs by {amount} {common[most]:.0f} units (little: {margin:.0%})", remark)


def near(where: str, names: tuple[str, str], first: Sample, second: Sample, margin: float = MARGINALLY) -> Finding:
    """Whether two expected scores differ by `margin` of the second or less."""
    if not first.known or not second.known:
        return no_score(where, names, first, second)
    if not positive(first, second):
        return left_open(f"{where}: {NO_SHARE}")
    found = contrast((1.0, first), (-1.0, second))
    words = f"{names[0]} {format_score(first.mean)}, {names[1]} {format_score(second.mean)}"
    words = f"{where}: {words} ({change_words(found)}; within {margin:.0%}: ±{format_score(margin * second.mean)})"
    shown = drawn(found, margin * second.mean)
    return decided(words, *equivalence(first, second, margin), unsettled(found), *shown)


def worse_on_average(
    where: str,
    results: Results,
    score: str,
    better: NetworkColumns,
    worse: NetworkColumns,
    names: tuple[str, str] = ("before", "after"),
) -> Finding:
    """Whether `worse` has the higher mean score over the latent sizes that both have; `score` may be `test_bce`."""
    label = f"{where}, {SOURCE_NAMES.get(score, 'test BCE')}"
    common = results.by_seed(score, **better).index.intersection(results.by_seed(score, **worse).index)
    if common.empty:
        return left_open(f"{label}: no common latent size")
    a, b = ([results.scores(score, size, **network) for size in common] for network in (better, worse))
    found = mean_difference(a, b)
    means = (float(np.mean([s.mean for s in one])) for one in (a, b))
    before, after = (format_score(mean) for mean in means)
    words = f"{label}, mean of {counted(len(common), 'size')}: {names[0]} {before}, {names[1]} {after} ({change_words(found)})"
    return below(words, found)


def falls_more(
    where: str,
    results: Results,
    score: str,
    widths: tuple[int, int],
    size: int,
    models: tuple[str, str],
    factor: float = 1.0,
) -> Finding:
    """Whether a score falls from the narrow to the wide network for the first model `factor` times as much, or more.

    More than for the second model, also where that one's score rises.
    """
    narrow, wide = ([results.scores(score, size, **plain(model, w)) for model in models] for w in widths)
    for model, *both in zip(models, narrow, wide, strict=True):
        if not all(sample.known for sample in both):
            return left_open(f"{where}: no score of {model.upper()}")
    changes = [contrast((1.0, w), (-1.0, n)) for n, w in zip(narrow, wide, strict=True)]
    parts = []
    for times in {1.0, factor}:
        found = contrast((1.0, wide[0]), (-1.0, narrow[0]), (-times, wide[1]), (times, narrow[1]))
        said = f"{models[0].upper()} {format_score(changes[0].value)}, "
        said += (
            f"{f'{times:g} times ' if times != 1 else ''}{models[1].upper()} {format_score(times * changes[1].value)}"
        )
        words = f"{where}: {said} ({change_words(found)})"
        parts.append(below(words, found))
    return max(parts, key=lambda part: part.p_for)


def falls_with_width(
    what: str,
    results: Results,
    rows: pd.DataFrame,
    values: pd.Series,
    nominal: float = 0.0,
    noise: pd.Series | None = None,
) -> Finding:
    """Whether the trials' expected values fall with the width: the slope per doubling of the filters, over all widths.

    `nominal` is the standard deviation over seeds to assume of printed values, `noise` each trial's own standard error.
    """
    values = values.dropna()
    if values.empty:
        return left_open(f"{what}: not measured")
    widths = rows["filters"].reindex(values.index).to_numpy(dtype=float)
    found = np.unique(widths)
    if len(found) < 2:
        return left_open(f"{what}: fewer than two widths")
    by_trial = values.to_numpy(dtype=float)
    errors = np.zeros(len(values)) if noise is None else noise.reindex(values.index).to_numpy(dtype=float)
    printed = nominal if results.printed else None
    samples = [Sample(by_trial[widths == w], printed, mean_noise(errors[widths == w])) for w in found]
    words = ", ".join(f"{format_score(s.mean)} at {width:.0f}" for width, s in zip(found, samples, strict=True))
    if not all(sample.known for sample in samples):
        return left_open(f"{what}: {words} filters, not all finite")
    slope = trend(np.log2(found).tolist(), samples)
    words = f"{what}: {words} filters ({change_words(slope)}, per doubling)"
    return below(words, slope)


def mean_noise(errors: np.ndarray) -> float:
    """The standard error of a single score from those of several, unknown ones left out: the root of their mean square."""
    known = errors[np.isfinite(errors)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else 0.0


def not_gaussian(results: Results, rows: pd.DataFrame) -> Iterable[tuple[str, pd.Series, pd.Series]]:
    """Measures that grow with the distance from a Gaussian, per trial, each with its standard error.

    For Gaussian latents the second and third are 0. The first is a little below 0, by an amount that depends on the latent
    size and on the number of latents alone, so that it takes part in no comparison at one latent size.
    """
    gap = rows["loglikelihood_gap"]
    yield "held-out gain of GMM over MVG (nats per dimension)", gap, rows["loglikelihood_gap_stderr"]
    kurtosis = (rows["mardia_kurtosis"] - rows["mardia_kurtosis_null"]).abs()
    yield "Mardia's kurtosis, distance from a Gaussian's", kurtosis, rows["mardia_kurtosis_null_std"]
    if results.trials["direction_negentropy"].notna().any():  # an older version measured none
        direction = rows["direction_negentropy"] - rows["direction_negentropy_null"]
        noise = (rows["direction_negentropy_stderr"] ** 2 + rows["direction_negentropy_null_std"] ** 2) ** 0.5
        yield "negentropy of the least Gaussian direction (nats)", direction, noise
