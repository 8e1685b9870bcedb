"""Which scores may stand side by side: those of one evaluation id.

A store can hold several ways of scoring. Per extractor the one that covers most trials is shown (the last one in the
table where two cover equally many), and the others are named; distances of two evaluations never share an axis, a
table column or a ranking. `fid` is the distance on the hash-checked 2015 Inception network and on nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.tables import Tables

FRECHET = ("fid", "fd")
FID_EXTRACTOR = "inception-2015"
NOT_FID = "fd on {extractor} features: not FID, not comparable with published values"

SCORE_COLUMNS = {
    "reconstruction_train": ("reconstruction", "train"),
    "reconstruction_test": ("reconstruction", "test"),
    "standard_normal": ("standard_normal", None),
    "mvg": ("mvg", None),
    "gmm": ("gmm", None),
}
"""Name of a score -> its source and split (None: whatever split the evaluation compares samples with)."""
SOURCE_NAMES = {
    "reconstruction_train": "Train R",
    "reconstruction_test": "Test R",
    "standard_normal": "N(0, I)",
    "mvg": "MVG",
    "gmm": "GMM",
}
"""The paper's column heads (Tables 2 and 3)."""


@dataclass(frozen=True)
class Evaluation:
    """One way of scoring that is shown, and what the scores table says of it."""

    id: str
    metric: str
    extractor: str
    sha256: str
    """Of the extractor's weights."""
    trials: int
    """Trials with at least one distance."""
    samples: int
    """Most images scored in one row."""
    references: int
    """Most real images in a reference."""
    seeds: tuple[int, ...]
    """Sampling seeds."""

    @property
    def is_fid(self) -> bool:
        """Whether the distances may be held against published FIDs."""
        return self.metric == "fid" and self.extractor == FID_EXTRACTOR

    @property
    def slug(self) -> str:
        """For file names: `fid-inception-2015`."""
        return f"{self.metric}-{self.extractor}"

    @property
    def title(self) -> str:
        """For headings and axes: `FID`, or `fd on random-conv-64 features`."""
        return "FID" if self.is_fid else f"{self.metric} on {self.extractor} features"

    @property
    def notice(self) -> str:
        """What must stand beside every number that is no FID; "" for FID."""
        return "" if self.is_fid else NOT_FID.format(extractor=self.extractor)


def evaluations(tables: Tables) -> tuple[list[Evaluation], list[Evaluation]]:
    """The evaluations to show, one per metric and extractor (FID first), and those set aside."""
    rows = tables.scores[tables.scores["metric"].isin(FRECHET)]
    found = [
        Evaluation(
            id=str(name),
            metric=str(metric),
            extractor=str(extractor),
            sha256=", ".join(group["extractor_sha256"].dropna().unique()),
            trials=group.loc[group["value"].notna(), "key"].nunique(),
            samples=_largest(group["n"]),
            references=_largest(group["n_reference"]),
            seeds=tuple(sorted(group["seed"].dropna().astype(int).unique().tolist())),
        )
        for (metric, extractor, name), group in rows.groupby(["metric", "extractor", "evaluation"], sort=False)
    ]
    best: dict[tuple[str, str], Evaluation] = {}
    for evaluation in found:
        rival = best.get((evaluation.metric, evaluation.extractor))
        if rival is None or evaluation.trials >= rival.trials:
            best[evaluation.metric, evaluation.extractor] = evaluation
    shown = sorted(best.values(), key=lambda e: (not e.is_fid, e.extractor, e.metric))
    return shown, [evaluation for evaluation in found if evaluation not in shown]


def scores_by_trial(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """Index `key`, one float column per name of `SCORE_COLUMNS`: the mean over sampling seeds, null without a score."""
    columns = {name: rows.groupby("key")["value"].mean() for name, rows in _by_score(tables, evaluation)}
    return pd.DataFrame(columns).astype("float64").rename_axis("key")


def errors_by_trial(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """Index `key`, `<name>_stderr` per name of `SCORE_COLUMNS`: the standard error of `scores_by_trial`, null where one of
    its values has none. Sampling seeds draw independently, so the error of their mean is the root of the summed squares
    over their number."""
    columns = {}
    for name, rows in _by_score(tables, evaluation):
        scored = rows[rows["value"].notna()]
        squares = scored.assign(square=scored["stderr"] ** 2).groupby("key")["square"].agg(["sum", "size", "count"])
        errors = np.sqrt(squares["sum"]) / squares["size"]
        columns[f"{name}_stderr"] = errors.where(squares["count"] == squares["size"])
    return pd.DataFrame(columns).astype("float64").rename_axis("key")


def _by_score(tables: Tables, evaluation: Evaluation) -> Iterator[tuple[str, pd.DataFrame]]:
    rows = frechet_rows(tables, evaluation)
    for name, (source, split) in SCORE_COLUMNS.items():
        yield name, rows[(rows["source"] == source) & ((rows["split"] == split) if split else True)]


def frechet_rows(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """The rows of the scores table that hold this evaluation's distances."""
    scores = tables.scores
    same = (scores["evaluation"] == evaluation.id) & (scores["metric"] == evaluation.metric)
    return scores[same & (scores["extractor"] == evaluation.extractor)]


def _largest(column: pd.Series) -> int:
    return int(column.max()) if column.notna().any() else 0
