"""The comparisons that the paper's sentences are made of: each is a `Finding` about the results of one data set.

Each hands scores, one per training seed, to `aesweep.analysis.statistics` and puts what comes back into words.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from aesweep.analysis.claims.verdicts import (
    ONE_SEED,
    Finding,
    change_words,
    decided,
    every,
    left_open,
    no_score,
    unsettled,
)
from aesweep.analysis.data.optimum import FEWEST_SIZES, Curve, curve, on_common_sizes
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS, SAMPLE_SCORES, SOURCE_NAMES
from aesweep.analysis.data.trials import NOISE, NORM, PAPER_WIDTH, varied_daes, varied_width
from aesweep.analysis.statistics import (
    Sample,
    contrast,
    equivalence,
    lowest_difference,
    mean_difference,
    p_of_being_smaller,
    range_difference,
    relative_range,
    trend,
)
from aesweep.analysis.text.text_tables import format_score
from aesweep.analysis.thresholds import FAR_OUT, MARGINALLY, SMALL_GRID

NetworkColumns = dict[str, object]
"""What `Results.of` takes: model, filters, depth, network."""


def plain(model: str, filters: float, depth: str = "1", network: str = "") -> NetworkColumns:
    """A network of Table 1, by default with nothing varied."""
    return {"model": model, "filters": filters, "depth": depth, "network": network}


def at_comparison_size(results: Results, score: str, network: NetworkColumns) -> Sample:
    """A network's scores at the size at which networks are compared, one per seed."""
    return results.scores(score, results.comparison_size, **network)


def widths_with_both(rows: pd.DataFrame) -> list[int]:
    """Widths that have a DAE and a VAE among these trials, ascending."""
    models = rows.groupby("filters")["model"].nunique()
    return [int(width) for width in models.index[models == 2]]


def width_of(results: Results, network: str) -> int:
    """The width at which noise or a norm was varied, as its figure chooses it: one for all levels, or for all norms."""
    pattern, scores = (NOISE, PRIORS) if re.fullmatch(NOISE, network) else (NORM, SAMPLE_SCORES)
    return varied_width(varied_daes(results.trials, pattern), scores) or PAPER_WIDTH


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


def better_at_best(
    results: Results, score: str, first: tuple[str, NetworkColumns], second: tuple[str, NetworkColumns], where: str = ""
) -> Finding:
    """Whether the first network's expected score at its best latent size is lower than the second's at its own.

    Both choose among their common sizes; of printed numbers among those that the paper prints.
    """
    label = ", ".join(filter(None, [where, SOURCE_NAMES[score]]))
    found = []
    for name, network in (first, second):
        one = curve(results, score, **network)
        if one is None or not np.isfinite(one.scores.means).all():
            return left_open(f"{label}: no score of {name}")
        found.append(one)
    if not results.printed:
        found = list(on_common_sizes(*found))
        if len(found[0].sizes) < 2:
            return left_open(f"{label}: fewer than two common latent sizes")
    change = lowest_difference(found[0].scores, found[1].scores)
    said = ", ".join(
        f"{name} at {one.best} units {format_score(one.scores.means.min())}"
        for (name, _), one in zip((first, second), found, strict=True)
    )
    words = f"{label}: {said} ({change_words(change)})"
    return decided(words, change.p_below(), change.p_above(), unsettled(change))


def winner_at_best(results: Results, score: str, width: int, winner: str) -> Finding:
    """Whether `winner` (dae or vae) has the lower score of one width, each at its best size."""
    loser = {"dae": "vae", "vae": "dae"}[winner]
    first, second = ((model.upper(), plain(model, width)) for model in (winner, loser))
    return better_at_best(results, score, first, second, f"{width} filters")


