"""Results of invented networks whose true scores, seed noise and image noise are known; also used by benchmarks/calibration.py.

A tuple of `Network`s says what is true. Drawing `Results` from it again and again shows how often a claim decides, and how
often that is wrong. Nothing is written: the frame is what `results.all_results` would make of a store.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from aesweep.analysis.data import smoothness
from aesweep.analysis.data.evaluations import Evaluation
from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.data.tables import LatentPoints
from aesweep.analysis.statistics import Sample

FID = Evaluation(
    "simulated", "fid", "inception-2015", "0" * 64, trials=1, samples=10_000, references=10_000, seeds=(0,)
)
SEED_SD, IMAGE_SE, REFERENCE_SE = 1.0, 0.25, 0.5
"""Spread of a score over training seeds, its standard error from its own images, and how far other real images would move
the scores of all trials alike; in units of FID."""
MEAN_IMAGE_BCE = 0.6
OTHER_DATA = "another data set"


@dataclass(frozen=True)
class Network:
    """One curve over latent sizes."""

    model: str = "dae"
    filters: int = 128
    depth: str = "1"
    network: str = ""
    sizes: tuple[int, ...] = (128,)
    true: Callable[[float], float] = lambda size: 80.0  # expected score at a size
    fails: float = 0.0  # share of the trainings that diverge; they are recorded, and their scores are kept
    spread: float = 1.0  # standard deviation of the latents over images
    elsewhere: bool = False  # trained on another data set

    @property
    def columns(self) -> tuple[object, ...]:
        """What names it in the table, in the order of `NETWORK`."""
        return self.model, self.filters, self.depth, self.network


class Layout:
    """The rows that some networks have at their sizes with a number of seeds: what all replicates have in common."""

    def __init__(self, networks: tuple[Network, ...], seeds: int) -> None:
        self.seeds = seeds
        sizes = [(place, n, size) for place, n in enumerate(networks) for size in sorted(n.sizes)]
        rows = [(*one, seed) for one in sizes for seed in range(seeds)]
        self.place = np.array([place for place, *_ in rows])
        self.true = np.array([n.true(size) for _, n, size, _ in rows])
        self.fails = np.array([n.fails for _, n, *_ in rows])
        self.spread = np.array([n.spread for _, n, *_ in rows])
        frame = pd.DataFrame([(*n.columns, size, seed) for _, n, size, seed in rows], columns=_NAMES)
        frame["key"] = [f"{i:012x}" for i in range(len(frame))]
        self.frame = frame.assign(variant=frame["network"], sweep="simulated", mean_image_bce=MEAN_IMAGE_BCE)
        self.frame = self.frame.assign(parameters_encoder=1e6, parameters_decoder=1e6)
        self._rows: dict[frozenset[tuple[str, object]], np.ndarray] = {}

    def rows(self, columns: dict[str, object]) -> np.ndarray:
        """Places of the rows with these values, found once for all replicates."""
        asked = frozenset(columns.items())
        if asked not in self._rows:
            chosen = np.ones(len(self.frame), dtype=bool)
            for name, value in columns.items():
                chosen &= (self.frame[name] == value).to_numpy()
            self._rows[asked] = chosen.nonzero()[0]
        return self._rows[asked]

    def sizes(self, columns: dict[str, object]) -> "pd.Index[float]":
        """Latent sizes of a network, ascending."""
        sizes = self.frame["latent_size"].to_numpy()[self.rows(columns)[:: self.seeds]]
        found: pd.Index[float] = pd.Index(sizes, name="latent_size")
        return found


_NAMES = [*NETWORK, "latent_size", "seed"]
layout = lru_cache(maxsize=256)(Layout)


class Drawn(Results):
    """`Results` that looks rows up in the layout: the same answers (a test compares them) at a tenth of the time."""

    def __init__(
        self,
        layout: Layout,
        drawn: dict[str, np.ndarray],
        failed: np.ndarray,
        shift: float,
        data: str,
        elsewhere: dict[str, Results],
    ) -> None:
        empty = pd.DataFrame()  # `trials` and `trained` are made when somebody asks for them
        super().__init__(data, FID, empty, empty, {}, LatentPoints(), "simulated", elsewhere=elsewhere)
        for name, value in {"layout": layout, "drawn": drawn, "failed": failed, "shift": shift}.items():
            object.__setattr__(self, name, value)
        for name in ("trials", "trained", "latents"):
            del self.__dict__[name]

    layout: Layout
    drawn: dict[str, np.ndarray]
    """Score, `test_bce` and `spread` of the latents -> float, one per row of the layout."""
    failed: np.ndarray
    shift: float
    """How far these real images move every score, also a printed one."""

    @cached_property
    def trials(self) -> pd.DataFrame:
        """See `Results.trials`."""
        errors = {f"{score}_stderr": IMAGE_SE for score in SCORES}
        return self.layout.frame.assign(**self.drawn, **errors)

    @cached_property
    def trained(self) -> pd.DataFrame:
        """See `Results.trained`."""
        return self.layout.frame.assign(test_bce=np.where(self.failed, np.nan, 0.5))

    @cached_property
    def latents(self) -> LatentPoints:
        """See `Results.latents`."""
        return Points(pd.Series(self.drawn["spread"], index=self.layout.frame["key"]))

    def of(self, **columns: object) -> pd.DataFrame:
        """See `Results.of`."""
        return self.trials.take(self.layout.rows(columns))

    def scores(self, score: str, latent_size: float, **columns: object) -> Sample:
        """See `Results.scores`."""
        return self.sample(self.drawn[score][self.layout.rows({**columns, "latent_size": latent_size})])

    def by_seed(self, score: str, **columns: object) -> pd.DataFrame:
        """See `Results.by_seed`; a network has all seeds at all of its sizes."""
        rows, seeds = self.layout.rows(columns), self.layout.seeds
        index, names = self.layout.sizes(columns), pd.RangeIndex(seeds, name="seed")
        return pd.DataFrame(self.drawn[score][rows].reshape(-1, seeds), index, names)


class Points(LatentPoints):
    """Two latents per trial, whose standard deviation is known."""

    def __init__(self, spread: pd.Series) -> None:
        super().__init__()
        self._spread = spread

    def of(self, keys: Iterable[str]) -> pd.DataFrame:
        """See `LatentPoints.of`."""
        half = self._spread.loc[list(keys)] / np.sqrt(2)
        ends = pd.concat([half, -half])
        values = ends.to_numpy()
        return pd.DataFrame({"key": ends.index, "split": "train", "z_a": values, "z_b": values})


def draw(
    networks: Iterable[Network],
    seeds: int,
    random: np.random.Generator,
    seed_sds: tuple[float, ...] = (SEED_SD,),
    image_se: float = IMAGE_SE,
    data: str = "cifar10-32",
) -> Drawn:
    """`Results` of one replicate: every network at every size of its own with `seeds` training seeds.

    All scores of a trial share its seed's deviation (a lucky training is lucky under every prior); the noise of images is
    drawn for each. What other real images would change is the same for all trials. Networks take `seed_sds` in turn. Test
    BCE and the spread of the latents have the noise of the seed, a hundredth of it. Measures of smoothness (hypothesis 1) and of
    correlation are drawn as scores are, from a stream of their own. Networks of another data set are drawn in the same way, with
    other real images, and are `elsewhere[OTHER_DATA]`.
    """
    every = tuple(networks)
    others = tuple(replace(one, elsewhere=False) for one in every if one.elsewhere)
    elsewhere: dict[str, Results] = {}
    if others:
        elsewhere[OTHER_DATA] = draw(others, seeds, random, seed_sds, image_se, OTHER_DATA)
    found = layout(tuple(one for one in every if not one.elsewhere), seeds)
    training = np.asarray(seed_sds)[found.place % len(seed_sds)] * random.standard_normal(len(found.place))
    shift = random.normal(0, REFERENCE_SE)
    common = found.true + shift + training
    drawn = {score: common + random.normal(0, image_se, len(training)) for score in SCORES}
    (noise,) = random.spawn(1)
    drawn |= {column: found.true + training + noise.normal(0, image_se, len(training)) for column in smoothness.COLUMNS}
    for column in ("correlation_largest", "correlation_condition"):
        drawn[column] = found.true + training + noise.normal(0, image_se, len(training))
        drawn |= {f"{column}{end}": np.full(len(training), image_se) for end in ("_stderr", "_null_std")}
        drawn[f"{column}_null"] = np.ones(len(training))
    drawn["test_bce"] = 0.5 + (found.true - 80 + training) / 1000
    drawn["spread"] = found.spread + training / 100
    return Drawn(found, drawn, random.random(len(training)) < found.fails, shift, data, elsewhere)
