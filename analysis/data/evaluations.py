"""Which scores may be compared: those of one evaluation id.

A store can hold several ways of scoring. Per extractor the one that covers most trials is shown; of those that cover
equally many the one that differs from the paper's (`paper.SCORING`) in the fewest points, then the one with most samples,
then with most real images, then the first id: the table is sorted by id, so its order says nothing of age. The others
are named by what sets them apart; distances of two evaluations never share an axis, a table column or a ranking. `fid`
is the distance on the hash-checked 2015 Inception network only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from aesweep.analysis.data.scores import SAMPLE_SCORES, SCORES, score_names, scoring_deviations, setting_words
from aesweep.analysis.data.tables import Tables
from aesweep.sweep.tables.schemas import SHARED_ERROR

FRECHET = ("fid", "fd")
KERNEL = ("kid", "kd")
INFINITIES = ("fid_infinity", "fd_infinity", "fid_infinity_both", "fd_infinity_both")
FID_EXTRACTOR = "inception-2015"
NOT_FID = "{title}: not FID, not comparable with published values"
_OFFICIAL = {"fid": "FID", "kid": "KID", "fid_infinity": "FID∞", "fid_infinity_both": "FID∞ (both sides)"}
"""Distances on the network of FID -> their titles."""
_WORDS = {"fd_infinity": "fd∞", "fd_infinity_both": "fd∞ (both sides)", "coverage": "1 − coverage"}


@dataclass(frozen=True)
class Evaluation:
    """One way of scoring that is shown, and what the scores table says of it."""

    id: str
    metric: str
    extractor: str
    sha256: str  # of the extractor's weights
    trials: int  # trials with at least one distance
    samples: int  # most samples scored in one row; 0 without samples
    references: int  # most real images that samples are compared with
    seeds: tuple[int, ...]  # sampling seeds
    deviations: tuple[str, ...] = ()
    """Where it differs from the paper's scoring, on any data set: `samples 2,000 (paper: 10,000)`."""
    settings: tuple[str, ...] = ()  # `scores.setting_words` of its distances: `10 components`
    readable: str = ""  # its name in the table of evaluations; "" in tables of aesweep 0.1

    @property
    def is_fid(self) -> bool:
        """Whether the distances may be held against published FIDs."""
        return self.metric == "fid" and self.extractor == FID_EXTRACTOR

    @property
    def words(self) -> tuple[str, ...]:
        """What sets it apart from others of its metric and extractor."""
        seeds = f"sampling seeds {', '.join(map(str, self.seeds))}"
        return (f"{self.samples:,} samples", f"{self.references:,} real images", *self.settings, seeds)

    @property
    def name(self) -> str:
        """Such as `random-conv-64-n2000-1a2b3c4d5e6f`; without that its id and its settings: `1a2b3c4d5e6f (10 components)`."""
        return self.readable or (f"{self.id} ({', '.join(self.settings)})" if self.settings else self.id)

    def unlike(self, other: "Evaluation") -> str:
        """Its `words` that do not hold for another one; its id where there are none."""
        return (
            ", ".join(word for word in self.words if word not in other.words)
            or f"evaluation {self.readable or self.id}"
        )

    @property
    def slug(self) -> str:
        """For file names: `fid-inception-2015`."""
        return f"{self.metric}-{self.extractor}" if self.metric != "none" else "no-distances"

    @property
    def title(self) -> str:
        """For headings and axes: `FID`, or `fd on random-conv-64 features`."""
        if self.metric == "none":
            return "no distances"
        official = _OFFICIAL.get(self.metric, "") if self.extractor == FID_EXTRACTOR else ""
        return official or f"{_WORDS.get(self.metric, self.metric)} on {self.extractor} features"

    @property
    def distance(self) -> str:
        """The title without the network, for places with little room: `FID`, or `fd`."""
        return "FID" if self.is_fid else self.metric

    @property
    def notice(self) -> str:
        """A remark to show with every number that is not an FID; "" for FID."""
        if self.metric == "none":
            return "no distance is scored: shown is what needs none"
        return "" if self.is_fid else NOT_FID.format(title=self.title)


NO_DISTANCES = Evaluation("none", "none", "none", "none", trials=0, samples=0, references=0, seeds=())
"""Stands for the evaluation where a data set has scores and no distance among them."""


class Evaluations(NamedTuple):
    """The evaluations of a store that hold distances."""

    shown: list[Evaluation]  # one per metric and extractor, FID first
    aside: list[Evaluation]  # the others, the next best first


@lru_cache(maxsize=4)
def evaluations_of(tables: Tables) -> Evaluations:
    """Which evaluations of a store to show, and which to set aside."""
    scores = tables.scores
    rows = scores[scores["metric"].isin(FRECHET)]
    groups = rows.groupby(["metric", "extractor", "evaluation"], sort=False)
    names = dict(zip(tables.evaluations["evaluation"], tables.evaluations["name"], strict=True))
    found = [_evaluation(str(m), str(x), str(name), group, names.get(name, "")) for (m, x, name), group in groups]
    found.sort(key=lambda e: (-e.trials, len(e.deviations), -e.samples, -e.references, e.id))
    best = {(e.metric, e.extractor): e for e in reversed(found)}
    shown = sorted(best.values(), key=lambda e: (not e.is_fid, e.extractor, e.metric))
    return Evaluations(shown, [evaluation for evaluation in found if evaluation not in shown])