def has_minimum(results: Results, score: str, network: NetworkColumns) -> Finding:
    """Whether the lowest score is inside the grid of latent sizes. A grid that ends below `FAR_OUT` may miss the minimum."""
    found = curve(results, score, **network)
    where = f"{str(network['model']).upper()}, {network['filters']:.0f} filters, {SOURCE_NAMES[score]}"
    if found is None or len(found.sizes) < FEWEST_SIZES:
        return left_open(f"{where}: fewer than {FEWEST_SIZES} latent sizes")
    words = f"{where}: {_best_in_words(found)}, of {len(found.sizes)} sizes"
    ends = max(found.p_lowest[0], found.p_lowest[-1])
    far_enough = found.sizes[-1] >= FAR_OUT and len(found.sizes) >= SMALL_GRID
    elsewhere = float(found.p_lowest[:-1].max()) if far_enough else 1.0
    if found.best == found.sizes[-1] and not far_enough and found.scores.seeds != 1:
        words += ", the largest size that was tried, so the minimum may lie beyond it"
    return decided(words, float(ends), elsewhere, _noise(found))


def falls_with_size(results: Results, score: str, network: NetworkColumns) -> Finding:
    """Whether the expected score falls with the latent size: the slope per doubling of the size, over all sizes."""
    found = curve(results, score, **network)
    where = f"{str(network['model']).upper()}, {network['filters']:.0f} filters, {SOURCE_NAMES[score]}"
    if found is None or len(found.sizes) < FEWEST_SIZES or not np.isfinite(found.scores.means).all():
        return left_open(f"{where}: fewer than {FEWEST_SIZES} latent sizes")
    slope = trend(np.log2(found.sizes).tolist(), found.scores.samples)
    words = f"{where}: {change_words(slope)} per doubling of the latent size, {len(found.sizes)} sizes"
    return decided(words, slope.p_below(), slope.p_above(), unsettled(slope))


def _best_in_words(found: Curve) -> str:
    smooth = found.smooth
    return f"lowest at {found.best} units" + (f" ({smooth.words})" if smooth else "")


def _noise(*curves: Curve) -> str:
    """What an open statement on best sizes lacks."""
    seeds = min(one.scores.seeds for one in curves)
    return ONE_SEED if seeds == 1 else f"not settled by {seeds or 'printed numbers of one'} seed{'s' * (seeds > 1)}"


def more_sensitive(
    where: str,
    results: Results,
    score: str,
    first: tuple[str, NetworkColumns],
    second: tuple[str, NetworkColumns],
    factor: float = 1.0,
) -> Finding:
    """Whether the first network's score varies `factor` times as much with the latent size as the second's, or more.

    On their common sizes, which are never fewer than `FEWEST_SIZES`.
    """
    label = f"{where}, {SOURCE_NAMES[score]}, (worst − best) / best"
    found = [curve(results, score, **network) for _, network in (first, second)]
    if found[0] is None or found[1] is None:
        return left_open(f"{label}: no common latent size")
    one, other = on_common_sizes(found[0], found[1])
    if len(one.sizes) < FEWEST_SIZES:
        return left_open(f"{label}: fewer than {FEWEST_SIZES} common latent sizes")
    change = range_difference(one.scores, other.scores, factor)
    times = "" if factor == 1 else f"{factor:g} times "
    a, b = relative_range(one.scores), factor * relative_range(other.scores)
    words = (
        f"{label} of {len(one.sizes)} sizes: {first[0]} {a:.3f}, {times}{second[0]} {b:.3f} ({change_words(change)})"
    )
    return decided(words, change.p_above(), change.p_below(), unsettled(change))


def smaller_best_size(
    where: str, results: Results, score: str, shallow: NetworkColumns, deep: NetworkColumns
) -> Finding:
    """Whether the deep network is best at fewer latent units than the shallow one; open at the end of a short grid.

    Every size that may be the deep network's best must be smaller than every size that may be the shallow one's.
    """
    label, found = f"{where}, {SOURCE_NAMES[score]}", []
    for network in (deep, shallow):
        one = curve(results, score, **network)
        if one is None or len(one.sizes) < FEWEST_SIZES:
            return left_open(f"{label}: fewer than {FEWEST_SIZES} sizes of depth {network['depth']}")
        found.append(one)
    words = f"{label}: depth {deep['depth']} {_best_in_words(found[0])}, depth 1 {_best_in_words(found[1])}"
    smaller = found[0].sizes[:, None] < found[1].sizes[None, :]
    p_for, p_against = p_of_being_smaller(found[0].p_lowest, found[1].p_lowest, smaller)
    if found[0].sizes[-1] < FAR_OUT:  # the grid may end before the deep network's minimum
        p_for, p_against = max(p_for, float(found[0].p_lowest[-1])), max(p_against, float(found[0].p_lowest[-1]))
    return decided(words, p_for, p_against, _noise(*found))


