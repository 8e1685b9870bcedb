"""The comparisons that the paper's sentences are made of: each is a `Finding` about the results of one data set.

A statistic is computed per training seed and the seeds are compared, so that a finding carries its uncertainty where
there are seeds. Words such as "little" and "marginally" are the constants below.
"""

import math
import re
from collections.abc import Iterable
from itertools import product

import numpy as np
import pandas as pd

from aesweep.analysis.claims.verdicts import (
    Finding,
    agreed,
    change_words,
    compared_words,
    holds,
    left_open,
    lower,
    no_score,
    unsettled,
)
from aesweep.analysis.data.optimum import FEWEST_SIZES, on_common_sizes, optimum, sensitivity, sensitivity_errors
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS, SAMPLE_SCORES, SOURCE_NAMES
from aesweep.analysis.data.trials import NOISE, NORM, PAPER_WIDTH, varied_daes, varied_width
from aesweep.analysis.data.uncertainty import Scores, compare
from aesweep.analysis.text.text_tables import format_score

LITTLE = 0.05
"""Share of a score that "very little difference" and "marginally" may be."""
SMALL_GRID = 5
"""Of fewer latent sizes the lowest is easily the last: that speaks neither for nor against a minimum."""
FAR_OUT = 512
"""A score that still falls at this latent size, the end of what the paper trained freely, has no minimum in its sense."""

NetworkColumns = dict[str, object]
"""What `Results.of` takes: model, filters, depth, network."""


def plain(model: str, filters: float, depth: str = "1", network: str = "") -> NetworkColumns:
    """A network of Table 1, by default with nothing varied."""
    return {"model": model, "filters": filters, "depth": depth, "network": network}


def at_comparison_size(results: Results, score: str, network: NetworkColumns) -> Scores:
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
    """Whether the first network's score at its best latent size is lower than the second's at its own."""
    values, names = [], []
    for name, network in (first, second):
        best = optimum(results, score, **network)
        values.append(results.scores(score, best.size, **network) if best else Scores(np.array([])))
        names.append(f"{name} at {best.size} units" if best else name)
    label = ", ".join(filter(None, [where, SOURCE_NAMES[score]]))
    return lower(label, (names[0], names[1]), values[0], values[1])


def winner_at_best(results: Results, score: str, width: int, winner: str) -> Finding:
    """Whether `winner` (dae or vae) has the lower of the two best scores of one width."""
    loser = {"dae": "vae", "vae": "dae"}[winner]
    first, second = ((model.upper(), plain(model, width)) for model in (winner, loser))
    return better_at_best(results, score, first, second, f"{width} filters")


def has_minimum(results: Results, score: str, network: NetworkColumns) -> Finding:
    """Whether the lowest score lies inside the grid of latent sizes; at an end below `FAR_OUT` that is left open.

    Every size that cannot be told from the best must lie inside.
    """
    best = optimum(results, score, **network)
    where = f"{str(network['model']).upper()}, {network['filters']:.0f} filters, {SOURCE_NAMES[score]}"
    if best is None or len(best.grid) < FEWEST_SIZES:
        return left_open(f"{where}: fewer than {FEWEST_SIZES} latent sizes")
    words = f"{where}: lowest at {best.words}, of {len(best.grid)} sizes"
    inside = [size not in best.ends for size in best.good]
    if not any(inside) and (best.good[0] < FAR_OUT or len(best.grid) < SMALL_GRID):
        return left_open(f"{words}, an end of the grid: the minimum may lie beyond it")
    return agreed(inside, words + ("" if any(inside) else ", and still falling there"))


def more_sensitive(
    where: str, results: Results, score: str, first: tuple[str, NetworkColumns], second: tuple[str, NetworkColumns]
) -> Finding:
    """Whether the first network's score varies more with the latent size than the second's, on their common sizes."""
    a, b = on_common_sizes(*(results.by_seed(score, **network) for _, network in (first, second)))
    label = f"{where}, {SOURCE_NAMES[score]}, (worst − best) / best"
    if len(a) < FEWEST_SIZES:
        return left_open(f"{label}: fewer than {FEWEST_SIZES} common latent sizes")
    label += f" of {len(a)} sizes"
    found = []
    for means, network in ((b, second[1]), (a, first[1])):
        errors = sensitivity_errors(means, _errors(results, score, network, means))
        found.append(Scores(sensitivity(means).to_numpy(), errors.to_numpy()))
    return lower(label, (second[0], first[0]), *found)


def smaller_best_size(
    where: str, results: Results, score: str, shallow: NetworkColumns, deep: NetworkColumns
) -> Finding:
    """Whether the deep network is best at fewer latent units than the shallow one; open at the end of a short grid.

    Every size that cannot be told from the deep network's best must lie below every such size of the shallow one.
    """
    label, found = f"{where}, {SOURCE_NAMES[score]}", []
    for network in (deep, shallow):
        best = optimum(results, score, **network)
        if best is None or len(best.grid) < FEWEST_SIZES:
            return left_open(f"{label}: fewer than {FEWEST_SIZES} sizes of depth {network['depth']}")
        if network is deep and best.good[-1] == best.grid[-1] < FAR_OUT:
            words = f"depth {deep['depth']} is best at {best.words}"
            return left_open(f"{label}: {words}, an end of the grid: the minimum may lie beyond it")
        found.append(best)
    smaller = (a < b for a, b in product(found[0].good, found[1].good))
    return agreed(smaller, f"{label}, best size: depth {deep['depth']} {found[0].words}, depth 1 {found[1].words}")


