"""The comparisons over latent sizes: the best size of a network, and how much its score depends on the size."""

import numpy as np

from aesweep.analysis.best_setting import lowest_difference, p_of_being_smaller, range_difference, relative_range
from aesweep.analysis.claims.comparisons import NamedNetwork, NetworkColumns, plain
from aesweep.analysis.claims.verdicts import (
    NO_SHARE,
    ONE_SEED,
    Finding,
    above,
    below,
    change_words,
    decided,
    left_open,
    positive,
)
from aesweep.analysis.data.optimum import FEWEST_SIZES, Curve, curve, on_common_sizes
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import SOURCE_NAMES
from aesweep.analysis.statistics import trend
from aesweep.analysis.text.text_tables import format_score
from aesweep.analysis.thresholds import FAR_OUT, SMALL_GRID


def better_at_best(
    results: Results, score: str, first: NamedNetwork, second: NamedNetwork, where: str = "", factor: float = 1.0
) -> Finding:
    """Whether `factor` times the first network's expected score at its best latent size is lower than the second's at its own.

    Both choose among their common sizes; for printed numbers, among those that the paper prints.
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
    if factor != 1 and not positive(*found[0].scores.samples, *found[1].scores.samples):
        return left_open(f"{label}: {NO_SHARE}")
    named = [(f"{factor:.3g} times " if factor != 1 else "") + first[0], second[0]]
    found[0] = found[0].times(factor)
    change = lowest_difference(found[0].scores, found[1].scores)
    said = ", ".join(
        f"{name} at {one.best} units {format_score(one.scores.means.min())}"
        for name, one in zip(named, found, strict=True)
    )
    words = f"{label}: {said} ({change_words(change)})"
    return below(words, change)


def stalls(
    results: Results, score: str, narrow: NamedNetwork, wide: NamedNetwork, little: float, where: str = ""
) -> Finding:
    """Whether the wide network, each at its best latent size, scores at best little lower than the narrow one."""
    return better_at_best(results, score, narrow, wide, where, 1 - little)


def winner_at_best(results: Results, score: str, width: int, winner: str) -> Finding:
    """Whether `winner` (dae or vae) has the lower score of one width, each at its best size."""
    loser = {"dae": "vae", "vae": "dae"}[winner]
    first, second = ((model.upper(), plain(model, width)) for model in (winner, loser))
    return better_at_best(results, score, first, second, f"{width} filters")


def has_minimum(results: Results, score: str, network: NetworkColumns) -> Finding:
    """Whether the lowest score is inside the grid of latent sizes. A grid that ends below `FAR_OUT` may miss the minimum."""
    found = curve(results, score, **network)
    where = _where(network, score)
    if found is None or len(found.sizes) < FEWEST_SIZES:
        return left_open(f"{where}: fewer than {FEWEST_SIZES} latent sizes")
    words = f"{where}: {_best_in_words(found)}, of {len(found.sizes)} sizes"
    ends = max(found.p_lowest[0], found.p_lowest[-1])
    far_enough = found.sizes[-1] >= FAR_OUT and len(found.sizes) >= SMALL_GRID
    elsewhere = float(found.p_lowest[:-1].max()) if far_enough else 1.0
    if found.best == found.sizes[-1] and not far_enough and found.scores.seeds != 1:
        words += ", the largest size tried, so the minimum may be at a larger one"
    return decided(words, float(ends), elsewhere, _noise(found))


def falls_with_size(results: Results, score: str, network: NetworkColumns) -> Finding:
    """Whether the expected score falls with the latent size: the slope per doubling of the size, over all sizes."""
    found = curve(results, score, **network)
    where = _where(network, score)
    if found is None or len(found.sizes) < FEWEST_SIZES or not np.isfinite(found.scores.means).all():
        return left_open(f"{where}: fewer than {FEWEST_SIZES} latent sizes")
    slope = trend(np.log2(found.sizes).tolist(), found.scores.samples)
    words = f"{where}: {change_words(slope)} per doubling of the latent size, {len(found.sizes)} sizes"
    return below(words, slope)


def _where(network: NetworkColumns, score: str) -> str:
    return f"{str(network['model']).upper()}, {network['filters']:.0f} filters, {SOURCE_NAMES[score]}"


def _best_in_words(found: Curve) -> str:
    smooth = found.smooth
    return f"lowest at {found.best} units" + (f" ({smooth.words})" if smooth else "")


def _noise(*curves: Curve) -> str:
    """Why a comparison of best sizes is open."""
    seeds = min(one.scores.seeds for one in curves)
    return ONE_SEED if seeds == 1 else f"not settled by {seeds or 'printed numbers of one'} seed{'s' * (seeds > 1)}"


def more_sensitive(
    where: str,
    results: Results,
    score: str,
    first: NamedNetwork,
    second: NamedNetwork,
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
    if not positive(*one.scores.samples, *other.scores.samples):
        return left_open(f"{label}: {NO_SHARE}")
    change = range_difference(one.scores, other.scores, factor)
    times = "" if factor == 1 else f"{factor:g} times "
    a, b = relative_range(one.scores), factor * relative_range(other.scores)
    words = (
        f"{label} of {len(one.sizes)} sizes: {first[0]} {a:.3f}, {times}{second[0]} {b:.3f} ({change_words(change)})"
    )
    return above(words, change)


def best_size_is_large(results: Results, score: str, network: NetworkColumns, large: float) -> Finding:
    """Whether every latent size that may be a network's best has at least `large` units; sizes on both sides must be tried."""
    found = curve(results, score, **network)
    where = _where(network, score)
    if found is None or not found.sizes[0] < large <= found.sizes[-1]:
        return left_open(f"{where}: no latent sizes on both sides of {large:g} units")
    words = f"{where}: {_best_in_words(found)}, of {len(found.sizes)} sizes (large: {large:g})"
    is_large = found.sizes >= large
    p_for, p_against = float(found.p_lowest[~is_large].max()), float(found.p_lowest[is_large].max())
    return decided(words, p_for, p_against, _noise(found))


def smaller_best_size(
    where: str,
    results: Results,
    score: str,
    shallow: NetworkColumns,
    deep: NetworkColumns,
    names: tuple[str, str] | None = None,
) -> Finding:
    """Whether the deep network is best at fewer latent units than the shallow one; open at the end of a short grid.

    Every size that may be the deep network's best must be smaller than every size that may be the shallow one's. `names` are
    those of the shallow and the deep network, by default their depths.
    """
    first, second = names or ("depth 1", f"depth {deep['depth']}")
    label, found = f"{where}, {SOURCE_NAMES[score]}", []
    for name, network in ((second, deep), (first, shallow)):
        one = curve(results, score, **network)
        if one is None or len(one.sizes) < FEWEST_SIZES:
            return left_open(f"{label}: fewer than {FEWEST_SIZES} sizes of {name}")
        found.append(one)
    words = f"{label}: {second} {_best_in_words(found[0])}, {first} {_best_in_words(found[1])}"
    smaller = found[0].sizes[:, None] < found[1].sizes[None, :]
    p_for, p_against = p_of_being_smaller(found[0].p_lowest, found[1].p_lowest, smaller)
    if found[0].sizes[-1] < FAR_OUT:  # the grid may end before the deep network's minimum
        p_for, p_against = max(p_for, float(found[0].p_lowest[-1])), max(p_against, float(found[0].p_lowest[-1]))
    return decided(words, p_for, p_against, _noise(*found))
