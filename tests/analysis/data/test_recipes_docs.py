"""docs/recipes.md: its snippets run, and pandas, DuckDB and Polars give the same answers."""

from typing import Any

import pandas as pd
import pytest

from tests.analysis.typed import Grid, MakeStore, Rows
from tests.documents import ROOT, fenced_python

FRAMES = (
    "best", "lowest", "means", "wide", "gain", "by_components", "shape", "poor", "last", "shares", "cost", "cloud", "reasons",
)  # fmt: skip
PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")


@pytest.fixture
def answers(make_store: MakeStore, grid: Grid) -> dict[str, Any]:
    """What the recipes leave behind, on a store with two seeds, two ways of scoring, failed and pending trials.

    One trial learnt nothing, one was cut short, losses have terms, and errors and p-values vary.
    """
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], seed=[0, 1], epochs=[3])
    ways = tuple((name * 12, "fd", "random-conv-64") for name in "ab")

    def edit(rows: Rows) -> None:
        rows["trials"][2]["test_bce"] = 9.0
        rows["trials"][3]["late_improvement"] = 0.2
        for row in rows["epochs"]:
            term = {"term": "kl", "value": 0.1 * row["epoch"], "weight": 0.5, "share": 0.01 * row["epoch"]}
            row["test_sample_bce"] = row["reconstruction"] + 0.1 * row["epoch"]
            rows["terms"].append({"key": row["key"], "epoch": row["epoch"], **term})
        for place, row in enumerate(rows["scores"]):
            row["value"] = 0.001 * (1 + place % 17) if row["metric"].endswith("_p") else row["value"]
            if row["metric"] == "fd":
                row |= {
                    "stderr": 0.01 + row["value"] / 100,
                    "stderr_shared": "0.004 0.003",
                    "stderr_of": "samples and reference",
                }

    states = {0: "failed", 1: "pending"}
    store = make_store(trials, evaluations=ways, sampling_seeds=(0, 1), states=states, gaussianity=True, edit=edit)
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
    answers["reasons"] = answers["reasons"][["name", "stage", "type", "message"]]
    answers["wide"] = answers["wide"].reset_index().sort_values("name")
    for name in FRAMES:
        expected = as_pandas(answers[name])
        assert len(expected), name
        for library in ("db", "pl"):
            pd.testing.assert_frame_equal(as_pandas(answers[f"{name}_{library}"]), expected, check_dtype=False)
    for name in ("apart", "error"):
        assert answers[f"{name}_db"] == pytest.approx(answers[name]) == answers[f"{name}_pl"], name
    picture = f"{answers['winner']['pictures']}/gmm.png"
    assert picture == f"{answers['pictures_db']}/gmm.png" == f"{answers['winner_pl']['pictures'][0]}/gmm.png"
