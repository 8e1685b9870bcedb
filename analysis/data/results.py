"""The scored trials that figures, tables and claims speak of: one data set, one way of scoring, one way of training.

The paper varies network and latent size only. A store may hold more (two lengths of training, two
betas), so one schedule and one beta are chosen per data set: those nearest to the paper's, then those with most trials.
What was left aside and what differs from the paper is named, and is shown with everything drawn from here.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from aesweep.analysis.commands import evaluate
from aesweep.analysis.data.alike import deviations, nearest, trained_like
from aesweep.analysis.data.evaluations import (
    FRECHET,
    NO_DISTANCES,
    Evaluation,
    evaluations_of,
    frechet_rows,
)
from aesweep.analysis.data.lookup import Lookup
from aesweep.analysis.data.measured_trials import scored_trials, with_measures
from aesweep.analysis.data.paper import COMPARISON_SIZES, DATA_NAMES, SETTINGS, VAE_SETTINGS
from aesweep.analysis.data.scores import PRIORS, SAMPLE_SCORES, SCORES, image_words, scoring_deviations
from aesweep.analysis.data.tables import LatentPoints, Tables
from aesweep.analysis.data.trials import NOISE, NORM, PAPER_WIDTH, varied_daes, varied_width
from aesweep.analysis.statistics import Sample
from aesweep.analysis.thresholds import NOMINAL_SPREAD, Thresholds

NETWORK = ["model", "filters", "depth", "network"]
"""Columns that name a network within `Results.trials`."""
PRINTED = "paper"
"""`Results.data_hash` of the paper's own numbers."""