def evaluation_order(tables: Tables) -> list[str]:
    """Every evaluation id of the store, whose rows count first: those shown, those set aside, those without distances.

    For scores that several evaluations may hold of one trial, such as measures of its latents.
    """
    shown, aside = evaluations_of(tables)
    scored = tables.scores[tables.scores["value"].notna()]
    coverage = scored.groupby("evaluation")["key"].nunique().sort_values(ascending=False, kind="stable")
    return list(dict.fromkeys([*(e.id for e in shown), *(e.id for e in aside), *coverage.index]))


def in_order(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Those rows of the scores table that have a value, those of the evaluation that counts first in front."""
    place = {name: place for place, name in enumerate(evaluation_order(tables))}
    rows = rows[rows["value"].notna()]
    return rows.iloc[rows["evaluation"].map(place).to_numpy().argsort(kind="stable")]


def of_first_evaluation(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The rows that have the same evaluation as the first row of their group, so that each group has a single evaluation."""
    return rows[rows["evaluation"] == rows.groupby(by)["evaluation"].transform("first")]


def by_trial(rows: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and standard errors: index `key`, one column per name in `column`; the first of several rows counts."""
    rows = rows.drop_duplicates(["key", column])
    values, errors = (rows.pivot(index="key", columns=column, values=name) for name in ("value", "stderr"))
    return values, errors


def nothing_by_trial(columns: Iterable[str]) -> pd.DataFrame:
    """What a function that gives measures by trial gives of a store that has none: index `key`, no row, float columns."""
    return pd.DataFrame(index=pd.Index([], dtype="str", name="key"), columns=list(columns), dtype="float64")


def scores_by_trial(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """Index `key`, one float column per name of `SCORES`: the mean over sampling seeds, null without a score."""
    rows = frechet_rows(tables, evaluation)
    return _by_score(rows.assign(score=score_names(rows)).groupby(["score", "key"])["value"].mean())


def errors_by_trial(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """Index `key`, `<name>_stderr` per name of `SCORES`: the standard error of `scores_by_trial`.

    Null where one of the values has none.
    """
    rows = frechet_rows(tables, evaluation)
    rows = rows.assign(score=score_names(rows))
    return _by_score(error_of_mean(rows[rows["value"].notna()], ["score", "key"])).add_suffix("_stderr")


def _by_score(values: pd.Series) -> pd.DataFrame:
    """A column per name of `SCORES` from a series by score and key."""
    return values.unstack("score").reindex(columns=list(SCORES)).rename_axis(columns=None).astype("float64")


def error_of_mean(scores: pd.DataFrame, by: list[str]) -> pd.Series:
    """Standard error of the mean over the sampling seeds of each group of scores; null where one of them has none.

    Sampling seeds draw samples independently, so it is the root of the summed squares over their number. Where an error counts
    the real images too, which the seeds share, it is the root mean square. Errors of kernel distances always did, also in rows
    of older versions, which do not say so.
    """
    shared = scores["stderr_of"].eq(SHARED_ERROR) | scores["metric"].isin(KERNEL)
    groups = scores.assign(square=scores["stderr"] ** 2, shared=shared).groupby(by)
    squares = groups["square"].agg(["sum", "size", "count"])
    divisor = squares["size"].pow(0.5).where(groups["shared"].any(), squares["size"])
    errors: pd.Series = np.sqrt(squares["sum"]) / divisor
    return errors.where(squares["count"] == squares["size"])


def frechet_rows(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """The rows of the scores table that hold this evaluation's distances."""
    scores = tables.scores
    same = (scores["evaluation"] == evaluation.id) & (scores["metric"] == evaluation.metric)
    return scores[same & (scores["extractor"] == evaluation.extractor)]


def _evaluation(metric: str, extractor: str, name: str, rows: pd.DataFrame, readable: str) -> Evaluation:
    scored = rows[rows["value"].notna()]
    samples = scored[scored["source"].isin(SAMPLE_SCORES)]
    return Evaluation(
        id=name,
        metric=metric,
        extractor=extractor,
        sha256=", ".join(rows["extractor_sha256"].dropna().unique()),
        trials=scored["key"].nunique(),
        samples=_largest(samples["n"]),
        references=_largest(samples["n_reference"]),
        seeds=tuple(sorted(rows["sampling_seed"].dropna().astype(int).unique().tolist())),
        deviations=scoring_deviations(scored),
        settings=setting_words(scored),
        readable=readable,
    )


def _largest(column: pd.Series) -> int:
    return int(column.max()) if column.notna().any() else 0
