"""The best latent size of a network, how sure it is, and the difference of two networks at their best sizes (hypothesis 3)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aesweep.analysis.best_setting import ENOUGH_SEEDS, Settings
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.smooth_optimum import SmoothOptimum, smooth_optimum
from aesweep.analysis.power import ALPHA
from aesweep.analysis.statistics import Sample

FEWEST_SIZES = 3
"""Latent sizes from which on a curve shows a minimum or a sensitivity."""


@dataclass(frozen=True)
class Optimum:
    """The latent size with the lowest mean score of one network, among the sizes with as many seeds as most, or enough."""

    size: int
    good: tuple[int, ...]
    """Sizes that may be the best, at 95 % over seeds, itself included, ascending; all of them with one seed."""
    grid: tuple[int, ...]  # all sizes that were compared, ascending
    seeds: int  # training seeds at the best size
    known: bool  # whether `good` says something: there are several seeds, or a nominal spread
    smooth: SmoothOptimum | None = None
    """Where a smooth curve through the means is lowest; None where one cannot be drawn."""

    @property
    def low(self) -> int:
        """The optimum is from `low` to `high`: sizes as good, and one step of the grid beyond."""
        return self.grid[max(0, self.grid.index(self.good[0]) - 1)]

    @property
    def high(self) -> int:
        """See `low`."""
        return self.grid[min(len(self.grid) - 1, self.grid.index(self.good[-1]) + 1)]

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest size that were tried: where a score is lowest there, no minimum is shown."""
        return self.grid[0], self.grid[-1]

    @property
    def at_edge(self) -> bool:
        """Whether the best size is one of `ends`."""
        return self.size in self.ends

    @property
    def words(self) -> str:
        """Such as `64 units (as good within the noise: 32, 128)`."""
        if not self.known:
            return f"{self.size} units"
        others = ", ".join(str(size) for size in self.good if size != self.size)
        found = [f"as good within the noise: {others}"] if others else []
        found += [self.smooth.words] if self.smooth else []
        return f"{self.size} units" + (f" ({'; '.join(found)})" if found else "")


@dataclass(frozen=True, eq=False)
class Curve:
    """One network's scores by latent size."""

    sizes: np.ndarray  # int, ascending
    scores: Settings  # at these sizes

    @property
    def p_lowest(self) -> np.ndarray:
        """Per size the p-value of being the best."""
        return self.scores.p_lowest

    @property
    def best(self) -> int:
        """The size with the lowest mean, of two equal ones the larger."""
        return int(self.sizes[len(self.sizes) - 1 - int(self.scores.means[::-1].argmin())])

    @property
    def smooth(self) -> SmoothOptimum | None:
        """Where a smooth curve through the means is lowest, with its interval."""
        return smooth_optimum(self.sizes, self.scores)

    def times(self, factor: float) -> "Curve":
        """The same curve with every score multiplied."""
        return replace(self, scores=Settings([_times(sample, factor) for sample in self.scores.samples]))

    def at(self, sizes: Iterable[int]) -> "Curve":
        """The same curve on some of its sizes only."""
        kept = np.isin(self.sizes, list(sizes))
        return Curve(self.sizes[kept], Settings([s for s, keep in zip(self.scores.samples, kept, strict=True) if keep]))


def curve(results: Results, score: str, **network: object) -> Curve | None:
    """The scores of `network` at every size that has as many seeds as most have, or enough; None without a score."""
    by_seed = balanced(results.by_seed(score, **network))
    if by_seed.empty:
        return None
    samples = [results.sample(row[~np.isnan(row)]) for row in by_seed.to_numpy(dtype=float)]
    return Curve(by_seed.index.to_numpy(dtype=int), Settings(samples))


def on_common_sizes(first: Curve, second: Curve) -> tuple[Curve, Curve]:
    """Two networks on the sizes that both have.

    Else the one that was tried further out would look worse, or more sensitive, and the one that was tried at more sizes
    better at its best.
    """
    common = np.intersect1d(first.sizes, second.sizes)
    return first.at(common), second.at(common)


def optimum(results: Results, score: str, **network: object) -> Optimum | None:
    """The best size of `network` under `score`; None without a score. Of two equal ones the larger."""
    found = curve(results, score, **network)
    if found is None:
        return None
    good = found.sizes[(found.p_lowest > ALPHA) | (found.sizes == found.best)]
    seeds = len(found.scores.samples[int(np.argmax(found.sizes == found.best))])
    return Optimum(
        found.best, tuple(good.tolist()), tuple(found.sizes.tolist()), seeds, found.scores.known, found.smooth
    )


def balanced(by_seed: pd.DataFrame) -> pd.DataFrame:
    """The sizes that have at least as many seeds as most sizes, or enough (index latent size, columns seeds).

    The lowest of a few scores is easily that of a single lucky seed, so sizes with fewer do not compete.
    """
    counts = by_seed.notna().to_numpy().sum(axis=1)
    if not len(counts):
        return by_seed
    sizes_with = np.bincount(counts)
    most = int(np.flatnonzero(sizes_with == sizes_with.max())[-1])
    kept: pd.DataFrame = by_seed.loc[counts >= min(ENOUGH_SEEDS, most)]
    return kept


def _times(sample: Sample, factor: float) -> Sample:
    nominal = None if sample.nominal is None else factor * sample.nominal
    return Sample(factor * sample.values, nominal, factor * sample.noise)
