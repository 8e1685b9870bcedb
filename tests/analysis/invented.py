"""Invented results whose answer is known, for tests of the claims."""

from collections.abc import Callable
from typing import Any

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.models.config import TrialConfig
from tests.analysis.conftest import grid
from tests.analysis.typed import Edit, MakeStore, Rows

FID = ("f" * 12, "fid", "inception-2015")
Score = Callable[[TrialConfig, str], float]
"""(trial, score name) -> value; the name is a column of Table 2."""


def results_of(make_store: MakeStore) -> Callable[..., Results]:
    """`results(trials, score)`: the results of a store of CIFAR-10 in which each score is what `score` says.

    With `bce=True` the test BCE too, in thousandths.
    """

    def make(trials: list[TrialConfig], score: Score, **more: Any) -> Results:
        by_key = {trial.key: trial for trial in trials}

        def known(rows: Rows) -> None:
            for row in rows["scores"]:
                split = f"_{row['split']}" if row["source"] == "reconstruction" else ""
                row["value"] = float(score(by_key[row["key"]], row["source"] + split))
            for row in rows["trials"] if more.get("bce") else ():
                row["test_bce"] = float(score(by_key[row["key"]], "test_bce")) / 1000
            more.get("edit", lambda rows: None)(rows)

        store = make_store(trials, evaluations=(FID,), pictures=False, latent_points=20, edit=known)
        (found,) = all_results(load_tables(store))
        return found

    return make


def trials(**fields: Any) -> list[TrialConfig]:
    """CIFAR-10 trials, the product of the given lists; three seeds where none are given."""
    return grid(**{"dataset": ["cifar10"], "epochs": [2], "seed": [0, 1, 2], **fields})


def known_errors(error: float) -> Edit:
    """An edit: every distance has this standard error."""

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            row["stderr"] = error

    return edit


def bowl(best: int, slope: float) -> Callable[[TrialConfig], float]:
    """A score with its minimum at one latent size."""
    return lambda trial: 50 + slope * abs(trial.latent_size - best) / best