def little_changed(where: str, results: Results, score: str, first: NetworkColumns, second: NetworkColumns) -> Finding:
    """Whether two networks differ by `LITTLE` or less: median over common sizes of the means' relative difference.

    The interval is that of the median size: medians of both ends of the sizes' intervals.
    """
    label = f"{where}, {SOURCE_NAMES[score]}"
    common = results.by_seed(score, **first).index.intersection(results.by_seed(score, **second).index)
    found = [compare(*(results.scores(score, size, **network) for network in (first, second))) for size in common]
    known = [one for one in found if one is not None and one.second > 0]
    if not known:
        return left_open(f"{label}: no common latent size")
    changes = np.array([abs(one.difference) / one.second for one in known])
    noise = np.nan_to_num([one.half_width / one.second for one in known])  # without an interval the change decides
    change, most, least = (float(np.median(ends)) for ends in (changes, changes + noise, changes - noise))
    interval = f", {max(0.0, least):.1%} to {most:.1%} at 95 %{known[0].alone}" if noise.any() else ""
    words = f"{label}: differs by {change:.1%} (median of {len(known)} latent sizes{interval})"
    if least <= LITTLE < most:
        return unsettled(words, known[0])
    return holds(change <= LITTLE, words)


def near(where: str, names: tuple[str, str], first: Scores, second: Scores) -> Finding:
    """Whether two means differ by `LITTLE` of the second or less."""
    found = compare(first, second)
    if found is None:
        return no_score(where, names, first, second)
    words, room = compared_words(where, names, found), LITTLE * found.second
    if abs(abs(found.difference) - room) < found.half_width:
        return unsettled(words, found)
    return holds(abs(found.difference) <= room, words)


def worse_on_average(
    where: str, results: Results, score: str, better: NetworkColumns, worse: NetworkColumns
) -> Finding:
    """Whether `worse` has the higher mean score over the latent sizes that both have."""
    a, b = on_common_sizes(results.by_seed(score, **better), results.by_seed(score, **worse))
    label = f"{where}, {SOURCE_NAMES[score]}"
    if a.empty:
        return left_open(f"{label}: no common latent size")
    found = []
    for means, network in ((a, better), (b, worse)):
        errors = (_errors(results, score, network, means) ** 2).sum(skipna=False) ** 0.5 / len(means)
        found.append(Scores(means.mean().to_numpy(), errors.to_numpy()))
    return lower(f"{label}, mean of {len(a)} sizes", ("before", "after"), *found)


def falls_more(
    where: str, results: Results, score: str, widths: tuple[int, int], size: int, models: tuple[str, str]
) -> Finding:
    """Whether a score falls more from the narrow to the wide network for the first model than for the second."""
    falls = []
    for model in models:
        narrow, wide = (results.of(**plain(model, w), latent_size=size).set_index("seed") for w in widths)
        fall = (wide[score] - narrow[score]).dropna()  # by seed; negative: it falls
        error = ((wide[f"{score}_stderr"] ** 2 + narrow[f"{score}_stderr"] ** 2) ** 0.5).reindex(fall.index)
        falls.append(Scores(fall.to_numpy(dtype=float), error.to_numpy(dtype=float)))
    return lower(where, (models[0].upper(), models[1].upper()), falls[0], falls[1])


def _errors(results: Results, score: str, network: NetworkColumns, means: pd.DataFrame) -> pd.DataFrame:
    """The standard errors of a network's scores in the shape of `means` (index latent size, columns seeds)."""
    return results.by_seed(f"{score}_stderr", **network).reindex(index=means.index, columns=means.columns)


def falls_with_width(what: str, rows: pd.DataFrame, values: pd.Series, errors: pd.Series | None = None) -> Finding:
    """Whether the trials' values fall with the width.

    They must be lower at the widest width than at the narrowest, and their means must fall on the whole (rank correlation).
    """
    values = values.dropna()
    if values.empty:
        return left_open(f"{what}: not measured")
    widths = rows["filters"].reindex(values.index)
    means = values.groupby(widths).mean()
    if len(means) < 2:
        return left_open(f"{what}: fewer than two widths")
    words = ", ".join(f"{format_score(value)} at {width:.0f}" for width, value in means.items())
    words = f"{what}: {words} filters"
    narrow, wide = (_at_width(values, errors, widths == width) for width in (means.index[0], means.index[-1]))
    found = compare(wide, narrow)
    if found is None:
        return left_open(f"{words}, not all finite")
    if not math.isnan(found.half_width):
        words += f" ({change_words(found)})"
    if found.is_open:
        return unsettled(words, found)
    ranks = means.rank().corr(pd.Series(range(len(means)), index=means.index, dtype=float))
    return holds(bool(found.sign < 0 and ranks < 0), words)


def _at_width(values: pd.Series, errors: pd.Series | None, where: pd.Series) -> Scores:
    found = None if errors is None else errors.reindex(values.index)[where].to_numpy(dtype=float)
    return Scores(values[where].to_numpy(dtype=float), found)


def not_gaussian(rows: pd.DataFrame) -> Iterable[tuple[str, pd.Series]]:
    """Two measures that are 0 for Gaussian latents and grow with the distance from them, per trial."""
    yield "held-out gain of GMM over MVG (nats per dimension)", rows["loglikelihood_gap"]
    kurtosis = (rows["mardia_kurtosis"] - rows["mardia_kurtosis_null"]).abs()
    yield "Mardia's kurtosis, distance from a Gaussian's", kurtosis
