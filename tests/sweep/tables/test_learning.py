"""Which trainings `status` says to look at."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.sweep.driver.status import read_status
from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.learning import late_improvement, training_warning
from tests.in_process import run_aesweep
from tests.small_store import DONE, copy_at_rest


@pytest.mark.parametrize(
    ("losses", "late"),
    [
        ([1.0 - 0.01 * i for i in range(101)], 0.1),
        ([1.0, 0.5, 0.4], pytest.approx(1 / 6)),
        ([0.7, 0.5, 0.5], 0.0),
        ([0.7, 0.4, 0.5], 0.0),
        ([0.5, 0.6], None),
        ([0.5], None),
    ],
    ids=["straight line", "three epochs", "flat end", "rising end", "rising", "one epoch"],
)
def test_late_improvement_is_the_last_tenths_part_of_the_whole_fall(losses: list[float], late: float | None) -> None:
    assert late_improvement(losses) == (None if late is None else pytest.approx(late))
    shifted = late_improvement([3 + 1000 * loss for loss in losses])
    assert shifted == (None if late is None else pytest.approx(late)), "unit and least value of the loss do not matter"


def test_a_warning_names_the_worse_of_the_two() -> None:
    assert "learnt nothing" in training_warning(0.7, 0.7, 0.5)
    assert training_warning(0.5, 0.7, 0.12) == (
        "it was still improving fast: 12% of the fall of its loss came in the last tenth of its epochs, at least one"
    )
    assert training_warning(0.5, 0.7, 0.05) == training_warning(None, None, None) == ""


def test_status_says_which_trained_models_to_look_at(small_store: Path, tmp_path: Path) -> None:
    root = copy_at_rest(small_store, tmp_path / "store")
    path = root / "tables" / "trials.parquet"
    table = pq.read_table(path)
    assert [(p.name, "learnt nothing" in p.warning) for p in read_status(open_store(root)).poor] == [(DONE.name, True)]
    better = pa.array([0.1 if key == DONE.key else None for key in table["key"].to_pylist()], pa.float64())
    pq.write_table(table.set_column(table.schema.get_field_index("test_bce"), "test_bce", better), path)
    assert [(p.name, p.warning.partition(":")[0]) for p in read_status(open_store(root)).poor] == [
        (DONE.name, "it was still improving fast")
    ]
    shown = run_aesweep("status", root)
    assert f"  look at  {DONE.name}  it was still improving fast: 100%" in shown.out
    assert json.loads(run_aesweep("status", root, "--json").out)["poor"][0]["key"] == DONE.key
    pq.write_table(table.drop_columns(["late_improvement"]), path)  # of an older aesweep
    assert read_status(open_store(root)).poor == []


def test_status_takes_them_from_what_the_fold_noted_and_reads_parquet_only_in_older_stores(
    small_store: Path, tmp_path: Path
) -> None:
    root = copy_at_rest(small_store, tmp_path / "store")
    records = open_store(root).records
    folded = records.folded()
    assert folded is not None and folded.poor is not None and list(folded.poor) == [DONE.key]
    table = root / "tables" / "trials.parquet"
    whole = table.read_bytes()
    table.write_bytes(bytes(len(whole)))
    noted = read_status(open_store(root)).poor
    table.write_bytes(whole)
    records.write(FOLDED, folded.model_copy(update={"poor": None}))
    assert read_status(open_store(root)).poor == noted != []


def test_the_column_follows_from_the_losses(small_store: Path) -> None:
    trials, epochs = (pd.read_parquet(small_store / "tables" / f"{name}.parquet") for name in ("trials", "epochs"))
    losses = epochs[(epochs.key == DONE.key) & (epochs.state == "trained")].sort_values("epoch")["loss"].tolist()
    assert trials[trials.key == DONE.key]["late_improvement"].item() == late_improvement(losses) == 1.0