@dataclass(frozen=True, eq=False)
class Results:
    """The results of one data set under one way of scoring.

    `trials` has one row per scored trial: its described columns, scores with standard errors, and measures of its latents
    and of smoothness.
    """

    data: str
    evaluation: Evaluation
    trials: pd.DataFrame
    trained: pd.DataFrame
    """Described trials on these data, trained in the same way, whose training ended or diverged, scored or not."""
    images: dict[str, str]  # score -> what was compared, in words, for those that `trials` has
    latents: LatentPoints
    data_hash: str
    left_aside: tuple[str, ...] = ()  # words for the ways of training that are not in `trials`
    other_scorings: tuple[str, ...] = ()
    """Words for the evaluations of these trials that are not shown, each by what sets it apart: `100 components`."""
    deviations: tuple[str, ...] = ()
    """Settings that differ from the paper's, such as `epochs 5 (paper: 100)`; only for the paper's data sets."""
    scoring_deviations: tuple[str, ...] = ()
    """Numbers of images and components that differ from the paper's; only where published numbers are comparable with these."""
    elsewhere: Mapping[str, "Results"] = field(default_factory=dict)
    """The results of the other data sets under the same way of scoring, by `data`."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """What the paper's words for amounts mean in the verdicts on these results."""
    store: str = "STORE"
    """The store as a shell takes it, for commands."""
    compared_at: int = 0
    """The latent size at which networks are compared; 0: as `comparison_size` chooses it."""

    @property
    def title(self) -> str:
        """The data set's name for headings."""
        return DATA_NAMES.get(self.data, self.data)

    def to_measure(self, options: str) -> str:
        """What to say of what was not measured: the command that does, for `options` such as `--metrics correlation`."""
        return f"not measured: {self.evaluate(options)}"

    def evaluate(self, options: str) -> str:
        """The command that scores these trials."""
        return evaluate(self.store, self.trials, options)

    @property
    def of_paper(self) -> bool:
        """Whether the paper trained on these data."""
        return self.data in COMPARISON_SIZES

    @property
    def beside_published(self) -> bool:
        """Whether published numbers are comparable with these: FID, on a data set of the paper."""
        return self.evaluation.is_fid and self.of_paper

    @property
    def notice(self) -> str:
        """What must be known to read the numbers; "" where they are FIDs of the paper's training and scoring."""
        return "; ".join(filter(None, [self.evaluation.notice, self.training_notice, self.scoring_notice]))

    @property
    def training_notice(self) -> str:
        """The part of `notice` that concerns figures without distances too."""
        return f"not trained as in the paper: {', '.join(self.deviations)}" if self.deviations else ""

    @property
    def scoring_notice(self) -> str:
        """The part of `notice` that concerns the numbers of images and components."""
        return f"not scored as in the paper: {', '.join(self.scoring_deviations)}" if self.scoring_deviations else ""

    @property
    def named_notices(self) -> list[str]:
        """Sentences on training and scoring that differ from the paper's, with the data set's name."""
        return [f"{self.title}: {notice}." for notice in (self.training_notice, self.scoring_notice) if notice]

    @property
    def aside_notice(self) -> str:
        """A sentence for captions on what is not in `trials`; "" where nothing was left aside."""
        parts = {"trials with": self.left_aside, "scores with": self.other_scorings}
        named = [
            f"{what} {'; '.join(words[:3])}" + (f" and {len(words) - 3} further settings" if len(words) > 3 else "")
            for what, words in parts.items()
            if words
        ]
        return f"Not shown: {'; '.join(named)}." if named else ""

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.trials)

    @cached_property
    def plain(self) -> pd.DataFrame:
        """The trials of Figure 1: depth 1, nothing varied but width, model and latent size."""
        return self.of(depth="1", network="")

    @cached_property
    def comparison_size(self) -> int:
        """The latent size at which networks are compared: the paper's, or the middle one of those most used."""
        if self.compared_at or self.data in COMPARISON_SIZES:
            return self.compared_at or COMPARISON_SIZES[self.data]
        rows = self.plain if len(self.plain) else self.trials
        counts = rows.groupby("latent_size")["filters"].count()
        often = counts.index[counts == counts.max()]
        return int(often[len(often) // 2])

    @cached_property
    def noise_width(self) -> int:
        """The width at which noise was varied, as its figure chooses it: one for all levels."""
        return varied_width(varied_daes(self.trials, NOISE), PRIORS) or PAPER_WIDTH

    @cached_property
    def norm_width(self) -> int:
        """The width at which the latents were normalised, as its figure chooses it: one for all norms."""
        return varied_width(varied_daes(self.trials, NORM), SAMPLE_SCORES) or PAPER_WIDTH

    def at_comparison_size(self, *models: str) -> pd.DataFrame:
        """The plain trials at the comparison size, of some models or of all."""
        rows = self.of(depth="1", network="", latent_size=self.comparison_size)
        return rows[rows["model"].isin(models)] if models else rows

    def of(self, **columns: object) -> pd.DataFrame:
        """The trials with these values: `of(model="dae", filters=64, depth="1", network="")`; copy before you change them."""
        return self._lookup.frame(columns)

    @property
    def printed(self) -> bool:
        """Whether these are the paper's own numbers, one seed each, whose spread over seeds is nominal."""
        return self.data_hash == PRINTED

    def scores(self, score: str, latent_size: float, **columns: object) -> Sample:
        """The scores of one network at one latent size, one per training seed; empty where there are none."""
        values = self._lookup.values(score)[self._lookup.rows({"latent_size": latent_size, **columns})]
        return self.sample(values[~np.isnan(values)])

    def sample(self, values: np.ndarray) -> Sample:
        """Scores of several seeds; printed ones have their nominal spread."""
        return Sample(values, NOMINAL_SPREAD * float(np.abs(values).mean()) if self.printed and len(values) else None)

    def by_seed(self, score: str, **columns: object) -> pd.DataFrame:
        """One network: index latent size ascending, a column per training seed, sizes without a score left out."""
        return self._lookup.by_seed(score, self._lookup.rows(columns))

    def under(self, thresholds: Thresholds) -> "Results":
        """The same results under other thresholds; what was looked up in them is known to both."""
        other = copy(self)
        object.__setattr__(other, "thresholds", thresholds)
        return other


def all_results(tables: Tables) -> list[Results]:
    """Results of each shown evaluation (FID first) and each data set."""
    found = []
    for evaluation in evaluations_of(tables).shown:
        rows = scored_trials(tables, evaluation)
        here = {str(data): _choose(tables, str(data), evaluation, group) for data, group in rows.groupby("data")}
        found += [replace(one, elsewhere={d: o for d, o in here.items() if d != name}) for name, one in here.items()]
    return found


def results_without_distances(tables: Tables) -> list[Results]:
    """Results of each data set whose trials have scores but no distance: for what needs none, such as Gaussianity."""
    rows = tables.described
    distances = tables.scores[tables.scores["metric"].isin(FRECHET) & tables.scores["value"].notna()]
    measured = set(rows.loc[rows["key"].isin(distances["key"]), "data"])
    rows = rows[rows["key"].isin(tables.scores["key"]) & ~rows["data"].isin(measured)]
    if rows.empty:
        return []
    empty = {name: np.nan for score in SCORES for name in (score, f"{score}_stderr")}
    rows = with_measures(tables, NO_DISTANCES, rows.assign(**empty))
    return [_choose(tables, str(data), NO_DISTANCES, group) for data, group in rows.groupby("data")]


def seeds_of_networks(rows: pd.DataFrame) -> tuple[int, int]:
    """The fewest and the most training seeds that one network has at one latent size among these trials."""
    counts = rows.groupby([*NETWORK, "latent_size"])["seed"].nunique()
    return int(counts.min()), int(counts.max())


def notices(results: Iterable[Results], evaluation: Evaluation) -> str:
    """Sentences that must be shown with every number of one evaluation, the data sets named; "" where none is needed."""
    found = [f"{evaluation.notice}."] if evaluation.notice else []
    for one in (one for one in results if one.evaluation == evaluation):
        found += one.named_notices
    return " ".join(found)


def _choose(tables: Tables, data: str, evaluation: Evaluation, rows: pd.DataFrame) -> Results:
    """Keep one schedule, then one beta for the VAEs."""
    rows, aside = nearest(data, rows, "schedule", SETTINGS)
    vaes, vaes_aside = nearest(data, rows[rows["model"] == "vae"], "weight", VAE_SETTINGS)
    kept = rows[(rows["model"] != "vae") | rows["key"].isin(vaes["key"])].reset_index(drop=True)
    images = _scored_rows(tables, evaluation, kept)
    found = deviations(kept, SETTINGS) + deviations(vaes, VAE_SETTINGS) if data in COMPARISON_SIZES else []
    return Results(
        data=data,
        evaluation=evaluation,
        trials=kept,
        trained=trained_like(tables, kept),
        images=image_words(images),
        latents=tables.latents,
        data_hash=tables.data_hash,
        store=tables.quoted,
        left_aside=(*aside, *vaes_aside),
        deviations=tuple(found),
        scoring_deviations=scoring_deviations(images) if evaluation.is_fid and data in COMPARISON_SIZES else (),
        other_scorings=_other_scorings(tables, evaluation, kept),
    )


def images_of(tables: Tables, evaluation: Evaluation, trials: pd.DataFrame) -> dict[str, str]:
    """`Results.images` of these trials."""
    return image_words(_scored_rows(tables, evaluation, trials))


def _scored_rows(tables: Tables, evaluation: Evaluation, trials: pd.DataFrame) -> pd.DataFrame:
    """The rows of the scores table that hold an evaluation's distances of these trials."""
    rows = frechet_rows(tables, evaluation)
    return rows[rows["key"].isin(trials["key"]) & rows["value"].notna()]


def _other_scorings(tables: Tables, evaluation: Evaluation, kept: pd.DataFrame) -> tuple[str, ...]:
    """Other evaluations with the same metric and extractor that scored these trials too."""
    same = (evaluation.metric, evaluation.extractor)
    others = [e for e in evaluations_of(tables).aside if (e.metric, e.extractor) == same]
    return tuple(e.unlike(evaluation) for e in others if frechet_rows(tables, e)["key"].isin(kept["key"]).any())