def little_changed(
    where: str, results: Results, score: str, first: NetworkColumns, second: NetworkColumns, margin: float
) -> Finding:
    """Whether two networks differ by `margin` (a share) or less at every latent size that both have."""
    label = f"{where}, {SOURCE_NAMES[score]}"
    common = results.by_seed(score, **first).index.intersection(results.by_seed(score, **second).index)
    pairs = [(results.scores(score, size, **first), results.scores(score, size, **second)) for size in common]
    if not pairs:
        return left_open(f"{label}: no common latent size")
    parts = [near(f"{size:.0f} units", ("", ""), *pair, margin) for size, pair in zip(common, pairs, strict=True)]
    changes = [abs(a.mean / b.mean - 1) for a, b in pairs]
    most = int(np.argmax(changes))
    words = f"{label}: differs by {min(changes):.1%} to {changes[most]:.1%}, most at {common[most]:.0f} units"
    fewest = min(len(sample) for pair in pairs for sample in pair)
    remark = f"not settled by {fewest} seeds" if fewest > 1 else ONE_SEED
    return every(parts, f"{words} (of {len(parts)}; little: {margin:.0%})", remark)


def near(where: str, names: tuple[str, str], first: Sample, second: Sample, margin: float = MARGINALLY) -> Finding:
    """Whether two expected scores differ by `margin` of the second or less."""
    if not first.known or not second.known:
        return no_score(where, names, first, second)
    found = contrast((1.0, first), (-1.0, second))
    words = f"{names[0]} {format_score(first.mean)}, {names[1]} {format_score(second.mean)}"
    words = f"{where}: {words} ({change_words(found)}; within {margin:.0%}: ±{format_score(margin * second.mean)})"
    return decided(words, *equivalence(first, second, margin), unsettled(found))


def worse_on_average(
    where: str, results: Results, score: str, better: NetworkColumns, worse: NetworkColumns
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
    words = f"{label}, mean of {len(common)} sizes: before {before}, after {after} ({change_words(found)})"
    return decided(words, found.p_below(), found.p_above(), unsettled(found))


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
        parts.append(decided(words, found.p_below(), found.p_above(), unsettled(found)))
    return max(parts, key=lambda part: part.p_for)


def falls_with_width(
    what: str, results: Results, rows: pd.DataFrame, values: pd.Series, nominal: float = 0.0
) -> Finding:
    """Whether the trials' expected values fall with the width: the slope per doubling of the filters, over all widths.

    `nominal` is the standard deviation over seeds to assume of printed values.
    """
    values = values.dropna()
    if values.empty:
        return left_open(f"{what}: not measured")
    widths = rows["filters"].reindex(values.index).to_numpy(dtype=float)
    found = np.unique(widths)
    if len(found) < 2:
        return left_open(f"{what}: fewer than two widths")
    by_trial = values.to_numpy(dtype=float)
    samples = [Sample(by_trial[widths == width], nominal if results.printed else None) for width in found]
    words = ", ".join(f"{format_score(s.mean)} at {width:.0f}" for width, s in zip(found, samples, strict=True))
    if not all(sample.known for sample in samples):
        return left_open(f"{what}: {words} filters, not all finite")
    slope = trend(np.log2(found).tolist(), samples)
    words = f"{what}: {words} filters ({change_words(slope)}, per doubling)"
    return decided(words, slope.p_below(), slope.p_above(), unsettled(slope))


def not_gaussian(rows: pd.DataFrame) -> Iterable[tuple[str, pd.Series]]:
    """Two measures that are 0 for Gaussian latents and grow with the distance from them, per trial."""
    yield "held-out gain of GMM over MVG (nats per dimension)", rows["loglikelihood_gap"]
    kurtosis = (rows["mardia_kurtosis"] - rows["mardia_kurtosis_null"]).abs()
    yield "Mardia's kurtosis, distance from a Gaussian's", kurtosis
