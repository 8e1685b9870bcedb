"""docs/recipes.md: its snippets run, and pandas, DuckDB and Polars give the same answers."""

from typing import Any

import pandas as pd
import pytest

from tests.analysis.typed import Grid, MakeStore
from tests.documents import ROOT, fenced_python

PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")


@pytest.fixture
def answers(make_store: MakeStore, grid: Grid) -> dict[str, Any]:
    """What the recipes leave behind, on a store with two seeds, two ways of scoring, failed and pending trials."""
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], seed=[0, 1], epochs=[3])
    ways = tuple((name * 12, "fd", "random-conv-64") for name in "ab")
    store = make_store(trials, evaluations=ways, sampling_seeds=(0, 1), states={0: "failed", 1: "pending"})
    code = "\n".join(fenced_python(PAGE))
    assert code.count('STORE = "runs/quickstart"') == 1
    names: dict[str, Any] = {}
    exec(code.replace('STORE = "runs/quickstart"', f"STORE = {str(store)!r}"), names)
    return names


def as_pandas(frame: Any) -> pd.DataFrame:
    """A frame of any of the three without an index, its columns in one order; nulls are NaN in columns of numbers."""
    plain: pd.DataFrame = pd.DataFrame(frame.to_dict(as_series=False)) if hasattr(frame, "to_dicts") else frame
    plain = plain.rename_axis(columns=None).reset_index(drop=True).sort_index(axis=1)
    return plain.where(plain.notna(), float("nan")).infer_objects()


def test_the_three_libraries_give_the_same_answers(answers: dict[str, Any]) -> None:
    assert answers["evaluation"] == answers["evaluation_db"] == answers["evaluation_pl"]
    answers["last"] = answers["last"][["key", "state", "epoch", "loss", "test_sample_bce"]]
    answers["reasons"] = answers["reasons"][["name", "stage", "type", "message"]]
    answers["wide"] = answers["wide"].reset_index().sort_values("name")
    for name in ("best", "means", "wide", "last", "reasons"):
        expected = as_pandas(answers[name])
        assert len(expected), name
        for library in ("db", "pl"):
            pd.testing.assert_frame_equal(as_pandas(answers[f"{name}_{library}"]), expected, check_dtype=False)
