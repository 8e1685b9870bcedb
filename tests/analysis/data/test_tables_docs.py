"""docs/tables.md says what the tables hold, and its recipes run."""

import re
from pathlib import Path
from typing import Any

import pytest

from aesweep.sweep.tables.schemas import COLUMNS
from tests.analysis.typed import Grid, MakeStore, Rows
from tests.fresh_process import REPOSITORY

PAGE = REPOSITORY / "docs" / "tables.md"


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_documented_as_the_schema_has_it(table: str) -> None:
    section = re.search(rf"^## {table}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"docs/tables.md has no section {table}"
    rows = [line for line in section[1].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in COLUMNS[table]]


def _run_recipes(store: Path) -> dict[str, Any]:
    """The names that the recipes leave behind, run from first to last."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert code.count('STORE = "runs/quickstart"') == 1
    names: dict[str, Any] = {}
    exec(code.replace('STORE = "runs/quickstart"', f"STORE = {str(store)!r}"), names)
    return names


@pytest.mark.parametrize("states", [{}, {0: "failed", 1: "pending"}])
def test_the_recipes_run_from_first_to_last(
    make_store: MakeStore, grid: Grid, states: dict[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8], epochs=[3]), states=states)
    _run_recipes(store)
    printed = capsys.readouterr().out
    best_picture = Path(printed.splitlines()[-1])
    assert best_picture.is_file() and store in best_picture.parents


@pytest.fixture
def varied(make_store: MakeStore, grid: Grid) -> Path:
    """Two data sets, three variants, two training and two sampling seeds, two ways of scoring; distances that tell which is which."""
    trials = grid(dataset=["digits", "cifar10"], filters=[16], latent_size=[8], seed=[0, 1], epochs=[3])
    trials += grid(filters=[16], latent_size=[8], noise_std=[0.5], freeze_latent=[False, True], epochs=[3])
    trial = {one.key: one for one in trials}

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            one = trial[row["key"]]
            other = row["evaluation"] != SHOWN
            value = 100 + one.seed + 50 * (one.dataset == "cifar10") + 20 * (one.noise_std > 0) + 5 * one.freeze_latent
            value += (10 if row["seed"] else 0) - (2 if row["source"] == "gmm" else 0) - 90 * other
            row |= {"value": value, "stderr": 0.2, "n": 500 if other else 2000}

    ways = tuple((name, "fd", "random-conv-64") for name in (OTHER, SHOWN))
    return make_store(trials, evaluations=ways, sampling_seeds=(0, 1), latent_points=5, edit=edit)


OTHER, SHOWN = "9" * 12, "a" * 12


def test_recipes_never_pool_variants_data_sets_sampling_seeds_or_ways_of_scoring(
    varied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _run_recipes(varied)
    assert found["evaluation"] == SHOWN
    curve = found["curve"].reset_index()
    digits = curve[curve["dataset"] == "digits"].set_index(["noise_std", "freeze_latent"])
    assert digits.loc[(0.0, False), ["mean", "min", "max", "count"]].tolist() == [103.5, 103, 104, 2]
    assert digits.loc[(0.5, False), ["mean", "count"]].tolist() == [123, 1] and digits.loc[(0.5, True), "mean"] == 128
    assert curve.loc[curve["dataset"] == "cifar10", "mean"].tolist() == [153.5]
    assert found["gain"].tolist() == [2.0] * 4
    errors = found["values"].groupby("source")["stderr"].mean()
    assert errors["gmm"] == pytest.approx(0.2 / 2**0.5)  # rows that do not say that seeds share real images
    assert errors["reconstruction"] == pytest.approx(0.2)
    best = found["best"]
    assert best.loc[best["source"] == "gmm", ["dataset", "value"]].to_numpy().tolist() == [
        ["cifar10", 153],
        ["digits", 103],
    ]
    sure = [
        line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.startswith(("digits-", "cifar10-"))
    ]
    assert sure == [["153.0", "True"], ["103.0", "True"]]


def test_the_recipe_on_components_sets_two_evaluations_side_by_side_that_differ_in_nothing_else(
    make_store: MakeStore, grid: Grid
) -> None:
    def more_components(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["source"] == "gmm":
                hundred = row["evaluation"] == OTHER
                row |= {"gmm_components": 100, "value": 7.0} if hundred else {"value": 10.0}
                row |= {"changed_settings": "gmm_tol 0.5"} if row["key"] == rows["trials"][0]["key"] and hundred else {}

    ways = tuple((name, "fd", "random-conv-64") for name in (OTHER, SHOWN))
    trials = grid(model=["dae", "vae"], filters=[16], latent_size=[4], epochs=[3])
    found = _run_recipes(make_store(trials, evaluations=ways, edit=more_components))["by_components"]
    first, second = (trial.key for trial in trials)
    assert found.loc[second, [10, 100]].to_numpy().tolist() == [[10.0, 7.0]]
    assert len(found.loc[first]) == 2 and found.loc[first, [10, 100]].isna().sum().sum() == 2
